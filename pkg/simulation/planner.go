package simulation

import (
	"math"

	"raincheck/pkg/admission"
)

// Planner is no controller that anybody could build: it knows who will come, who
// leaves when, and when everyone who was invited returns. It shows what no law
// can beat: the oldest are invited as early as they can be without the load ever
// passing the target, and the door fills the rest exactly. It goes by queueFirst
// 1.
func Planner(admission.Policy) Controller { return &planner{} }

type planner struct{ stay, back []float64 }

func (*planner) Name() string { return "clairvoyant planner" }

func (*planner) Decide(o admission.Observation) admission.Decision {
	return admission.Decision{Time: o.Time, Admit: 1}
}

// horizon is how far the planner looks, in minutes.
const horizon = 180

func (p *planner) plan(w *world, m int) admission.Decision {
	if p.stay == nil {
		p.prepare(w)
	}
	d := admission.Decision{Time: w.tick(m), Because: "it knows the day"}
	n := len(w.Trace.Visits)
	// The load at the end of every minute ahead with nobody new, from what is
	// certain: departures and returns that are drawn already. The door of the
	// minutes until the decision is in effect is decided already too.
	room := make([]float64, horizon)
	onSite := float64(w.onSite)
	arrivals := make([]float64, horizon)
	for h := range room {
		at := m + h
		if at >= n {
			room[h] = math.Inf(1)
			continue
		}
		for _, c := range w.coming[at] {
			arrivals[h] += float64(c.count)
		}
		if h < w.Conditions.Effect {
			arrivals[h] += w.admit[at] * (w.Trace.At(at) + float64(w.late[at]))
		}
		onSite -= float64(w.leaving[at])
		people := onSite
		for k := 0; k <= h; k++ {
			people += arrivals[k] * p.stay[h-k]
		}
		room[h] = w.Policy.Target*w.capacity(at) - people
	}
	invite := math.Inf(1)
	if w.waiting == 0 {
		invite = 0
	}
	onward := 0.0 // of one invited now, on the site at the end of minute h
	for h := range room {
		onward = 0
		for k := 0; k <= h; k++ {
			onward += p.back[k] * p.stay[h-k]
		}
		// What the current minute brings is decided already; a few people too many in
		// it are chance, and no reason to invite nobody.
		if onward > 1e-9 && h > 0 {
			invite = min(invite, max(0, room[h]/onward))
		}
	}
	d.Invite = int(min(invite, float64(w.waiting), float64(w.Policy.MaxInvitesPerMinute)))
	e := w.Conditions.Effect
	if demand := w.Trace.At(m + e); demand > 0 {
		mine := 0.0
		for k := 0; k <= e; k++ {
			mine += float64(d.Invite) * p.back[k] * p.stay[e-k]
		}
		d.Admit = min(1, max(0, (room[e]-mine)/demand))
	} else {
		d.Admit = 1
	}
	return d
}

func (p *planner) prepare(w *world) {
	p.stay, p.back = make([]float64, horizon), make([]float64, horizon)
	visit := lognormalMinutes(medianOf(w.Site.Visit, w.Site.VisitSigma), w.Site.VisitSigma, longest)
	back := lognormalMinutes(w.People.ReturnMedian, w.People.ReturnSigma, longest)
	left := 1.0
	for k := range horizon {
		left -= visit[k]
		p.stay[k] = left // at the end of the k-th minute after the one of arrival
		p.back[k] = back[k] * w.People.Return
	}
}
