package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/capacity"
	"raincheck/pkg/diagnosis"
	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// local examines a local instance: what applies to it.
func (c *doctorCmd) local(e *env) (diagnosis.Diagnosis, error) {
	here, err := c.instance()
	if err != nil {
		return diagnosis.Diagnosis{}, err
	}
	s, err := here.status(e.ctx)
	if err != nil {
		return diagnosis.Diagnosis{}, err
	}
	d := diagnosis.Diagnosis{On: here.name(), At: s.Now}
	var load []admission.Sample
	d.Findings = diagnosis.Examine(e.ctx, e.stderr, c.Timeout, []diagnosis.Check{
		{Name: "controller", Look: func(context.Context) ([]health.Finding, error) { return diagnosis.Decides(s), nil }},
		{Name: "edge-store", Look: func(context.Context) ([]health.Finding, error) { return diagnosis.Documents(s), nil }},
		{Name: "mail-account", Look: func(context.Context) ([]health.Finding, error) { return diagnosis.Mailing(s), nil }},
		{Name: "load", Look: func(ctx context.Context) ([]health.Finding, error) {
			r, err := here.recorded(ctx, s)
			if err != nil {
				return nil, err
			}
			var none string
			d.Capacity, none = capacity.Propose(r, s.Now.Truncate(time.Minute))
			load = r.Load
			if s.Load == nil {
				return []health.Finding{health.Warn("It comes with the first minute.", "the load is not known yet")}, nil
			}
			found := []health.Finding{health.OK("the load is %s", format.Percent(*s.Load))}
			if d.Capacity == nil {
				found = append(found, health.OK("no capacity is proposed: %s", none))
			}
			return found, nil
		}},
	})
	d.Load = capacity.HistoryOf(load, s.Now, s.Target, "")
	return d, nil
}

// recorded asks the instance for its last hours, by the minute.
func (p localPlane) recorded(ctx context.Context, s operator.Snapshot) (capacity.Recorded, error) {
	// console.Series, but null is to be told from zero.
	var series struct {
		Minutes                                   []int64
		Load, Admit, Visitors, Admitted, Redeemed []*float64
	}
	r := capacity.Recorded{Shares: map[time.Time]float64{}, Back: map[time.Time]float64{}}
	after := strconv.FormatInt(s.Now.Add(-capacity.LooksBack).Unix(), 10)
	if err := p.Get(ctx, "series?after="+after, &series); err != nil {
		return r, err
	}
	n := len(series.Minutes)
	if len(series.Load) != n || len(series.Admit) != n || len(series.Visitors) != n || len(series.Admitted) != n || len(series.Redeemed) != n {
		return r, errors.New("the instance's columns differ in length")
	}
	everybody := s.Control.EffectiveMode() == gate.Open || s.Control.EffectiveMode() == gate.Observe
	for i, m := range series.Minutes {
		at := time.Unix(m, 0).UTC()
		if v := series.Load[i]; v != nil {
			r.Load = append(r.Load, admission.Sample{At: at, Value: *v})
		}
		if v, a := series.Visitors[i], series.Admitted[i]; v != nil && a != nil {
			r.Edge = append(r.Edge, admission.EdgeCount{At: at, Visitors: *v, Admitted: *a})
		}
		if v := series.Admit[i]; v != nil && !(everybody && at.After(s.Control.Switched)) {
			r.Shares[at] = *v
		}
		if v := series.Redeemed[i]; v != nil {
			r.Back[at] = *v
		}
	}
	return r, nil
}
