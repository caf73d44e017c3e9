package inviter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// observed is what a tick saw.
type observed struct {
	load []admission.Sample
	edge []admission.EdgeCount
	// news are the changes of the cohorts since the last tick, cohorts where they
	// stand.
	news, cohorts []waitlist.Cohort
	// returned and left changed the line since the last tick.
	returned, left int
}

const (
	// settle is how long after its end a minute of a metric is taken as complete:
	// the newest one is partial, and more is counted into it (docs/design.md, decision 18).
	settle = time.Minute
	// lookBack is how far back metrics are read each tick, so that a datapoint that
	// came late or was revised is seen again; the law takes the later value.
	lookBack = 15 * time.Minute
)

// load reads the controller's memory. What cannot be decoded (another version's,
// after a deploy) is begun anew; the law then starts from the codes that are out.
func (t *tick) load(ctx context.Context) error {
	data, err := t.Store.State(ctx)
	if err != nil {
		return fmt.Errorf("reading the controller's memory: %w", err)
	}
	if t.state, err = decodeState(data); err != nil {
		t.failures = append(t.failures, err)
	}
	if t.law, err = admission.Decode(t.state.Law); err != nil {
		t.failures = append(t.failures, err)
		t.state.Begun = false
	}
	if t.state.Pace <= 0 {
		t.state.Pace = 1
	}
	return nil
}

// wishes settles what the operator wants: a newer switch at the edge, a pause of
// ours that may end.
func (t *tick) wishes(ctx context.Context) error {
	if t.look() || t.state.Gate.Pending {
		g, etag, err := t.Edge.Gate(ctx)
		switch {
		case err == nil, errors.Is(err, gate.ErrMissing):
			if err := t.adopt(ctx, g); err != nil {
				return err
			}
			if etag != t.state.Gate.ETag {
				// Somebody wrote since: what is there is not what we remember.
				t.state.Gate.Rest, t.state.Gate.ETag = "", etag
			}
			t.looked()
		case etag != "":
			// Unreadable: it is to be replaced.
			t.state.Gate.Rest, t.state.Gate.ETag = "", etag
			t.looked()
		default:
			t.fault("looking at the gate", err)
		}
	}
	c := t.control
	if c.Paused && c.PausedBecause != "" && !c.ResumeAt.IsZero() && !t.now.Before(c.ResumeAt) {
		if err := t.askAccount(ctx); err != nil {
			t.fault("asking for the mail account", err)
		} else if t.account.Enabled && t.account.Remaining24h != 0 {
			return t.change(ctx, func(c *waitlist.Control) {
				if c.PausedBecause != "" {
					c.Resume()
				}
			})
		} else {
			return t.change(ctx, func(c *waitlist.Control) { c.ResumeAt = t.now.Add(quotaCheck) })
		}
	}
	return nil
}

// quotaCheck is when a pause for the day's quota is looked at again.
const quotaCheck = 15 * time.Minute

// change changes control and goes on with what it has become.
func (t *tick) change(ctx context.Context, f func(c *waitlist.Control)) error {
	err := t.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		f(c)
		t.control = *c
		return nil
	})
	if err != nil {
		return fmt.Errorf("changing control: %w", err)
	}
	t.report.Mode = t.control.Door()
	return nil
}

// adopt takes over a switch that was thrown at the edge after the last one that
// control knows (the store was down). The gate names seconds.
func (t *tick) adopt(ctx context.Context, g gate.Gate) error {
	if !g.Switched.After(t.control.Switched.Truncate(time.Second)) {
		return nil
	}
	return t.change(ctx, func(c *waitlist.Control) {
		if g.Switched.After(c.Switched.Truncate(time.Second)) {
			c.Mode, c.Switched, c.Admit = g.Mode, g.Switched, nil
		}
	})
}

func (t *tick) askAccount(ctx context.Context) error {
	if t.asked {
		return nil
	}
	a, err := t.Mail.Account(ctx)
	if err != nil {
		return err
	}
	t.account, t.asked = a, true
	return nil
}

// observe reads counters, counts and metrics. A count or a counter that cannot be
// read fails the tick: it would decide on wrong numbers. A metric that cannot be
// read is one that is missing.
func (t *tick) observe(ctx context.Context) error {
	if err := t.cohorts(ctx); err != nil {
		return err
	}
	if err := t.waiting(ctx); err != nil {
		return err
	}
	busy := t.state.Tally.Waiting > 0 || len(t.seen.cohorts) > 0
	if t.report.Mode != gate.Open || busy {
		t.metrics(ctx)
	}
	if t.state.Tally.Waiting > 0 && !t.control.Paused {
		if err := t.askAccount(ctx); err != nil {
			t.fault("asking for the mail account", err)
		}
	}
	return nil
}

