package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/console"
	"raincheck/pkg/operator"
)

// The outputs and names by which the stack's metrics are found. The functions
// write theirs under ownMetrics with the stack as their one dimension.
const (
	outEdgeMetrics = "EdgeNamespace"
	ownMetrics     = "Raincheck"
)

// history reads the stack's past from CloudWatch.
type history struct {
	stack  string
	target float64
	// edge is the counts at the door.
	edge *metrics.Metrics
	// own are the functions' metrics, by their names.
	own map[string]*metrics.Metrics
	now func() time.Time
}

func (s *session) history(e *env) *history {
	h := &history{stack: s.Name, target: s.number("Target"), now: e.now, own: map[string]*metrics.Metrics{},
		edge: metrics.New(s.cfg, metrics.Source{Preset: metrics.ByHand}, s.Outputs[outEdgeMetrics])}
	for _, c := range ownColumns {
		h.own[c.metric] = metrics.New(s.cfg, metrics.Source{Preset: metrics.Custom, Full: 1, Namespace: ownMetrics, Name: c.metric, Statistic: c.statistic, Dimensions: "Stack=" + s.Name}, "")
	}
	return h
}

// ownColumns are the functions' metrics and where the console shows each.
var ownColumns = []struct {
	metric, statistic string
	of                func(*console.Series) *console.Column
}{
	{"inviter.load", "Maximum", func(s *console.Series) *console.Column { return &s.Load }},
	{"inviter.admit", "Average", func(s *console.Series) *console.Column { return &s.Admit }},
	{"inviter.waiting", "Maximum", func(s *console.Series) *console.Column { return &s.Waiting }},
	{"sender.sent", "Sum", func(s *console.Series) *console.Column { return &s.Invited }},
	{"intake.SignupsNew", "Sum", func(s *console.Series) *console.Column { return &s.Joined }},
	{"intake.CodesRedeemed", "Sum", func(s *console.Series) *console.Column { return &s.Redeemed }},
}

// series gives the minutes from since on.
func (h *history) series(ctx context.Context, since time.Time) (console.Series, error) {
	until := h.now().UTC().Truncate(time.Minute)
	since = since.UTC().Truncate(time.Minute)
	n := max(0, int(until.Sub(since)/time.Minute))
	s := console.Series{Minutes: make([]int64, n)}
	blank := func() console.Column {
		c := make(console.Column, n)
		for i := range c {
			c[i] = math.NaN()
		}
		return c
	}
	for i := range n {
		s.Minutes[i] = since.Add(time.Duration(i) * time.Minute).Unix()
	}
	s.Target, s.Visitors, s.Admitted = blank(), blank(), blank()
	for _, c := range ownColumns {
		*c.of(&s) = blank()
	}
	if n == 0 {
		return s, nil
	}
	for i := range s.Target {
		s.Target[i] = h.target
	}
	at := func(t time.Time) int { return int(t.Sub(since) / time.Minute) }
	var failures []error
	for _, c := range ownColumns {
		samples, err := h.own[c.metric].Load(ctx, since, until)
		if err != nil {
			failures = append(failures, err)
		}
		for _, p := range samples {
			if i := at(p.At); i >= 0 && i < n {
				(*c.of(&s))[i] = p.Value
			}
		}
	}
	counts, err := h.edge.Edge(ctx, since, until)
	if err != nil {
		failures = append(failures, err)
	}
	for _, c := range counts {
		if i := at(c.At); i >= 0 && i < n {
			s.Visitors[i], s.Admitted[i] = c.Visitors, c.Admitted
		}
	}
	// Some charts are better than none.
	if len(failures) == len(h.own)+1 {
		return s, awsWords(failures[0])
	}
	return s, nil
}

// watched is what the console of a deployed stack shows: status and history,
// each asked of AWS at most as often as it can change, whoever looks. The page
// asks every second, and CloudWatch takes a cent for a thousand questions.
type watched struct {
	deployment *deployment
	history    *history
	now        func() time.Time

	mu       sync.Mutex
	snapshot kept[operator.Snapshot]
	series   kept[console.Series]
}

