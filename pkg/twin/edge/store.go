package edge

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"raincheck/pkg/gate"
)

// Propagation is about how long a write to the KeyValueStore takes to reach the
// edge ("typically within a few seconds", says its guide; measured by others up
// to half a minute).
const Propagation = 30 * time.Second

// Store is the KeyValueStore. It has one ETag for the whole. A write is seen at
// once through its management calls, and after a delay at the edge. It is safe
// for concurrent use.
type Store struct {
	now   func() time.Time
	delay time.Duration

	mu      sync.Mutex
	version int
	values  map[string]*value
	writes  int
}

// value is a key's history: what the edge has, and what is on its way there.
type value struct {
	latest  []byte
	arrived []byte
	coming  []write
}

type write struct {
	value []byte
	at    time.Time
}

// NewStore returns an empty store whose writes reach the edge after delay on the
// clock now.
func NewStore(now func() time.Time, delay time.Duration) *Store {
	return &Store{now: now, delay: delay, values: map[string]*value{}}
}

// Get returns the value last written, and the store's ETag. When there is none
// the error is gate.ErrMissing, and the ETag is good all the same, to write the
// first one with.
func (s *Store) Get(ctx context.Context, key string) (doc []byte, etag string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fmt.Errorf("reading %s from the edge's store: %w", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.values[key]
	if v == nil {
		return nil, s.etag(), fmt.Errorf("reading %s from the edge's store: %w", key, gate.ErrMissing)
	}
	return append([]byte(nil), v.latest...), s.etag(), nil
}

// Put writes a value if etag is still the store's, and returns the new one;
// otherwise the error is gate.ErrChanged.
func (s *Store) Put(ctx context.Context, key string, doc []byte, etag string) (string, error) {
	return s.put(ctx, []gate.Document{{Key: key, Value: string(doc)}}, etag)
}

func (s *Store) put(ctx context.Context, docs []gate.Document, etag string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("writing to the edge's store: %w", err)
	}
	for _, d := range docs {
		if len(d.Value) > gate.MaxDocument {
			return "", fmt.Errorf("writing %s to the edge's store: %d bytes, and it takes %d", d.Key, len(d.Value), gate.MaxDocument)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if etag != s.etag() {
		return "", fmt.Errorf("writing to the edge's store: %w", gate.ErrChanged)
	}
	now := s.now()
	for _, d := range docs {
		v := s.values[d.Key]
		if v == nil {
			v = &value{}
			s.values[d.Key] = v
		}
		v.settle(now)
		v.latest = []byte(d.Value)
		v.coming = append(v.coming, write{value: v.latest, at: now.Add(s.delay)})
	}
	s.version++
	s.writes++
	return s.etag(), nil
}

// Gate reads the gate as it was last written, and the store's ETag, which comes
// with an error about the document too: gate.ErrMissing, or what makes it
// unreadable.
func (s *Store) Gate(ctx context.Context) (gate.Gate, string, error) {
	doc, etag, err := s.Get(ctx, gate.Key)
	if err != nil {
		return gate.Gate{}, etag, err
	}
	g, err := gate.DecodeGate(doc)
	return g, etag, err
}

// Base reads the base, like Gate.
func (s *Store) Base(ctx context.Context) (gate.Base, string, error) {
	doc, etag, err := s.Get(ctx, gate.BaseKey)
	if err != nil {
		return gate.Base{}, etag, err
	}
	b, err := gate.DecodeBase(doc)
	return b, etag, err
}

// Update writes the documents that are not nil, all or nothing, if the store is
// still as the ETag says, and returns the next one; else the error is
// gate.ErrChanged.
func (s *Store) Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error) {
	docs, err := gate.Documents(g, b)
	if err != nil {
		return "", err
	}
	return s.put(ctx, docs, etag)
}

// Writes returns how many writes there were: each one costs money.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// AtEdge returns what the edge has of a key by now, nil when nothing arrived yet.
// The caller must not change it.
func (s *Store) AtEdge(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.values[key]
	if v == nil {
		return nil
	}
	v.settle(s.now())
	return v.arrived
}

func (v *value) settle(now time.Time) {
	for len(v.coming) > 0 && !now.Before(v.coming[0].at) {
		v.arrived = v.coming[0].value
		v.coming = v.coming[1:]
	}
}

func (s *Store) etag() string { return "E" + strconv.Itoa(s.version) }
