package smoke

import (
	"context"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// store is what the canary's own place needs of the waitlist; the contracts are
// in waitlisttest.Store.
type store interface {
	Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error)
	Entry(ctx context.Context, key string) (waitlist.Entry, error)
	Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error
	Forget(ctx context.Context, key string) error
}

// queue takes the message for the sender.
type queue interface {
	Enqueue(ctx context.Context, messages []waitlist.Message) error
}

// Own is the canary's own place on a waitlist.
type Own struct {
	Store store
	Queue queue
	Keys  func(ctx context.Context) (*bypass.Keyring, error)
	Now   func() time.Time
}

func (o Own) entry(ctx context.Context, a email.Address) (waitlist.Entry, string, error) {
	keys, err := o.Keys(ctx)
	if err != nil {
		return waitlist.Entry{}, "", err
	}
	key := keys.Mailbox(a.Mailbox())
	entry, err := o.Store.Entry(ctx, key)
	return entry, key, err
}

// Look finds the place; waitlist.ErrUnknown when there is none.
func (o Own) Look(ctx context.Context, a email.Address) (Seen, error) {
	entry, _, err := o.entry(ctx, a)
	if err != nil {
		return Seen{}, err
	}
	return Seen{Mine: entry.Address == a, Age: o.Now().Sub(entry.Joined), Stage: entry.Stage, Code: string(entry.Code)}, nil
}

// soon is how long after the claim the mail may go out: the queue delays by
// whole seconds, and a sender waits for the second.
const soon = time.Second

// Invite claims the entry and asks the sender for its mail. The name of its
// cohort is the moment of the claim, which is not a tick of the inviter: the law
// counts whoever comes back from it as an arrival and learns nothing from it.
func (o Own) Invite(ctx context.Context, a email.Address) error {
	control, _, err := o.Store.Notice(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("reading whether sending is paused: %w", err)
	case control.Paused && control.PausedBecause != "":
		return errors.New("the mail is paused: " + control.PausedBecause)
	case control.Paused:
		return fmt.Errorf("%w: the mail is paused", ErrOff)
	}
	entry, _, err := o.entry(ctx, a)
	if err != nil {
		return err
	}
	if entry.Stage != waitlist.Waiting {
		return nil // the inviter was faster
	}
	now := o.Now()
	claim, slot := now.UTC().Truncate(time.Millisecond), now.Add(soon)
	place := waitlist.Place{Ref: entry.Ref, Shard: entry.Shard, When: entry.Joined, Stage: entry.Stage}
	if err := o.Store.Claim(ctx, place, claim, waitlist.ClaimDue(slot)); err != nil {
		if errors.Is(err, waitlist.ErrStale) {
			return nil
		}
		return fmt.Errorf("claiming it: %w", err)
	}
	if err := o.Queue.Enqueue(ctx, []waitlist.Message{place.NewMessage(claim, slot)}); err != nil {
		return fmt.Errorf("asking for its mail: %w", err)
	}
	return nil
}

// Forget removes the place. A code's item that was used stays until its time to
// live: it names nobody.
func (o Own) Forget(ctx context.Context, a email.Address) error {
	keys, err := o.Keys(ctx)
	if err != nil {
		return err
	}
	return o.Store.Forget(ctx, keys.Mailbox(a.Mailbox()))
}
