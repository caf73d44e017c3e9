// Package virtual is the time of the demonstration, in which hours pass in
// minutes and everything happens at its second, however busy the machine is.
package virtual

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Clock is virtual time: a queue of what is due, and a now that stands still
// until the work due now is done. However busy the machine is, nothing is ever
// late for anything else. The speed is an upper bound: a machine that cannot
// keep it up takes the time it needs.
//
// Everything simulated runs on the one goroutine that calls Run. People at a
// browser come in between, on their own goroutines: for them now moves smoothly
// from one event to the next.
type Clock struct {
	// wall is the machine's clock.
	wall func() time.Time

	mu    sync.Mutex
	queue events
	seq   int
	now   time.Time // of the event in hand, or of the last one
	busy  bool      // an event is in hand: now stands still
	over  bool
	speed float64 // virtual seconds a second; 0 is as fast as it goes
	// From the pair of anchors on, virtual time runs at speed.
	anchor, anchorWall time.Time
	// marks are pairs of the two clocks, at most one a virtual minute, from the first
	// SetSpeed on.
	marks []mark

	wake chan struct{}
}

// event is something due. Events of the same time run in the order in which
// they were asked for.
type event struct {
	at  time.Time
	seq int
	do  func()
}

// maxCatchUp is how far behind its speed the clock may be and still make up for
// it. It evens out the unpunctuality of timers; more would turn a stop of the
// machine into a rush.
const maxCatchUp = 250 * time.Millisecond

// New is a clock that stands at start and runs at that many virtual seconds a
// second, 0 for as fast as it goes; wall is the machine's clock.
func New(start time.Time, speed float64, wall func() time.Time) *Clock {
	return &Clock{wall: wall, now: start, speed: speed, anchor: start, anchorWall: wall(), wake: make(chan struct{}, 1)}
}

// Now is virtual time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current(c.wall())
}

// current is now, moved on towards the next event by the time that has passed.
func (c *Clock) current(wall time.Time) time.Time {
	if c.busy || c.speed == 0 || len(c.queue) == 0 {
		return c.now
	}
	now := c.anchor.Add(time.Duration(float64(wall.Sub(c.anchorWall)) * c.speed))
	if next := c.queue[0].at; now.After(next) {
		now = next
	}
	if now.Before(c.now) {
		now = c.now
	}
	return now
}

// At has do run at the given virtual time; a time that is past is now.
func (c *Clock) At(t time.Time, do func()) {
	c.mu.Lock()
	c.seq++
	heap.Push(&c.queue, event{t, c.seq, do})
	first := c.queue[0].seq == c.seq
	c.mu.Unlock()
	if first {
		c.rouse()
	}
}

// Speed gives the speed asked for.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes it from now on.
func (c *Clock) SetSpeed(speed float64) {
	c.mu.Lock()
	wall := c.wall()
	c.anchor, c.anchorWall, c.speed = c.current(wall), wall, speed
	c.marks = append(c.marks, mark{c.anchor, wall, speed})
	c.mu.Unlock()
	c.rouse()
}

func (c *Clock) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Halt ends Run after the event in hand.
func (c *Clock) Halt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// Run works the queue off until ctx is done, halt is called, or nothing is due
// before until (zero: nothing is due at all). Virtual time then stands at until.
func (c *Clock) Run(ctx context.Context, until time.Time) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		e, wait, ok := c.next(until)
		if !ok {
			return
		}
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
			case <-timer.C:
			case <-c.wake:
			}
			continue
		}
		e.do()
		c.mu.Lock()
		c.busy = false
		c.mu.Unlock()
	}
}

// next takes the next event if it is time for it, else says how long to wait.
func (c *Clock) next(until time.Time) (e event, wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return event{}, 0, false
	}
	if len(c.queue) == 0 || (!until.IsZero() && c.queue[0].at.After(until)) {
		if !until.IsZero() {
			c.now = until
		}
		return event{}, 0, false
	}
	e = c.queue[0]
	if c.speed > 0 {
		wall := c.wall()
		due := c.anchorWall.Add(time.Duration(float64(e.at.Sub(c.anchor)) / c.speed))
		switch late := wall.Sub(due); {
		case late < 0:
			return event{}, -late, true
		case late > maxCatchUp:
			c.anchor, c.anchorWall = e.at, wall.Add(-maxCatchUp)
		}
	}
	heap.Pop(&c.queue)
	c.remember(e.at)
	if e.at.After(c.now) {
		c.now = e.at
	}
	c.busy = true
	return e, 0, true
}

// events is a heap by time, then by order.
type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}
