package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"raincheck/pkg/admission"
)

// loadHistory is the load of the last 24 hours, the highest of each quarter of
// an hour.
type loadHistory struct {
	// From is where it begins; Quarters are a quarter of an hour each, null where
	// nothing is known, and left out when nothing is known at all.
	From     time.Time  `json:"from"`
	Quarters []*float64 `json:"quarters,omitempty"`
	// Peak is the highest minute and PeakAt when it began; nil when nothing is
	// known at all.
	Peak   *float64  `json:"peak,omitempty"`
	PeakAt time.Time `json:"peakAt,omitzero"`
	// Minutes is of how many minutes the load is known.
	Minutes int     `json:"minutes"`
	Target  float64 `json:"target,omitempty"`
	// Why says why nothing is known.
	Why string `json:"why,omitempty"`
}

const (
	looksBack = 24 * time.Hour
	quarter   = 15 * time.Minute
)

// historyOf gathers samples of the 24 hours before now.
func historyOf(samples []admission.Sample, now time.Time, target float64, why string) loadHistory {
	h := loadHistory{From: now.Add(-looksBack).UTC().Truncate(quarter), Target: target, Why: why}
	h.Quarters = make([]*float64, int(now.Sub(h.From)/quarter)+1)
	for _, s := range samples {
		i := int(s.At.Sub(h.From) / quarter)
		if s.At.Before(h.From) || i >= len(h.Quarters) {
			continue
		}
		h.Minutes++
		if h.Quarters[i] == nil || *h.Quarters[i] < s.Value {
			h.Quarters[i] = new(s.Value)
		}
		if h.Peak == nil || *h.Peak < s.Value {
			h.Peak, h.PeakAt = new(s.Value), s.At.UTC()
		}
	}
	if h.Minutes == 0 {
		h.Quarters = nil
	}
	return h
}

// The picture: a column for a quarter of an hour, so that a day fits a terminal
// of 110 columns, and a step of an eighth of a row.
const (
	rows   = 8
	eights = " ▁▂▃▄▅▆▇█"
)

// draw is the history as a picture of text.
func (h loadHistory) draw() string {
	if h.Peak == nil {
		why := h.Why
		if why == "" {
			why = "no datapoint in 24 hours"
		}
		return "  unknown: " + why
	}
	top := math.Ceil(math.Max(*h.Peak, h.Target)*10) / 10
	marks := []rune(eights)
	var out strings.Builder
	for row := rows - 1; row >= 0; row-- {
		low, high := top*float64(row)/rows, top*float64(row+1)/rows
		label := "     "
		if row == rows-1 || row == 0 || row == rows/2 {
			label = fmt.Sprintf("%3.0f %%", 100*high)
		}
		target := h.Target > low && h.Target <= high
		line := []rune(label + " │")
		for _, q := range h.Quarters {
			mark := ' '
			switch {
			case q == nil && row == 0:
				mark = '·' // nothing is known
			case q != nil:
				mark = marks[int(math.Round(8*math.Min(1, math.Max(0, (*q-low)/(high-low)))))]
			}
			if target && mark == ' ' {
				mark = '┄'
			}
			line = append(line, mark)
		}
		if target {
			line = append(line, []rune(" target "+percent(h.Target))...)
		}
		out.WriteString("  " + strings.TrimRight(string(line), " ") + "\n")
	}
	axis, hours := []rune("      └"), []rune("       ")
	for i := range h.Quarters {
		at := h.From.Add(time.Duration(i) * quarter)
		if at.Minute() == 0 && at.Hour()%3 == 0 {
			axis = append(axis, '┴')
			for len(hours) < len(axis)-1 {
				hours = append(hours, ' ')
			}
			hours = append(hours, []rune(at.Format("15"))...)
			continue
		}
		axis = append(axis, '─')
	}
	fmt.Fprintf(&out, "  %s UTC\n  %s\n", string(axis), string(hours))
	fmt.Fprintf(&out, "  highest %s at %s; known for %s of %s minutes", percent(*h.Peak), h.PeakAt.Format("15:04"), thousands(h.Minutes), thousands(int(looksBack/time.Minute)))
	return out.String()
}

