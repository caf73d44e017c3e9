package store

import (
	"context"
	"maps"

	"raincheck/pkg/waitlist"
)

// Rejoin gives somebody whose code expired the old place back.
func (s *Store) Rejoin(ctx context.Context, su waitlist.Signup, expired waitlist.Ref) (joined waitlist.Joined, err error) {
	err = s.do(ctx, "Rejoin", func() error {
		it := s.item(su.Key)
		next := waitlist.Ref{Key: su.Key, Joining: expired.Joining + 1}
		switch {
		case it == nil, it.bare, it.damaged:
			return waitlist.ErrStale
		case it.Kept && it.Joining == next.Joining && !it.Stage.Ended():
			return nil
		case it.Stage != waitlist.Expired, it.Joining != expired.Joining, it.Suppressed, it.Kept:
			return waitlist.ErrStale
		}
		s.write(it, func(e *waitlist.Entry) {
			*e = waitlist.Entry{
				Ref: next, Stage: waitlist.Waiting, Kept: true,
				Address: su.Address, Language: su.Language, Wanted: su.Wanted, Fields: maps.Clone(su.Fields),
				Joined: e.Joined, Expires: e.Expires, Shard: su.Shard(),
			}
		})
		joined = waitlist.Joined{New: true, Ref: next}
		return nil
	})
	return joined, err
}
