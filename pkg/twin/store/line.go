package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/waitlist"
)

// part is a partition of the line: a sorted slice. People join at its end and
// are claimed at its head, and both cost nothing; a give-back moves the few
// thousand words behind its place, some microseconds. A tree would be no faster
// at any size that fits in memory.
type part struct{ places []place }

type place struct {
	when int64
	it   *record
}

func (p *part) find(when int64, key string) (int, bool) {
	return slices.BinarySearchFunc(p.places, key, func(e place, key string) int {
		if c := cmp.Compare(e.when, when); c != 0 {
			return c
		}
		return strings.Compare(e.it.key, key)
	})
}

func (p *part) add(when int64, it *record) {
	i, _ := p.find(when, it.key)
	p.places = slices.Insert(p.places, i, place{when, it})
}

func (p *part) remove(when int64, key string) {
	i, ok := p.find(when, key)
	switch {
	case !ok:
	case i == 0:
		p.places[0] = place{}
		p.places = p.places[1:]
	default:
		p.places = slices.Delete(p.places, i, i+1)
	}
}

// from is the index of the first place after a mark.
func (p *part) from(m waitlist.Mark) int {
	if m.When.IsZero() {
		return 0
	}
	i, ok := p.find(m.When.UnixMilli(), m.Key)
	if ok {
		i++
	}
	return i
}

// to is the index of the first place that is not before until.
func (p *part) to(until time.Time) int {
	if until.IsZero() {
		return len(p.places)
	}
	i, _ := p.find(until.UnixMilli(), "")
	return i
}

// Page reads one page of a part, oldest first.
func (s *Store) Page(ctx context.Context, q waitlist.Query) (page []waitlist.Place, err error) {
	err = s.do(ctx, "Page", func() error {
		p := s.part(q.Part)
		from := p.from(q.After)
		for _, e := range p.places[from:max(from, min(p.to(q.Until), from+min(q.Limit, waitlist.MaxPage)))] {
			it := e.it.item()
			at := waitlist.Place{Ref: it.Ref, Shard: it.Shard, When: time.UnixMilli(e.when).UTC(), Stage: it.Stage, Claim: it.Claim, Attempt: it.Attempt, Expires: it.Expires}
			if it.damaged {
				at = waitlist.Place{Ref: waitlist.Ref{Key: it.Key}, Shard: it.Shard, When: at.When, Unreadable: true}
			}
			page = append(page, at)
		}
		return nil
	})
	return page, err
}

// Count counts one page of a part.
func (s *Store) Count(ctx context.Context, q waitlist.Query) (n int, next waitlist.Mark, err error) {
	err = s.do(ctx, "Count", func() error {
		p := s.part(q.Part)
		from, to := p.from(q.After), p.to(q.Until)
		n = max(0, to-from)
		if page := cmp.Or(s.CountPage, 8000); n > page {
			n = page
			last := p.places[from+n-1]
			next = waitlist.Mark{When: time.UnixMilli(last.when).UTC(), Key: last.it.key}
		}
		return nil
	})
	return n, next, err
}

// Entry reads one entry.
func (s *Store) Entry(ctx context.Context, key string) (e waitlist.Entry, err error) {
	err = s.do(ctx, "Entry", func() error {
		it := s.item(key)
		switch {
		case it == nil || it.bare:
			return waitlist.ErrUnknown
		case it.damaged:
			return waitlist.ErrUnreadable
		}
		e = it.Entry
		return nil
	})
	return e, err
}
