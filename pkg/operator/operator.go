// Package operator is the operator's control plane: what happens now, and the
// switches. The command line, the console and the one-machine demo use it alike,
// so that a switch means the same wherever it is thrown.
//
// A switch has two homes. The gate at the edge is where it takes effect; the
// control item of the waitlist is from where the inviter derives every later
// gate. Both carry the time of the switch and the newer one wins: the inviter
// never overwrites a newer switch that it finds in the gate, but copies it into
// the control item. So a switch that reached only one of the two is not lost.
//
// Open, hold and a fixed share go to the edge first. They are the switches of an
// emergency and need neither the table nor the inviter. Throttle by the law and
// observe need the inviter to mean anything, and the inviter needs the table:
// they go to the control item first, so that one that cannot be kept is not
// begun.
//
// The time of a switch is that of the operator's own clock, which may be wrong.
// It is therefore made later than the switch that it replaces, at the edge and in
// the control item, by a second if need be.
package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// Desk is what the control plane reads and writes of the waitlist.
type Desk interface {
	// Notice reads what the operator wants and how far the invitations have come.
	Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error)
	// UpdateControl changes what the operator wants; it may call change again when
	// somebody else wrote meanwhile.
	UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error
	// State reads the inviter's memory, in which its last report is.
	State(ctx context.Context) ([]byte, error)
}

// Edge is the store at the edge. A read returns the ETag of the store together
// with an error about the document (gate.ErrMissing, or what makes it
// unreadable); without an ETag the store itself could not be read. Update writes
// what is not nil, all or nothing; with an ETag that is not the store's any more
// the error is gate.ErrChanged.
type Edge interface {
	Gate(ctx context.Context) (gate.Gate, string, error)
	Base(ctx context.Context) (gate.Base, string, error)
	Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error)
}

// Plane is the control plane of one raincheck. It is safe for concurrent use.
type Plane struct {
	// Site is what status shows of the site; all of it may be unknown.
	Site Site
	Desk Desk
	Edge Edge
	Now  func() time.Time
	// Trouble says why the waitlist's disk takes nothing more, or soon will not; nil is
	// asked of nobody.
	Trouble func() error
	// Hour gives the sums of the last hour of the metrics that Hourly lists; nil is
	// asked of nobody.
	Hour func(ctx context.Context) (map[metric.Name]int, error)
	// Explain puts an error of Desk or Edge into words for an operator; nil leaves
	// it as it is.
	Explain func(error) error
}

// ErrHalfDone means that the edge has a switch and the control item has not. It
// is in effect, and the inviter takes it over as soon as it can read the table.
var ErrHalfDone = errors.New("only the edge has the switch, which is enough for now: the inviter takes the switch over when it sees it; run the command again later, unless `raincheck status` shows it by then")

// ErrNotYet means that the control item has a switch and the edge has not, since the
// edge lacks what turning people away takes. The inviter's next tick brings it there.
var ErrNotYet = errors.New("the switch is recorded and NOT in effect before the inviter's next tick")

// errNoKeys means that the store at the edge has neither a gate nor a base with
// the salt and the keys that turning people away takes.
var errNoKeys = errors.New("the edge has no pass keys, as on a fresh stack, after the line of the plain aws command, or with a lost gate")

// Change does what a switch asks for. An error that is ErrChange is the caller's
// fault; with ErrHalfDone the switch is in effect, with ErrNotYet it will be at the
// next tick; with any other error the text says what was changed.
func (p *Plane) Change(ctx context.Context, change Change) error {
	now := p.Now().UTC().Truncate(time.Second)
	if _, err := change.To(waitlist.Control{}, now); err != nil {
		return err
	}
	switch change.Mode {
	case "":
		if _, err := p.record(ctx, change, now); err != nil {
			return p.unchanged(err)
		}
		return nil
	case gate.Open, gate.Hold:
		return p.edgeFirst(ctx, change, now)
	}
	if change.Admit != nil {
		return p.edgeFirst(ctx, change, now)
	}
	return p.controlFirst(ctx, change, now)
}

// edgeFirst is for the switches that need nothing but the edge.
func (p *Plane) edgeFirst(ctx context.Context, change Change, at time.Time) error {
	at, edge := p.turn(ctx, change, at, false)
	_, control := p.record(ctx, change, at)
	switch {
	case edge != nil && control != nil:
		return p.unchanged(edge, control)
	case errors.Is(edge, errNoKeys):
		return fmt.Errorf("%w: %w", ErrNotYet, edge)
	case edge != nil:
		return p.edgeFailed(edge)
	case control != nil:
		return fmt.Errorf("%w (writing the control item: %w)", ErrHalfDone, p.explain(control))
	}
	return nil
}

