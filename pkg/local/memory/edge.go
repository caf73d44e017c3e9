package memory

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"raincheck/pkg/gate"
)

// Edge is the KeyValueStore: two documents and one ETag for the store, which
// every write names and changes. It keeps texts, as the service does, so that
// what the edge's code reads is what was encoded. It is safe for concurrent use;
// the zero Edge is empty and usable.
type Edge struct {
	// Probe watches the calls of the inviter and the tool; nil for none.
	Probe *Probe

	mu     sync.Mutex
	values map[string]string
	etag   int
	writes int
}

// Value is the text under a key, as the edge's code reads it.
func (e *Edge) Value(key string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v, ok := e.values[key]
	return v, ok
}

// Writes is how many writes there were: each costs money at the real edge.
func (e *Edge) Writes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.writes
}

// Gate reads the gate and the ETag of the store, which comes with an error of
// the document too: gate.ErrMissing, or what makes it unreadable.
func (e *Edge) Gate(ctx context.Context) (g gate.Gate, etag string, err error) {
	err = e.Probe.watch(ctx, "Gate", func() error {
		text, ok := e.Value(gate.Key)
		etag = e.tag()
		if !ok {
			return gate.ErrMissing
		}
		var err error
		g, err = gate.DecodeGate([]byte(text))
		return err
	})
	return g, etag, err
}

// Base reads the base and the ETag of the store, like Gate.
func (e *Edge) Base(ctx context.Context) (b gate.Base, etag string, err error) {
	err = e.Probe.watch(ctx, "Base", func() error {
		text, ok := e.Value(gate.BaseKey)
		etag = e.tag()
		if !ok {
			return gate.ErrMissing
		}
		var err error
		b, err = gate.DecodeBase([]byte(text))
		return err
	})
	return b, etag, err
}

// PutGate writes the gate if the store is still as the ETag says, and returns
// the next one; else gate.ErrChanged.
func (e *Edge) PutGate(ctx context.Context, g gate.Gate, etag string) (next string, err error) {
	err = e.Probe.watch(ctx, "PutGate", func() error {
		doc, err := g.Encode()
		if err != nil {
			return err
		}
		next, err = e.put(gate.Key, string(doc), etag)
		return err
	})
	return next, err
}

// PutBase writes the base, like PutGate.
func (e *Edge) PutBase(ctx context.Context, b gate.Base, etag string) (next string, err error) {
	err = e.Probe.watch(ctx, "PutBase", func() error {
		doc, err := b.Encode()
		if err != nil {
			return err
		}
		next, err = e.put(gate.BaseKey, string(doc), etag)
		return err
	})
	return next, err
}

// Set writes a text under a key whatever is there, or takes the key away when
// the text is empty: a hand in the store.
func (e *Edge) Set(key, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.values == nil {
		e.values = map[string]string{}
	}
	e.etag++
	if text == "" {
		delete(e.values, key)
		return
	}
	e.values[key] = text
}

func (e *Edge) tag() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strconv.Itoa(e.etag)
}

func (e *Edge) put(key, text, etag string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if etag != strconv.Itoa(e.etag) {
		return "", fmt.Errorf("writing the %s: %w", key, gate.ErrChanged)
	}
	if e.values == nil {
		e.values = map[string]string{}
	}
	e.values[key] = text
	e.etag++
	e.writes++
	return strconv.Itoa(e.etag), nil
}
