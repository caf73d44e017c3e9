// Package store keeps the waitlist in memory, and in a journal on disk where one
// is asked for. Nothing is found by scanning: the waitlist is kept sorted, and a
// tick over 100,000 people waiting costs as much as one over a thousand.
package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
	"raincheck/pkg/twin"
	"raincheck/pkg/waitlist"
)

// Store is the waitlist in memory, with the contract of waitlisttest.Store. It
// is safe for concurrent use. The zero Store is empty and usable; Open gives one
// that outlives the program.
type Store struct {
	// Probe watches the calls; nil for none. Set it before the first use.
	Probe *twin.Probe
	// CountPage is how many places Count counts at once, as a page of DynamoDB
	// ends at 1 MB; zero is 8,000.
	CountPage int

	mu       sync.Mutex
	entries  map[string]*record
	codes    map[bypass.Code]*ticket
	parts    map[waitlist.Part]*part
	counters map[int64]*waitlist.Cohort
	ticks    []int64 // keys of counters, in order
	control  waitlist.Control
	progress waitlist.Progress
	words    map[string]site.Words
	lease    waitlist.Lease
	state    []byte
	stateOf  time.Time
	journal  *journal
}

type ticket struct {
	waitlist.Ticket
	// told says that the entry knows of the first use.
	told bool
}

// do runs one method under the lock, and has its changes in the journal before
// it is acknowledged.
func (s *Store) do(ctx context.Context, call string, f func() error) error {
	return s.Probe.Watch(ctx, call, func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		end, err := s.locked(call, f)
		if s.journal == nil || unkept[call] {
			return err
		}
		// Some refusals come after a first request that took effect (a code's item
		// that was put), and that is kept as it is kept in a table.
		if kept := s.journal.log.commit(end, !unforced[call] && ctx.Value(simulated{}) == nil); kept != nil {
			return kept
		}
		if s.journal.log.grown() {
			s.journal.compacting.Go(func() {
				// Should it fail, for want of room say, the journal goes on as it is.
				_ = s.Compact()
			})
		}
		return err
	})
}

// locked runs f under the lock, and gives the position in the journal behind its
// changes.
func (s *Store) locked(call string, f func() error) (end int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	if s.journal == nil || unkept[call] {
		return 0, f()
	}
	if err := s.journal.log.ready(); err != nil {
		return 0, err
	}
	err = f()
	return s.journal.log.end(), err
}

// simulated is the key of Simulated.
type simulated struct{}

// Simulated marks calls about people who do not exist: what they change is in the
// journal before they are answered, and is not forced to the disk.
func Simulated(ctx context.Context) context.Context {
	return context.WithValue(ctx, simulated{}, true)
}

func (s *Store) init() {
	if s.entries == nil {
		s.entries = map[string]*record{}
		s.codes = map[bypass.Code]*ticket{}
		s.parts = map[waitlist.Part]*part{}
		s.counters = map[int64]*waitlist.Cohort{}
		s.words = map[string]site.Words{}
	}
}

// item finds an entry; nil for none.
func (s *Store) item(key string) *item {
	r := s.entries[key]
	if r == nil {
		return nil
	}
	return r.item()
}

// write changes an entry: it leaves its place on the waitlist, and stands where
// its stage says afterwards.
func (s *Store) write(it *item, change func(e *waitlist.Entry)) {
	change(&it.Entry)
	s.keep(it)
	s.journal.entry(it)
}

// keep puts an item into its record, and that into its place.
func (s *Store) keep(it *item) {
	r := s.entries[it.Key]
	if r == nil {
		r = &record{}
		s.entries[it.Key] = r
	}
	if p, when, ok := r.place(); ok {
		s.part(p).remove(when, it.Key)
	}
	r.keep(it)
	if p, when, ok := r.place(); ok {
		s.part(p).add(when, r)
	}
}

func (s *Store) part(p waitlist.Part) *part {
	got := s.parts[p]
	if got == nil {
		got = &part{}
		s.parts[p] = got
	}
	return got
}

// end makes an entry forget whom it was about.
func end(e *waitlist.Entry, stage waitlist.Stage, at time.Time) {
	e.Stage, e.Ended, e.Delete = stage, at, at.Add(waitlist.Kept)
	e.Address, e.Language, e.Wanted, e.Fields = email.Address{}, "", "", nil
	e.Code, e.Due, e.Delivery = "", time.Time{}, ""
	if e.Suppressed {
		e.Delete = time.Time{}
	}
}

// current finds the entry of a joining that an event moves.
func (s *Store) current(ref waitlist.Ref, event waitlist.Event) (*item, waitlist.Stage, error) {
	it := s.item(ref.Key)
	if it == nil || it.bare || it.Joining != ref.Joining {
		return nil, "", waitlist.ErrStale
	}
	to, ok := it.Stage.After(event)
	if !ok {
		return nil, "", waitlist.ErrStale
	}
	return it, to, nil
}

// count changes the counters of a cohort.
func (s *Store) count(invited time.Time, change func(c *waitlist.Cohort)) {
	ms := invited.UnixMilli()
	c := s.counters[ms]
	if c == nil {
		c = &waitlist.Cohort{Invited: milli(invited)}
		s.counters[ms] = c
		i, _ := slices.BinarySearch(s.ticks, ms)
		s.ticks = slices.Insert(s.ticks, i, ms)
	}
	change(c)
	s.journal.cohort(c)
}

// milli is a time as a store keeps it.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
