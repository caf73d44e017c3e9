package inviter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// horizon is how far ahead slots are given out. The next tick comes within a
// minute and plans from where this one ends; a little more lets a tick that comes
// late find its mails under way.
const horizon = 75 * time.Second

// mailing is what a tick knows about sending mail.
type mailing struct {
	// account is nil when the mail service was not asked, or did not answer.
	account *email.Account
	// pace is the share of the service's rate that is planned for.
	pace float64
	// paused is why nothing is sent; empty while sending is on.
	paused string
	// person says that only a person can end that pause.
	person bool
}

// plan is what a tick has found out by the time that it turns to the line.
type plan struct {
	// invite is how many the law invites, because the ruling's reason.
	invite  int
	because string
	// waiting is how many wait.
	waiting int
	// slotsUntil is up to when earlier ticks gave slots out.
	slotsUntil time.Time
	mail       mailing
}

// work does what is due and invites the oldest: as many as the law says, beside
// what the operator asks for. It returns control, the ruling's reason with what
// made the invitations another number in front, and what was done.
func (s *Service) work(ctx context.Context, when moment, control waitlist.Control, plan plan, faults *faults) (waitlist.Control, string, Done, error) {
	mail, because := plan.mail, plan.because
	control, err := s.pauseSending(ctx, when.now, control, mail)
	if err != nil {
		return control, because, Done{}, err
	}
	due, err := s.oldest(ctx, cmp.Or(s.MaxDue, DefaultMaxDue), true, control.Readers(), when.now)
	if err != nil {
		return control, because, Done{}, fmt.Errorf("finding what is due: %w", err)
	}
	if !control.Paused && slices.ContainsFunc(due, func(p waitlist.Place) bool { return unanswered(p, when.now) }) {
		mail.account = s.askAccount(ctx, mail.account, faults)
	}
	slots := waitlist.NewSlots(when.now, plan.slotsUntil, admission.MailShare*mailRate(control, mail.account, mail.pace))
	end := when.now.Add(horizon)
	again, done, err := s.settleDue(ctx, when.now, due, slots.Free(end))
	if err != nil {
		faults.add("working off what is due", err)
	}
	law, asked, because := invitations(plan.invite, control, plan.waiting, mail.paused, because)
	var chosen []waitlist.Place
	if n := min(law+asked, cmp.Or(max(0, s.MaxClaims), DefaultMaxClaims), slots.Free(end)-len(again)); n > 0 {
		if chosen, err = s.oldest(ctx, n, false, control.Readers(), time.Time{}); err != nil {
			return control, because, done, fmt.Errorf("finding the oldest: %w", err)
		}
	}
	chosen, left := choose(chosen, control, law, asked, when.now)
	if mail.paused == "" {
		if control, err = s.takeOffAsked(ctx, control, left, when.now); err != nil {
			return control, because, done, err
		}
	}
	if len(again)+len(chosen) == 0 {
		return control, because, done, nil
	}
	var messages []waitlist.Message
	for _, p := range again {
		messages = append(messages, p.NewMessage(p.Claim, slots.Next()))
	}
	for _, p := range chosen {
		messages = append(messages, p.NewMessage(when.at, slots.Next()))
	}
	// First the slots: should this tick die, the next one begins behind them. And
	// this is the fence: a tick that lost its lease stops here.
	if err := s.Store.Reserve(ctx, when.at, slots.Until()); err != nil {
		return control, because, done, fmt.Errorf("reserving the slots: %w", err)
	}
	done, err = s.invite(ctx, when, messages, again, chosen, done)
	return control, because, done, err
}

// unanswered says that a second mail may be sent to an entry that is due.
func unanswered(p waitlist.Place, now time.Time) bool {
	return !p.Unreadable && p.Stage == waitlist.Sending && waitlist.Opens(p.Attempt) && p.Expires.After(now)
}

// pauseSending writes a pause down that the account asks for, for the senders to
// see.
func (s *Service) pauseSending(ctx context.Context, now time.Time, control waitlist.Control, mail mailing) (waitlist.Control, error) {
	if mail.paused == "" || control.Paused {
		return control, nil
	}
	var resume time.Time
	if mail.account != nil && mail.account.Enabled && !mail.person {
		resume = now.Add(waitlist.QuotaCheck)
	}
	return s.change(ctx, control, func(c *waitlist.Control) { c.Pause(mail.paused, resume) })
}

// choose keeps those whom the law invites, and behind them those who may be
// invited because the operator asked: who waited when a tick first saw the ask.
// left is what of the ask is left for the next tick; it lapses when nobody is
// there for it.
func choose(oldest []waitlist.Place, control waitlist.Control, law, asked int, now time.Time) (chosen []waitlist.Place, left int) {
	by := control.InviteBy
	if by.IsZero() {
		by = now
	}
	n := min(law, len(oldest))
	for n < len(oldest) && !oldest[n].When.After(by) {
		n++
	}
	taken := max(0, n-law)
	if n < len(oldest) || asked == 0 {
		return oldest[:n], 0
	}
	return oldest[:n], asked - taken
}

