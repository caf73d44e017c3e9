package demo

import (
	"context"
	"fmt"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// Snapshot says what happens now, for the console and `raincheck status`.
func (in *Instance) Snapshot(ctx context.Context) (console.Snapshot, error) {
	control, progress, err := in.store.Notice(ctx)
	if err != nil {
		return console.Snapshot{}, fmt.Errorf("read what the operator wants: %w", err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	story, report := in.config.Story, in.report
	s := console.Snapshot{
		Site: story.Name, Now: in.clock.Now().Truncate(time.Second), Control: control,
		Decided: report.Tick, Admit: report.Admit, Invite: report.Claimed, Because: report.Because,
		Target: story.Policy.Target, Capacity: in.capacity,
		Waiting: report.Waiting, Front: progress.Front,
		Totals: in.totals.rows(),
	}
	s.Load, s.LoadAt = in.record.load()
	if report.Waiting > 0 {
		s.Oldest = in.oldest(ctx, control.Readers())
	}
	if doc, _, err := in.document.Get(ctx, gate.Key); err == nil {
		s.Gate, s.GateBytes = console.Show(doc), len(doc)
		if g, err := gate.DecodeGate(doc); err == nil {
			s.Admit = console.LetIn(g, s.Now)
		}
	}
	if doc, _, err := in.document.Get(ctx, gate.BaseKey); err == nil {
		s.Base, s.BaseBytes = console.Show(doc), len(doc)
	}
	if report.Paused != "" || control.Paused {
		s.Warnings = append(s.Warnings, "The mail is paused: nobody is being invited.")
	}
	for _, p := range in.problems {
		s.Warnings = append(s.Warnings, "A defect: "+p.Error())
	}
	demand, script := in.demand, in.demand < 0
	if script {
		demand = story.Demand(int(s.Now.Sub(story.Start) / time.Minute))
	}
	s.World = &console.World{
		Demand: demand, Script: script, Story: story.Words, Until: in.end, OnSite: in.onSite,
		Speed: in.clock.Speed(), MaxDemand: story.MaxDemand, MaxCapacity: 2.5 * story.Site.Capacity,
	}
	return s, nil
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

// untilTick is how long a switch means what it says if no tick renews it.
const untilTick = 10 * time.Minute

// Change does what a switch or a slider asks for. A switch of the door is
// written to the edge and to the control item, as the tool does it on AWS: it is
// in effect as soon as the edge has it, and not only after the next tick.
func (in *Instance) Change(ctx context.Context, change console.Change) error {
	now := in.clock.Now().Truncate(time.Second)
	if change.Mode != "" {
		in.mu.Lock()
		law := in.report.Decision.Admit
		in.mu.Unlock()
		err := in.desk.turn(ctx, func(g *gate.Gate) {
			g.Mode, g.Switched, g.Admit, g.Until = change.Mode, now, 0, time.Time{}
			if change.Mode == gate.Throttle || change.Mode == gate.Observe {
				// What the law last said holds until its next tick.
				g.Admit = law
				if change.Admit != nil {
					g.Admit = *change.Admit
				}
			}
			if change.Mode == gate.Throttle || change.Mode == gate.Hold {
				g.Until = now.Add(untilTick)
			}
		})
		if err != nil {
			return fmt.Errorf("switch the edge: %w", err)
		}
	}
	err := in.store.UpdateControl(ctx, func(c *waitlist.Control) (err error) {
		*c, err = change.To(*c, now)
		return err
	})
	if err != nil {
		return err
	}
	in.mu.Lock()
	if change.Demand != nil {
		in.demand = *change.Demand
	}
	if change.Capacity != nil {
		in.capacity = *change.Capacity
	}
	in.mu.Unlock()
	if change.Speed != nil {
		in.clock.setSpeed(*change.Speed)
	}
	return nil
}
