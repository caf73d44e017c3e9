package waitlist

import (
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// Said is a message of the operator's, which stands on every page of the waiting
// room until it ends by itself. It is replaced and never changed.
type Said struct {
	// Text is plain text in the default language of the waiting room, at most MaxSaid
	// characters. It is shown where a language has none of Translations, which are by
	// language.
	Text         string            `json:"text"`
	Translations map[string]string `json:"translations,omitempty"`
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

// Stands says that there is a message and that it has not ended.
func (s *Said) Stands(now time.Time) bool { return s != nil && now.Before(s.Until) }

// Validate reports everything that is wrong with a message.
func (s Said) Validate() error {
	var errs []error
	if s.Text == "" {
		errs = append(errs, errors.New("no text in the default language"))
	}
	if err := site.Line(s.Text, MaxSaid); err != nil {
		errs = append(errs, fmt.Errorf("the text: %w", err))
	}
	for tag, text := range s.Translations {
		if _, ok := email.LanguageOf(tag); !ok {
			errs = append(errs, fmt.Errorf("unknown language %q", tag))
		}
		if err := site.Line(text, MaxSaid); err != nil {
			errs = append(errs, fmt.Errorf("the text in %s: %w", tag, err))
		}
	}
	switch {
	case !s.Until.After(s.At):
		errs = append(errs, errors.New("it ends before it begins"))
	case s.Until.Sub(s.At) > MaxSaidFor:
		errs = append(errs, fmt.Errorf("it would stand until %s, and may stand for %d days", s.Until.UTC().Format(time.RFC3339), MaxSaidFor/(24*time.Hour)))
	}
	return errors.Join(errs...)
}
