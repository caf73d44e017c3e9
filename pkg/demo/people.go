package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/operator"
	"raincheck/pkg/records"
	"raincheck/pkg/waitlist"
)

// Person serves `raincheck import`, `raincheck forget` and `raincheck bounced`.
func (in *Instance) Person(ctx context.Context, do console.Person, a email.Address) (place console.PersonPlace, err error) {
	key := in.keys.Mailbox(a.Mailbox())
	switch do.Do {
	case "keys":
		return console.PersonPlace{RowKey: in.keys.RowKey(), Now: in.clock.Now()}, nil
	case "join":
		joined, err := in.guests.store.bring(ctx, waitlist.Signup{
			Key: key, Address: a, Language: do.Language, Wanted: do.Wanted, Fields: do.Fields, At: do.Joined,
		}, in.config.Story.Start)
		return console.PersonPlace{New: joined.New}, err
	}
	entry, err := in.store.Entry(ctx, key)
	switch {
	case err == nil:
		place = console.PersonPlace{There: true, Stage: entry.Stage, Joined: entry.Joined, Joining: entry.Joining, Attempt: entry.Attempt, Suppressed: entry.Suppressed, Complained: entry.Complained}
	case errors.Is(err, waitlist.ErrUnreadable):
		place.Unreadable = true
	case !errors.Is(err, waitlist.ErrUnknown):
		return place, err
	}
	if do.Do != "look" && simulated(a.Reveal()) {
		return place, fmt.Errorf("%w: that is one of the simulated people, who are counted to the last", operator.ErrChange)
	}
	switch do.Do {
	case "cameback":
		return place, in.feedback.Handle(ctx, feedback.Event{Kind: do.Kind, Ref: waitlist.Ref{Key: key, Joining: do.Joining}, Attempt: do.Attempt, Provider: a.Provider()})
	case "forget":
		if err := in.store.Forget(ctx, key); err != nil {
			return place, err
		}
		in.guests.store.forget(entry)
	}
	return place, nil
}

// Export serves `raincheck export`.
func (in *Instance) Export(ctx context.Context, to io.Writer, e console.Export) (int, error) {
	return records.Export(ctx, in.store, to, records.Format(e.Format), e.Stages...)
}

// bring puts somebody of a list into the line, at the time that the list has for
// them. Who is said to have joined before the story began is not in its sums.
func (p *personStore) bring(ctx context.Context, s waitlist.Signup, start time.Time) (waitlist.Joined, error) {
	joined, err := p.Store.Join(ctx, s)
	if joined.New {
		p.mu.Lock()
		defer p.mu.Unlock()
		counts := !s.At.Before(start)
		p.here[joined.Ref] = counts
		if counts {
			p.joined++
		}
	}
	return joined, err
}
