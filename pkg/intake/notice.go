package intake

import (
	"context"
	"sync"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// notice is what the operator wants and how far the line has got, cached so that
// a sign-up stays one request to the store.
type notice struct {
	mu       sync.Mutex
	asked    time.Time
	control  waitlist.Control
	progress waitlist.Progress
	// ahead is closed when what was asked ahead is answered; nil when nothing is.
	ahead chan struct{}
}

// readAhead asks for the notice while the first request of a process still waits
// to hear whether it came through the door: two questions to the network then
// take the time of one. It is called for the pages that show what the notice says.
func (rm *room) readAhead(ctx context.Context, now time.Time) {
	n := &rm.notice
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.asked.IsZero() {
		return
	}
	n.asked = now
	answered := make(chan struct{})
	n.ahead = answered
	go func() {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		c, p, err := rm.Store.Notice(ctx)
		n.mu.Lock()
		defer n.mu.Unlock()
		if err == nil {
			n.control, n.progress = c, p
		} else {
			n.asked = time.Time{} // the next request that needs it asks for itself
		}
		n.ahead = nil
		close(answered)
	}()
}

// unheard is what a room begins with, until a notice was heard: the form is shown. The
// zero Control would say that the door is open, and send whoever was just turned
// away back to it. A person who cannot be saved is told so by the sign-up itself.
var unheard = waitlist.Control{Mode: gate.Throttle}

// read gives the notice, at most NoticeLife old. A store that does not answer
// leaves the last one in force.
func (rm *room) read(ctx context.Context, now time.Time) (waitlist.Control, waitlist.Progress) {
	n := &rm.notice
	n.mu.Lock()
	for n.ahead != nil {
		answered := n.ahead
		n.mu.Unlock()
		select {
		case <-answered:
		case <-ctx.Done():
			return unheard, waitlist.Progress{}
		}
		n.mu.Lock()
	}
	fresh := !n.asked.IsZero() && now.Sub(n.asked) < rm.NoticeLife && !now.Before(n.asked)
	control, progress := n.control, n.progress
	if fresh {
		n.mu.Unlock()
		return control, progress
	}
	// One request asks the store; those that come meanwhile get the old notice and
	// do not wait.
	n.asked = now
	n.mu.Unlock()
	c, p, err := rm.Store.Notice(ctx)
	if err != nil {
		rm.Log.WarnContext(ctx, "read the notice; the last one stands", "error", err)
		return control, progress
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.control, n.progress = c, p
	return c, p
}

// doorOpen says that nobody is turned away now.
func doorOpen(c waitlist.Control, p waitlist.Progress) bool {
	switch c.Door() {
	case gate.Open, gate.Observe:
		return true
	case gate.Hold:
		return false
	}
	return p.Open
}
