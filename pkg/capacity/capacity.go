// Package capacity proposes how many visitors at once a site can carry, from a
// day of its load and of the visitors counted at the edge, and draws that day.
package capacity

import (
	"fmt"
	"math"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/format"
)

// Proposal is a capacity and how it was got.
type Proposal struct {
	Visitors float64 `json:"visitors"`
	How      string  `json:"how"`
	// Visit is the mean length of a visit that goes with it, in minutes; Law the
	// capacity that the admission law makes out by itself, 0 for none.
	Visit float64 `json:"visitMinutes"`
	Law   float64 `json:"law,omitempty"`
}

// Recorded is what is known of some hours, by the minute.
type Recorded struct {
	Load []admission.Sample
	Edge []admission.EdgeCount
	// Shares is the share let in, where somebody was turned away; elsewhere
	// everybody was let in. Back is how many came with a code.
	Shares, Back map[time.Time]float64
}

// The least that a capacity is proposed from: people must have come and gone
// again for some visits, and a site that was never busy says little about itself
// full.
const (
	enoughMinutes = 180
	enoughLoad    = 0.15
	// mostHeld is the share of the minutes in which people may have been turned
	// away: a load that is held at its target says nothing of what moves it.
	mostHeld = 0.25
)

// Propose finds the capacity by which the recorded load follows best from who
// came in: each came for a visit of some length, and of all lengths the one is
// taken that explains the load best. Beside it stands what the admission law
// itself makes of the same minutes. It gives the reason when there is nothing to
// propose.
func Propose(r Recorded, now time.Time) (*Proposal, string) {
	m := minutesOf(r, now)
	if why := m.refused(len(r.Load)); why != "" {
		return nil, why
	}
	came, load := m.series(r, now)
	f, ok := bestFit(came, load)
	if !ok {
		return nil, "the load does not follow from who comes in: is it the metric of this site?"
	}
	if f.high > apart*f.low {
		return nil, "the load moved too little with the visitors to tell one capacity from another; leave it at 0, the law learns it"
	}
	p := &Proposal{Visitors: twoDigits(f.capacity), Visit: math.Round(f.visit*10) / 10, Law: twoDigits(replay(m, r, now))}
	p.How = fmt.Sprintf("By %s minutes of load and of visitors at the door: visits of %.0f minutes explain the load best, to %s; at the highest load, %s at %s, some %s people were then on the site.",
		format.Thousands(m.both), f.visit, format.Percent(f.off), format.Percent(m.peak.Value), m.peak.At.UTC().Format("15:04"), format.Thousands(int(twoDigits(f.capacity*m.peak.Value))))
	if p.Law > 0 {
		p.How += fmt.Sprintf(" The admission law's own reading of the same minutes is %s.", format.Thousands(int(p.Law)))
	}
	p.How += " Take it as give or take a third, more where visits are very unequal; the law goes on learning."
	if m.peak.Value < 0.5 {
		p.How += " The site was never half full, so this reaches far beyond what was seen."
	}
	return p, ""
}

// minutes are what was recorded, by the minute, and what it amounts to.
type minutes struct {
	loads  map[time.Time]admission.Sample
	counts map[time.Time]admission.EdgeCount
	// first is the first minute with a count; now if there is none.
	first time.Time
	peak  admission.Sample
	// both is in how many minutes load and visitors are known, held in how many of
	// them people were turned away.
	both, held int
}

func minutesOf(r Recorded, now time.Time) minutes {
	m := minutes{loads: map[time.Time]admission.Sample{}, counts: map[time.Time]admission.EdgeCount{}, first: now}
	for _, s := range r.Load {
		m.loads[s.At.UTC().Truncate(time.Minute)] = s
		if s.Value > m.peak.Value {
			m.peak = s
		}
	}
	for _, c := range r.Edge {
		at := c.At.UTC().Truncate(time.Minute)
		m.counts[at] = c
		if at.Before(m.first) {
			m.first = at
		}
		if _, ok := m.loads[at]; !ok {
			continue
		}
		m.both++
		if share, turned := r.Shares[at]; turned && share < 0.98 {
			m.held++
		}
	}
	return m
}

// refused says why the minutes tell no capacity; empty when they may.
func (m minutes) refused(loads int) string {
	switch {
	case loads == 0:
		return "the load is not known"
	case m.both < enoughMinutes:
		return fmt.Sprintf("load and visitors are both known for %d minutes, and %d are needed; leave the capacity at 0, the law learns it", m.both, enoughMinutes)
	case m.peak.Value < enoughLoad:
		return fmt.Sprintf("the load never passed %s: a quiet day says little about a full site; leave the capacity at 0, the law learns it", format.Percent(m.peak.Value))
	case float64(m.held) > mostHeld*float64(m.both):
		return fmt.Sprintf("raincheck itself held the load for %d of %d minutes, and a held load does not tell; leave the capacity at 0, or let a day of `raincheck observe` show it", m.held, m.both)
	}
	return ""
}

