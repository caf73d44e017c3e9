package simulation

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Demand finds a trace by its name: HealthCare, which is built in; FAMILY-NUMBER,
// a generated one (see Generate); or a CSV file, of which a row stands for step.
func Demand(name string, step time.Duration) (Trace, error) {
	if name == HealthCare {
		return Builtin(name)
	}
	if family, number, ok := strings.Cut(name, "-"); ok {
		if seed, err := strconv.ParseUint(number, 10, 64); err == nil {
			return Generate(family, seed)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return Trace{}, fmt.Errorf("--trace: %w (a file, or %s)", err, HealthCare)
	}
	defer f.Close()
	t, err := ReadTrace(name, f, step)
	t.Name = strings.TrimSuffix(filepath.Base(name), ".csv")
	return t, err
}

// ParseSpan reads FROM-UNTIL, in minutes of a day: 660-690.
func ParseSpan(text string) (s Span, err error) {
	from, until, ok := strings.Cut(text, "-")
	var err1, err2 error
	s.From, err1 = strconv.Atoi(from)
	s.Until, err2 = strconv.Atoi(until)
	if !ok || err1 != nil || err2 != nil || s.From < 0 || s.Until <= s.From {
		return Span{}, errors.New("it is FROM-UNTIL, in minutes of the day, such as 660-690")
	}
	return s, nil
}

// ParseDrop reads FROM-UNTIL:SHARE, a span and the share of its capacity that the
// site keeps in it: 660-720:0.7.
func ParseDrop(text string) (Span, float64, error) {
	span, share, _ := strings.Cut(text, ":")
	s, err1 := ParseSpan(span)
	to, err2 := strconv.ParseFloat(share, 64)
	if err1 != nil || err2 != nil || !(to > 0 && to <= 1) {
		return Span{}, 0, errors.New("it is FROM-UNTIL:SHARE, in minutes and a share above 0, such as 660-720:0.7")
	}
	return s, to, nil
}

// ParseJump reads MINUTE:RATE, the minute from which the invited come back at
// another rate: 720:0.9.
func ParseJump(text string) (minute int, rate float64, err error) {
	at, to, _ := strings.Cut(text, ":")
	minute, err1 := strconv.Atoi(at)
	rate, err2 := strconv.ParseFloat(to, 64)
	if err1 != nil || err2 != nil || minute < 1 || !(rate >= 0 && rate <= 1) {
		return 0, 0, errors.New("it is MINUTE:RATE, such as 720:0.9")
	}
	return minute, rate, nil
}

// ParseNumbers reads NAME=NUMBER,NAME=NUMBER into the numbers of these names.
func ParseNumbers(text string, into map[string]*float64) error {
	set := map[string]func(string) error{}
	for name, number := range into {
		set[name] = func(v string) (err error) {
			*number, err = strconv.ParseFloat(v, 64)
			return err
		}
	}
	return parsePairs(text, set)
}

// ReadReturns reads how soon the invited come back: median=2h,sigma=1.5, or one of
// the two.
func (p *People) ReadReturns(text string) error {
	return parsePairs(text, map[string]func(string) error{
		"median": func(v string) (err error) { p.ReturnMedian, err = time.ParseDuration(v); return err },
		"sigma":  func(v string) (err error) { p.ReturnSigma, err = strconv.ParseFloat(v, 64); return err },
	})
}

// parsePairs reads NAME=VALUE,NAME=VALUE.
func parsePairs(text string, set map[string]func(string) error) error {
	for _, pair := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		read, ok := set[name]
		if !ok {
			return fmt.Errorf("unknown %q: want one or more of %s", name, strings.Join(slices.Sorted(maps.Keys(set)), ", "))
		}
		if read(value) != nil {
			return fmt.Errorf("invalid %s %q", name, value)
		}
	}
	return nil
}
