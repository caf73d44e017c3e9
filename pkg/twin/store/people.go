package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"raincheck/pkg/waitlist"
)

// Join puts a mailbox at the end of the line.
func (s *Store) Join(ctx context.Context, su waitlist.Signup) (joined waitlist.Joined, err error) {
	err = s.do(ctx, "Join", func() error {
		it := s.item(su.Key)
		switch {
		case it == nil:
			it = &item{Entry: waitlist.Entry{Ref: waitlist.Ref{Key: su.Key, Joining: waitlist.FirstJoining(su.At) - 1}}}
		case it.Suppressed, it.damaged, !it.Stage.Ended():
			return nil
		}
		s.write(it, func(e *waitlist.Entry) {
			*e = waitlist.Entry{
				Ref:      waitlist.Ref{Key: su.Key, Joining: e.Joining + 1},
				Stage:    waitlist.Waiting,
				Address:  su.Address,
				Language: su.Language,
				Wanted:   su.Wanted,
				Fields:   maps.Clone(su.Fields),
				Joined:   milli(su.At),
				Shard:    su.Shard(),
			}
		})
		joined = waitlist.Joined{New: true, Ref: it.Ref}
		return nil
	})
	return joined, err
}

// Redeem adds a use to a code, and tells the entry of the first.
func (s *Store) Redeem(ctx context.Context, r waitlist.Redemption) (redeemed waitlist.Redeemed, err error) {
	err = s.do(ctx, "Redeem", func() error {
		t := s.codes[r.Code]
		if t == nil {
			return nil
		}
		again := slices.Contains(t.Uses, r.Use)
		redeemed = waitlist.Redeemed{Known: true}
		switch {
		case t.Revoked:
			err = waitlist.ErrRevoked
		case !again && len(t.Uses) >= waitlist.MaxUses:
			err = waitlist.ErrUsedUp
		case !again:
			t.Uses = append(slices.Clone(t.Uses), r.Use)
		}
		if err == nil && !t.told {
			redeemed.First = s.tell(t, milli(r.At))
		}
		s.journal.code(t)
		redeemed.Ticket = t.Ticket
		redeemed.Ticket.Uses = slices.Clone(t.Uses)
		return err
	})
	return redeemed, err
}

func (s *Store) tell(t *ticket, at time.Time) bool {
	t.told = true
	it, to, err := s.current(t.Ref, waitlist.Redeem)
	if err != nil {
		return false
	}
	was := it.Entry
	s.write(it, func(e *waitlist.Entry) { end(e, to, at) })
	s.count(t.Invited, func(c *waitlist.Cohort) {
		c.Redeemed++
		// Of an earlier round, all this is counted already.
		if was.Claim.Equal(t.Invited) && was.Stage == waitlist.Sending {
			c.Sent++
		}
		if was.Claim.Equal(t.Invited) && was.Delivery == waitlist.Delayed {
			c.Deferred--
		}
	})
	if was.Stage == waitlist.Waiting {
		s.count(waitlist.CohortOf(at), func(c *waitlist.Cohort) { c.Left++ })
	}
	return true
}

// Leave ends the joining by the person.
func (s *Store) Leave(ctx context.Context, ref waitlist.Ref, at time.Time) error {
	return s.do(ctx, "Leave", func() error {
		it, to, err := s.current(ref, waitlist.Leave)
		if err != nil {
			return err
		}
		if t := s.codes[it.Code]; t != nil {
			t.Revoked = true
			s.journal.code(t)
		}
		from, claim := it.Stage, it.Claim
		s.write(it, func(e *waitlist.Entry) { end(e, to, milli(at)) })
		switch from {
		case waitlist.Waiting:
			s.count(waitlist.CohortOf(at), func(c *waitlist.Cohort) { c.Left++ })
		case waitlist.Sending:
			s.count(claim, func(c *waitlist.Cohort) { c.Sent++ })
		}
		return nil
	})
}

// Quiet notes that the person wants no further mail.
func (s *Store) Quiet(ctx context.Context, ref waitlist.Ref, at time.Time) error {
	return s.do(ctx, "Quiet", func() error {
		it, to, err := s.current(ref, waitlist.Leave)
		if err != nil {
			return err
		}
		from, claim := it.Stage, it.Claim
		switch from {
		case waitlist.Sending, waitlist.Invited:
			if it.Quiet {
				return nil
			}
			s.write(it, func(e *waitlist.Entry) {
				e.Quiet = true
				if from == waitlist.Sending { // whoever answers a mail has it
					e.Stage, e.Invited, e.Due = waitlist.Invited, milli(at), e.Expires
				}
			})
		default:
			s.write(it, func(e *waitlist.Entry) { end(e, to, milli(at)) })
		}
		switch from {
		case waitlist.Sending:
			s.count(claim, func(c *waitlist.Cohort) { c.Sent++ })
		case waitlist.Waiting:
			s.count(waitlist.CohortOf(at), func(c *waitlist.Cohort) { c.Left++ })
		}
		return nil
	})
}

// Bounce takes the bounce of a mailbox that does not exist, and suppresses it.
func (s *Store) Bounce(ctx context.Context, ref waitlist.Ref, at time.Time) error {
	return s.suppress(ctx, "Bounce", ref, at, false)
}

// Complain takes a complaint, and suppresses the mailbox.
func (s *Store) Complain(ctx context.Context, ref waitlist.Ref, at time.Time) error {
	return s.suppress(ctx, "Complain", ref, at, true)
}

func (s *Store) suppress(ctx context.Context, call string, ref waitlist.Ref, at time.Time, complaint bool) error {
	return s.do(ctx, call, func() error {
		it, to, err := s.current(ref, waitlist.Bounce)
		if err == nil {
			was := it.Entry
			s.write(it, func(e *waitlist.Entry) {
				e.Suppressed, e.Complained = true, e.Complained || complaint
				end(e, to, milli(at))
			})
			if was.Stage == waitlist.Sending {
				s.count(was.Claim, func(c *waitlist.Cohort) { c.Sent++ })
			}
			return nil
		}
		it = s.item(ref.Key)
		if it == nil {
			it = &item{Entry: waitlist.Entry{Ref: waitlist.Ref{Key: ref.Key}}, bare: true}
		}
		s.write(it, func(e *waitlist.Entry) {
			e.Suppressed, e.Complained, e.Delete = true, e.Complained || complaint, time.Time{}
		})
		return nil
	})
}