// proposal is a capacity and how it was got.
type proposal struct {
	Visitors float64 `json:"visitors"`
	How      string  `json:"how"`
	// Visit is the mean length of a visit that goes with it, in minutes.
	Visit float64 `json:"visitMinutes"`
}

// The least that a capacity is proposed from: the law needs a while to see
// people leave again, and a site that was never busy says little about itself
// full.
const (
	enoughMinutes = 120
	enoughLoad    = 0.15
)

// propose runs the recorded minutes through the admission law, with the capacity
// unknown, as it would have seen them, and takes what it reckons with in the
// end. shares is the share let in by the minute, where it is known; elsewhere
// everybody was. It gives the reason when there is nothing to propose.
func propose(load []admission.Sample, edge []admission.EdgeCount, shares map[time.Time]float64, now time.Time) (*proposal, string) {
	loads, counts := map[time.Time]admission.Sample{}, map[time.Time]admission.EdgeCount{}
	first, peak, both := now, admission.Sample{}, 0
	for _, s := range load {
		loads[s.At.UTC().Truncate(time.Minute)] = s
		if s.Value > peak.Value {
			peak = s
		}
	}
	for _, c := range edge {
		at := c.At.UTC().Truncate(time.Minute)
		counts[at] = c
		if at.Before(first) {
			first = at
		}
		if _, ok := loads[at]; ok {
			both++
		}
	}
	switch {
	case len(load) == 0:
		return nil, "the load is not known"
	case both < enoughMinutes:
		return nil, fmt.Sprintf("load and visitors are both known for %d minutes, and %d are needed; leave the capacity at 0, the law learns it", both, enoughMinutes)
	case peak.Value < enoughLoad:
		return nil, fmt.Sprintf("the load never passed %s: a quiet day says little about a full site; leave the capacity at 0, the law learns it", percent(peak.Value))
	}
	policy := admission.DefaultPolicy()
	policy.Capacity = 0
	var state admission.State
	var decision admission.Decision
	for at := first.Add(time.Minute); !at.After(now); at = at.Add(time.Minute) {
		// What describes a minute is known when it has ended.
		described := at.Add(-time.Minute)
		share, known := shares[described]
		applied := &admission.Applied{Mode: "throttle", Admit: share}
		if !known {
			applied = &admission.Applied{Mode: "open", Admit: 1}
		}
		o := admission.Observation{Time: at, Applied: applied}
		if s, ok := loads[described]; ok {
			o.Load = append(o.Load, s)
		}
		if c, ok := counts[described]; ok {
			o.Edge = append(o.Edge, c)
		}
		decision, state = admission.Next(policy, state, o)
	}
	n := decision.Numbers
	if n.Capacity < 1 || math.IsInf(n.Capacity, 0) || math.IsNaN(n.Capacity) {
		return nil, "the law could not make out a capacity from these minutes"
	}
	visitors := twoDigits(n.Capacity)
	how := fmt.Sprintf("The admission law's own reading of %s minutes in which load and visitors at the door are both known, with visits of %.0f minutes: "+
		"the highest load, %s at %s, was then about %s people on the site. Take it as give or take a third; the law goes on learning.", thousands(both), n.Visit, percent(peak.Value), peak.At.UTC().Format("15:04"), thousands(int(twoDigits(n.Capacity*peak.Value))))
	if peak.Value < 0.5 {
		how += " The site was never half full, so this reaches far beyond what was seen."
	}
	return &proposal{Visitors: visitors, How: how, Visit: math.Round(n.Visit*10) / 10}, ""
}

// twoDigits rounds to what such an estimate is good for.
func twoDigits(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/unit) * unit
}
