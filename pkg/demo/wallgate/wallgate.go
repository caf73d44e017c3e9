// Package wallgate gives a person at a browser the gate of a waitlist that lives by
// virtual time.
package wallgate

import (
	"bytes"
	"context"
	"sync"
	"time"

	"raincheck/pkg/demo/virtual"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// Gate keeps a copy of what the edge reads, in which the gate's end is on
// the wall's clock: throttle.js knows one clock, and by it the person's pass
// lives.
type Gate struct {
	// Crowd is on virtual time, Own on the wall's.
	Crowd, Own *edge.Store
	Clock      *virtual.Clock
	Wall       func() time.Time

	mu sync.Mutex
	// gate and base are what was copied last, at a second of the wall: a gate's end
	// is a whole second, so that within one the copy stays as it is.
	gate, base []byte
	at         time.Time
}

// Follow brings the copy up to date; called before every request of a person.
func (p *Gate) Follow(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	docs, now := [2][]byte{p.document(ctx, gate.Key), p.document(ctx, gate.BaseKey)}, p.Wall().Truncate(time.Second)
	if bytes.Equal(docs[0], p.gate) && bytes.Equal(docs[1], p.base) && now.Equal(p.at) {
		return nil
	}
	if err := p.copy(ctx); err != nil {
		return err
	}
	p.gate, p.base, p.at = docs[0], docs[1], now
	return nil
}

// document is what the edge has, or what is on its way there while it has nothing:
// an instance that was started again in a hold must not let everybody in until its
// first word has arrived.
func (p *Gate) document(ctx context.Context, key string) []byte {
	if doc := p.Crowd.AtEdge(key); doc != nil {
		return doc
	}
	doc, _, err := p.Crowd.Get(ctx, key)
	if err != nil {
		return nil // nothing was written yet
	}
	return doc
}

func (p *Gate) copy(ctx context.Context) error {
	for _, key := range []string{gate.Key, gate.BaseKey} {
		doc := p.document(ctx, key)
		if doc == nil {
			continue
		}
		if key == gate.Key {
			g, err := gate.DecodeGate(doc)
			if err == nil && !g.Until.IsZero() {
				left := g.Until.Sub(p.Clock.Now())
				g.Until = p.Wall().Add(left).Truncate(time.Second)
				if doc, err = g.Encode(); err != nil {
					return err
				}
			}
		}
		now, etag, err := p.Own.Get(ctx, key)
		if err == nil && string(now) == string(doc) {
			continue
		}
		if _, err := p.Own.Put(ctx, key, doc, etag); err != nil {
			return err
		}
	}
	return nil
}
