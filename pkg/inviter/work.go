package inviter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/waitlist"
)

// horizon is how far ahead slots are given out. The next tick comes within a
// minute and plans from where this one ends; a little more lets a tick that comes
// late find its mails under way.
const horizon = 75 * time.Second

// work does what is due and invites the oldest.
func (t *tick) work(ctx context.Context) error {
	if err := t.selfPause(ctx); err != nil {
		return err
	}
	due, err := t.oldest(ctx, cmp.Or(t.MaxDue, DefaultMaxDue), true, t.now)
	if err != nil {
		return fmt.Errorf("finding what is due: %w", err)
	}
	if !t.control.Paused && slices.ContainsFunc(due, t.unanswered) {
		if err := t.askAccount(ctx); err != nil {
			t.fault("asking for the mail account", err)
		}
	}
	slots := waitlist.NewSlots(t.now, t.lease.SlotsUntil, admission.MailShare*t.rate())
	end := t.now.Add(horizon)
	again, err := t.due(ctx, due, slots.Free(end))
	if err != nil {
		t.fault("working off what is due", err)
	}
	n := min(t.invitations(), slots.Free(end)-len(again))
	var chosen []waitlist.Place
	if n > 0 {
		if chosen, err = t.oldest(ctx, n, false, time.Time{}); err != nil {
			return fmt.Errorf("finding the oldest: %w", err)
		}
	}
	if len(again)+len(chosen) == 0 {
		return nil
	}
	var messages []waitlist.Message
	for _, p := range again {
		messages = append(messages, p.NewMessage(p.Claim, slots.Next()))
	}
	for _, p := range chosen {
		messages = append(messages, p.NewMessage(t.at, slots.Next()))
	}
	// First the slots: should this tick die, the next one begins behind them. And
	// this is the fence: a tick that lost its lease stops here.
	if err := t.Store.Reserve(ctx, t.at, slots.Until()); err != nil {
		return fmt.Errorf("reserving the slots: %w", err)
	}
	if err := t.tookNow(ctx, len(chosen)); err != nil {
		return err
	}
	return t.hand(ctx, messages, again, chosen)
}

// unanswered says that a second mail may be sent to an entry that is due.
func (t *tick) unanswered(p waitlist.Place) bool {
	return !p.Unreadable && p.Stage == waitlist.Sending && p.Attempt < waitlist.MaxAttempts && p.Expires.After(t.now)
}

// selfPause writes a pause down that the account asks for, for the senders to
// see.
func (t *tick) selfPause(ctx context.Context) error {
	if t.report.Paused == "" || t.control.Paused {
		return nil
	}
	var resume time.Time
	if t.account.Enabled {
		resume = t.now.Add(quotaCheck)
	}
	return t.change(ctx, func(c *waitlist.Control) { c.Pause(t.report.Paused, resume) })
}

// tookNow takes those invited off what the operator asked for beside the law,
// before they are claimed: after a crash too few were invited and not too many.
func (t *tick) tookNow(ctx context.Context, n int) error {
	if t.control.InviteNow <= 0 || n == 0 {
		return nil
	}
	return t.change(ctx, func(c *waitlist.Control) { c.InviteNow = max(0, c.InviteNow-n) })
}

// oldest finds the oldest of one half of the line.
func (t *tick) oldest(ctx context.Context, n int, due bool, until time.Time) ([]waitlist.Place, error) {
	return waitlist.Oldest(n, due, t.control.Readers(), until, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		errs := make([]error, len(queries))
		t.each(len(queries), func(i int) { pages[i], errs[i] = t.Store.Page(ctx, queries[i]) })
		return pages, errors.Join(errs...)
	})
}

