package intake

import (
	"context"
	"maps"
	"sync"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// notice is what every page needs to know, as it was read last: what the operator
// wants, how far the line has got, and what is said about the site.
type notice struct {
	control  waitlist.Control
	progress waitlist.Progress
	look     *look
}

// unread is what a room begins with, until a notice was read: the form is shown.
// The zero Control would say that everybody is let in, and send whoever was just
// turned away back to it. A person who cannot be saved is told so by the sign-up
// itself.
var unread = notice{control: waitlist.Control{Mode: gate.Throttle}, look: siteless}

// noticeBoard caches the notice, so that a sign-up stays one request to the store.
// Each language has its own words and so its own notice.
type noticeBoard struct {
	mu    sync.Mutex
	by    map[string]notice
	asked map[string]time.Time
	// ahead is closed when what was asked ahead is answered; nil when nothing is.
	ahead chan struct{}
}

// noticePatience is how long a page waits for the notice: it can be shown without.
const noticePatience = 2 * time.Second

// readAhead asks for the notice while the first request of a process still waits
// to hear whether it came through the CDN: two questions to the network then take
// the time of one.
func (rm *room) readAhead(ctx context.Context, tag string, now time.Time) {
	b := &rm.notices
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) > 0 {
		return
	}
	b.asked = map[string]time.Time{tag: now}
	answered := make(chan struct{})
	b.ahead = answered
	go func() {
		n, err := rm.ask(ctx, tag)
		b.mu.Lock()
		defer b.mu.Unlock()
		if err == nil {
			b.put(tag, n)
		} else {
			delete(b.asked, tag) // the next request that needs it asks for itself
		}
		b.ahead = nil
		close(answered)
	}()
}

// put keeps a notice. Readers hold the map that was there before.
func (b *noticeBoard) put(tag string, n notice) {
	next := maps.Clone(b.by)
	if next == nil {
		next = map[string]notice{}
	}
	next[tag] = n
	b.by = next
}

// read gives the notice in a language, at most NoticeLife old. A store that does
// not answer leaves the last one in force.
func (rm *room) read(ctx context.Context, tag string, now time.Time) notice {
	b := &rm.notices
	b.mu.Lock()
	for b.ahead != nil {
		answered := b.ahead
		b.mu.Unlock()
		select {
		case <-answered:
		case <-ctx.Done():
			return rm.unread
		}
		b.mu.Lock()
	}
	last, known := b.by[tag]
	if !known {
		last = rm.unread
	}
	asked, before := b.asked[tag]
	if before && now.Sub(asked) < rm.NoticeLife && !now.Before(asked) {
		b.mu.Unlock()
		return last
	}
	// One request asks the store; those that come meanwhile get the old notice and
	// do not wait.
	if b.asked == nil {
		b.asked = map[string]time.Time{}
	}
	b.asked[tag] = now
	b.mu.Unlock()
	n, err := rm.ask(ctx, tag)
	if err != nil {
		rm.Log.WarnContext(ctx, "read the notice; the last one stands", "error", err)
		return last
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(tag, n)
	return n
}

// ask reads the notice from the store, in one request.
func (rm *room) ask(ctx context.Context, tag string) (n notice, err error) {
	ctx, cancel := context.WithTimeout(ctx, noticePatience)
	defer cancel()
	var words site.Words
	if n.control, n.progress, words, err = rm.Store.NoticeIn(ctx, tag); err != nil {
		return n, err
	}
	n.look = lookOf(words)
	return rm.named(n), nil
}

// named gives a site that nobody has described its name from the settings.
func (rm *room) named(n notice) notice {
	if n.look.Name == "" {
		copied := *n.look
		copied.Name = rm.Site
		n.look = &copied
	}
	return n
}

// seen is the notice of this visit: read when it is first needed, and the same
// from then on.
func (v *visit) seen() notice {
	if v.notice == nil {
		n := v.room.read(v.Context(), v.lang.Tag, v.now)
		v.notice = &n
	}
	return *v.notice
}

// speaks sets the language of the visit, if the room has it.
func (v *visit) speaks(tag string) bool {
	for _, l := range v.room.languages {
		if l.Tag == tag {
			v.lang, v.notice = l, nil
			return true
		}
	}
	return false
}

// open says that nobody is turned away now.
func (n notice) open() bool {
	switch n.control.EffectiveMode() {
	case gate.Open, gate.Observe:
		return true
	case gate.Hold:
		return false
	}
	return n.progress.Open
}

// closed says that no addresses are taken now.
func (n notice) closed() bool { return n.control.SignupsOff || n.control.Drain }
