package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"raincheck/cmd/raincheck/history"
	"raincheck/pkg/admission"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/capacity"
	"raincheck/pkg/diagnosis"
	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/metric"
	"raincheck/pkg/operator"
)

// deployed examines a stack.
func (c *doctorCmd) deployed(e *env, resolver health.Resolver) (diagnosis.Diagnosis, error) {
	s, err := deployed{Stack: c.Stack}.session(e)
	if err != nil {
		if parts, ok := rememberedParts(c.Stack, err); ok {
			err = fmt.Errorf("%w\n  To let everybody in without this tool, by the store of %s: %s", err, parts.At.UTC().Format("2 Jan 2006"), diagnosis.EmergencyLine(parts.EdgeStore))
		}
		return diagnosis.Diagnosis{}, err
	}
	if _, err := s.Need(outTable, outEdge, outRoom); err != nil {
		return diagnosis.Diagnosis{}, err // another application's stack: nothing here would apply
	}
	now := e.now().UTC()
	d := diagnosis.Diagnosis{On: "the stack " + s.Name + " (" + s.Parameters["SiteHost"] + ", " + s.cfg.Region + ")", At: now}
	d.Findings = append(d.Findings, health.Clock(now, s.ServerTime)...)
	load := &loadCheck{session: s, history: s.history(e), now: now}
	d.Findings = append(d.Findings, diagnosis.Examine(e.ctx, e.stderr, c.Timeout, []diagnosis.Check{
		{Name: "stack", Look: func(context.Context) ([]health.Finding, error) { return health.Standing(s.Status), nil }},
		{Name: "version", Look: s.versions},
		{Name: "parameters", Look: func(context.Context) ([]health.Finding, error) { return diagnosis.Defaults(s.Parameters), nil }},
		{Name: "lambda", Look: func(ctx context.Context) ([]health.Finding, error) {
			return health.Concurrency(ctx, s.cfg, int(s.number("SenderConcurrency")))
		}},
		{Name: "api-gateway", Look: func(ctx context.Context) ([]health.Finding, error) {
			return health.APIThrottle(ctx, s.cfg, s.number("RoomRate"), s.number("RoomBurst"))
		}},
		{Name: "table", Look: func(ctx context.Context) ([]health.Finding, error) {
			out, err := s.Need(outTable)
			if err != nil {
				return nil, err
			}
			return health.Table(ctx, s.cfg, out[0], s.number("WarmWrites"), s.number("RoomRate"))
		}},
		{Name: "mail-account", Look: func(ctx context.Context) ([]health.Finding, error) {
			store, err := s.store()
			if err != nil {
				return nil, err
			}
			stored, _ := store.State(ctx)           // what cannot be read is the controller's finding,
			report, _ := inviter.LastReport(stored) // and then nobody is known to wait
			found, err := health.MailAccount(ctx, s.cfg, s.number("SenderConcurrency"), report.Waiting)
			if err != nil {
				return nil, err
			}
			busiest, err := metrics.BusiestDay(ctx, s.cfg, now)
			if err != nil {
				return found, err
			}
			return append(found, health.MailVolume(busiest, report.Waiting, s.cfg.Region)), nil
		}},
		{Name: "mail-identity", Look: func(ctx context.Context) ([]health.Finding, error) {
			return health.MailIdentity(ctx, s.cfg, resolver, s.Parameters["MailIdentity"], s.Parameters["FromAddress"])
		}},
		{Name: "mail-set", Look: func(ctx context.Context) ([]health.Finding, error) {
			out, err := s.Need(outMailSet)
			if err != nil {
				return nil, err
			}
			return health.MailSet(ctx, s.cfg, out[0])
		}},
		{Name: "controller", Look: s.controller(e.now)},
		{Name: "edge-store", Look: func(ctx context.Context) ([]health.Finding, error) {
			found, err := s.edgeDocuments(e.now)(ctx)
			if err == nil {
				// The store answered these credentials.
				d.Emergency = diagnosis.EmergencyLine(s.Outputs[outEdge])
			}
			return found, err
		}},
		{Name: "edge-code", Look: s.edgeCode},
		{Name: "edge-run", Look: s.edgeRuns(e.now)},
		{Name: "edge-counts", Look: s.edgeLogs(e.now)},
		{Name: "distribution", Look: s.attached(c.DistributionID)},
		{Name: "load", Look: load.look},
	})...)
	d.Load, d.Capacity = load.history24, load.proposal
	if d.Load.From.IsZero() {
		d.Load = capacity.HistoryOf(nil, now, s.number("Target"), "it could not be read")
	}
	return d, nil
}

