package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// day is how far the story has got.
type day struct {
	end    time.Time // of the story; zero when it has none
	begun  bool
	people float64 // of the running minute
	rest   float64 // of a person, left over from the last minute
}

// Warm lives through the beginning of the story, as fast as the machine can.
func (in *Instance) Warm(ctx context.Context) error {
	in.begin(ctx)
	until := in.config.Story.Start.Add(time.Duration(in.config.Story.Warm) * time.Minute)
	if now := in.config.Now(); in.config.Story.Alone && now.After(until) {
		until = now // who joins after a restart stands behind those of this minute
	}
	in.clock.Run(ctx, until)
	return in.board.failure()
}

// Run lives the story until its end, and on until everybody who waits has been
// invited and every code has ended, or until ctx is done. The totals are those
// of the end; the error is what did not work or does not add up.
func (in *Instance) Run(ctx context.Context) (Totals, error) {
	in.begin(ctx)
	in.clock.SetSpeed(in.config.Speed)
	in.clock.Run(ctx, time.Time{})
	in.guests.carriage.End()
	totals, err := in.count(context.WithoutCancel(ctx))
	if err == nil {
		err = totals.Check(in.guests.store.totals())
	}
	return totals, errors.Join(in.board.failure(), err)
}

// begin sets the world going, once: its seconds and its minutes ask for the next.
func (in *Instance) begin(ctx context.Context) {
	if in.day.begun {
		return
	}
	if in.config.Relay != nil {
		in.guests.carriage.Begin(ctx, in.config.Relay.PerSecond, in.mailPerson)
	}
	ctx = store.Simulated(ctx)
	in.day.begun = true
	start := in.config.Story.Start
	in.switchTo(ctx, func(c *waitlist.Control) error {
		if c.Switched.IsZero() {
			c.Mode, c.Switched = gate.Throttle, start
		}
		return nil
	})
	in.clock.At(start, func() { in.everyMinute(ctx, 0) })
	in.clock.At(start, func() { in.everySecond(ctx, 0) })
}

func (in *Instance) switchTo(ctx context.Context, change func(*waitlist.Control) error) {
	if err := in.store.UpdateControl(ctx, change); err != nil {
		in.failed(fmt.Errorf("set the first switch: %w", err))
	}
}

// everySecond brings the people and the mails of one second.
func (in *Instance) everySecond(ctx context.Context, second int) {
	if second%60 == 0 {
		in.board.mu.Lock()
		demand := in.board.demand
		in.board.mu.Unlock()
		if demand < 0 {
			demand = in.config.Story.Demand(second / 60)
		}
		in.day.people, in.day.rest = math.Modf(demand + in.day.rest)
	}
	if in.day.end.IsZero() || in.clock.Now().Before(in.day.end) {
		// Of the minute's people, this second's: the parts add up to the whole.
		part := func(s int) int { return int(in.day.people * float64(s) / 60) }
		for range part(second%60+1) - part(second%60) {
			in.crowd.arrive(ctx)
		}
	}
	in.deliver(ctx)
	in.clock.At(in.config.Story.Start.Add(time.Duration(second+1)*time.Second), func() { in.everySecond(ctx, second+1) })
}

// everyMinute ends one minute and begins the next with a tick of the inviter.
func (in *Instance) everyMinute(ctx context.Context, minute int) {
	now := in.clock.Now()
	if minute > 0 {
		in.minuteEnds(now)
	}
	if in.config.conditions != nil && !now.Before(in.day.end) {
		in.clock.Halt()
		return
	}
	report, err := in.tick(ctx, minute, now)
	if err != nil && ctx.Err() == nil {
		in.failed(fmt.Errorf("tick of %s: %w", now.Format("15:04"), err))
	}
	in.crowd.totals.Expired += report.Expired
	if report.Skipped == "" {
		in.board.mu.Lock()
		in.board.report = report
		in.board.mu.Unlock()
	}
	if in.config.Minute != nil {
		in.config.Minute(now, in.crowd.totals)
	}
	if in.over(ctx, now) {
		in.clock.Halt()
		return
	}
	in.clock.At(now.Add(time.Minute), func() { in.everyMinute(ctx, minute+1) })
}

// tick is the inviter's, unless the conditions have it missed.
func (in *Instance) tick(ctx context.Context, minute int, now time.Time) (inviter.Report, error) {
	if in.conditions.misses(minute) {
		return inviter.Report{Skipped: "the tick was missed"}, nil
	}
	return in.inviter.Tick(ctx, now)
}

// minuteEnds tells the metrics and the console what the minute was.
func (in *Instance) minuteEnds(now time.Time) {
	c := in.crowd
	c.site.minute()
	at := now.Add(-time.Minute)
	in.board.mu.Lock()
	in.board.totals, in.board.onSite = c.totals, c.site.people
	// What a metric averages over a minute lies between its beginning and its end.
	bears := in.conditions.bears(c.minuteOf(at), in.board.capacity)
	mean := float64(c.site.before+c.site.people) / 2 / bears
	load := float64(c.site.people) / bears
	report := in.board.report
	in.board.mu.Unlock()
	c.site.before = c.site.people
	in.metrics.AddLoad(admission.Sample{At: at, Value: in.conditions.measured(mean)})
	counted := admission.EdgeCount{At: at}
	for _, m := range in.edge.Counts().Between(at, now) {
		counted.Visitors, counted.Admitted = float64(m.Visitors), float64(m.Admitted)
	}
	in.metrics.AddEdge(counted)
	in.record.add(minute{
		at: at, load: load, target: in.config.Story.Policy.Target, admit: report.Admit, flows: c.minute,
		waiting: report.Waiting, line: c.totals.Joined - c.totals.Invited, onSite: c.site.people, claimed: report.Claimed, because: report.Because,
	})
	c.minute = flows{}
}

// settles is how long after the end of a story the last mails and codes may
// take: a code lives for a day, and the last may be mailed hours later.
const settles = 48 * time.Hour

// over says that the story has ended and nothing will happen to anybody any more.
func (in *Instance) over(ctx context.Context, now time.Time) bool {
	if in.day.end.IsZero() || now.Before(in.day.end) {
		return false
	}
	if now.After(in.day.end.Add(settles)) {
		return true
	}
	if in.queue.Len() > 0 || in.crowd.totals.Deciding > 0 {
		return false
	}
	control, err := in.store.Control(ctx)
	if err != nil {
		return false
	}
	for shard := range control.Readers() {
		for _, due := range []bool{false, true} {
			n, _, err := in.store.Count(ctx, waitlist.Query{Part: waitlist.Part{Due: due, Shard: shard}})
			if n > 0 || err != nil {
				return false
			}
		}
	}
	return true
}
