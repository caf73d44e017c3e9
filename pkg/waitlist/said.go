package waitlist

import (
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/site"
)

// Said is a message of the operator's, which stands on every page of the waiting
// room until it ends by itself. It is replaced and never changed.
type Said struct {
	// Texts are plain text by language, each at most MaxSaid characters. The text of
	// the default language is shown where a language has none.
	Texts map[string]string `json:"texts"`
	// At is since when it stands, Until when it ends, By who said it.
	At    time.Time `json:"at"`
	Until time.Time `json:"until"`
	By    string    `json:"by,omitempty"`
}

// MaxSaid is the longest message, in characters; SaidFor is how long one stands
// that names no end, MaxSaidFor the longest that it may stand.
const (
	MaxSaid    = 200
	SaidFor    = 4 * time.Hour
	MaxSaidFor = 7 * 24 * time.Hour
)

// Validate reports everything that is wrong with a message; standard is the
// language that it must have.
func (s Said) Validate(standard string) error {
	var errs []error
	if s.Texts[standard] == "" {
		errs = append(errs, fmt.Errorf("there is no text in %s, the default language", standard))
	}
	for tag, text := range s.Texts {
		if err := site.Line(text, MaxSaid); err != nil {
			errs = append(errs, fmt.Errorf("the text in %s: %w", tag, err))
		}
	}
	switch {
	case !s.Until.After(s.At):
		errs = append(errs, errors.New("it ends before it begins"))
	case s.Until.Sub(s.At) > MaxSaidFor:
		errs = append(errs, fmt.Errorf("it would stand for %s, and may for %s", s.Until.Sub(s.At).Round(time.Hour), MaxSaidFor))
	}
	return errors.Join(errs...)
}
