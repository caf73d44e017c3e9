package demo

import (
	"context"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/operator"
	"raincheck/pkg/waitlist"
)

// Snapshot says what happens now, for the console and `raincheck status`.
func (in *Instance) Snapshot(ctx context.Context) (console.Snapshot, error) {
	now, err := in.plane.Snapshot(ctx)
	if err != nil {
		return console.Snapshot{}, err
	}
	now.CountHour(in.hour.Of(now.Now))
	in.board.mu.Lock()
	defer in.board.mu.Unlock()
	story := in.config.Story
	now.Capacity = in.board.capacity
	now.Load, now.LoadAt = in.record.load()
	if now.Waiting > 0 {
		now.Oldest = in.oldest(ctx, now.Control.Readers())
	}
	for _, p := range in.board.problems {
		now.Defect(p)
	}
	demand, script := in.board.demand, in.board.demand < 0
	if script {
		demand = story.Demand(int(now.Now.Sub(story.Start) / time.Minute))
	}
	return console.Snapshot{Snapshot: now, Totals: in.board.totals.rows(), World: &console.World{
		Demand: demand, Script: script, Story: story.Words, Until: in.day.end, OnSite: in.board.onSite,
		Speed: in.clock.Speed(), MaxDemand: story.MaxDemand, MaxCapacity: 2.5 * story.Site.Capacity,
	}}, nil
}

// oldest is the join time at the head of the line.
func (in *Instance) oldest(ctx context.Context, shards int) time.Time {
	places, err := waitlist.Oldest(1, false, shards, time.Time{}, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		for i, q := range queries {
			var err error
			if pages[i], err = in.store.Page(ctx, q); err != nil {
				return nil, err
			}
		}
		return pages, nil
	})
	if err != nil || len(places) == 0 {
		return time.Time{}
	}
	return places[0].When
}

// Series gives the minutes after a time.
func (in *Instance) Series(_ context.Context, after time.Time) (console.Series, error) {
	return in.record.series(after), nil
}

// Change does what a switch or a slider asks for.
func (in *Instance) Change(ctx context.Context, change console.Change) error {
	if err := change.Validate(); err != nil {
		return err
	}
	if change.Change != (operator.Change{}) {
		if err := in.plane.Change(ctx, change.Change); err != nil {
			return err
		}
	}
	in.board.mu.Lock()
	if change.Demand != nil {
		in.board.demand = *change.Demand
	}
	if change.Capacity != nil {
		in.board.capacity = *change.Capacity
	}
	in.board.mu.Unlock()
	if change.Speed != nil {
		in.clock.SetSpeed(*change.Speed)
	}
	return nil
}
