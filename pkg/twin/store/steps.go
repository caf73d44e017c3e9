package store

import (
	"context"
	"time"

	"raincheck/pkg/waitlist"
)

// held finds the entry that a claim's message is about, at the attempt.
func (s *Store) held(m waitlist.Message, event waitlist.Event, attempts ...int) (*item, waitlist.Stage, error) {
	it, to, err := s.current(m.Ref, event)
	if err != nil {
		return nil, "", err
	}
	if !it.Claim.Equal(milli(m.Claim)) {
		return nil, "", waitlist.ErrStale
	}
	for _, a := range attempts {
		if it.Attempt == a {
			return it, to, nil
		}
	}
	return nil, "", waitlist.ErrStale
}

// Claim takes a waiting entry for a tick.
func (s *Store) Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error {
	return s.do(ctx, "Claim", func() error {
		it := s.item(p.Key)
		if it != nil && it.Joining == p.Joining && it.Stage == waitlist.Claimed && it.Claim.Equal(milli(tick)) {
			return nil
		}
		it, to, err := s.current(p.Ref, waitlist.Claim)
		if err != nil {
			return err
		}
		s.write(it, func(e *waitlist.Entry) { e.Stage, e.Claim, e.Due = to, milli(tick), milli(due) })
		return nil
	})
}

// GiveBack returns a first attempt to its old place.
func (s *Store) GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error {
	return s.do(ctx, "GiveBack", func() error {
		attempt := m.Attempt - 1
		if from == waitlist.Sending {
			attempt = m.Attempt
		}
		it, to, err := s.held(m, waitlist.GiveBack, attempt)
		if err != nil || it.Stage != from || !waitlist.Opens(m.Attempt) {
			return waitlist.ErrStale
		}
		s.write(it, func(e *waitlist.Entry) {
			e.Stage, e.Claim, e.Attempt, e.Due, e.Code, e.Expires = to, time.Time{}, m.Attempt-1, time.Time{}, "", time.Time{}
		})
		s.count(m.Claim, func(c *waitlist.Cohort) { c.Returned++ })
		return nil
	})
}

// Begin writes down that a mail is about to be sent.
func (s *Store) Begin(ctx context.Context, m waitlist.Message, t waitlist.Ticket, at time.Time) (entry waitlist.Entry, err error) {
	err = s.do(ctx, "Begin", func() error {
		first := waitlist.Opens(m.Attempt)
		it := s.item(m.Key)
		if it != nil && !it.bare && it.Joining == m.Joining {
			switch {
			case it.damaged && !it.Stage.Ended():
				return waitlist.ErrUnreadable
			case it.Suppressed && !it.Stage.Ended():
				return waitlist.ErrSuppressed
			}
		}
		if it != nil && it.Joining == m.Joining && it.Stage == waitlist.Sending && it.Claim.Equal(milli(m.Claim)) &&
			first && it.Attempt == m.Attempt && it.Code == t.Code {
			entry = it.Entry // its own retry
			return nil
		}
		it, to, err := s.held(m, waitlist.Begin, m.Attempt-1)
		switch {
		case err != nil:
			return err
		case first != (it.Stage == waitlist.Claimed), m.Attempt < 1, m.Attempt > waitlist.LastOf(waitlist.MaxRounds):
			return waitlist.ErrStale
		}
		if first {
			if s.codes[t.Code] != nil {
				return waitlist.ErrTaken
			}
			c := &ticket{Ticket: waitlist.Ticket{
				Code: t.Code, Ref: m.Ref, Invited: milli(m.Claim), Expires: milli(t.Expires), Wanted: it.Wanted, Language: it.Language,
			}}
			s.codes[t.Code] = c
			s.journal.code(c)
		}
		s.write(it, func(e *waitlist.Entry) {
			if first {
				e.Code, e.Expires = t.Code, milli(t.Expires)
			}
			e.Stage, e.Attempt, e.Due = to, m.Attempt, milli(at.Add(waitlist.Silence))
		})
		entry = it.Entry
		return nil
	})
	return entry, err
}

// Accept tells that a mail of the joining was accepted.
func (s *Store) Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error {
	return s.do(ctx, "Accept", func() error {
		it, to, err := s.current(ref, waitlist.Accept)
		if err != nil || !sameRound(it, attempt) {
			return waitlist.ErrStale
		}
		s.write(it, func(e *waitlist.Entry) { e.Stage, e.Invited, e.Due = to, milli(at), e.Expires })
		s.count(it.Claim, func(c *waitlist.Cohort) { c.Sent++ })
		return nil
	})
}

// Retry makes an unanswered mail due again, for its second attempt.
func (s *Store) Retry(ctx context.Context, m waitlist.Message, due time.Time) error {
	return s.do(ctx, "Retry", func() error {
		it, _, err := s.held(m, waitlist.Retry, m.Attempt-1)
		if err != nil {
			return err
		}
		s.write(it, func(e *waitlist.Entry) { e.Due = milli(due) })
		return nil
	})
}

