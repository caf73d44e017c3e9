package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
)

// deployed examines a stack.
func (c *doctorCmd) deployed(e *env, resolver txtResolver) (diagnosis, error) {
	s, err := deployed{Stack: c.Stack}.session(e)
	if err != nil {
		return diagnosis{}, err
	}
	if _, err := s.Need(outTable, outEdge, outRoom); err != nil {
		return diagnosis{}, err // another application's stack: nothing here would apply
	}
	now := e.now().UTC()
	d := diagnosis{On: "the stack " + s.Name + " (" + s.Parameters["SiteHost"] + ", " + s.cfg.Region + ")", At: now}
	d.Findings = append(d.Findings, s.clock(now)...)
	load := &loadCheck{session: s, history: s.history(e), now: now}
	d.Findings = append(d.Findings, examine(e.ctx, e, c.Timeout, []check{
		{"stack", s.standing},
		{"lambda", s.concurrency},
		{"api-gateway", s.apiThrottle},
		{"mail-account", s.mailAccount},
		{"mail-identity", s.mailIdentity(resolver)},
		{"mail-set", s.mailSet},
		{"controller", s.controller(e.now)},
		{"edge-store", s.edgeDocuments(e.now)},
		{"edge-code", s.edgeCode},
		{"edge-counts", s.edgeLogs(e.now)},
		{"distribution", s.attached(c.DistributionID)},
		{"load", load.look},
	})...)
	d.Load, d.Capacity = load.history24, load.proposal
	if d.Load.From.IsZero() {
		d.Load = historyOf(nil, now, s.number("Target"), "it could not be read")
	}
	return d, nil
}

// clock holds this machine's clock against AWS's. A switch carries the time of
// this machine, and the newer one wins; a signature is refused at 5 minutes.
func (s *session) clock(now time.Time) []finding {
	f := ok("this machine's clock and AWS's agree")
	if s.Told.IsZero() {
		f = warn("", "AWS did not say what time it is")
	} else if off := now.Sub(s.Told).Abs(); off > 30*time.Second {
		f = bad("Set the clock, by NTP.", "this machine's clock is %s off: a switch thrown here may lose against an older one", off.Round(time.Second))
	} else if off > 5*time.Second {
		f = warn("Set the clock, by NTP.", "this machine's clock is %s off", off.Round(time.Second))
	}
	f.Check = "clock"
	return []finding{f}
}

// standing is CloudFormation's own word.
func (s *session) standing(context.Context) ([]finding, error) {
	switch {
	case strings.HasSuffix(s.Status, "_FAILED"), strings.Contains(s.Status, "ROLLBACK"):
		return []finding{bad("Look at the stack's events in CloudFormation, and deploy again.", "the last deploy did not succeed (%s)", s.Status)}, nil
	case strings.HasSuffix(s.Status, "_IN_PROGRESS"):
		return []finding{warn("Wait until it is through.", "a deploy is under way (%s)", s.Status)}, nil
	}
	return []finding{ok("deployed (%s)", s.Status)}, nil
}

// concurrency: may enough functions run at once?
func (s *session) concurrency(ctx context.Context) ([]finding, error) {
	out, err := lambda.NewFromConfig(s.cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return nil, fmt.Errorf("reading Lambda's quotas: %w", err)
	}
	if out.AccountLimit == nil {
		return nil, errors.New("reading Lambda's quotas: there are none in the answer")
	}
	all, free := int(out.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions))
	const mend = "Ask for 1,000 concurrent executions in Service Quotas (Lambda, L-B99A9384); it takes a day or two."
	senders := int(s.number("SenderConcurrency"))
	switch {
	case free < senders+roomExecutions:
		return []finding{bad(mend, "%s functions may run at once, %s of them not reserved: %d senders alone could keep the waiting room from answering", thousands(all), thousands(free), senders)}, nil
	case free < 5*roomExecutions:
		return []finding{warn(mend, "%s functions may run at once, %s of them not reserved: enough for about %s sign-ups a second", thousands(all), thousands(free), thousands((free-senders)*signupsPerExecution))}, nil
	}
	return []finding{ok("%s functions may run at once, %s of them not reserved", thousands(all), thousands(free))}, nil
}

const (
	// roomExecutions is how many executions the waiting room should have to
	// itself: at some 50 ms a request, a thousand people a second.
	roomExecutions = 50
	// signupsPerExecution is how many requests one execution answers in a second.
	signupsPerExecution = 20
)

// apiThrottle: how many requests a second does API Gateway take?
func (s *session) apiThrottle(ctx context.Context) ([]finding, error) {
	out, err := apigateway.NewFromConfig(s.cfg).GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		return nil, fmt.Errorf("reading API Gateway's quotas: %w", err)
	}
	t := out.ThrottleSettings
	if t == nil {
		return nil, errors.New("reading API Gateway's quotas: there are none in the answer")
	}
	says := fmt.Sprintf("%s requests a second (%s at once) for all APIs of the region", thousands(int(t.RateLimit)), thousands(int(t.BurstLimit)))
	if room := s.number("RoomRate"); room > t.RateLimit {
		return []finding{warn("Ask for a higher throttle in Service Quotas (API Gateway, L-8A5B8E43), or deploy with a lower RoomRate.", "%s, and the waiting room is to take %s", says, thousands(int(room)))}, nil
	}
	return []finding{ok("%s", says)}, nil
}

