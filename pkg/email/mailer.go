package email

import (
	"errors"
	"strings"
	"unicode"
)

// The contract of a mailer: what the error of Send means. It is what keeps a
// person from getting one mail twice, and a service's fault from being charged
// to a person. The suite in mailertest holds every mailer to it.
//
//   - nil: the service accepted the mail.
//   - An error that wraps ErrNotSent: the mail was certainly not sent. A service
//     that refuses has not sent, and neither has one that was never reached. The
//     more exact sentinels below all are ErrNotSent too.
//   - Any other error is ambiguous: the mail may be on its way. The sender waits
//     for an event about it and asks at most once more.
//
// A mailer asks once. It tries again by itself only where the first answer said
// for certain that nothing was sent. Its errors carry the service's code and
// never an address: a service's own words go through Mask first.
var (
	// ErrNotSent by itself: the service could not be asked.
	ErrNotSent = errors.New("the mail service could not be asked")
	// ErrThrottled: too many mails in this second or minute. Later it may go.
	ErrThrottled error = notSent("too many mails at once")
	// ErrQuota: the mails of these 24 hours are used up.
	ErrQuota error = notSent("the day's mails are used up")
	// ErrPaused: the service does not let us send now, and says that it is us
	// (suspended, not permitted, not verified, in the sandbox, no such configuration
	// set, wrong credentials). A person must look.
	ErrPaused error = notSent("sending is suspended or not permitted")
	// ErrLater: this recipient cannot be mailed now; others can (greylisting).
	ErrLater error = notSent("the recipient's server asks for a later try")
	// ErrRecipient: this recipient is refused for good.
	ErrRecipient error = notSent("the recipient is refused for good")
	// ErrRefused: the service refused and did not say whose fault it is.
	ErrRefused error = notSent("refused")

	// ErrAmbiguous: no answer, or one that does not say. An adapter returns it where
	// it knows that it does not know; an error that wraps none of these means the
	// same.
	ErrAmbiguous = errors.New("no answer whether the mail was accepted")
)

// notSent is a reason for which a mail was certainly not sent.
type notSent string

func (e notSent) Error() string { return string(e) }

// Is makes every such reason an ErrNotSent.
func (e notSent) Is(target error) bool { return target == ErrNotSent }

// NotSent says whether an error of a mailer means that the mail was certainly
// not sent. An error that also wraps ErrAmbiguous does not.
func NotSent(err error) bool {
	return errors.Is(err, ErrNotSent) && !errors.Is(err, ErrAmbiguous)
}

// Account is what a mail service lets us do now.
type Account struct {
	// PerSecond is how many mails a second are accepted.
	PerSecond float64
	// Remaining24h is how many more may be sent in these 24 hours; -1 means unlimited.
	Remaining24h float64
	// Enabled says that sending is allowed at all.
	Enabled bool
	// Because says why not, in words for an operator, when Enabled is false.
	Because string
}

// Mask makes the words of a mail service fit for a log or a reason to pause:
// every run of characters with an @ in it becomes [address], control characters
// become blanks, and what is longer than 200 characters is cut.
func Mask(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	words := strings.Fields(text)
	for i, w := range words {
		if strings.ContainsAny(w, "@\uff20") || strings.Contains(strings.ToLower(w), "%40") {
			words[i] = "[address]"
		}
	}
	text = strings.Join(words, " ")
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return text
}
