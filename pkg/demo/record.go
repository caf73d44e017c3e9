package demo

import (
	"math"
	"sync"
	"time"

	"raincheck/pkg/console"
)

// minute is what a virtual minute was, for the console's charts.
type minute struct {
	at                  time.Time
	load, target, admit float64 // load is NaN before the first
	flows
	waiting int
	// For the simulation's series: who stood in the line without a mail, was on the
	// site, was asked to be invited, and why.
	line, onSite, claimed int
	because               string
}

// record keeps the minutes. People look at it while the world goes on.
type record struct {
	mu      sync.Mutex
	minutes []minute
}

// kept is a week: more than any trace, and a few megabytes.
const kept = 7 * 24 * 60

func (r *record) add(m minute) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.minutes) == kept {
		r.minutes = append(r.minutes[:0], r.minutes[kept/7:]...)
	}
	r.minutes = append(r.minutes, m)
}

// series gives the minutes after a time.
func (r *record) series(after time.Time) console.Series {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := len(r.minutes)
	for from > 0 && r.minutes[from-1].at.After(after) {
		from--
	}
	s := console.Series{Minutes: []int64{}}
	for _, m := range r.minutes[from:] {
		s.Minutes = append(s.Minutes, m.at.Unix())
		s.Load = append(s.Load, m.load)
		s.Target = append(s.Target, m.target)
		s.Admit = append(s.Admit, m.admit)
		s.Visitors = append(s.Visitors, float64(m.visitors))
		s.Admitted = append(s.Admitted, float64(m.admitted))
		s.Joined = append(s.Joined, float64(m.joined))
		s.Waiting = append(s.Waiting, float64(m.waiting))
		s.Invited = append(s.Invited, float64(m.invited))
		s.Redeemed = append(s.Redeemed, float64(m.redeemed))
	}
	return s
}

// load gives the newest load, and the minute that it belongs to.
func (r *record) load() (load *float64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.minutes) == 0 {
		return nil, time.Time{}
	}
	last := r.minutes[len(r.minutes)-1]
	if math.IsNaN(last.load) {
		return nil, time.Time{}
	}
	return &last.load, last.at
}
