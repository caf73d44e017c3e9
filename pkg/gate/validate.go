package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"raincheck/pkg/bypass"
)

// MinPassLife keeps a pass longer than it takes to read a page and go on.
const MinPassLife = time.Minute

var (
	// Compiled at their first use: a function that validates nothing starts faster.
	languageTag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}$`) })
	urlSafe     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]*$`) })
)

// Validate returns every problem at once, each naming its field.
func (g Gate) Validate() error {
	errs := []error{
		share("admit", g.Admit), share("stale", g.Stale), validMode(g.Mode),
		wholeSeconds("until", g.Until), wholeSeconds("switched", g.Switched),
		g.Settings.Validate(), validKeys(g.Keys), validSalt(g.Salt),
	}
	if g.Mode != Open {
		if g.Salt == "" {
			errs = append(errs, fmt.Errorf("salt is missing, and mode %s draws with it", g.Mode))
		}
		if g.PassLife == 0 || g.Sample == 0 || len(g.Keys) == 0 {
			errs = append(errs, fmt.Errorf("pass, sample or keys are missing, and mode %s needs them", g.Mode))
		}
	}
	if g.Mode == Hold && g.Admit != 0 {
		errs = append(errs, fmt.Errorf("admit is %g, and hold admits nobody", g.Admit))
	}
	switch {
	case g.Fixed && g.Mode != Throttle:
		errs = append(errs, fmt.Errorf("fixed goes with mode throttle, not with %q", g.Mode))
	case g.Fixed && !g.Until.IsZero():
		errs = append(errs, errors.New("until is there, and a fixed share has no end"))
	case g.Mode == Throttle && !g.Fixed && g.Admit < 1 && g.Until.IsZero():
		errs = append(errs, errors.New("until is missing, and without it a dead controller would turn people away for ever"))
	}
	return errors.Join(errs...)
}

// Validate returns every problem at once, each naming its field.
func (b Base) Validate() error {
	errs := []error{
		share("stale", b.Stale), b.Settings.Validate(), validKeys(b.Keys), validSalt(b.Salt),
	}
	if b.Mode != "" {
		errs = append(errs, validMode(b.Mode))
	}
	if _, err := ParseFailure(string(b.Failure)); err != nil {
		errs = append(errs, fmt.Errorf("failure: %w", err))
	}
	if b.Failure == FailHold && (b.Salt == "" || b.PassLife == 0 || b.Sample == 0 || len(b.Keys) == 0) {
		errs = append(errs, errors.New("salt, pass, sample or keys are missing, and failure hold needs them"))
	}
	return errors.Join(errs...)
}

// checkPrefix says what is wrong with a path prefix, which is of a strict path or of
// one that is left alone.
func checkPrefix(p string, strict bool) error {
	switch {
	case len(p) > maxPlain:
		return fmt.Errorf("the path prefix that begins with %q has %d bytes: at most %d of a path are looked at", p[:20], len(p), maxPlain)
	case !plain(p) || p[0] != '/' || p == "/" || strings.ContainsAny(p, "?\"<>&"):
		return fmt.Errorf("invalid path prefix %q: want a slash and more, with neither a query nor spaces, and spelled as a browser spells it", p)
	case strict && strings.ContainsAny(p, "!$'()*+,:;=@[]^`{|}"), escapesASCII(p):
		return fmt.Errorf("invalid path prefix %q: want letters, digits and any of / - . _ ~, which have one spelling", p)
	case strict && neverGated(p):
		return fmt.Errorf("invalid path prefix %q: what is under it is never gated", p)
	case strict && p != strings.ToLower(p):
		return fmt.Errorf("invalid path prefix %q: want lower case, which stands for every spelling", p)
	}
	return nil
}

