package gate

import "time"

// GoodFor is how long a decision of the law to turn people away is good. Past
// it the edge falls back to the stale share, so that a controller that died
// cannot freeze its last decision; the controller renews it at half that time.
// What an operator decided, hold or a fixed share, has no end.
const GoodFor = 10 * time.Minute

// Switch is an operator's switch, as the edge has to know it.
type Switch struct {
	Mode Mode
	// Fixed is the share of new visitors let in until the next switch, with
	// throttle; nil lets the law decide.
	Fixed *float64
	// At is the time of the switch. It is later than the gate's own.
	At time.Time
}

// Apply returns what the switch writes at an edge that has g: the gate, and the
// base when that has to change with it (nil when it stays). Both are to be
// written in one call, so that no edge has a hold without its base.
//
// Throttle by the law, and observe, begin with the share that is in force, until
// the controller knows better: leaving hold lets nobody in by itself.
func (s Switch) Apply(g Gate) (Gate, *Base) {
	next := g
	next.Mode, next.Switched, next.Until = s.Mode, s.At.UTC().Truncate(time.Second), time.Time{}
	next.Fixed, next.Admit = false, g.LetsIn(s.At)
	switch s.Mode {
	case Open:
		next.Admit = 1
	case Hold:
		next.Admit = 0
	case Throttle:
		if s.Fixed != nil {
			next.Fixed, next.Admit = true, *s.Fixed
		} else if next.Admit < 1 {
			next.Until = next.Switched.Add(GoodFor)
		}
	case Observe:
		if g.Mode == Observe {
			next.Admit = g.Admit
		}
	}
	// Out of hold the stale share is the limit until the controller writes the
	// base that the stack is configured with.
	limit := Fallback{FailHold, g.Stale}
	if !g.closed() && !next.everyone() && !next.closed() {
		return next, nil
	}
	base := next.Base(limit)
	return next, &base
}

// Fallback is what the edge does when it has no decision: what the stack is
// configured with.
type Fallback struct {
	Failure Failure
	// Stale is the share let in, 0 to 1, by a hold, and by a gate past its end.
	Stale float64
}

// Base returns the base that goes with the gate. An operator's hold holds there
// too, and an operator's open opens; the fallback is for what the law decides.
func (g Gate) Base(f Fallback) Base {
	switch {
	case g.everyone():
		f.Failure = FailOpen
	case g.closed():
		f = Fallback{Failure: FailHold}
	}
	return Base{Mode: g.Mode, Salt: g.Salt, Failure: f.Failure, Stale: f.Stale, Settings: g.Settings, Keys: g.Keys}
}

// everyone says that the mode lets everyone in.
func (g Gate) everyone() bool { return g.Mode == Open || g.Mode == Observe }

// closed says that an operator lets nobody new in.
func (g Gate) closed() bool { return g.Mode == Hold || g.Mode == Throttle && g.Fixed && g.Admit == 0 }

// LetsIn returns the share of new visitors whom the gate lets straight in at
// now, 0 to 1.
func (g Gate) LetsIn(now time.Time) float64 {
	switch {
	case g.everyone():
		return 1
	case !g.InForce(now):
		return g.Stale
	case g.Mode == Hold:
		return 0
	}
	return g.Admit
}

// Whole says that the gate has what it takes to turn people away: a salt to
// draw with, and settings and keys for passes. One written by hand has not.
func (g Gate) Whole() bool {
	return g.Salt != "" && g.PassLife != 0 && g.Sample != 0 && len(g.Keys) > 0
}