// kept is an answer and when it was given.
type kept[T any] struct {
	at    time.Time
	value T
	err   error
}

// How long an answer is kept: control and gate change by a hand, metrics by the
// minute.
const (
	statusFor  = 5 * time.Second
	historyFor = 30 * time.Second
	shown      = 24 * time.Hour
	// patience is how long AWS may take to answer.
	patience = 30 * time.Second
)

// forAll is a context for an answer that is kept for everybody: whoever asked
// first may have closed the page by now.
func forAll(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// Snapshot says what happens now.
func (w *watched) Snapshot(ctx context.Context) (console.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.snapshot.at) >= statusFor {
		ctx, cancel := forAll(ctx)
		defer cancel()
		w.snapshot.value, w.snapshot.err = w.deployment.status(ctx)
		w.snapshot.at = now
	}
	return console.Snapshot{Snapshot: w.snapshot.value}, w.snapshot.err
}

// Series gives the minutes after the given time.
func (w *watched) Series(ctx context.Context, after time.Time) (console.Series, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.series.at) >= historyFor {
		ctx, cancel := forAll(ctx)
		defer cancel()
		w.series.value, w.series.err = w.history.series(ctx, now.Add(-shown))
		w.series.at = now
	}
	return newer(w.series.value, after), w.series.err
}

// newer cuts off what the page has. Metrics come late, so that the last ten
// minutes are always sent again; the page keeps the better value.
func newer(s console.Series, after time.Time) console.Series {
	from, _ := slices.BinarySearch(s.Minutes, after.Add(-10*time.Minute).Unix())
	cut := func(c console.Column) console.Column {
		if len(c) < from {
			return nil
		}
		return c[from:]
	}
	return console.Series{
		Minutes: s.Minutes[from:], Load: cut(s.Load), Target: cut(s.Target), Admit: cut(s.Admit), Visitors: cut(s.Visitors), Admitted: cut(s.Admitted),
		Joined: cut(s.Joined), Waiting: cut(s.Waiting), Invited: cut(s.Invited), Redeemed: cut(s.Redeemed),
	}
}

// report says whom observe would have turned away.
func (h *history) report(ctx context.Context, since time.Time, hours func(format string, args ...any)) error {
	counts, err := h.edge.Edge(ctx, since, h.now().UTC())
	if err != nil {
		return awsWords(err)
	}
	if len(counts) == 0 {
		return fmt.Errorf("the edge has counted nobody since %s; are the functions attached, and is the mode observe or throttle?", since.UTC().Format("Mon 15:04 UTC"))
	}
	hours("  %-16s %10s %12s %7s   %s", "hour (UTC)", "visits", "turned away", "share", "worst minute")
	type hour struct{ visitors, admitted, worst float64 }
	var order []time.Time
	byHour := map[time.Time]*hour{}
	var all hour
	for _, c := range counts {
		t := c.At.UTC().Truncate(time.Hour)
		if byHour[t] == nil {
			byHour[t] = &hour{}
			order = append(order, t)
		}
		for _, sum := range []*hour{byHour[t], &all} {
			sum.visitors += c.Visitors
			sum.admitted += c.Admitted
			if c.Visitors > 0 {
				sum.worst = max(sum.worst, 1-c.Admitted/c.Visitors)
			}
		}
	}
	line := func(name string, s *hour) {
		away := max(0, s.visitors-s.admitted)
		hours("  %-16s %10s %12s %7s   %s", name, thousands(int(s.visitors)), thousands(int(away)), percent(away/max(1, s.visitors)), percent(s.worst))
	}
	slices.SortFunc(order, time.Time.Compare)
	for _, t := range order {
		line(t.Format("Mon 2 Jan 15:04"), byHour[t])
	}
	line("together", &all)
	return nil
}
