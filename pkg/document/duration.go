package document

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that JSON knows as "4h0m0s".
type Duration time.Duration

// String is the duration in Go's notation.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes "4h0m0s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads Go's notation: "90s", "4h", "1h30m".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("invalid duration %q: want a value such as 4h or 1h30m", text)
	}
	*d = Duration(v)
	return nil
}

// Minutes is d as a number of minutes.
func (d Duration) Minutes() float64 { return time.Duration(d).Minutes() }
