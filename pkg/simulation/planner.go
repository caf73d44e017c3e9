package simulation

import (
	"math"
	"time"

	"raincheck/pkg/admission"
)

// Planner is not a controller that anybody could build: it knows who will come, who
// leaves when, and when everyone who was invited returns. It shows what no law
// can beat: the oldest are invited as early as they can be without the load ever
// passing the target, and new visitors fill the rest exactly. It goes by queueFirst
// 1.
func Planner(admission.Policy) Controller { return &planner{} }

// Delayed is a planner that knows the site, who leaves when and when everyone who
// was invited returns, exactly; but the demand and the capacity only up to the
// minute that a law could know them from, as a law must, and it goes by the
// policy's queueFirst. What it cannot hold is lost to the delay and to chance,
// whatever the law.
func Delayed(p admission.Policy) Controller { return &planner{delayed: true, queueFirst: p.QueueFirst} }

type planner struct {
	stay, back []float64
	// stays[h] is the sum of stay up to h, onward[h] who of one invited now is on the
	// site at the end of minute h; nil where that depends on the hour.
	stays, onward []float64
	delayed       bool
	queueFirst    float64
}

func (p *planner) Name() string {
	if p.delayed {
		return "delayed planner"
	}
	return "clairvoyant planner"
}

func (*planner) Decide(o admission.Observation) admission.Decision {
	return admission.Decision{Time: o.Time, Admit: 1}
}

// horizon is how far the planner looks, in minutes; night how far where people
// sleep: to the end of the morning.
const (
	horizon = 180
	night   = 10 * 60
)

// skipped says that a minute ahead is not looked at: far off, every tenth is.
func skipped(h int) bool { return h > horizon && h%10 != 0 }

// backAt is when those invited in a minute come: it knows how many sleep, and
// until when, but not who.
func (p *planner) backAt(w *world, m int) []float64 {
	n := w.People.Night
	if n == nil {
		return p.back
	}
	back := make([]float64, len(p.back))
	for k, share := range p.back {
		woken := int(w.People.Awake(w.tick(m+k)).Sub(w.Trace.Start)/time.Minute) - m
		if k == 0 {
			woken = 0
		}
		back[k] += share * n.Awake
		if woken < len(back) {
			back[woken] += share * (1 - n.Awake)
		}
	}
	return back
}

func (p *planner) plan(w *world, m int) admission.Decision {
	if p.stay == nil {
		p.prepare(w)
	}
	d := admission.Decision{Time: w.tick(m), Because: "it knows the day"}
	demand, capacity := w.Trace.At, w.capacity
	if p.delayed {
		level, now := p.expect(w, m), w.capacity(max(0, m-w.Conditions.MetricLag))
		demand, capacity = func(int) float64 { return level }, func(int) float64 { return now }
	}
	back := p.backAt(w, m)
	room := p.room(w, m, demand, capacity)
	invite := math.Inf(1)
	if w.waiting == 0 {
		invite = 0
	}
	for h := range room {
		if skipped(h) {
			continue
		}
		onward := p.onwardAt(back, h)
		// What the current minute brings is decided already; a few people too many in
		// it are chance, and no reason to invite nobody.
		free := room[h]
		if p.delayed {
			// Which new visitors would come, at the demand expected, and still be there.
			if k := h - w.Conditions.Effect; k >= 0 {
				free = max(p.queueFirst*free, free-demand(m)*p.stays[k])
			}
		}
		if onward > 1e-9 && h > 0 {
			invite = min(invite, max(0, free/onward))
		}
	}
	d.Invite = int(min(invite, float64(w.waiting), float64(w.Policy.MaxInvitesPerMinute)))
	e := w.Conditions.Effect
	if demand := demand(m + e); demand > 0 {
		mine := 0.0
		for k := 0; k <= e; k++ {
			mine += float64(d.Invite) * back[k] * p.stay[e-k]
		}
		d.Admit = min(1, max(0, (room[e]-mine)/demand))
	} else {
		d.Admit = 1
	}
	return d
}

// onwardAt is who of one invited now is on the site at the end of minute h.
func (p *planner) onwardAt(back []float64, h int) (sum float64) {
	if p.onward != nil {
		return p.onward[h]
	}
	for k := 0; k <= h; k++ {
		sum += back[k] * p.stay[h-k]
	}
	return sum
}

// room is how many people fit at the end of every minute ahead with nobody new,
// from what is certain: departures and returns that are drawn already. The share
// let in until the decision is in effect is decided already too.
func (p *planner) room(w *world, m int, demand, capacity func(int) float64) []float64 {
	n := len(w.Trace.Visits)
	far := len(p.stay)
	room := make([]float64, far)
	onSite := float64(w.onSite)
	arrivals := make([]float64, far)
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
			arrivals[h] += w.admit[at] * (demand(at) + float64(w.late[at]))
		}
		onSite -= float64(w.leaving[at])
		if skipped(h) {
			continue
		}
		people := onSite
		for k := 0; k <= h; k++ {
			people += arrivals[k] * p.stay[h-k]
		}
		room[h] = w.Policy.Target*capacity(at) - people
	}
	return room
}

// expect is the demand that is expected from what is known of it: the mean of the
// last minutes known, or the last one alone where it is far from them.
func (p *planner) expect(w *world, m int) float64 {
	last := m - w.Conditions.EdgeLag
	if last < 0 {
		return w.Trace.At(0)
	}
	sum, n := 0.0, 0.0
	for k := max(0, last-7); k <= last; k++ {
		sum, n = sum+w.series.Demand[k], n+1
	}
	if now := w.series.Demand[last]; math.Abs(now-sum/n) > 0.4*sum/n {
		return now
	}
	return sum / n
}

func (p *planner) prepare(w *world) {
	far := horizon
	if w.People.Night != nil {
		far = night
	}
	p.stay, p.back = make([]float64, far), make([]float64, far)
	visit := lognormalMinutes(medianOf(w.Site.Visit, w.Site.VisitSigma), w.Site.VisitSigma, longest)
	back := lognormalMinutes(w.People.ReturnMedian, w.People.ReturnSigma, longest)
	left := 1.0
	for k := range far {
		left -= visit[k]
		p.stay[k] = left // at the end of the k-th minute after the one of arrival
		p.back[k] = back[k] * w.People.Return
		p.stays = append(p.stays, left)
		if k > 0 {
			p.stays[k] += p.stays[k-1]
		}
	}
	if w.People.Night == nil {
		onward := make([]float64, far)
		for h := range onward {
			onward[h] = p.onwardAt(p.back, h)
		}
		p.onward = onward
	}
}
