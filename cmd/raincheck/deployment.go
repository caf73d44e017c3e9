package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/console"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/waitlist"
)

// desk is what the switches and status read and write of the waitlist.
type desk interface {
	Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error)
	UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error
	State(ctx context.Context) ([]byte, error)
}

// edgeStore is the store at the edge.
type edgeStore interface {
	Gate(ctx context.Context) (gate.Gate, string, error)
	Base(ctx context.Context) (gate.Base, string, error)
	PutGate(ctx context.Context, g gate.Gate, etag string) (string, error)
}

// deployment is the control plane of a deployed stack.
type deployment struct {
	stack string
	site  string
	// target is the load to hold and capacity the visitors at load 1.0, as the
	// stack was told; 0 for unknown.
	target, capacity float64
	desk             desk
	edge             edgeStore
	now              func() time.Time
}

// halfDone is a switch that the edge has and the waitlist has not: in effect,
// and kept by the inviter once the waitlist answers.
type halfDone struct{ error }

func (h halfDone) Unwrap() error { return h.error }

// lasting is how long a gate that turns people away means what it says; the
// inviter renews it (docs/design.md, decision 7).
const lasting = 10 * time.Minute

func (d *deployment) name() string { return "the stack " + d.stack }

// change throws a switch: in the gate, where it is in effect, and in the control
// item, from which the inviter derives every later gate. Both carry the same
// time, so that whichever was not reached takes the other's. Open goes to the
// gate first, because it must work while all else is down; every other switch
// goes to the waitlist first, so that one that cannot be kept is not begun.
func (d *deployment) change(ctx context.Context, change console.Change) error {
	at := d.now().UTC().Truncate(time.Second)
	if _, err := change.To(waitlist.Control{}, at); err != nil {
		return usageError{err}
	}
	if change.Mode == gate.Open {
		edge := d.turn(ctx, change, at)
		err := d.record(ctx, change, at)
		switch {
		case edge != nil && err != nil:
			return fmt.Errorf("nothing was changed: %w", errors.Join(awsWords(edge), awsWords(err)))
		case edge != nil:
			return untold(edge)
		case err != nil:
			return halfDone{fmt.Errorf("the waitlist could not be told: %w", awsWords(err))}
		}
		return nil
	}
	if err := d.record(ctx, change, at); err != nil {
		return fmt.Errorf("nothing was changed: %w", awsWords(err))
	}
	if change.Mode != "" {
		if err := d.turn(ctx, change, at); err != nil {
			return untold(err)
		}
	}
	return nil
}

func untold(err error) error {
	return fmt.Errorf("the switch is recorded, and the inviter tells the edge within a minute, but now it could not be told: %w", awsWords(err))
}

// record changes the control item.
func (d *deployment) record(ctx context.Context, change console.Change, at time.Time) error {
	return d.desk.UpdateControl(ctx, func(c *waitlist.Control) error {
		next, err := change.To(*c, at)
		if err != nil {
			return err
		}
		*c = next
		return nil
	})
}