// controller: what did the operator want, and does the inviter decide?
func (s *session) controller(clock func() time.Time) func(context.Context) ([]finding, error) {
	return func(ctx context.Context) ([]finding, error) {
		out, err := s.Need(outTable)
		if err != nil {
			return nil, err
		}
		store, now := table.New(s.cfg, out[0]), clock()
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
			return []finding{warn("After a deploy of another version it begins anew within a minute.", "the controller's memory cannot be read: %v", err)}, nil
		}
		var found []finding
		if control.Paused {
			found = append(found, warn("`raincheck resume --apply`, if nobody means it.", "the mail is %s", mail(control)))
		}
		if control.SignupsOff {
			found = append(found, warn("`raincheck drain --undo --apply`, if nobody means it.", "no addresses are taken"))
		}
		switch age := now.Sub(report.Tick); {
		case report.Tick.IsZero():
			found = append(found, warn("Wait a minute; if it stays so, look at the inviter's logs.", "the inviter has not decided anything yet"))
		case age > 3*time.Minute && control.Door() != gate.Open:
			found = append(found, bad("Look at the inviter's logs (alarm NoTicks in docs/operating.md).", "the inviter last decided %s ago; it should every minute", age.Round(time.Second)))
		default:
			found = append(found, ok("the inviter decides; the door: %s", door(control)))
		}
		return found, nil
	}
}

// loadCheck looks for the load, and keeps what it saw for the picture.
type loadCheck struct {
	*session
	history   *history
	now       time.Time
	history24 loadHistory
	proposal  *proposal
}

// byHandWhy stands in the place of the picture when nobody has told the load.
const byHandWhy = "the load comes by hand (raincheck load), and of that only what the inviter saw is known"

// source is where the site's load comes from, as the stack was told.
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

func (l *loadCheck) look(ctx context.Context) ([]finding, error) {
	since := l.now.Add(-looksBack)
	source, err := l.source()
	if err != nil {
		return []finding{bad("Deploy with a source that is right.", "the load's source: %v", err)}, nil
	}
	var load []admission.Sample
	why := ""
	byHand := source.Preset == metrics.ByHand
	if byHand {
		// What the inviter saw of it is all that is written down.
		load, err = l.history.own["inviter.load"].Load(ctx, since, l.now)
		why = byHandWhy
	} else {
		load, err = metrics.New(l.cfg, source, "").Load(ctx, since, l.now)
	}
	if err != nil {
		return nil, err
	}
	l.history24 = historyOf(load, l.now, l.history.target, why)
	found := l.fresh(load, source.Preset)
	edge, err := l.history.edge.Edge(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	admit, err := l.history.own["inviter.admit"].Load(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	redeemed, err := l.history.own["intake.CodesRedeemed"].Load(ctx, since, l.now)
	if err != nil {
		return found, err
	}
	proposed, none := propose(recorded{load, edge, byMinute(admit, l.letIn(ctx)), byMinute(redeemed, time.Time{})}, l.now.Truncate(time.Minute))
	l.proposal = proposed
	capacity := l.number("Capacity")
	switch {
	case proposed == nil:
		found = append(found, ok("no capacity is proposed: %s", none))
	case capacity > 0 && math.Abs(math.Log(capacity/proposed.Visitors)) > 0.25:
		found = append(found, warn(fmt.Sprintf("Deploy with Capacity=%.0f, or with 0 to have it learned.", proposed.Visitors), "the stack was told a capacity of %s visitors, and the last 24 hours look like %s", thousands(int(capacity)), thousands(int(proposed.Visitors))))
	}
	return found, nil
}

// letIn is since when everybody has been let in, whatever the law would have
// said: in mode open or observe. Zero when people are turned away, or nobody says.
func (l *loadCheck) letIn(ctx context.Context) time.Time {
	out, err := l.Need(outTable)
	if err != nil {
		return time.Time{}
	}
	control, err := table.New(l.cfg, out[0]).Control(ctx)
	if door := control.Door(); err == nil && (door == gate.Open || door == gate.Observe) {
		return control.Switched.Add(time.Second) // of a stack that was never switched: always
	}
	return time.Time{}
}

// byMinute are the values of a metric by their minutes, up to a time if there is
// one.
func byMinute(samples []admission.Sample, until time.Time) map[time.Time]float64 {
	values := map[time.Time]float64{}
	for _, s := range samples {
		if until.IsZero() || s.At.Before(until) {
			values[s.At.UTC().Truncate(time.Minute)] = s.Value
		}
	}
	return values
}

// fresh says whether the load is known now.
func (l *loadCheck) fresh(load []admission.Sample, preset string) []finding {
	const mend = "Look whether the metric of LoadSource is there, in its region; or tell the load by hand: raincheck load 0.8."
	if len(load) == 0 {
		if preset == metrics.ByHand {
			return []finding{warn("Have cron run `raincheck load` every minute from the day on; without a load nobody is invited.", "the load comes by hand, and nobody has told it in 24 hours")}
		}
		return []finding{bad(mend, "the metric %s has no datapoint in 24 hours", preset)}
	}
	newest := load[len(load)-1]
	age := l.now.Sub(newest.At)
	switch {
	case age > 10*time.Minute && preset != metrics.ByHand:
		return []finding{bad(mend, "the newest datapoint of the load is %s old", age.Round(time.Minute))}
	case age > 10*time.Minute:
		return []finding{warn("Have cron run `raincheck load` every minute from the day on.", "the load was last told %s ago", age.Round(time.Minute))}
	}
	found := []finding{ok("the load is %s, by %s", percent(newest.Value), preset)}
	if n := len(load); preset != metrics.ByHand && n >= 30 && same(load[n-30:]) {
		found = append(found, warn(mend, "the load has been exactly the same for half an hour: does the metric hang?"))
	}
	return found
}

func same(load []admission.Sample) bool {
	for _, s := range load {
		if s.Value != load[0].Value || s.Value < 0.03 {
			return false
		}
	}
	return true
}
