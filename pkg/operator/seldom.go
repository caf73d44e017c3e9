package operator

import (
	"context"
	"time"

	"raincheck/pkg/gate"
)

// Watch is a control plane for somebody who looks on all day: it asks the store at
// the edge, where each request is paid, once in a while and after each switch, and
// shows what it read meanwhile. The counts of the last hour are asked for as seldom.
// Everything else is read each time.
type Watch struct {
	plane Plane
	edge  *seldom
	// switched is the switch that the last answer was about.
	switched time.Time
	// counted has the counts of the last hour, of its Now.
	counted Snapshot
}

// NewWatch makes a Watch that asks the edge at most so often. It is not safe for
// concurrent use.
func NewWatch(p Plane, every time.Duration) *Watch {
	edge := &seldom{edge: p.Edge, now: p.Now, every: every}
	p.Edge = edge
	return &Watch{plane: p, edge: edge}
}

// Snapshot is the plane's Counted.
func (w *Watch) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := w.look(ctx)
	if err != nil {
		return s, err
	}
	if s.Now.Sub(w.counted.Now) >= w.edge.every {
		w.counted = Snapshot{Now: s.Now}
		w.plane.countHour(ctx, &w.counted)
	}
	s.Trapped, s.Mails = w.counted.Trapped, w.counted.Mails
	return s, nil
}

func (w *Watch) look(ctx context.Context) (Snapshot, error) {
	s, err := w.plane.Snapshot(ctx)
	if err != nil || s.Unread || s.Control.Switched.Equal(w.switched) {
		return s, err
	}
	first := w.switched.IsZero()
	w.switched = s.Control.Switched
	if first {
		return s, nil // it was read just now
	}
	// Somebody has thrown a switch: what was read before is old.
	w.edge.forget()
	return w.plane.Snapshot(ctx)
}

// seldom keeps what it read of an edge.
type seldom struct {
	edge  Edge
	now   func() time.Time
	every time.Duration

	gate kept[gate.Gate]
	base kept[gate.Base]
}

// kept is an answer of the store, and when it was given.
type kept[T any] struct {
	at    time.Time
	value T
	etag  string
	err   error
}

func (k *kept[T]) read(ctx context.Context, now time.Time, every time.Duration, ask func(context.Context) (T, string, error)) (T, string, error) {
	if k.at.IsZero() || now.Sub(k.at) >= every {
		k.value, k.etag, k.err = ask(ctx)
		k.at = now
	}
	return k.value, k.etag, k.err
}

// Gate reads the gate.
func (s *seldom) Gate(ctx context.Context) (gate.Gate, string, error) {
	return s.gate.read(ctx, s.now(), s.every, s.edge.Gate)
}

// Base reads the base.
func (s *seldom) Base(ctx context.Context) (gate.Base, string, error) {
	return s.base.read(ctx, s.now(), s.every, s.edge.Base)
}

// Update is the edge's.
func (s *seldom) Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error) {
	return s.edge.Update(ctx, g, b, etag)
}

// forget has the next read ask again.
func (s *seldom) forget() { s.gate.at, s.base.at = time.Time{}, time.Time{} }
