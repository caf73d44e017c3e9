package inviter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// observed is what a tick saw.
type observed struct {
	Seen
	load []admission.Sample
	edge []admission.EdgeCount
	// news are the changes of the cohorts since the last tick, cohorts where they
	// stand.
	news, cohorts []waitlist.Cohort
	// since is the time from which on the cohorts were read.
	since time.Time
	// deferred are the cohorts of which another number of mails has not arrived now.
	deferred []admission.Cohort
	// returned and left changed the waitlist since the last tick.
	returned, left int
	tally          waitlist.Tally
}

const (
	// settle is how long after its end a minute of a metric is taken as complete:
	// the newest one is partial, and more is counted into it (docs/design.md, decision 18).
	settle = time.Minute
	// lookBack is how far back metrics are read each tick, so that a datapoint that
	// came late or was revised is seen again; the law takes the later value.
	lookBack = 15 * time.Minute
)

// readMemory reads what the last tick remembered, and the law's part of it. What
// cannot be decoded, such as another version's after a deploy, starts afresh; the
// law then begins from the codes that are out.
func (s *Service) readMemory(ctx context.Context, faults *faults) (state, admission.State, error) {
	data, err := s.Store.State(ctx)
	if err != nil {
		return state{}, admission.State{}, fmt.Errorf("reading the controller's memory: %w", err)
	}
	memory, err := decodeState(data)
	if err != nil {
		*faults = append(*faults, err)
	}
	law, err := admission.Decode(memory.Law)
	if err != nil {
		*faults = append(*faults, err)
		memory.Begun = false
	}
	if memory.Pace <= 0 {
		memory.Pace = 1
	}
	return memory, law, nil
}

// applySwitch looks at the gate for a newer switch than control has, when one may
// be there, and takes it over. It returns control and what is known of the gate.
func (s *Service) applySwitch(ctx context.Context, now time.Time, control waitlist.Control, was published, faults *faults) (waitlist.Control, published, error) {
	// What the edge has is not written while nothing changes, and so a write by
	// somebody else would go unnoticed. In open, where a stack rests for months,
	// nobody pays for looking.
	stands := control.EffectiveMode() != gate.Open
	if !s.mustReadEdge() && !was.Pending && !(stands && now.Sub(was.Looked) >= gate.GoodFor/2) {
		return control, was, nil
	}
	g, etag, err := s.Edge.Gate(ctx)
	switch {
	case err == nil, errors.Is(err, gate.ErrMissing):
		if control, err = s.adopt(ctx, control, g); err != nil {
			return control, was, err
		}
		if etag != was.ETag {
			// Somebody wrote since: what is there is not what we remember.
			was.movedOn(etag)
		}
		was.Looked = now
		s.markEdgeRead()
	case etag != "":
		// Unreadable: it is to be replaced.
		was.movedOn(etag)
		s.markEdgeRead()
	default:
		faults.add("looking at the gate", err)
	}
	return control, was, nil
}

// endPause ends a pause of ours whose time is over, if the mail service lets us
// send again. It returns control and the account, if it was asked.
func (s *Service) endPause(ctx context.Context, now time.Time, control waitlist.Control, faults *faults) (waitlist.Control, *email.Account, error) {
	if !control.Paused || control.PausedBecause == "" || control.ResumeAt.IsZero() || now.Before(control.ResumeAt) {
		return control, nil, nil
	}
	account := s.askAccount(ctx, nil, faults)
	if account == nil {
		return control, nil, nil
	}
	again := account.Enabled && account.Remaining24h != 0
	control, err := s.change(ctx, control, func(c *waitlist.Control) {
		switch {
		case !again:
			c.ResumeAt = now.Add(waitlist.QuotaCheck)
		case c.PausedBecause != "":
			c.Resume()
		}
	})
	return control, account, err
}

// change changes control and returns what it has become.
func (s *Service) change(ctx context.Context, control waitlist.Control, f func(c *waitlist.Control)) (waitlist.Control, error) {
	err := s.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		f(c)
		control = *c
		return nil
	})
	if err != nil {
		return control, fmt.Errorf("changing control: %w", err)
	}
	return control, nil
}

// adopt takes over a switch that was thrown at the edge after the last one that
// control knows (the store was down). The gate names seconds.
func (s *Service) adopt(ctx context.Context, control waitlist.Control, g gate.Gate) (waitlist.Control, error) {
	if !g.Switched.After(control.Switched.Truncate(time.Second)) {
		return control, nil
	}
	return s.change(ctx, control, func(c *waitlist.Control) {
		if g.Switched.After(c.Switched.Truncate(time.Second)) {
			c.Mode, c.Switched, c.Admit, c.Law = g.Mode, g.Switched, nil, ""
			if g.Fixed {
				c.Admit = &g.Admit
			}
			if g.Mode == gate.Hold {
				c.Ask(0)
			}
		}
	})
}

// askAccount asks what the mail service lets us do, unless account knows it
// already; nil when it does not answer.
func (s *Service) askAccount(ctx context.Context, account *email.Account, faults *faults) *email.Account {
	if account != nil {
		return account
	}
	a, err := s.Mail.Account(ctx)
	if err != nil {
		faults.add("asking for the mail account", err)
		return nil
	}
	return &a
}

