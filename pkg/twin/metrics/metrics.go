// Package metrics keeps the load of the site and the counts of the edge, in
// memory.
package metrics

import (
	"context"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/twin"
)

// Metrics keeps the site's load and the counts at the edge, a value a minute, as
// whoever plays the site tells them. It is safe for concurrent use; the zero
// Metrics is empty and usable.
type Metrics struct {
	// Probe watches the calls; nil for none.
	Probe *twin.Probe

	mu   sync.Mutex
	load []admission.Sample
	edge []admission.EdgeCount
}

// AddLoad tells the load of the minute that began at a time; told again, it
// replaces the value.
func (m *Metrics) AddLoad(s admission.Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load = put(m.load, s, func(s admission.Sample) time.Time { return s.At })
}

// AddEdge tells the counts of a minute, like AddLoad.
func (m *Metrics) AddEdge(c admission.EdgeCount) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.edge = put(m.edge, c, func(c admission.EdgeCount) time.Time { return c.At })
}

// Load gives the minutes that began at since or later and had ended by until.
func (m *Metrics) Load(ctx context.Context, since, until time.Time) (samples []admission.Sample, err error) {
	err = m.Probe.Watch(ctx, "Load", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		samples = span(m.load, since, until, func(s admission.Sample) time.Time { return s.At })
		return nil
	})
	return samples, err
}

// Edge gives the counts of the same minutes.
func (m *Metrics) Edge(ctx context.Context, since, until time.Time) (counts []admission.EdgeCount, err error) {
	err = m.Probe.Watch(ctx, "Edge", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		counts = span(m.edge, since, until, func(c admission.EdgeCount) time.Time { return c.At })
		return nil
	})
	return counts, err
}

// put keeps values in order of time; they nearly always come in it.
func put[T any](all []T, v T, at func(T) time.Time) []T {
	i, found := slices.BinarySearchFunc(all, at(v), func(e T, t time.Time) int { return at(e).Compare(t) })
	if found {
		all[i] = v
		return all
	}
	return slices.Insert(all, i, v)
}

func span[T any](all []T, since, until time.Time, at func(T) time.Time) []T {
	before := func(e T, t time.Time) int { return at(e).Compare(t) }
	from, _ := slices.BinarySearchFunc(all, since, before)
	to, found := slices.BinarySearchFunc(all, until.Add(-time.Minute), before)
	if found {
		to++
	}
	return slices.Clone(all[from:max(from, to)])
}
