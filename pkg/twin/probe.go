// Package twin and the packages below it are everything that raincheck asks of
// AWS, in the memory of one process: store keeps the waitlist, queue is the
// queue, outbox is the mail service, metrics has the load and the counts, edge
// is CloudFront. They are twins and not mocks: each promises what its adapter
// in pkg/aws promises, and the store passes the same suite as the table of
// DynamoDB (waitlisttest).
//
// A twin has no goroutine, no timer and no clock. Whatever happens at a time is
// given the time, and what becomes due can be asked for (queue.Next), so that a
// day can be lived through in minutes by jumping from one moment to the next.
//
// Every twin can be watched and made to fail through a Probe: it counts the
// calls and makes one fail before it takes effect, or after, which is how a
// network fails.
package twin

import (
	"context"
	"maps"
	"sync"
)

// Probe stands between a twin and its callers. It counts the calls, and its two
// hooks, where set, can fail one or hold it up. The zero Probe only counts; a
// nil one does nothing. Set the hooks before the twin is used.
type Probe struct {
	// Before is called with the name of the method before it takes effect. Its
	// error is the caller's, and nothing has happened. It may wait for ctx, and so
	// be a slow service.
	Before func(ctx context.Context, call string) error
	// After is called once the method succeeded and took effect. Its error is the
	// caller's: the answer that got lost on the way.
	After func(ctx context.Context, call string) error

	mu    sync.Mutex
	calls map[string]int
}

// Calls is how often each method was called since the last Reset.
func (p *Probe) Calls() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.calls)
}

// Total is how many calls there were since the last Reset.
func (p *Probe) Total() int {
	n := 0
	for _, c := range p.Calls() {
		n += c
	}
	return n
}

// Reset sets the count back to zero.
func (p *Probe) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.calls)
}

// Watch runs a call of a twin.
func (p *Probe) Watch(ctx context.Context, call string, f func() error) error {
	if p == nil {
		return f()
	}
	p.mu.Lock()
	if p.calls == nil {
		p.calls = map[string]int{}
	}
	p.calls[call]++
	p.mu.Unlock()
	if p.Before != nil {
		if err := p.Before(ctx, call); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if p.After != nil {
		return p.After(ctx, call)
	}
	return nil
}
