package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/feedback"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

const (
	// keptMails is how many mails to the crowd can be read on the console, keptOwn
	// how many to people at a browser.
	keptMails = 200
	keptOwn   = 100
	// batch is how many messages the sender is handed at once, as by SQS.
	batch = 10
	// visibility is when a message that the sender returned comes again.
	visibility = 30 * time.Second
	// transit is how long a mail is on its way, and the event about it too.
	transit = 2 * time.Second
)

// post is where mails are kept to be read, and come by on their way.
type post struct {
	mu    sync.Mutex
	fresh []outbox.Mail // accepted, and not looked at yet
	own   []outbox.Mail // to people at a browser
	crowd []outbox.Mail // the newest of the others
}

// take notes a mail that was accepted. The outbox need not keep its text.
func (p *post) take(m outbox.Mail) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh = append(p.fresh, m)
	into, most := &p.own, keptOwn
	if simulated(m.To) {
		into, most = &p.crowd, keptMails
	}
	if len(*into) >= 2*most {
		*into = append((*into)[:0], (*into)[most:]...)
	}
	*into = append(*into, m)
	return false
}

// all are the mails that can still be read: to people first, then the others,
// the newest first.
func (p *post) all() []outbox.Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []outbox.Mail
	for _, m := range slices.Backward(p.own) {
		out = append(out, m)
	}
	for _, m := range slices.Backward(p.crowd) {
		out = append(out, m)
	}
	return out
}

// deliver hands the sender what has come due, and the mails to those they are to.
func (in *Instance) deliver(ctx context.Context) {
	now := in.clock.Now()
	for {
		messages := in.queue.Receive(now, batch)
		if len(messages) == 0 {
			break
		}
		crowd := messages[:0:0]
		for _, m := range messages {
			if !in.person.is(m.Ref) {
				crowd = append(crowd, m)
				continue
			}
			// The sender of people's mails lives by the wall.
			slot := m.Slot
			m.Slot = in.config.Now()
			if failed := in.letters.Handle(ctx, []waitlist.Message{m}); len(failed) > 0 {
				m.Slot = slot
				in.queue.Return(m, now.Add(visibility))
			}
		}
		for _, i := range in.sender.Handle(ctx, crowd) {
			in.queue.Return(crowd[i], now.Add(visibility))
		}
	}
	in.post.mu.Lock()
	fresh := in.post.fresh
	in.post.fresh = nil
	in.post.mu.Unlock()
	for _, m := range fresh {
		in.arrives(ctx, m, now)
	}
}

// arrives brings one mail to its recipient, and the mail service's word of it
// back.
func (in *Instance) arrives(ctx context.Context, m outbox.Mail, now time.Time) {
	ref, attempt, err := tags(m.Tags)
	if err != nil {
		in.failed(err)
		return
	}
	event := func(kind feedback.Kind) func() {
		return func() {
			e := feedback.Event{Kind: kind, Ref: ref, Attempt: attempt, At: in.clock.Now()}
			if err := in.feedback.Handle(ctx, e); err != nil && ctx.Err() == nil {
				in.failed(err)
			}
		}
	}
	if !simulated(m.To) {
		in.clock.at(now.Add(transit), event(feedback.Delivered))
		return
	}
	message := m.Message
	in.clock.at(now.Add(transit), func() {
		event(feedback.Delivered)()
		in.crowd.read(ctx, message, event(feedback.HardBounce))
	})
}

// tags read what a mail says of the joining that it belongs to.
func tags(t map[string]string) (waitlist.Ref, int, error) {
	joining, err := strconv.Atoi(t[feedback.TagJoining])
	attempt, err2 := strconv.Atoi(t[feedback.TagAttempt])
	if err = errors.Join(err, err2); err != nil || t[feedback.TagKey] == "" {
		return waitlist.Ref{}, 0, fmt.Errorf("a mail's tags do not name its joining: %w", err)
	}
	return waitlist.Ref{Key: t[feedback.TagKey], Joining: joining}, attempt, nil
}

// Mails lists the newest mails, those to people at a browser before the others.
func (in *Instance) Mails(_ context.Context, limit int) ([]console.Mail, error) {
	all := in.post.all()
	out := make([]console.Mail, 0, limit)
	for _, m := range all[:min(limit, len(all))] {
		out = append(out, head(m))
	}
	return out, nil
}

// Mail gives one mail in full.
func (in *Instance) Mail(_ context.Context, id string) (console.Mail, bool, error) {
	for _, m := range in.post.all() {
		if m.ID != id {
			continue
		}
		mail := head(m)
		mail.From, mail.Text, mail.HTML = m.From, m.Text, m.HTML
		mail.Headers = [][2]string{{"From", m.From}, {"To", m.To}, {"Subject", m.Subject}}
		for _, h := range m.Headers {
			mail.Headers = append(mail.Headers, [2]string{h.Name, h.Value})
		}
		return mail, true, nil
	}
	return console.Mail{}, false, nil
}

func head(m outbox.Mail) console.Mail {
	return console.Mail{ID: m.ID, At: m.At, To: m.To, Subject: m.Subject, Person: !simulated(m.To)}
}
