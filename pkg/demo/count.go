package demo

import (
	"context"
	"fmt"
	"time"

	"raincheck/pkg/waitlist"
)

// count looks where everybody who joined in this run stands now.
func (in *Instance) count(ctx context.Context) (Totals, error) {
	t := in.crowd.totals
	var err error
	t.Line, err = in.all(ctx, in.config.Story.Start)
	t.Expired = t.Line.Expired
	return t, err
}

// all counts the entries of those who joined from a time on.
func (in *Instance) all(ctx context.Context, from time.Time) (Line, error) {
	var l Line
	err := in.store.Each(ctx, func(e waitlist.Entry) error {
		if e.Joined.Before(from) || in.guests.store.earlier(e.Ref) { // within the minute in which this run began
			return nil
		}
		switch e.Stage {
		case waitlist.Waiting, waitlist.Held: // a held place is waiting again in a quarter of an hour
			l.Waiting++
		case waitlist.Claimed, waitlist.Sending:
			l.OnTheWay++
		case waitlist.Invited:
			l.Invited++
		case waitlist.Used:
			l.Used++
		case waitlist.Expired:
			l.Expired++
		case waitlist.Bounced:
			l.Bounced++
		case waitlist.Left:
			l.Left++
		case waitlist.Failed:
			l.Failed++
		}
		return nil
	})
	if err != nil {
		return l, fmt.Errorf("count the waitlist: %w", err)
	}
	return l, nil
}
