package sender_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"raincheck/pkg/email"
	"raincheck/pkg/twin/twintest"
)

// careless sends every mail and then answers with whatever its service said, or
// with nothing at all.
type careless struct {
	sent map[string]int
	say  error
}

func (c *careless) Send(_ context.Context, m email.Message) (string, error) {
	c.sent[m.To]++
	return "", c.say
}

// A mailer that does not keep the contract mails nobody more than twice: only an
// error that says so means that nothing was sent.
func TestAtMostTwoMailsWhateverTheMailerAnswers(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]error{
		"a plain error":           errors.New("smtp: 451 try again later"),
		"a context that ran out":  context.DeadlineExceeded,
		"both at once":            fmt.Errorf("%w after %w", email.ErrAmbiguous, email.ErrThrottled),
		"a cancelled connection":  fmt.Errorf("mailer: %w", context.Canceled),
		"no answer, by its name":  email.ErrAmbiguous,
		"an error of its library": &struct{ error }{errors.New("EOF")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			mailer := &careless{sent: map[string]int{}, say: say}
			w.Sender.Mail = mailer
			refs := w.Join("ann")
			for range 60 {
				w.Throttle(1)
				w.Minute()
			}
			if n := mailer.sent["ann@example.org"]; n != 2 {
				t.Fatalf("an hour of ticks sent %d mails to %s", n, refs[0].Key)
			}
		})
	}
}