// due works off what is due, but for mails that are to be asked for again: at
// most most of them are returned, the others wait.
func (t *tick) due(ctx context.Context, places []waitlist.Place, most int) (again []waitlist.Place, err error) {
	var rest []waitlist.Place
	for _, p := range places {
		if len(again) < most && t.unanswered(p) {
			again = append(again, p)
		} else {
			rest = append(rest, p)
		}
	}
	errs := make([]error, len(rest))
	t.each(len(rest), func(i int) { errs[i] = t.step(ctx, rest[i]) })
	for i, p := range rest {
		switch {
		case errs[i] != nil:
			if !errors.Is(errs[i], waitlist.ErrStale) {
				err = errors.Join(err, errs[i])
			}
		case p.Unreadable:
			t.report.Buried++
			t.count("inviter.buried", 1)
		case p.Stage == waitlist.Claimed:
			t.report.GivenBack++
			t.state.Tally.Waiting++
			t.count("inviter.givenback", 1)
		case !p.Expires.After(t.now):
			t.report.Expired++
			t.count("inviter.expired", 1)
		case p.Stage == waitlist.Sending && p.Attempt >= waitlist.MaxAttempts:
			t.report.Taken++
			t.count("inviter.taken", 1)
		}
	}
	return again, err
}

// step is one due entry's.
func (t *tick) step(ctx context.Context, p waitlist.Place) error {
	switch {
	case p.Unreadable:
		return t.Store.Bury(ctx, p.Key, t.now)
	case p.Stage == waitlist.Claimed:
		// Nobody began it: the message was lost, or never written.
		return t.Store.GiveBack(ctx, p.NewMessage(p.Claim, t.now), waitlist.Claimed)
	case !p.Expires.After(t.now):
		return t.Store.Expire(ctx, p.Ref, t.now)
	case p.Stage == waitlist.Sending && p.Attempt >= waitlist.MaxAttempts:
		// Two mails, two silences: taken as invited. A third mail is worse than none.
		return t.Store.Accept(ctx, p.Ref, p.Attempt, t.now)
	case p.Stage == waitlist.Sending:
		// No slot for it now, or sending is paused: later.
		return t.Store.Retry(ctx, p.NewMessage(p.Claim, t.now), t.now.Add(waitlist.Silence/3))
	}
	// Invited with a living code and due: a clock that was ahead. It comes again.
	return waitlist.ErrStale
}

// hand claims the chosen, makes the unanswered due again, and gives the messages
// of all that worked to the sender.
func (t *tick) hand(ctx context.Context, messages []waitlist.Message, again, chosen []waitlist.Place) error {
	errs := make([]error, len(messages))
	t.each(len(messages), func(i int) {
		m := messages[i]
		due := waitlist.ClaimDue(m.Slot)
		switch {
		case i < len(again):
			errs[i] = t.Store.Retry(ctx, m, due)
		case chosen[i-len(again)].Unreadable:
			errs[i] = t.Store.Bury(ctx, m.Key, t.now)
		default:
			errs[i] = t.Store.Claim(ctx, chosen[i-len(again)], t.at, due)
		}
	})
	var failed error
	ready := messages[:0]
	for i, m := range messages {
		switch {
		case errors.Is(errs[i], waitlist.ErrStale):
			// Left meanwhile, or answered for.
		case errs[i] != nil:
			failed = errors.Join(failed, errs[i])
		case i < len(again):
			t.report.Retried++
			ready = append(ready, m)
		case chosen[i-len(again)].Unreadable:
			t.report.Buried++
			t.state.Tally = t.state.Tally.Take(1)
			t.count("inviter.buried", 1)
		default:
			t.report.Claimed++
			t.state.Tally = t.state.Tally.Take(1)
			if p := chosen[i-len(again)]; p.When.After(t.report.Front) {
				t.report.Front = p.When
			}
			ready = append(ready, m)
		}
	}
	if t.report.Claimed > 0 {
		t.count("inviter.claimed", float64(t.report.Claimed))
	}
	if t.report.Retried > 0 {
		t.count("inviter.retried", float64(t.report.Retried))
	}
	if failed != nil {
		// One error for all: the first says what the matter is.
		failed = fmt.Errorf("claiming: %w", failed)
	}
	if len(ready) > 0 {
		if err := t.Queue.Enqueue(ctx, ready); err != nil {
			// Who is not sent is given back when the claim is due.
			failed = errors.Join(failed, fmt.Errorf("handing mails to the sender: %w", err))
		}
	}
	return failed
}
