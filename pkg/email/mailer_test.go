package email

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Everything that a service says no with means that nothing was sent; what it
// does not answer, and what a mailer forgot to classify, does not.
func TestWhatAnErrorOfAMailerMeans(t *testing.T) {
	t.Parallel()
	for _, err := range []error{ErrNotSent, ErrThrottled, ErrQuota, ErrPaused, ErrLater, ErrRecipient, ErrRefused} {
		if !NotSent(fmt.Errorf("mailer: %w", err)) {
			t.Errorf("%v may have been sent", err)
		}
	}
	for _, err := range []error{nil, ErrAmbiguous, errors.New("a mailer that knows none of these"), errors.Join(ErrThrottled, ErrAmbiguous)} {
		if NotSent(err) {
			t.Errorf("%v was certainly not sent", err)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Email address is not verified: ann@example.org, bob@example.org": "Email address is not verified: [address] [address]",
		"550 5.1.1 <ann@example.org>: no such\r\n user\x00here":           "550 5.1.1 [address] no such user here",
		"see ann%40example.org and ann＠example.org":                       "see [address] and [address]",
		strings.Repeat("x", 300):                                          strings.Repeat("x", 200) + "…",
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}
