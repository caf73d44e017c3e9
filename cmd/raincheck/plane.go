package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"raincheck/cmd/raincheck/history"
	"raincheck/pkg/admission"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/stack"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/console"
	"raincheck/pkg/metric"
	"raincheck/pkg/operator"
)

// plane is the control plane that the switches act on: a local instance or a
// deployed stack.
type plane interface {
	// name says in a few words what is acted on.
	name() string
	// status says what happens now.
	status(ctx context.Context) (operator.Snapshot, error)
	// change does it.
	change(ctx context.Context, change operator.Change) error
	// counted is status with the counts that take a request of their own, which no
	// switch waits for.
	counted(ctx context.Context) (operator.Snapshot, error)
	// measured says whether the source of the load has a value now. It is asked only
	// where no tick has read one: in mode open, with nobody waiting, none does.
	measured(ctx context.Context) bool
}

// where are the flags that choose a plane: the deployed stack, if one is
// named, else the local instance.
type where struct {
	Stack string `env:"RAINCHECK_STACK" placeholder:"NAME" help:"The deployed stack to act on; without one, the local instance."`
	URL   string `name:"url" placeholder:"URL" help:"The local instance to act on (http://localhost:8080)."`
}

// localURL is where a local instance is without --url.
const localURL = "http://localhost:8080"

// Validate refuses to guess: a stack named in the environment, long ago, must
// not be switched by somebody who means the instance of their --url.
func (w where) Validate() error {
	if w.Stack != "" && w.URL != "" {
		return fmt.Errorf("--url names a local instance and --stack or RAINCHECK_STACK the stack %s: name one of them (--stack= names none)", w.Stack)
	}
	return nil
}

func (w where) plane(e *env) (plane, error) {
	if w.Stack != "" {
		s, err := deployed{Stack: w.Stack}.session(e)
		if err != nil {
			return w.remembered(e, err)
		}
		return s.deployment(e)
	}
	return w.instance()
}

// remembered is the plane of the stack as it was when it was last spoken to, for
// when CloudFormation does not answer; else why is the error.
func (w where) remembered(e *env, why error) (plane, error) {
	parts, ok := rememberedParts(w.Stack, why)
	if !ok {
		return nil, why
	}
	cfg, err := stack.Config(e.ctx)
	if err != nil {
		return nil, why
	}
	fmt.Fprintf(e.stderr, "%v\n  So this acts on its table and its store at the edge as they were on %s.\n", why, parts.At.UTC().Format("2 Jan 2006"))
	return &deployment{stack: w.Stack, Plane: operator.Plane{
		Site: operator.Site{Name: w.Stack}, Desk: table.New(cfg, parts.Table), Edge: edgestore.New(cfg, parts.EdgeStore), Now: e.now, Explain: awsWords,
	}}, nil
}

// rememberedParts are those of a stack that cannot be read, as they were when it was
// last spoken to; false if it was never, or if it does not exist any more.
func rememberedParts(name string, why error) (stack.Parts, bool) {
	parts := stack.Remembered(name)
	return parts, parts.EdgeStore != "" && !errors.Is(why, stack.ErrNotFound)
}

// switchable is the plane for a command that changes something.
func (w where) switchable(e *env) (plane, error) {
	if err := w.named(e, e.stdout); err != nil {
		return nil, err
	}
	return w.plane(e)
}

// named says first that a command without a named stack acts on the demonstration;
// where AWS is configured it refuses, since somebody in a hurry means the stack.
func (w where) named(e *env, out io.Writer) error {
	if w.Stack == "" && w.URL == "" {
		if by := stack.Configured(e.lookup); by != "" {
			return badInput("no stack is named, and this machine is set up for AWS (%s): name the stack with --stack or RAINCHECK_STACK, or the demonstration on this machine with --url %s", by, localURL)
		}
		fmt.Fprintf(out, "No stack is named: this acts on the demonstration on this machine, %s.\n", localURL)
	}
	return nil
}

// instance is the local instance.
func (w where) instance() (localPlane, error) {
	client, err := console.NewClient(cmp.Or(w.URL, localURL))
	if err != nil {
		return localPlane{}, badInput("--url: %w", err)
	}
	return localPlane{client}, nil
}

// localPlane is a running `raincheck local`.
type localPlane struct{ *console.Client }