// Postpone takes back a second attempt that was begun and not sent.
func (s *Store) Postpone(ctx context.Context, m waitlist.Message, due time.Time) error {
	return s.do(ctx, "Postpone", func() error {
		it, _, err := s.held(m, waitlist.Retry, m.Attempt)
		if err != nil || waitlist.Opens(m.Attempt) {
			return waitlist.ErrStale
		}
		s.write(it, func(e *waitlist.Entry) { e.Attempt, e.Due = m.Attempt-1, milli(due) })
		return nil
	})
}

// sameRound says that an attempt was begun in the round that an entry is in.
func sameRound(it *item, attempt int) bool {
	return it.Attempt >= attempt && waitlist.Round(it.Attempt) == waitlist.Round(attempt)
}

// Return gives the place back after a mail that came to nothing, or ends the entry.
func (s *Store) Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error {
	return s.do(ctx, "Return", func() error {
		it, to, err := s.current(ref, waitlist.Return)
		if err != nil || !sameRound(it, attempt) {
			return waitlist.ErrStale
		}
		from, claim, delivery := it.Stage, it.Claim, it.Delivery
		over := waitlist.Round(attempt) >= waitlist.MaxRounds || it.Quiet || it.Suppressed || b.Once && it.Returned
		s.write(it, func(e *waitlist.Entry) {
			if over {
				end(e, waitlist.Failed, milli(b.At))
				return
			}
			e.Stage, e.Due, e.Attempt = to, milli(b.Until), waitlist.LastOf(waitlist.Round(attempt))
			e.Code, e.Expires, e.Invited, e.Delivery = "", time.Time{}, time.Time{}, ""
			e.Returned = e.Returned || b.Once
		})
		s.count(claim, func(c *waitlist.Cohort) {
			if b.Sent && from == waitlist.Sending {
				c.Sent++
			}
			if b.Sent && delivery != waitlist.Delayed {
				c.Deferred++
			}
		})
		if b.Ours {
			s.count(waitlist.CohortOf(b.At), func(c *waitlist.Cohort) { c.Ours++ })
		}
		return nil
	})
}

// Requeue puts a returned place back into the line.
func (s *Store) Requeue(ctx context.Context, p waitlist.Place) error {
	return s.do(ctx, "Requeue", func() error {
		it, to, err := s.current(p.Ref, waitlist.Requeue)
		if err != nil || it.Attempt != p.Attempt {
			return waitlist.ErrStale
		}
		s.write(it, func(e *waitlist.Entry) { e.Stage, e.Claim, e.Due = to, time.Time{}, time.Time{} })
		return nil
	})
}

// Delay notes that the round's mail has not arrived yet.
func (s *Store) Delay(ctx context.Context, ref waitlist.Ref, attempt int) error {
	return s.deliver(ctx, "Delay", ref, attempt, waitlist.Delayed)
}

// Arrive notes that the round's mail has arrived.
func (s *Store) Arrive(ctx context.Context, ref waitlist.Ref, attempt int) error {
	return s.deliver(ctx, "Arrive", ref, attempt, waitlist.Arrived)
}

func (s *Store) deliver(ctx context.Context, call string, ref waitlist.Ref, attempt int, to waitlist.Delivery) error {
	return s.do(ctx, call, func() error {
		it, _, err := s.current(ref, waitlist.Return)
		if err != nil || !sameRound(it, attempt) || it.Delivery == to || it.Delivery == waitlist.Arrived {
			return waitlist.ErrStale
		}
		was := it.Delivery
		s.write(it, func(e *waitlist.Entry) { e.Delivery = to })
		s.count(it.Claim, func(c *waitlist.Cohort) {
			switch {
			case to == waitlist.Delayed:
				c.Deferred++
			case was == waitlist.Delayed:
				c.Deferred--
			}
		})
		return nil
	})
}

// Expire ends an entry whose code died.
func (s *Store) Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error {
	return s.do(ctx, "Expire", func() error {
		it, to, err := s.current(ref, waitlist.Expire)
		if err != nil || it.Expires.After(at) {
			return waitlist.ErrStale
		}
		sending, claim := it.Stage == waitlist.Sending, it.Claim
		s.write(it, func(e *waitlist.Entry) { end(e, to, milli(at)) })
		if sending {
			s.count(claim, func(c *waitlist.Cohort) { c.Sent++ })
		}
		return nil
	})
}

// Fail ends an entry that no mail can reach.
func (s *Store) Fail(ctx context.Context, m waitlist.Message, at time.Time) error {
	return s.do(ctx, "Fail", func() error {
		it, to, err := s.held(m, waitlist.Fail, m.Attempt-1, m.Attempt)
		if err != nil || it.Stage == waitlist.Waiting {
			return waitlist.ErrStale
		}
		it.damaged = false
		s.write(it, func(e *waitlist.Entry) { end(e, to, milli(at)) })
		return nil
	})
}

// Bury ends an entry that cannot be read.
func (s *Store) Bury(ctx context.Context, key string, at time.Time) error {
	return s.do(ctx, "Bury", func() error {
		it := s.item(key)
		if it == nil || it.bare || it.Stage.Ended() {
			return waitlist.ErrStale
		}
		it.damaged = false
		s.write(it, func(e *waitlist.Entry) {
			*e = waitlist.Entry{Ref: e.Ref, Suppressed: e.Suppressed, Complained: e.Complained, Shard: e.Shard}
			end(e, waitlist.Failed, milli(at))
		})
		return nil
	})
}
