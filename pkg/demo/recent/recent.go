// Package recent counts what happened a short while ago.
package recent

import (
	"sync"
	"time"
)

// Hour counts what happened in the last hour, by the minute, in bounded memory.
type Hour struct {
	mu    sync.Mutex
	at    [60]int64 // the minute that a count is of, since 1970
	count [60]int
}

// Add counts n at a time.
func (h *Hour) Add(now time.Time, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	minute := now.Unix() / 60
	i := minute % int64(len(h.at))
	if h.at[i] != minute {
		h.at[i], h.count[i] = minute, 0
	}
	h.count[i] += n
}

// Sum is what was counted in the hour before now.
func (h *Hour) Sum(now time.Time) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	minute := now.Unix() / 60
	for i, at := range h.at {
		if at > minute-int64(len(h.at)) && at <= minute {
			n += h.count[i]
		}
	}
	return n
}