// cohorts reads the counters of all codes that may still live, and what changed.
func (t *tick) cohorts(ctx context.Context) error {
	// Longer than the codes live now: they may have lived longer yesterday, and
	// leaves are counted here too.
	since := t.now.Add(-max(time.Duration(t.Policy.CodeTTL), time.Hour) - time.Hour)
	if !t.state.Begun {
		since = t.now.Add(-bypass.MaxCodeLife)
	}
	all, err := t.Store.Cohorts(ctx, since)
	if err != nil {
		return fmt.Errorf("reading the counters: %w", err)
	}
	for _, c := range all {
		was, _ := slices.BinarySearchFunc(t.state.Seen, c, func(a, b waitlist.Cohort) int { return a.Invited.Compare(b.Invited) })
		news := c
		if was < len(t.state.Seen) && t.state.Seen[was].Invited.Equal(c.Invited) {
			old := t.state.Seen[was]
			news.Sent, news.Redeemed = max(0, c.Sent-old.Sent), max(0, c.Redeemed-old.Redeemed)
			news.Returned, news.Left = max(0, c.Returned-old.Returned), max(0, c.Left-old.Left)
		}
		if news.Sent+news.Redeemed+news.Returned+news.Left > 0 {
			t.seen.news = append(t.seen.news, news)
		}
		t.seen.returned += news.Returned
		t.seen.left += news.Left
		t.report.Sent += news.Sent
		t.report.Redeemed += news.Redeemed
	}
	t.seen.cohorts = all
	return nil
}

// waiting brings the tally up to date.
func (t *tick) waiting(ctx context.Context) error {
	queries, recount := t.state.Tally.Plan(t.now, t.control.Readers())
	n, paged, err := t.tally(ctx, queries)
	if err != nil {
		return fmt.Errorf("counting who waits: %w", err)
	}
	if recount {
		t.state.Tally = t.state.Tally.Recount(t.now, n, paged)
	} else {
		t.state.Tally = t.state.Tally.Go(t.now, n, t.seen.returned, t.seen.left)
	}
	return nil
}

// tally counts some parts of the line, in as many pages as it takes.
func (t *tick) tally(ctx context.Context, queries []waitlist.Query) (n int, paged bool, err error) {
	type result struct {
		n, pages int
		err      error
	}
	results := make([]result, len(queries))
	t.each(len(queries), func(i int) {
		r, q := &results[i], queries[i]
		for {
			n, next, err := t.Store.Count(ctx, q)
			r.n, r.pages, r.err = r.n+n, r.pages+1, err
			if err != nil || next.When.IsZero() {
				return
			}
			q.After = next
		}
	})
	for _, r := range results {
		n, paged, err = n+r.n, paged || r.pages > 1, errors.Join(err, r.err)
	}
	return n, paged, err
}

// queries asks for all of one half of the line.
func (t *tick) queries(due bool) []waitlist.Query {
	var queries []waitlist.Query
	for s := range t.control.Readers() {
		queries = append(queries, waitlist.Query{Part: waitlist.Part{Due: due, Shard: s}})
	}
	return queries
}

// metrics reads load and edge counts of the last minutes.
func (t *tick) metrics(ctx context.Context) {
	since, until := t.now.Add(-lookBack), t.now.Add(-settle)
	if t.Metrics != nil {
		var err error
		if t.seen.load, err = t.Metrics.Load(ctx, since, until); err != nil {
			t.fault("reading the load", err)
		}
		if t.seen.edge, err = t.Metrics.Edge(ctx, since, until); err != nil {
			t.fault("reading the counts at the edge", err)
		}
	}
	// The load by hand is a datapoint like any, and older ones do not come back.
	if at := t.control.LoadAt; !at.IsZero() && at.After(since) {
		t.seen.load = append(t.seen.load, admission.Sample{At: at.Truncate(time.Minute), Value: t.control.Load})
	}
	slices.SortStableFunc(t.seen.load, func(a, b admission.Sample) int { return a.At.Compare(b.At) })
	if n := len(t.seen.load); n > 0 {
		newest := t.seen.load[n-1]
		t.report.LoadAt, t.report.Load = newest.At, newest.Value
		t.count("inviter.load", newest.Value)
	} else {
		t.report.LoadAt, t.report.Load = t.state.Report.LoadAt, t.state.Report.Load
	}
	if t.report.Mode == gate.Throttle || t.report.Mode == gate.Observe {
		age := lookBack
		if !t.report.LoadAt.IsZero() {
			age = t.now.Sub(t.report.LoadAt)
		}
		t.count("inviter.loadage", age.Seconds())
	}
}
