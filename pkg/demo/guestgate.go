package demo

import (
	"context"
	"sync"
	"time"

	"raincheck/pkg/demo/virtual"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// personGate keeps a copy of what the edge reads, in which the gate's end is on
// the wall's clock: throttle.js knows one clock, and by it the person's pass
// lives.
type personGate struct {
	crowd *edge.Store // virtual
	own   *edge.Store // the wall's
	clock *virtual.Clock
	wall  func() time.Time

	mu sync.Mutex
}

// follow brings the copy up to date; called before every request of a person.
func (p *personGate) follow(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range []string{gate.Key, gate.BaseKey} {
		doc := p.crowd.AtEdge(key)
		if doc == nil {
			continue
		}
		if key == gate.Key {
			g, err := gate.DecodeGate(doc)
			if err == nil && !g.Until.IsZero() {
				left := g.Until.Sub(p.clock.Now())
				g.Until = p.wall().Add(left).Truncate(time.Second)
				if doc, err = g.Encode(); err != nil {
					return err
				}
			}
		}
		now, etag, err := p.own.Get(ctx, key)
		if err == nil && string(now) == string(doc) {
			continue
		}
		if _, err := p.own.Put(ctx, key, doc, etag); err != nil {
			return err
		}
	}
	return nil
}