// controlFirst is for the switches that mean nothing without the inviter.
func (p *Plane) controlFirst(ctx context.Context, change Change, at time.Time) error {
	at, err := p.record(ctx, change, at)
	if err != nil {
		return p.unchanged(err)
	}
	switched, err := p.turn(ctx, change, at, true)
	if switched.After(at) {
		// The gate had a newer switch than the control item.
		if _, control := p.record(ctx, change, switched); err == nil {
			err = control
		}
	}
	switch {
	case errors.Is(err, errNoKeys):
		return fmt.Errorf("%w: %w", ErrNotYet, err)
	case err != nil:
		return p.edgeFailed(err)
	}
	return nil
}

func (p *Plane) edgeFailed(err error) error {
	return fmt.Errorf("the switch is recorded, and the inviter brings it to the edge within a minute; writing the gate now: %w", p.explain(err))
}

// unchanged says that a change was not made. A call that was not answered may have
// been carried out all the same.
func (p *Plane) unchanged(errs ...error) error {
	known := "nothing was changed"
	for i, err := range errs {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			known = "no answer came, so that it is not known whether anything was changed; `raincheck status` shows what is in force"
		}
		errs[i] = p.explain(err)
	}
	return fmt.Errorf("%s: %w", known, errors.Join(errs...))
}

func (p *Plane) explain(err error) error {
	if err == nil || p.Explain == nil {
		return err
	}
	return p.Explain(err)
}

// record changes the control item, and returns the time that the switch has
// there.
func (p *Plane) record(ctx context.Context, change Change, at time.Time) (time.Time, error) {
	switched := at
	err := p.Desk.UpdateControl(ctx, func(c *waitlist.Control) error {
		if change.Mode != "" {
			switched = after(c.Switched, at)
		}
		next, err := change.To(*c, switched)
		if err == nil {
			*c = next
		}
		return err
	})
	return switched, err
}

// turn writes the switch to the edge, again from the start when somebody else
// wrote meanwhile, and returns the time that it has there: also with an error, when
// the control item must have it to win against what was read. With recorded, the
// control item has the switch, of that very time, and the inviter may have
// brought it to the edge already.
func (p *Plane) turn(ctx context.Context, change Change, at time.Time, recorded bool) (time.Time, error) {
	const tries = 5
	for range tries {
		g, etag, err := p.standing(ctx)
		if err != nil {
			return at, err
		}
		if recorded && g.Switched.Equal(at) {
			return at, nil
		}
		at = after(g.Switched, at)
		if change.Mode != gate.Open && !g.Whole() {
			return at, errNoKeys
		}
		next, base := gate.Switch{Mode: change.Mode, Fixed: change.Admit, At: at}.Apply(g)
		_, err = p.Edge.Update(ctx, &next, base, etag)
		if !errors.Is(err, gate.ErrChanged) {
			return at, err
		}
	}
	return at, fmt.Errorf("writing the gate: others wrote %d times meanwhile: %w", tries, gate.ErrChanged)
}

// standing is the gate at the edge. What a gate lacks that is missing, unreadable
// or written by hand comes from the base. The error means that the store cannot
// be read.
func (p *Plane) standing(ctx context.Context) (gate.Gate, string, error) {
	g, etag, err := p.Edge.Gate(ctx)
	if etag == "" {
		return g, "", err
	}
	if err != nil {
		g = gate.Gate{Mode: gate.Open}
	}
	if g.Whole() {
		return g, etag, nil
	}
	b, tag, lost := p.Edge.Base(ctx)
	switch {
	case lost == nil:
		g.Salt, g.Stale, g.Settings, g.Keys = b.Salt, b.Stale, b.Settings, b.Keys
		if err != nil && b.Failure == gate.FailHold {
			// What the base lets in is what is in force.
			g.Mode, g.Admit, g.Fixed = gate.Throttle, b.Stale, true
		}
	case tag == "":
		return g, "", lost
	}
	return g, etag, nil
}

// after is at, or a second after since if at is not later. Both homes of a switch
// keep whole seconds.
func after(since, at time.Time) time.Time {
	if next := since.UTC().Truncate(time.Second).Add(time.Second); !since.IsZero() && at.Before(next) {
		return next
	}
	return at
}

// NoDesk is the waitlist of a stack of which nothing but the store at the edge
// can be found. Every call answers Why.
type NoDesk struct{ Why error }

// Notice answers Why.
func (n NoDesk) Notice(context.Context) (c waitlist.Control, p waitlist.Progress, err error) {
	return c, p, n.Why
}

// UpdateControl answers Why.
func (n NoDesk) UpdateControl(context.Context, func(*waitlist.Control) error) error { return n.Why }

// State answers Why.
func (n NoDesk) State(context.Context) ([]byte, error) { return nil, n.Why }
