package waitlist

import (
	"maps"
	"slices"
	"time"
)

// Waits are how long those had waited who were invited lately, by tick. They are
// counted and not listed: a tick may invite thousands.
type Waits []TickWaits

// TickWaits are those whom one tick invited: how many had waited how many minutes.
type TickWaits struct {
	At      time.Time   `json:"at"`
	Minutes map[int]int `json:"minutes"`
}

// Minutes is a wait in whole minutes; above two hours, where nobody counts
// minutes, in whole five minutes, so that the counts stay few.
func Minutes(wait time.Duration) int {
	m := int(max(0, wait) / time.Minute)
	if m >= 120 {
		m -= m % 5
	}
	return m
}

// Add gives the waits with those of a tick, and without what is WaitedOver old at
// that tick.
func (w Waits) Add(at time.Time, minutes map[int]int) Waits {
	var next Waits
	for _, t := range w {
		if at.Sub(t.At) < WaitedOver {
			next = append(next, t)
		}
	}
	if len(minutes) > 0 {
		next = append(next, TickWaits{At: at, Minutes: maps.Clone(minutes)})
	}
	return next
}

// Waited says what the pages show at a time: the 10th and the 90th percentile, by
// nearest rank. With nobody invited it is zero.
func (w Waits) Waited(at time.Time) Waited {
	counts := map[int]int{}
	people := 0
	for _, t := range w {
		for m, n := range t.Minutes {
			counts[m] += n
			people += n
		}
	}
	if people == 0 {
		return Waited{}
	}
	waited := Waited{At: at, People: people}
	low, high := (people+9)/10, (9*people+9)/10
	seen := 0
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		before := seen
		seen += counts[m]
		if before < low && seen >= low {
			waited.From = m
		}
		if before < high && seen >= high {
			waited.To = m
		}
	}
	return waited
}
