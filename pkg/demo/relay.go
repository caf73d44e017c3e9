package demo

import (
	"context"
	"strings"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// mailer is where a mail goes: to the relay if there is one, but for the mails of
// simulated people, which go to the outbox.
type mailer struct{ in *Instance }

// Send sends one mail.
func (m mailer) Send(ctx context.Context, mail email.Message) (string, error) {
	if relay := m.in.config.Relay; relay != nil && !simulated(mail.To) && !strings.HasSuffix(mail.To, "@simulator.amazonses.com") {
		return relay.Mail.Send(ctx, mail)
	}
	return m.in.outbox.Send(ctx, mail)
}

// Account is what may be sent in a second of the waitlist's clock. Where the crowd is
// mailed too, whose mails go nowhere, the relay's rate bounds only the carriers.
func (m mailer) Account(ctx context.Context) (email.Account, error) {
	account, err := m.in.outbox.Account(ctx)
	if relay := m.in.config.Relay; relay != nil && m.in.config.Story.Alone {
		account.PerSecond = relay.PerSecond / max(1, m.in.clock.Speed())
	}
	return account, err
}

// mailPerson hands a message to the sender of people's mails, which lives by the wall.
func (in *Instance) mailPerson(ctx context.Context, m waitlist.Message) {
	slot := m.Slot
	m.Slot = in.config.Now()
	if failed := in.guests.sender.Handle(ctx, []waitlist.Message{m}); len(failed) > 0 {
		m.Slot = slot
		in.queue.Return(m, in.clock.Now().Add(visibility))
	}
}