// takeOffAsked writes down what is left of what the operator asked for beside the
// law, before the others are claimed: after a crash too few were invited and not
// too many. An ask that took its place meanwhile stays.
func (s *Service) takeOffAsked(ctx context.Context, control waitlist.Control, left int, now time.Time) (waitlist.Control, error) {
	if control.InviteNow <= 0 {
		return control, nil
	}
	was := control
	return s.change(ctx, control, func(c *waitlist.Control) {
		if c.InviteNow != was.InviteNow || !c.InviteBy.Equal(was.InviteBy) {
			return
		}
		switch c.InviteNow = left; {
		case left == 0:
			c.InviteBy = time.Time{}
		case c.InviteBy.IsZero():
			c.InviteBy = now
		}
	})
}

// oldest finds the oldest who wait, or what has been due the longest at until.
func (s *Service) oldest(ctx context.Context, n int, due bool, shards int, until time.Time) ([]waitlist.Place, error) {
	return waitlist.Oldest(n, due, shards, until, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		errs := make([]error, len(queries))
		s.each(len(queries), func(i int) { pages[i], errs[i] = s.Store.Page(ctx, queries[i]) })
		return pages, errors.Join(errs...)
	})
}

// settleDue works off what is due, but for mails that are to be asked for again:
// at most most of them are returned, the others wait.
func (s *Service) settleDue(ctx context.Context, now time.Time, places []waitlist.Place, most int) (again []waitlist.Place, done Done, err error) {
	var rest []waitlist.Place
	for _, p := range places {
		if len(again) < most && unanswered(p, now) {
			again = append(again, p)
		} else {
			rest = append(rest, p)
		}
	}
	var failed failures
	errs := make([]error, len(rest))
	s.each(len(rest), func(i int) { errs[i] = s.settle(ctx, rest[i], now) })
	for i, p := range rest {
		switch {
		case errs[i] != nil:
			if !errors.Is(errs[i], waitlist.ErrStale) {
				failed.add(errs[i])
			}
		case p.Unreadable:
			done.Buried++
		case p.Stage == waitlist.Claimed:
			done.GivenBack++
		case p.Stage == waitlist.Held:
			done.Requeued++
		case !p.Expires.After(now):
			done.Expired++
		case p.Stage == waitlist.Sending && !waitlist.Opens(p.Attempt):
			done.Taken++
		}
	}
	return again, done, failed.err()
}

// settle does what one entry is due for.
func (s *Service) settle(ctx context.Context, p waitlist.Place, now time.Time) error {
	switch {
	case p.Unreadable:
		return s.Store.Bury(ctx, p.Key, now)
	case p.Stage == waitlist.Claimed:
		// Nobody began it: the message was lost, or never written.
		return s.Store.GiveBack(ctx, p.NewMessage(p.Claim, now), waitlist.Claimed)
	case p.Stage == waitlist.Held:
		return s.Store.Requeue(ctx, p)
	case !p.Expires.After(now):
		return s.Store.Expire(ctx, p.Ref, now)
	case p.Stage == waitlist.Sending && !waitlist.Opens(p.Attempt):
		// Two mails, two silences: taken as invited. A third mail is worse than none.
		return s.Store.Accept(ctx, p.Ref, p.Attempt, now)
	case p.Stage == waitlist.Sending:
		// No slot for it now, or sending is paused: later.
		return s.Store.Retry(ctx, p.NewMessage(p.Claim, now), now.Add(waitlist.Silence/3))
	}
	// Invited with a living code and due: a clock that was ahead. It comes again.
	return waitlist.ErrStale
}

// invite claims the chosen, makes the unanswered due again, and gives the messages
// of all that worked to the sender. messages are those of again, then of chosen.
// It returns done with what it did added.
func (s *Service) invite(ctx context.Context, when moment, messages []waitlist.Message, again, chosen []waitlist.Place, done Done) (Done, error) {
	errs := make([]error, len(messages))
	s.each(len(messages), func(i int) {
		m := messages[i]
		due := waitlist.ClaimDue(m.Slot)
		switch {
		case i < len(again):
			errs[i] = s.Store.Retry(ctx, m, due)
		case chosen[i-len(again)].Unreadable:
			errs[i] = s.Store.Bury(ctx, m.Key, when.now)
		default:
			errs[i] = s.Store.Claim(ctx, chosen[i-len(again)], when.at, due)
		}
	})
	var lost failures
	ready := messages[:0]
	for i, m := range messages {
		switch {
		case errors.Is(errs[i], waitlist.ErrStale):
			// Left meanwhile, or answered for.
		case errs[i] != nil:
			lost.add(errs[i])
		case i < len(again):
			done.Retried++
			ready = append(ready, m)
		case chosen[i-len(again)].Unreadable:
			done.Buried++
			done.gone++
		default:
			done.Claimed++
			done.gone++
			// Who came back to an old place says nothing about the line.
			if p := chosen[i-len(again)]; p.Attempt == 0 && p.Expires.IsZero() {
				if p.When.After(done.Front) {
					done.Front = p.When
				}
				if done.waits == nil {
					done.waits = map[int]int{}
				}
				done.waits[waitlist.Minutes(when.at.Sub(p.When))]++
			}
			ready = append(ready, m)
		}
	}
	failed := lost.err()
	if failed != nil {
		failed = fmt.Errorf("claiming: %w", failed)
	}
	if len(ready) > 0 {
		if err := s.Queue.Enqueue(ctx, ready); err != nil {
			// Who is not sent is given back when the claim is due.
			failed = errors.Join(failed, fmt.Errorf("handing mails to the sender: %w", err))
		}
	}
	return done, failed
}