// turn writes the gate for a mode, again from the start when somebody else
// wrote meanwhile.
func (d *deployment) turn(ctx context.Context, change console.Change, at time.Time) error {
	for range 5 {
		g, etag, err := d.edge.Gate(ctx)
		if err != nil {
			if etag == "" {
				return err
			}
			// Missing or unreadable. The base knows what every gate needs; with
			// neither, open needs nothing, and the rest is for the inviter.
			g = gate.Gate{}
			if b, tag, err := d.edge.Base(ctx); err == nil {
				g, etag = gate.Gate{Salt: b.Salt, Stale: b.Stale, Settings: b.Settings, Keys: b.Keys}, tag
			} else if change.Mode != gate.Open {
				return nil
			}
		}
		_, err = d.edge.PutGate(ctx, turned(g, change, at), etag)
		if !errors.Is(err, gate.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("the gate was written by others five times meanwhile: %w", gate.ErrChanged)
}

// turned is the gate for a change of mode, until the inviter writes the next.
func turned(g gate.Gate, change console.Change, at time.Time) gate.Gate {
	was := g
	g.Mode, g.Switched, g.Until = change.Mode, at, time.Time{}
	switch change.Mode {
	case gate.Open:
		g.Admit = 1
	case gate.Hold:
		g.Admit = 0
	case gate.Throttle, gate.Observe:
		switch {
		case change.Admit != nil:
			g.Admit = *change.Admit
		case was.Mode != gate.Throttle && was.Mode != gate.Observe:
			// The law has the word within a minute; until then nobody is turned away.
			g.Admit = 1
		}
	}
	if g.Mode == gate.Hold || g.Mode == gate.Throttle && g.Admit < 1 {
		g.Until = at.Add(lasting)
	}
	return g
}

// status reads what the inviter decided last and what the edge has now. What
// cannot be read becomes a warning: on a bad day half a screen is better than
// none.
func (d *deployment) status(ctx context.Context) (console.Snapshot, error) {
	now := d.now().UTC()
	s := console.Snapshot{Site: d.site, Now: now, ReadOnly: true, Target: d.target, Capacity: d.capacity}
	control, progress, lost := d.desk.Notice(ctx)
	s.Control, s.Front = control, progress.Front
	var report inviter.Report
	if lost == nil {
		var stored []byte
		if stored, lost = d.desk.State(ctx); lost == nil {
			report, lost = inviter.LastReport(stored)
		}
	}
	g, _, err := d.edge.Gate(ctx)
	blind := err != nil && !errors.Is(err, gate.ErrMissing)
	if lost != nil && blind {
		return s, fmt.Errorf("neither the waitlist nor the edge can be read: %w", errors.Join(awsWords(lost), awsWords(err)))
	}
	if lost != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the waitlist cannot be read (%v): what stands below is only what the edge has", awsWords(lost)))
		s.Control = waitlist.Control{Mode: g.Mode, Switched: g.Switched}
	} else {
		fill(&s, report)
	}
	switch {
	case errors.Is(err, gate.ErrMissing):
		s.Warnings = append(s.Warnings, "the edge has no gate yet: everybody is let in until the inviter's first tick, which should be within a minute")
	case blind:
		s.Warnings = append(s.Warnings, fmt.Sprintf("the gate at the edge cannot be read: %v", awsWords(err)))
	default:
		s.Admit = console.LetIn(g, now)
		s.Warnings = append(s.Warnings, gateWarnings(g, s.Control, now)...)
		if doc, err := g.Encode(); err == nil {
			s.Gate, s.GateBytes = console.Show(doc), len(doc)
		}
	}
	if b, _, err := d.edge.Base(ctx); err == nil {
		if doc, err := b.Encode(); err == nil {
			s.Base, s.BaseBytes = console.Show(doc), len(doc)
		}
	}
	return s, nil
}

// fill takes what the last tick reported.
func fill(s *console.Snapshot, r inviter.Report) {
	s.Decided, s.Because, s.Invite, s.Waiting = r.Tick, r.Because, r.Decision.Invite, r.Waiting
	if !r.LoadAt.IsZero() {
		s.Load, s.LoadAt = &r.Load, r.LoadAt
	}
	switch age := s.Now.Sub(r.Tick); {
	case r.Tick.IsZero():
		s.Warnings = append(s.Warnings, "the inviter has not decided anything yet")
	case age > 3*time.Minute && s.Control.Door() != gate.Open:
		s.Warnings = append(s.Warnings, fmt.Sprintf("the inviter last decided %s ago; it should every minute (alarm NoTicks in docs/operating.md)", age.Round(time.Second)))
	}
	if r.Paused != "" {
		s.Warnings = append(s.Warnings, "nothing is sent: "+r.Paused)
	}
	if s.Load != nil && s.Now.Sub(s.LoadAt) > 5*time.Minute && s.Control.Door() != gate.Open {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the load is %s old; the law goes by what it knows, and tightens", s.Now.Sub(s.LoadAt).Round(time.Second)))
	}
}

func gateWarnings(g gate.Gate, c waitlist.Control, now time.Time) []string {
	var out []string
	if !g.InForce(now) {
		out = append(out, fmt.Sprintf("the gate ran out at %s: the edge lets in its stale share, %s of new visitors", clockTime(g.Until), percent(g.Stale)))
	}
	if g.Mode != c.Door() {
		out = append(out, fmt.Sprintf("the edge has %s and the operator's last word is %s; the inviter brings them together within a minute", g.Mode, c.Door()))
	}
	return out
}

// deployment finds the parts of the stack and joins them to a control plane.
func (s *session) deployment(e *env) (*deployment, error) {
	out, err := s.Need(outTable, outEdge)
	if err != nil {
		return nil, err
	}
	d := &deployment{stack: s.Name, site: s.Parameters["SiteHost"], desk: table.New(s.cfg, out[0]), edge: edgestore.New(s.cfg, out[1]), now: e.now}
	d.target, d.capacity = s.number("Target"), s.number("Capacity")
	return d, nil
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
// the edge can be found: enough to open.
func onlyEdge(ctx context.Context, e *env, arn string, why error) (*deployment, error) {
	cfg, err := awsConfigIn(ctx, "us-east-1")
	if err != nil {
		return nil, err
	}
	return &deployment{stack: "whose store is " + arn, desk: noDesk{why}, edge: edgestore.New(cfg, arn), now: e.now}, nil
}

// noDesk is a waitlist that could not be found.
type noDesk struct{ why error }

func (n noDesk) Notice(context.Context) (c waitlist.Control, p waitlist.Progress, err error) {
	return c, p, n.why
}
func (n noDesk) UpdateControl(context.Context, func(*waitlist.Control) error) error { return n.why }
func (n noDesk) State(context.Context) ([]byte, error)                              { return nil, n.why }