// observe reads counters, counts and metrics. A count or a counter that cannot be
// read fails the tick: it would decide on wrong numbers. A metric that cannot be
// read is one that is missing.
func (s *Service) observe(ctx context.Context, now time.Time, control waitlist.Control, memory state, faults *faults) (observed, error) {
	o, err := s.readCohorts(ctx, now, memory)
	if err != nil {
		return o, err
	}
	if o.tally, err = s.countWaiting(ctx, now, control.Readers(), memory.Tally, o.returned, o.left); err != nil {
		return o, err
	}
	if control.EffectiveMode() != gate.Open || o.tally.Waiting > 0 || len(o.cohorts) > 0 {
		o.load, o.edge = s.readMetrics(ctx, now, control, faults)
		o.LoadAt, o.Load = memory.Report.LoadAt, memory.Report.Load
		if n := len(o.load); n > 0 {
			newest := o.load[n-1]
			o.LoadAt, o.Load = newest.At, newest.Value
			s.count(metric.InviterLoad, newest.Value)
		}
		if mode := control.EffectiveMode(); mode == gate.Throttle || mode == gate.Observe {
			age := lookBack
			if !o.LoadAt.IsZero() {
				age = now.Sub(o.LoadAt)
			}
			s.count(metric.InviterLoadAge, age.Seconds())
		}
	}
	return o, nil
}

// recently is how long a mail counts for how many are delayed now.
const recently = 2 * time.Hour

// readCohorts reads the counters of all codes that may still live, and what
// changed since the last tick.
func (s *Service) readCohorts(ctx context.Context, now time.Time, memory state) (observed, error) {
	var o observed
	// Longer than the codes live now: they may have lived longer yesterday, and
	// leaves are counted here too.
	since := now.Add(-max(time.Duration(s.Policy.CodeTTL), time.Hour) - time.Hour)
	if !memory.Begun {
		since = now.Add(-bypass.MaxCodeLife)
	}
	o.since = since
	var err error
	if o.cohorts, err = s.Store.Cohorts(ctx, since); err != nil {
		return o, fmt.Errorf("reading the counters: %w", err)
	}
	for _, c := range o.cohorts {
		was, _ := slices.BinarySearchFunc(memory.Seen, c, func(a, b waitlist.Cohort) int { return a.Invited.Compare(b.Invited) })
		news := c
		if was < len(memory.Seen) && memory.Seen[was].Invited.Equal(c.Invited) {
			old := memory.Seen[was]
			news.Sent, news.Redeemed = max(0, c.Sent-old.Sent), max(0, c.Redeemed-old.Redeemed)
			news.Returned, news.Left = max(0, c.Returned-old.Returned), max(0, c.Left-old.Left)
			news.Ours, news.Deferred = max(0, c.Ours-old.Ours), c.Deferred-old.Deferred
		} else if c.Invited.Before(memory.Since) {
			// Codes live longer than at the last tick: what was counted before is not news.
			continue
		}
		if news.Deferred != 0 {
			o.deferred = append(o.deferred, admission.Cohort{Invited: c.Invited, Count: max(0, c.Deferred)})
		}
		if news.Sent+news.Redeemed+news.Returned+news.Left+news.Ours > 0 {
			o.news = append(o.news, news)
		}
		if now.Sub(c.Invited) < recently {
			o.Recent += c.Sent
			o.Delayed += max(0, c.Deferred)
		}
		o.returned += news.Returned
		o.left += news.Left
		o.Sent += news.Sent
		o.Redeemed += news.Redeemed
	}
	return o, nil
}

// countWaiting brings the tally up to date.
func (s *Service) countWaiting(ctx context.Context, now time.Time, shards int, tally waitlist.Tally, returned, left int) (waitlist.Tally, error) {
	queries, recount := tally.Plan(now, shards)
	n, paged, err := s.countParts(ctx, queries)
	switch {
	case err != nil:
		return tally, fmt.Errorf("counting who waits: %w", err)
	case recount:
		return tally.Recount(now, n, paged), nil
	}
	return tally.Advance(now, n, returned, left), nil
}

// countParts counts some parts of the waitlist, in as many pages as it takes.
// paged says that one took more than a page.
func (s *Service) countParts(ctx context.Context, queries []waitlist.Query) (n int, paged bool, err error) {
	type result struct {
		n, pages int
		err      error
	}
	results := make([]result, len(queries))
	s.each(len(queries), func(i int) {
		r, q := &results[i], queries[i]
		for {
			n, next, err := s.Store.Count(ctx, q)
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

// partsDue asks for everything that is due now or later.
func partsDue(shards int) []waitlist.Query {
	var queries []waitlist.Query
	for shard := range shards {
		queries = append(queries, waitlist.Query{Part: waitlist.Part{Due: true, Shard: shard}})
	}
	return queries
}

// readMetrics reads load and edge counts of the last minutes, the load in the
// order of time.
func (s *Service) readMetrics(ctx context.Context, now time.Time, control waitlist.Control, faults *faults) (load []admission.Sample, edge []admission.EdgeCount) {
	since, until := now.Add(-lookBack), now.Add(-settle)
	if s.Metrics != nil {
		var err error
		if load, err = s.Metrics.Load(ctx, since, until); err != nil {
			faults.add("reading the load", err)
		}
		if edge, err = s.Metrics.Edge(ctx, since, until); err != nil {
			faults.add("reading the counts at the edge", err)
		}
	}
	// The load by hand is a datapoint like any, and older ones do not come back.
	if at := control.LoadAt; !at.IsZero() && at.After(since) {
		load = append(load, admission.Sample{At: at.Truncate(time.Minute), Value: control.Load})
	}
	slices.SortStableFunc(load, func(a, b admission.Sample) int { return a.At.Compare(b.At) })
	return load, edge
}