// series are the minutes in order: how many came in, the last known number where
// one is missing, and the load, NaN where it is.
func (m minutes) series(r Recorded, now time.Time) (came, load []float64) {
	last := 0.0
	for at := m.first; at.Before(now); at = at.Add(time.Minute) {
		if c, ok := m.counts[at]; ok {
			last = c.Visitors
			if _, turned := r.Shares[at]; turned {
				last = c.Admitted
			}
		}
		came = append(came, last+r.Back[at])
		measured := math.NaN()
		if s, ok := m.loads[at]; ok {
			measured = s.Value
		}
		load = append(load, measured)
	}
	return came, load
}

// fit is a capacity and a mean visit in minutes, and how far the load is from
// what they say, as a share of it. Low and high are the capacities that explain it
// nearly as well.
type fit struct{ capacity, visit, off, low, high float64 }

const (
	// nearly bounds how much worse an explanation may be and still be one: three
	// deviations, squared, for minutes of which a quarter of an hour says as much as
	// one that stood alone.
	nearly = 9 * 15.
	// apart is how far the explanations may be from each other: beyond, the day does
	// not tell.
	apart = 1.8
)

// bestFit tries mean visits from 3 minutes to 2 hours. Visits are taken to end at
// random, as many in each minute as fits their mean. What decides the capacity is
// by how much the load lags behind the counts: that is the mean for visits of this
// kind, a third less where visits are much alike, and two thirds more where a few
// are very long. To fit that as well was tried: one day's noise then decides.
func bestFit(came, load []float64) (best fit, ok bool) {
	best.off = math.Inf(1)
	var all []fit
	minutes := 1.0
	// The same minutes for all of them, the first hour or more left out: of who was
	// there before nothing is known.
	from := min(len(came)/3, 4*60)
	for visit := 3.0; visit <= 120; visit *= 1.05 {
		stays := math.Exp(-1 / visit)
		people := 0.0
		for _, n := range came[:min(len(came), 30)] {
			people += n * visit / float64(min(len(came), 30))
		}
		var xx, xy, yy, n float64
		for i := range came {
			before := people
			people = people*stays + came[i]*(1+stays)/2
			if x, y := (before+people)/2, load[i]; i >= from && !math.IsNaN(y) {
				xx, xy, yy, n = xx+x*x, xy+x*y, yy+y*y, n+1
			}
		}
		if n < enoughMinutes/2 || xy <= 0 {
			continue
		}
		gain := xy / xx
		minutes = n
		f := fit{capacity: 1 / gain, visit: visit, off: math.Sqrt(max(0, yy-gain*xy) / yy)}
		all = append(all, f)
		if f.off < best.off {
			best = f
		}
	}
	best.low, best.high = best.capacity, best.capacity
	for _, f := range all {
		if f.off*f.off <= best.off*best.off*(1+nearly/minutes) {
			best.low, best.high = min(best.low, f.capacity), max(best.high, f.capacity)
		}
	}
	// With half of the load unexplained, nothing is proposed.
	return best, best.off < 0.5 && best.capacity >= 1
}

// replay runs the minutes through the admission law with the capacity unknown,
// and gives what it reckons with in the end.
func replay(m minutes, r Recorded, now time.Time) float64 {
	policy := admission.DefaultPolicy()
	policy.Capacity = 0
	var state admission.State
	var decision admission.Decision
	for at := m.first.Add(time.Minute); !at.After(now); at = at.Add(time.Minute) {
		// What describes a minute is known when it has ended.
		described := at.Add(-time.Minute)
		share, turned := r.Shares[described]
		applied := &admission.Applied{Mode: "throttle", Admit: share}
		if !turned {
			applied = &admission.Applied{Mode: "open", Admit: 1}
		}
		o := admission.Observation{Time: at, Applied: applied}
		if s, ok := m.loads[described]; ok {
			o.Load = append(o.Load, s)
		}
		if c, ok := m.counts[described]; ok {
			o.Edge = append(o.Edge, c)
		}
		if n := int(r.Back[described]); n > 0 {
			o.Redeemed = append(o.Redeemed, admission.Cohort{Invited: described, Count: n})
		}
		decision, state = admission.Next(policy, state, o)
	}
	if c := decision.Numbers.Capacity; c >= 1 && !math.IsInf(c, 0) {
		return c
	}
	return 0
}

// twoDigits rounds to what such an estimate is good for.
func twoDigits(v float64) float64 {
	if !(v > 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/unit) * unit
}
