// Package history is the past of a deployed stack, minute by minute, as CloudWatch
// has it.
package history

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/pkg/aws/explain"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/console"
	"raincheck/pkg/metric"
	"raincheck/pkg/operator"
)

// History reads a stack's past from CloudWatch.
type History struct {
	// Target is the stack's target load.
	Target float64
	// Edge is the counts at the edge.
	Edge *metrics.Metrics
	// Own are the functions' metrics, by their names.
	Own map[metric.Name]*metrics.Metrics
	now func() time.Time
}

// New reads of a stack; namespace is where the edge's counts are.
func New(cfg aws.Config, stack, namespace string, target float64, now func() time.Time) *History {
	h := &History{Target: target, now: now, Own: map[metric.Name]*metrics.Metrics{},
		Edge: metrics.New(cfg, metrics.Source{Preset: metrics.ByHand}, namespace)}
	for _, c := range ownColumns {
		h.Own[c.name] = metrics.Own(cfg, c.name, stack, c.statistic)
	}
	return h
}

// ownColumns are the functions' metrics and where the console shows each.
var ownColumns = []struct {
	name      metric.Name
	statistic string
	of        func(*console.Series) *console.Column
}{
	{metric.InviterLoad, "Maximum", func(s *console.Series) *console.Column { return &s.Load }},
	{metric.InviterAdmit, "Average", func(s *console.Series) *console.Column { return &s.Admit }},
	{metric.InviterWaiting, "Maximum", func(s *console.Series) *console.Column { return &s.Waiting }},
	{metric.SenderSent, "Sum", func(s *console.Series) *console.Column { return &s.Invited }},
	{metric.IntakeSignupsNew, "Sum", func(s *console.Series) *console.Column { return &s.Joined }},
	{metric.IntakeCodesRedeemed, "Sum", func(s *console.Series) *console.Column { return &s.Redeemed }},
}

// Series gives the minutes from since on.
func (h *History) Series(ctx context.Context, since time.Time) (console.Series, error) {
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
		s.Target[i] = h.Target
	}
	at := func(t time.Time) int { return int(t.Sub(since) / time.Minute) }
	var failures []error
	for _, c := range ownColumns {
		samples, err := h.Own[c.name].Load(ctx, since, until)
		if err != nil {
			failures = append(failures, err)
		}
		for _, p := range samples {
			if i := at(p.At); i >= 0 && i < n {
				(*c.of(&s))[i] = p.Value
			}
		}
	}
	counts, err := h.Edge.Edge(ctx, since, until)
	if err != nil {
		failures = append(failures, err)
	}
	for _, c := range counts {
		if i := at(c.At); i >= 0 && i < n {
			s.Visitors[i], s.Admitted[i] = c.Visitors, c.Admitted
		}
	}
	// Some charts are better than none.
	if len(failures) == len(h.Own)+1 {
		return s, explain.Error(failures[0])
	}
	return s, nil
}

// Report says whom observe would have turned away.
func (h *History) Report(ctx context.Context, since time.Time) (string, error) {
	counts, err := h.Edge.Edge(ctx, since, h.now().UTC())
	if err != nil {
		return "", explain.Error(err)
	}
	if len(counts) == 0 {
		return "", fmt.Errorf("the edge has counted nobody since %s; are the functions attached, and is the mode observe or throttle?", since.UTC().Format("Mon 15:04 UTC"))
	}
	refused, err := h.Edge.Refused(ctx, since, h.now().UTC())
	if err != nil {
		return "", explain.Error(err)
	}
	return operator.Hours(counts, refused), nil
}
