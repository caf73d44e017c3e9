package store

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// Control reads what the operator wants.
func (s *Store) Control(ctx context.Context) (c waitlist.Control, err error) {
	err = s.do(ctx, "Control", func() error {
		c = s.control
		return nil
	})
	return c, err
}

// Notice reads control and progress together.
func (s *Store) Notice(ctx context.Context) (c waitlist.Control, p waitlist.Progress, err error) {
	err = s.do(ctx, "Notice", func() error {
		c, p = s.control, s.progress
		return nil
	})
	return c, p, err
}

// Words reads the words of a language.
func (s *Store) Words(ctx context.Context, language string) (w site.Words, err error) {
	err = s.do(ctx, "Words", func() error {
		w = s.words[language]
		return nil
	})
	return w, err
}

// NoticeIn is the notice and the words of a language.
func (s *Store) NoticeIn(ctx context.Context, language string) (c waitlist.Control, p waitlist.Progress, w site.Words, err error) {
	err = s.do(ctx, "NoticeIn", func() error {
		c, p, w = s.control, s.progress, s.words[language]
		return nil
	})
	return c, p, w, err
}

// SaveWords replaces the words of a language.
func (s *Store) SaveWords(ctx context.Context, language string, w site.Words) error {
	return s.do(ctx, "SaveWords", func() error {
		s.words[language] = w
		s.journal.words(language, w)
		return nil
	})
}

// UpdateControl changes what the operator wants.
func (s *Store) UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error {
	return s.do(ctx, "UpdateControl", func() error {
		next := s.control
		if next.Admit != nil {
			admit := *next.Admit
			next.Admit = &admit
		}
		if err := change(&next); err != nil {
			return err
		}
		if reflect.DeepEqual(next, s.control) {
			return nil
		}
		next.Version = s.control.Version + 1
		s.control = next
		s.journal.control(next)
		return nil
	})
}

// SaveProgress writes what the public pages say.
func (s *Store) SaveProgress(ctx context.Context, p waitlist.Progress) error {
	return s.do(ctx, "SaveProgress", func() error {
		s.progress = p
		s.journal.progress(p)
		return nil
	})
}

// Lease takes the lease for a tick.
func (s *Store) Lease(ctx context.Context, tick, now, until time.Time) (l waitlist.Lease, err error) {
	err = s.do(ctx, "Lease", func() error {
		if !s.lease.Free(milli(tick), now) {
			return waitlist.ErrLease
		}
		s.lease.Tick, s.lease.Until = milli(tick), milli(until)
		l = s.lease
		return nil
	})
	return l, err
}

// Reserve writes the end of the slots that the tick gives out.
func (s *Store) Reserve(ctx context.Context, tick, slotsUntil time.Time) error {
	return s.do(ctx, "Reserve", func() error {
		if !s.lease.Tick.Equal(milli(tick)) {
			return waitlist.ErrLease
		}
		s.lease.SlotsUntil = milli(slotsUntil)
		return nil
	})
}

// Release gives the lease back.
func (s *Store) Release(ctx context.Context, tick time.Time) error {
	return s.do(ctx, "Release", func() error {
		if !s.lease.Tick.Equal(milli(tick)) {
			return waitlist.ErrLease
		}
		s.lease.Until = time.Time{}
		return nil
	})
}

// State reads the controller's memory.
func (s *Store) State(ctx context.Context) (state []byte, err error) {
	err = s.do(ctx, "State", func() error {
		state = bytes.Clone(s.state)
		return nil
	})
	return state, err
}

// SaveState writes the controller's memory.
func (s *Store) SaveState(ctx context.Context, tick time.Time, state []byte) error {
	return s.do(ctx, "SaveState", func() error {
		if s.stateOf.After(milli(tick)) {
			return waitlist.ErrLease
		}
		s.state, s.stateOf = bytes.Clone(state), milli(tick)
		return nil
	})
}

// Cohorts gives the counters of all ticks since then.
func (s *Store) Cohorts(ctx context.Context, since time.Time) (cohorts []waitlist.Cohort, err error) {
	err = s.do(ctx, "Cohorts", func() error {
		i, _ := slices.BinarySearch(s.ticks, since.UnixMilli())
		for _, ms := range s.ticks[i:] {
			cohorts = append(cohorts, *s.counters[ms])
		}
		return nil
	})
	return cohorts, err
}

// Each calls f with every entry, in the order of their keys.
func (s *Store) Each(ctx context.Context, f func(waitlist.Entry) error) error {
	var all []waitlist.Entry
	err := s.do(ctx, "Each", func() error {
		for _, r := range s.entries {
			switch it := r.item(); {
			case it.bare:
			case it.damaged:
				all = append(all, waitlist.Entry{Ref: waitlist.Ref{Key: it.Key}, Stage: waitlist.Failed})
			default:
				all = append(all, it.Entry)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b waitlist.Entry) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	for _, e := range all {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes the mailbox and its code.
func (s *Store) Forget(ctx context.Context, key string) error {
	return s.do(ctx, "Forget", func() error {
		it := s.item(key)
		if it == nil {
			return nil
		}
		if p, when, ok := s.entries[key].place(); ok {
			s.part(p).remove(when, key)
		}
		delete(s.entries, key)
		s.journal.forget(key)
		if t := s.codes[it.Code]; t != nil {
			delete(s.codes, it.Code)
			s.journal.drop(it.Code)
		}
		return nil
	})
}

// Ticket reads the item of a code.
func (s *Store) Ticket(ctx context.Context, code bypass.Code) (t waitlist.Ticket, err error) {
	err = s.do(ctx, "Ticket", func() error {
		got := s.codes[code]
		if got == nil {
			return waitlist.ErrUnknown
		}
		t = got.Ticket
		t.Uses = slices.Clone(got.Uses)
		return nil
	})
	return t, err
}

// Sweep forgets what has outlived its time at now, as DynamoDB's time to live
// does: ended entries after waitlist.Kept, codes and counters a day after the
// codes died. It looks at everything; once an hour of the twin's time is plenty.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	return s.do(ctx, "Sweep", func() error {
		for key, r := range s.entries {
			if r.forgotten != 0 && r.forgotten < now.UnixMilli() {
				delete(s.entries, key)
				s.journal.forget(key)
			}
		}
		for code, t := range s.codes {
			if t.Expires.Before(now.Add(-24 * time.Hour)) {
				delete(s.codes, code)
				s.journal.drop(code)
			}
		}
		old, _ := slices.BinarySearch(s.ticks, now.Add(-bypass.MaxCodeLife-24*time.Hour).UnixMilli())
		for _, ms := range s.ticks[:old] {
			delete(s.counters, ms)
		}
		s.ticks = slices.Delete(s.ticks, 0, old)
		return nil
	})
}

// Damage makes an entry unreadable, as a bad import or a hand in the table
// would: what must not stop the line.
func (s *Store) Damage(ctx context.Context, key string) error {
	return s.do(ctx, "Damage", func() error {
		it := s.item(key)
		if it == nil {
			return fmt.Errorf("damaging an entry: %w", waitlist.ErrUnknown)
		}
		it.damaged = true
		s.keep(it)
		return nil
	})
}
