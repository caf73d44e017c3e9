// Package recent counts what happened a short while ago.
package recent

import (
	"sync"
	"time"

	"raincheck/pkg/metric"
)

// Sums count metrics in the last hour.
type Sums struct{ hours map[metric.Name]*Hour }

// NewSums makes one that counts those, and no other.
func NewSums(names []metric.Name) *Sums {
	s := &Sums{map[metric.Name]*Hour{}}
	for _, name := range names {
		s.hours[name] = &Hour{}
	}
	return s
}

// Add counts n of one of them at a time.
func (s *Sums) Add(now time.Time, name metric.Name, n int) {
	if h := s.hours[name]; h != nil {
		h.Add(now, n)
	}
}

// Of gives what was counted in the hour before now; what was not is left out.
func (s *Sums) Of(now time.Time) map[metric.Name]int {
	sums := map[metric.Name]int{}
	for name, h := range s.hours {
		if n := h.Sum(now); n > 0 {
			sums[name] = n
		}
	}
	return sums
}

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