func (p localPlane) name() string { return p.Name() }

func (p localPlane) status(ctx context.Context) (operator.Snapshot, error) {
	s, err := p.Snapshot(ctx)
	return s.Snapshot, err
}

func (p localPlane) change(ctx context.Context, change operator.Change) error {
	return callersFault(p.Change(ctx, console.Change{Change: change}))
}

// counted is status, in which a local instance has all its counts.
func (p localPlane) counted(ctx context.Context) (operator.Snapshot, error) { return p.status(ctx) }

// measured is false: every tick of a local instance reads the load.
func (p localPlane) measured(context.Context) bool { return false }

// deployment is the control plane of a deployed stack.
type deployment struct {
	operator.Plane
	stack string
	// load reads the load from its source; nil where the source is not known.
	load func(ctx context.Context) ([]admission.Sample, error)
}

func (d *deployment) name() string { return "the stack " + d.stack }

func (d *deployment) status(ctx context.Context) (operator.Snapshot, error) { return d.Snapshot(ctx) }

func (d *deployment) counted(ctx context.Context) (operator.Snapshot, error) { return d.Counted(ctx) }

func (d *deployment) change(ctx context.Context, change operator.Change) error {
	return callersFault(d.Change(ctx, change))
}

func (d *deployment) measured(ctx context.Context) bool {
	if d.load == nil {
		return false
	}
	load, err := d.load(ctx)
	return err == nil && len(load) > 0
}

// watched is what the console of a deployed stack shows.
func (d *deployment) watched(h *history.History) *console.Kept {
	watch := operator.NewWatch(d.Plane, time.Minute)
	return &console.Kept{
		Status: func(ctx context.Context) (console.Snapshot, error) {
			s, err := watch.Snapshot(ctx)
			return console.Snapshot{Snapshot: s}, err
		},
		History: h.Series, Now: d.Now,
	}
}

// callersFault is the exit status 2 of a change that makes no sense.
func callersFault(err error) error {
	if errors.Is(err, operator.ErrChange) {
		return usageError{err}
	}
	return err
}

// deployment finds the parts of the stack and joins them to a control plane.
func (s *session) deployment(e *env) (*deployment, error) {
	out, err := s.Need(outTable, outEdge)
	if err != nil {
		return nil, err
	}
	stack.Remember(s.Name, stack.Parts{Table: out[0], EdgeStore: out[1], At: e.now().UTC()})
	hour := func(ctx context.Context) (map[metric.Name]int, error) {
		return metrics.LastHour(ctx, s.cfg, operator.Hourly(), s.Name, e.now())
	}
	return &deployment{stack: s.Name, load: s.latest(e), Plane: operator.Plane{
		Site: operator.Site{Name: s.Parameters["SiteHost"], Target: s.number("Target"), Capacity: s.number("Capacity")},
		Desk: table.New(s.cfg, out[0]), Edge: edgestore.New(s.cfg, out[1]), Now: e.now, Hour: hour, Explain: awsWords,
	}}, nil
}

// latest reads what the source of the load says of the last quarter of an hour; nil
// where the load is said by hand.
func (s *session) latest(e *env) func(context.Context) ([]admission.Sample, error) {
	source, err := s.source()
	if err != nil || source.Preset == metrics.ByHand {
		return nil
	}
	return func(ctx context.Context) ([]admission.Sample, error) {
		now := e.now()
		return metrics.New(s.cfg, source, "").Load(ctx, now.Add(-15*time.Minute), now)
	}
}

// number is a parameter that is a number; 0 when it is not there.
func (s *session) number(name string) float64 {
	var v float64
	if json.Unmarshal([]byte(s.Parameters[name]), &v) != nil {
		return 0
	}
	return v
}

// onlyEdge is the control plane of a stack of which nothing but the store at
// the edge can be found: enough for the switches of an emergency.
func onlyEdge(ctx context.Context, e *env, arn string, why error) (*deployment, error) {
	cfg, err := stack.ConfigIn(ctx, "us-east-1")
	if err != nil {
		return nil, err
	}
	return &deployment{stack: "whose store is " + arn, Plane: operator.Plane{
		Desk: operator.NoDesk{Why: why}, Edge: edgestore.New(cfg, arn), Now: e.now, Explain: awsWords,
	}}, nil
}
