package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

const (
	// batch is how many messages the sender is handed at once, as by SQS.
	batch = 10
	// visibility is when a message that the sender returned comes again.
	visibility = 30 * time.Second
	// transit is how long a mail is on its way, and the event about it too.
	transit = 2 * time.Second
)

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
			if !in.guests.store.is(m.Ref) {
				crowd = append(crowd, m)
				continue
			}
			if in.config.Relay == nil {
				in.mailPerson(ctx, m)
				continue
			}
			if !in.guests.carriage.Take(m) {
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
		in.clock.At(now.Add(transit), event(feedback.Delivered))
		return
	}
	message := m.Message
	in.clock.At(now.Add(transit), func() {
		event(feedback.Delivered)()
		in.crowd.read(ctx, message, event(feedback.HardBounce))
	})
}

// tags read what a mail says of the joining that it belongs to.
func tags(t map[string]string) (waitlist.Ref, int, error) {
	joining, err := strconv.Atoi(t[email.TagJoining])
	attempt, err2 := strconv.Atoi(t[email.TagAttempt])
	if err = errors.Join(err, err2); err != nil || t[email.TagKey] == "" {
		return waitlist.Ref{}, 0, fmt.Errorf("a mail's tags do not name its joining: %w", err)
	}
	return waitlist.Ref{Key: t[email.TagKey], Joining: joining}, attempt, nil
}