// Validate returns every problem at once, each naming its field.
func (s Settings) Validate() error {
	var errs []error
	for name, prefixes := range map[string][]string{"alone": s.LeaveAlone, "strict": s.Strict} {
		for _, p := range prefixes {
			if err := checkPrefix(p, name == "strict"); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	if len(s.Strict) > 0 && len(s.Languages) == 0 {
		errs = append(errs, errors.New("lang is missing, and the answers under strict paths name the waiting room by it"))
	}
	for i, l := range s.Languages {
		if !languageTag().MatchString(l) {
			errs = append(errs, fmt.Errorf("lang: %q is not a language tag in lower case, such as es or pt-br", l))
		}
		for _, other := range s.Languages[:i] {
			if l == other {
				errs = append(errs, fmt.Errorf("lang: %q is there twice", l))
			}
		}
	}
	if s.PassLife != 0 && (s.PassLife < MinPassLife || s.PassLife > bypass.MaxPassLife || s.PassLife%time.Second != 0) {
		errs = append(errs, fmt.Errorf("pass: %s is not between %s and %s in whole seconds", s.PassLife, MinPassLife, bypass.MaxPassLife))
	}
	if s.Sample < 0 || s.Sample > 10_000 {
		errs = append(errs, fmt.Errorf("sample: 1 in %d is not between 1 in 1 and 1 in 10,000", s.Sample))
	}
	return errors.Join(errs...)
}

func validMode(m Mode) error {
	_, err := ParseMode(string(m))
	if err != nil {
		return fmt.Errorf("mode: %w", err)
	}
	return nil
}

// share refuses NaN too, for which every comparison is false.
func share(name string, v float64) error {
	if v >= 0 && v <= 1 {
		return nil
	}
	return fmt.Errorf("%s is %g, and a share is between 0 and 1", name, v)
}

func wholeSeconds(name string, t time.Time) error {
	if t.IsZero() || t.Unix() > 0 && t.Nanosecond() == 0 {
		return nil
	}
	return fmt.Errorf("%s is not in whole seconds since 1970", name)
}

func validSalt(s string) error {
	if urlSafe().MatchString(s) && (s == "" || len(s) >= 8 && len(s) <= 64) {
		return nil
	}
	return errors.New("salt is not 8 to 64 of the characters A-Z a-z 0-9 _ -")
}

func validKeys(keys bypass.PassKeys) error {
	var seen [8]bool
	for _, k := range keys {
		switch {
		case k.ID < 0 || k.ID > 7:
			return fmt.Errorf("keys: an id is %d, and ids go from 0 to 7", k.ID)
		case seen[k.ID]:
			return fmt.Errorf("keys: the id %d is there twice", k.ID)
		case len(k.Key) < bypass.MinSecret || !urlSafe().MatchString(k.Key):
			return fmt.Errorf("keys: key %d is not at least %d of the characters A-Z a-z 0-9 _ -", k.ID, bypass.MinSecret)
		case k.NotBefore.Nanosecond() != 0 || unix(k.NotBefore) < 0:
			return fmt.Errorf("keys: the start of key %d is not in whole seconds since 1970", k.ID)
		}
		seen[k.ID] = true
	}
	return nil
}

// Fit says whether the settings leave room for all else that a document may hold:
// three generations of keys, in a week with a rotation. The error names the
// longest of the settings.
func (s Settings) Fit() error {
	g := Gate{
		Mode: Throttle, Admit: 0.123, Salt: strings.Repeat("s", 16), Until: fromUnix(lastSecond / 100), Stale: 0.125, Switched: fromUnix(lastSecond / 100),
		// The lengths of the other settings are those of the longest values.
		Settings: Settings{LeaveAlone: s.LeaveAlone, Strict: s.Strict, Languages: s.Languages, PassLife: bypass.MaxPassLife, Sample: 10_000},
	}
	for id := range 3 {
		g.Keys = append(g.Keys, bypass.PassKey{ID: id, Key: strings.Repeat("k", bypass.MinSecret), NotBefore: fromUnix(lastSecond / 100)})
	}
	if err := g.Settings.Validate(); err != nil {
		// That is said by whoever validates.
		return nil
	}
	_, err := g.Encode()
	return err
}

// longest names the longest of the settings, with its size in the documents.
func (s Settings) longest() string {
	var longest string
	size := 0
	for _, c := range []struct {
		what   string
		values []string
	}{{"prefixes to leave alone", s.LeaveAlone}, {"strict prefixes", s.Strict}, {"languages", s.Languages}} {
		text, _ := json.Marshal(c.values)
		if len(text) > size {
			size, longest = len(text), fmt.Sprintf("the %d %s (%d bytes)", len(c.values), c.what, len(text))
		}
	}
	return longest
}

// escapesASCII says that a path has a character of ASCII percent-encoded.
func escapesASCII(path string) bool {
	for i := range len(path) - 1 {
		if path[i] == '%' && path[i+1] < '8' {
			return true
		}
	}
	return false
}