// controller: what did the operator want, and does the inviter decide?
func (s *session) controller(clock func() time.Time) func(context.Context) ([]health.Finding, error) {
	return func(ctx context.Context) ([]health.Finding, error) {
		store, err := s.store()
		if err != nil {
			return nil, err
		}
		now := clock()
		control, err := store.Control(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the waitlist: %w", err)
		}
		stored, err := store.State(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the waitlist: %w", err)
		}
		report, err := inviter.LastReport(stored)
		if err != nil {
			return []health.Finding{health.Warn("After a deploy of another version it starts again from nothing within a minute.", "the controller's memory cannot be read: %v", err)}, nil
		}
		var found []health.Finding
		if control.Paused {
			found = append(found, health.Warn("`raincheck resume --apply`, if nobody means it.", "the mail is %s", operator.MailText(control)))
		}
		if control.SignupsOff {
			found = append(found, health.Warn("`raincheck drain --undo --apply`, if nobody means it.", "no addresses are taken"))
		}
		found = append(found, s.wording(ctx, store)...)
		switch age := now.Sub(report.Tick); {
		case report.Tick.IsZero():
			found = append(found, health.Warn("Wait a minute; if it stays so, look at the inviter's logs.", "the inviter has not decided anything yet"))
		case age > 3*time.Minute && control.EffectiveMode() != gate.Open:
			found = append(found, health.Bad("Look at the inviter's logs (alarm NoTicks in docs/operating.md).", "the inviter last decided %s ago; it should every minute", age.Round(time.Second)))
		case report.Fault != "":
			found = append(found, health.Bad("Look at the inviter's logs (alarm TicksFail in docs/operating.md).", "the last tick ended with an error: %s", report.Fault))
		default:
			found = append(found, health.OK("the inviter decides; mode %s", operator.ModeText(control)))
		}
		return found, nil
	}
}

// loadCheck looks for the load, and keeps what it saw for the picture.
type loadCheck struct {
	*session
	history   *history.History
	now       time.Time
	history24 capacity.History
	proposal  *capacity.Proposal
}

// byHandWhy stands in the place of the chart when nobody has entered the load.
const byHandWhy = "the load comes by hand (raincheck load), and of that only what the inviter saw is known"

// source is where the site's load comes from, by the stack's parameters.
func (s *session) source() (metrics.Source, error) {
	source := metrics.Source{
		Preset: s.Parameters["LoadSource"], Full: s.number("LoadFull"), Resource: s.Parameters["LoadResource"], Region: s.Parameters["LoadRegion"],
		Namespace: s.Parameters["LoadNamespace"], Name: s.Parameters["LoadMetric"], Statistic: s.Parameters["LoadStatistic"],
		Dimensions: s.Parameters["LoadDimensions"], Expression: s.Parameters["LoadExpression"],
	}
	if source.Preset == "" {
		source.Preset = metrics.ByHand
	}
	return source, source.Validate()
}

func (l *loadCheck) look(ctx context.Context) ([]health.Finding, error) {
	since := l.now.Add(-capacity.LooksBack)
	source, err := l.source()
	if err != nil {
		return []health.Finding{health.Bad("Deploy with a source that is right.", "the load's source: %v", err)}, nil
	}
	var load []admission.Sample
	why := ""
	byHand := source.Preset == metrics.ByHand
	if byHand {
		// What the inviter saw of it is all that is written down.
		load, err = l.history.Own[metric.InviterLoad].Load(ctx, since, l.now)
		why = byHandWhy
	} else {
		load, err = metrics.New(l.cfg, source, "").Load(ctx, since, l.now)
	}
	if err != nil {
		return nil, err
	}
	l.history24 = capacity.HistoryOf(load, l.now, l.history.Target, why)
	found := diagnosis.Load(load, source.Preset, l.now)
	edge, err := l.history.Edge.Edge(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	admit, err := l.history.Own[metric.InviterAdmit].Load(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	redeemed, err := l.history.Own[metric.IntakeCodesRedeemed].Load(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	proposed, none := capacity.Propose(capacity.Recorded{Load: load, Edge: edge, Shares: diagnosis.ByMinute(admit, l.letIn(ctx)), Back: diagnosis.ByMinute(redeemed, time.Time{})}, l.now.Truncate(time.Minute))
	l.proposal = proposed
	told := l.number("Capacity")
	switch {
	case proposed == nil:
		found = append(found, health.OK("no capacity is proposed: %s", none))
	case told > 0 && math.Abs(math.Log(told/proposed.Visitors)) > 0.25:
		found = append(found, health.Warn(fmt.Sprintf("Deploy with Capacity=%.0f, or with 0 to have it learned.", proposed.Visitors), "the stack has a Capacity of %s visitors, and the last 24 hours look like %s", format.Thousands(int(told)), format.Thousands(int(proposed.Visitors))))
	}
	return found, nil
}

// letIn is since when everybody has been let in, whatever the law would have
// said: in mode open or observe. Zero when people are turned away, or nobody says.
func (l *loadCheck) letIn(ctx context.Context) time.Time {
	store, err := l.store()
	if err != nil {
		return time.Time{}
	}
	control, err := store.Control(ctx)
	if mode := control.EffectiveMode(); err == nil && (mode == gate.Open || mode == gate.Observe) {
		return control.Switched.Add(time.Second) // of a stack that was never switched: always
	}
	return time.Time{}
}
