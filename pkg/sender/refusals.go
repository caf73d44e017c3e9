package sender

import (
	"context"
	"errors"
	"net/mail"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/metric"
)

// refusals is what a sender knows of the mails that were refused in a row, for
// reasons that the mail service did not say. One person's mail may be refused for
// what they typed; everybody's is refused for a fault of ours. To tell them apart
// by counting would let anybody with some addresses stop the mail, so a mail to an
// address that is known to be good decides.
type refusals struct {
	// keys are the people whose mail was refused since one was accepted.
	keys map[string]bool
	// vouched is when the test mail was last accepted.
	vouched time.Time
}

const (
	// inARow is after how many different people a test mail is sent.
	inARow = 5
	// vouchFor is how long an accepted test mail counts: less than a refused place
	// is held, so that nobody is tried again on the word of an old test.
	vouchFor = 5 * time.Minute
)

// accepted notes that the service takes mail.
func (s *Service) accepted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refusals.keys)
}

// refused notes a refusal, and tests whether the fault is ours when there were many
// in a row.
func (s *Service) refused(ctx context.Context, key string, now time.Time) {
	if !s.suspect(key, now) {
		return
	}
	s.count(metric.SenderTested)
	_, err := s.Mail.Send(ctx, s.testMail())
	switch {
	case err == nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		clear(s.refusals.keys)
		s.refusals.vouched = now
	case errors.Is(err, email.ErrRefused), errors.Is(err, email.ErrRecipient), errors.Is(err, email.ErrPaused):
		s.pause(ctx, now, "the mail service refuses every mail, one to the test address too: "+err.Error(), time.Time{})
	}
	// Else nothing is known yet: the next refusal tests again.
}

// suspect says that a test is due.
func (s *Service) suspect(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusals.keys == nil {
		s.refusals.keys = map[string]bool{}
	}
	if len(s.refusals.keys) < inARow {
		s.refusals.keys[key] = true
	}
	age := now.Sub(s.refusals.vouched)
	return len(s.refusals.keys) >= inARow && !s.paused && (age >= vouchFor || age < 0) && !s.Test.IsZero()
}

// testMail asks for nothing and says nothing of anybody.
func (s *Service) testMail() email.Message {
	const text = "This mail tests whether mail can be sent. Nobody needs to do anything."
	from := mail.Address{Name: s.Site, Address: s.From}
	return email.Message{
		From: from.String(), To: s.Test.Reveal(), Subject: "Test: " + s.Site, Text: text + "\n", HTML: "<p>" + text + "</p>\n",
		Headers: []email.Header{{Name: "Auto-Submitted", Value: "auto-generated"}},
		Tags:    map[string]string{email.TagTest: "1"},
	}
}
