package intake

import (
	"regexp"
	"testing"
)

// FuzzIsTag holds it to the expression that it stands for.
func FuzzIsTag(f *testing.F) {
	tag := regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`)
	for _, s := range []string{"en", "zh-Hant-TW", "es-419", "x", "engl", "e1", "en-", "-en", "en-a", "de-1996-abcdefgh-ij", "en-us-aa-bb-cc", "de-abcdefghi", "e\n", "en_us", "@@", "[[", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isTag(s), tag.MatchString(s); got != want {
			t.Errorf("%q: %t, want %t", s, got, want)
		}
	})
}
