package outbox_test

import (
	"context"
	"fmt"
	"net/mail"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/email/mailertest"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
)

// TestTheOutboxIsAMailer holds the twin to the contract that SES and SMTP keep.
func TestTheOutboxIsAMailer(t *testing.T) {
	t.Parallel()
	mailertest.Run(t, open, map[mailertest.Answer]string{
		mailertest.Hang: "a twin has no clock of its own that an answer could be waited for by",
	})
}

func open(t *testing.T) mailertest.Subject {
	var probe twin.Probe
	box := &outbox.Outbox{Now: func() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }, Probe: &probe}
	say := func(err error) func(email.Message) error { return func(email.Message) error { return err } }
	return mailertest.Subject{
		OwnFeedbackID: "no mail leaves the machine",
		Mailer:        box,
		Arrived: func() (all []mailertest.Mail) {
			for _, m := range box.Mails(0) {
				from, err := mail.ParseAddress(m.From)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, mailertest.Mail{
					From: from.Address, To: []string{m.To}, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
					Header: func(name string) string {
						if name == "Reply-To" {
							return m.ReplyTo
						}
						for _, h := range m.Headers {
							if h.Name == name {
								return h.Value
							}
						}
						return ""
					},
				})
			}
			return all
		},
		Answer: func(a mailertest.Answer) {
			switch a {
			case mailertest.Throttle:
				box.Allow(outbox.Allowance{PerSecond: 1})
				if _, err := box.Send(t.Context(), mailertest.Invitation(t, "first")); err != nil {
					t.Fatal(err)
				}
			case mailertest.Quota:
				box.Allow(outbox.Allowance{PerDay: 1})
				if _, err := box.Send(t.Context(), mailertest.Invitation(t, "first")); err != nil {
					t.Fatal(err)
				}
			case mailertest.Pause:
				box.Allow(outbox.Allowance{Suspended: "under review"})
			case mailertest.RefuseRecipient:
				box.Refuse = say(email.ErrRecipient)
			case mailertest.Later:
				box.Refuse = say(email.ErrLater)
			case mailertest.Refuse:
				box.Refuse = say(email.ErrRefused)
			case mailertest.Away:
				box.Refuse = say(fmt.Errorf("dialling: %w", email.ErrNotSent))
			case mailertest.Lose:
				probe.After = func(context.Context, string) error {
					return fmt.Errorf("the connection was closed: %w", email.ErrAmbiguous)
				}
			}
		},
	}
}
