// Package queue is the queue between inviter and sender, in memory.
package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"raincheck/pkg/twin"
	"raincheck/pkg/waitlist"
)

// Queue is the queue between inviter and sender. A message can be received from
// its slot on, as an SQS message with a delay. It is safe for concurrent use; the
// zero Queue is empty and usable.
type Queue struct {
	// Probe watches the calls; nil for none.
	Probe *twin.Probe

	mu    sync.Mutex
	heap  queued
	order int
}

type delivery struct {
	at    time.Time
	order int
	waitlist.Message
}

// queued is a heap: the next to be seen first, those of one moment in the order
// in which they came.
type queued []delivery

func (q queued) Len() int { return len(q) }
func (q queued) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}
func (q queued) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queued) Push(x any)   { *q = append(*q, x.(delivery)) }
func (q *queued) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	*q = (*q)[:last]
	return d
}

// Enqueue adds messages; each can be received from its slot on.
func (q *Queue) Enqueue(ctx context.Context, messages []waitlist.Message) error {
	return q.Probe.Watch(ctx, "Enqueue", func() error {
		for _, m := range messages {
			q.Return(m, m.Slot)
		}
		return nil
	})
}

// Return puts one message back, to be seen again at that time: what SQS does
// with one that the sender did not finish, after its visibility timeout.
func (q *Queue) Return(m waitlist.Message, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.order++
	heap.Push(&q.heap, delivery{at: at, order: q.order, Message: m})
}

// Next is when the next message can be received; false when the queue is empty.
func (q *Queue) Next() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return q.heap[0].at, true
}

// Receive takes at most limit messages that can be received at now, earliest
// first. What the sender does not finish is the caller's to Return.
func (q *Queue) Receive(now time.Time, limit int) []waitlist.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []waitlist.Message
	for len(out) < limit && len(q.heap) > 0 && !q.heap[0].at.After(now) {
		out = append(out, heap.Pop(&q.heap).(delivery).Message)
	}
	return out
}

// Len is how many messages are queued, visible or not.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.heap)
}
