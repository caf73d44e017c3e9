package undelivered

import (
	"context"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Release takes suppressions back that were wrong.
type Release struct {
	Store interface {
		Each(ctx context.Context, f func(waitlist.Entry) error) error
		Forget(ctx context.Context, key string) error
	}
	// Keys gives the key of a mailbox, and List is the mail service's own list of
	// suppressed addresses; both are nil where it keeps none.
	Keys interface{ Mailbox(mailbox string) string }
	List interface {
		Each(ctx context.Context, complaint bool, since time.Time, f func(address string) error) error
		Remove(ctx context.Context, address string) error
	}
	// Complaint chooses those of a complaint, else of a bounce, and Since those of that
	// time or later.
	Complaint bool
	Since     time.Time
	// Apply does it; without it nothing is changed.
	Apply bool
}

// Do gives how many mailboxes are released, and how many of them were on the mail
// service's list too. The error is the store's or the list's: do it again, which goes
// on where it stopped.
func (r Release) Do(ctx context.Context) (mailboxes, listed int, err error) {
	wrong, err := r.suppressed(ctx)
	if err != nil {
		return 0, 0, err
	}
	if r.List != nil {
		// First, so that the next run finds the same people should this stop half-way.
		err = r.List.Each(ctx, r.Complaint, r.Since, func(address string) error {
			a, err := email.Parse(address)
			if err != nil || !wrong[r.Keys.Mailbox(a.Mailbox())] {
				return nil // another sender's
			}
			listed++
			if !r.Apply {
				return nil
			}
			return r.List.Remove(ctx, address)
		})
		if err != nil {
			return len(wrong), listed, err
		}
	}
	if r.Apply {
		for key := range wrong {
			if err := r.Store.Forget(ctx, key); err != nil {
				return len(wrong), listed, err
			}
		}
	}
	return len(wrong), listed, nil
}

// suppressed finds the keys of those who ended since then by a bounce, or by a
// complaint. Who waits under a later joining is not among them.
func (r Release) suppressed(ctx context.Context) (map[string]bool, error) {
	keys := map[string]bool{}
	err := r.Store.Each(ctx, func(e waitlist.Entry) error {
		if e.Suppressed && e.Complained == r.Complaint && e.Stage.Ended() && !e.Ended.Before(r.Since) {
			keys[e.Key] = true
		}
		return nil
	})
	return keys, err
}
