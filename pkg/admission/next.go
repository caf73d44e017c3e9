package admission

import (
	"fmt"
	"math"
	"time"

	"raincheck/pkg/admission/number"
)

// Next is the admission law: what to do now, from what became known since the
// last decision. It is pure: it reads no clock, draws no lots, changes neither
// argument, and gives the same bytes for the same arguments.
//
// A policy that Validate refuses decides nothing: admit stays as it is and
// nobody is invited. An observation that is not newer than the last one is taken
// in, and answered with the decision that stands and no invitation.
func Next(p Policy, s State, o Observation) (Decision, State) {
	m := s.memory.clone()
	d := Decision{Time: o.Time, Admit: float64(m.Admit)}
	if err := p.Validate(); err != nil {
		if m.Last == 0 {
			d.Admit = 0
		}
		d.Because = "the policy cannot be used, nothing changes: " + err.Error()
		return d, s
	}
	now := minuteAt(o.Time)
	steps := int64(0)
	switch {
	case m.Last == 0, now-m.Last > longHistory, now < m.Last-10:
		m.begin(now, o)
	case now <= m.Last:
		m.record(o, 1)
		m.Returns.Update(o.news(), max(o.Time.Unix(), m.Last*60), 0)
		d.Because = "this minute was decided before, and that stands"
		return d, State{memory: m}
	default:
		steps = now - m.Last
	}
	m.advance(now, o)
	m.record(o, int(steps))
	m.Returns.Update(o.news(), o.Time.Unix(), int(steps))
	m.countArrivals()
	doubted, repeated := m.findRepeats(p.Target)
	m.learnVisits(p.Target, doubted, repeated, int(steps))

	stated := p.Capacity
	if m.contradict(stated, p.Visit.Minutes()) {
		p.Capacity = 0
	}
	b := m.Visits.Believe(p.Capacity, p.Visit.Minutes(), now)
	m.Gain = float32(b.Gain)
	var room [longHistory]float64
	in := m.byAge(&room)
	factor, variance := m.estimate(b, in, doubted, repeated, int(steps))
	m.updateTrust(p.Target, b.Gain, doubted)
	f := m.Returns.Forecast(o.Time.Unix(), time.Duration(p.CodeTTL))
	v := m.view(p, o, b, f, in, factor, variance)
	if p.Law == Ramp {
		d = v.ramp(d)
	} else {
		d = v.decide(d)
	}
	if p.Capacity != stated && v.measured < mostLoad {
		d.Because += fmt.Sprintf("; a capacity of %.0f is not believed: with the load it makes more than %d times the people counted", stated, tooLarge)
	}
	d.Admit = math.Round(number.Clamp(d.Admit, 0, 1)*1e4) / 1e4
	if d.Invite > 0 {
		m.Returns.Invite(o.Time.Unix(), d.Invite)
	}
	m.Trust.Weights = push(m.Trust.Weights, float32(factor*b.Gain), recentHistory)
	m.Before, m.Admit = m.Admit, float32(d.Admit)
	return d, State{memory: m}
}

// minuteAt is the minute since 1970 that a time lies in.
func minuteAt(t time.Time) int64 {
	seconds := t.Unix()
	minute := seconds / 60
	if seconds%60 < 0 {
		minute--
	}
	return minute
}
