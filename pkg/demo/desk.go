package demo

import (
	"context"
	"errors"
	"fmt"

	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// desk is the edge's store as those see it who write it: the inviter, and an
// operator's switch. It encodes and decodes what the store keeps as text.
type desk struct{ store *edge.Store }

// Gate reads the gate and the store's ETag, which comes with gate.ErrMissing too.
func (d desk) Gate(ctx context.Context) (gate.Gate, string, error) {
	doc, etag, err := d.store.Get(ctx, gate.Key)
	if err != nil {
		return gate.Gate{}, etag, err
	}
	g, err := gate.DecodeGate(doc)
	return g, etag, err
}

// Base reads the base, like Gate.
func (d desk) Base(ctx context.Context) (gate.Base, string, error) {
	doc, etag, err := d.store.Get(ctx, gate.BaseKey)
	if err != nil {
		return gate.Base{}, etag, err
	}
	b, err := gate.DecodeBase(doc)
	return b, etag, err
}

// PutGate writes the gate if the store is as etag says; else gate.ErrChanged.
func (d desk) PutGate(ctx context.Context, g gate.Gate, etag string) (string, error) {
	doc, err := g.Encode()
	if err != nil {
		return "", fmt.Errorf("encode the gate: %w", err)
	}
	return d.store.Put(ctx, gate.Key, doc, etag)
}

// PutBase writes the base, like PutGate.
func (d desk) PutBase(ctx context.Context, b gate.Base, etag string) (string, error) {
	doc, err := b.Encode()
	if err != nil {
		return "", fmt.Errorf("encode the base: %w", err)
	}
	return d.store.Put(ctx, gate.BaseKey, doc, etag)
}

// turn writes the gate as change makes it, again from the start when somebody
// else wrote meanwhile: an operator's switch must win over a tick.
func (d desk) turn(ctx context.Context, change func(*gate.Gate)) error {
	for range 5 {
		g, etag, err := d.Gate(ctx)
		if errors.Is(err, gate.ErrMissing) {
			return nil // before the first tick, which goes by the control item
		}
		if err != nil {
			return err
		}
		change(&g)
		if _, err = d.PutGate(ctx, g, etag); !errors.Is(err, gate.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("switch the gate: %w, five times", gate.ErrChanged)
}
