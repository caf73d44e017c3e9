package simulation

import (
	"math/rand/v2"
	"time"

	"raincheck/pkg/admission"
)

// draws is into how many classes the draws of those who come back undecided are
// counted: theirs are above what was admitted when they were turned away.
const draws = 50

// longest is how many minutes of a visit, and of a return, are told apart.
const longest = 24 * 60

// group is people who joined the waitlist, or were invited, in the same minute.
type group struct {
	minute, count int
	nobody        bool // addresses that belong to nobody
}

// returning is how many of one minute's invited come back in a minute.
type returning struct{ invited, count int }

// world is the truth of a run, which nobody in it sees.
type world struct {
	Scenario
	r *rand.Rand
	// crowd draws the demand by itself, so that every controller meets the same.
	crowd *rand.Rand
	// missing draws the ticks that are missed, by itself for the same reason.
	missing *rand.Rand

	visit, back, tries spread
	// leaving is how many leave the site in a minute; coming who redeems; late who
	// comes with a dead code; trying who tries again, by draw.
	leaving []int
	coming  [][]returning
	late    []int
	trying  [][draws]int

	onSite   int
	below    bool    // the load has been below the target
	waitlist []group // the waiting, oldest first
	first    int     // where the waitlist begins
	waiting  int
	posted   []group // asked for and not sent, oldest first
	admit    []float64

	// by the minute of the decision
	sent, redeemed []int
	// what became known since the last tick
	newSent, newRedeemed []group
	// deferred are mails that are delayed since the last tick, arrived by the minute
	// the cohorts whose delay ends.
	deferred  []group
	arrived   [][]group
	sentToday []int

	series Series
	sum    Summary
	waits  []int // how many waited so many minutes
}

func newWorld(s Scenario) *world {
	n := len(s.Trace.Visits)
	w := &world{
		Scenario: s, r: chance(s.Seed), crowd: chance(s.Seed + 1<<32), missing: chance(s.Seed + 1<<33),
		visit:   newSpread(lognormalMinutes(medianOf(s.Site.Visit, s.Site.VisitSigma), s.Site.VisitSigma, longest)),
		back:    newSpread(lognormalMinutes(s.People.ReturnMedian, s.People.ReturnSigma, 3*longest)),
		leaving: make([]int, n+longest+1), coming: make([][]returning, n), late: make([]int, n),
		admit: make([]float64, n+s.Conditions.Effect+1), sent: make([]int, n), redeemed: make([]int, n),
		sentToday: make([]int, n), arrived: make([][]group, n), waits: make([]int, n+1),
		series: newSeries(s.Trace.Start, n),
	}
	if s.People.ComeBack > 0 {
		w.trying = make([][draws]int, n)
		weights := make([]float64, longest)
		p := 1 / max(1, s.People.ComeBackAfter.Minutes())
		for k, rest := 1, 1.0; k < longest; k++ {
			weights[k], rest = rest*p, rest*(1-p)
		}
		w.tries = newSpread(weights)
	}
	for i := range w.admit {
		w.admit[i] = 1
	}
	w.begin()
	return w
}

// begin puts people onto a site at rest: of those, more stay for long than of who
// comes now (renewal theory).
func (w *world) begin() {
	w.onSite = int(w.Conditions.Begin * w.Site.Capacity)
	if w.onSite > 0 {
		weights := lognormalMinutes(medianOf(w.Site.Visit, w.Site.VisitSigma), w.Site.VisitSigma, longest)
		left := 0.0
		for k := len(weights) - 1; k >= 0; k-- {
			left += weights[k]
			weights[k] = left
		}
		rest := newSpread(weights)
		for range w.onSite {
			w.leaving[rest.draw(w.r)]++
		}
	}
	w.join(0, w.Conditions.BeginWaiting, false)
}

// capacity is what the site bears in a minute.
func (w *world) capacity(minute int) float64 {
	if has(w.Conditions.Drop, minute) {
		return w.Site.Capacity * w.Conditions.DropTo
	}
	return w.Site.Capacity
}

// enter lets n people onto the site in a minute.
func (w *world) enter(minute, n int) {
	w.onSite += n
	for range n {
		w.leaving[minute+w.visit.draw(w.r)]++
	}
}

// live lets one minute pass: new visitors, returns, the mails, the site.
func (w *world) live(m int) {
	a := w.admit[m]
	before := w.onSite
	demand := poisson(w.crowd, w.Trace.At(m))
	w.sum.Visits += demand
	fresh := demand + w.late[m]
	visitors := fresh
	in := binomial(w.r, fresh, a)
	w.turnAway(m, fresh-in, a)
	if w.trying != nil {
		for k, n := range w.trying[m] {
			visitors += n
			// The class holds draws from k/draws to (k+1)/draws.
			share := min(1, max(0, a*draws-float64(k)))
			got := binomial(w.r, n, share)
			in += got
			w.turnAwayAgain(m, n-got, k)
		}
	}
	if has(w.Conditions.Nobody, m) {
		w.join(m, w.Conditions.NobodyPer, true)
	}
	w.post(m) // before the returns: some come within their minute
	back := 0
	for _, c := range w.coming[m] {
		back += c.count
		w.redeemed[c.invited] += c.count
		w.newRedeemed = append(w.newRedeemed, group{minute: c.invited, count: c.count})
	}
	w.enter(m, in+back)
	w.onSite -= w.leaving[m]

	s := &w.series
	sampled := binomial(w.r, visitors, 1/float64(w.Conditions.Sample))
	sampledIn := 0
	if visitors > 0 {
		sampledIn = binomial(w.r, sampled, float64(in)/float64(visitors))
	}
	s.counted[m] = admission.EdgeCount{At: w.stamp(m), Visitors: float64(sampled * w.Conditions.Sample), Admitted: float64(sampledIn * w.Conditions.Sample)}
	load := float64(before+w.onSite) / 2 / w.capacity(m)
	s.metric[m] = w.measure(m, load)
	s.Demand[m], s.Visitors[m], s.Admitted[m], s.Returned[m] = float64(demand), float64(visitors), float64(in), float64(back)
	s.OnSite[m], s.Load[m], s.Admit[m], s.Waiting[m] = float64(w.onSite), float64(w.onSite)/w.capacity(m), a, float64(w.waiting)
	w.sum.Admitted += in
	w.sum.Redeemed += back
}

// turnAway sends n people with draws above a to the waiting room.
func (w *world) turnAway(m, n int, a float64) {
	if n == 0 {
		return
	}
	w.sum.TurnedAway += n
	joined := binomial(w.r, n, w.People.LeaveAddress)
	w.join(m, joined, false)
	again := binomial(w.r, n-joined, w.People.ComeBack)
	w.sum.Lost += n - joined - again
	for range again {
		draw := a + w.r.Float64()*(1-a)
		w.tryLater(m, min(draws-1, int(draw*draws)))
	}
}

// turnAwayAgain is the same for those who come back undecided.
func (w *world) turnAwayAgain(m, n, class int) {
	if n == 0 {
		return
	}
	w.sum.TurnedAway += n
	joined := binomial(w.r, n, w.People.LeaveAddress)
	w.join(m, joined, false)
	again := binomial(w.r, n-joined, w.People.ComeBack)
	w.sum.Lost += n - joined - again
	for range again {
		w.tryLater(m, class)
	}
}

func (w *world) tryLater(m, class int) {
	if at := m + w.tries.draw(w.r); at < len(w.trying) {
		w.trying[at][class]++
		return
	}
	w.sum.Lost++
}

// join adds n people to the waitlist, or addresses of nobody, which count as
// nobody in the summary.
func (w *world) join(m, n int, nobody bool) {
	if n == 0 {
		return
	}
	if !nobody {
		w.sum.Joined += n
	}
	w.waiting += n
	w.waitlist = append(w.waitlist, group{m, n, nobody})
}

// claim takes the n oldest from the waitlist for the decision of minute m.
func (w *world) claim(m, n int) {
	n = min(n, w.waiting)
	if n <= 0 {
		return
	}
	w.series.Invited[m] += float64(n)
	w.posted = append(w.posted, group{minute: m, count: n})
	if m > 0 && w.series.Load[m-1] < w.Policy.Target {
		w.below = true
	}
	if !w.below && w.Conditions.Begin >= w.Policy.Target {
		w.sum.InvitedFull += n
	}
}

// post sends what was asked for, as fast as the mail service takes it.
func (w *world) post(m int) {
	if has(w.Conditions.Paused, m) {
		// Nobody has left the waitlist yet: a place is given up only by a mail.
		for _, p := range w.posted {
			w.series.Invited[p.minute] -= float64(p.count)
		}
		w.posted = w.posted[:0]
		return
	}
	room := 1 << 40
	if rate := w.Conditions.MailPerSecond; rate > 0 {
		room = int(rate * 60)
	}
	if w.Conditions.MailPerDay > 0 {
		room = min(room, int(w.remaining(m)))
	}
	for len(w.posted) > 0 && room > 0 {
		p := &w.posted[0]
		n := min(p.count, room)
		room -= n
		p.count -= n
		w.send(m, p.minute, n)
		if p.count == 0 {
			w.posted = w.posted[1:]
		}
	}
}

// remaining is what is left of the rolling 24 hours of mail.
func (w *world) remaining(m int) float64 {
	left := w.Conditions.MailPerDay
	for k := max(0, m-24*60+1); k <= m; k++ {
		left -= float64(w.sentToday[k])
	}
	return max(0, left)
}

// send mails the n oldest in minute m, for the decision of minute decided.
func (w *world) send(m, decided, n int) {
	w.sent[decided] += n
	w.sentToday[m] += n
	w.sum.Invited += n
	w.waiting -= n
	w.newSent = append(w.newSent, group{minute: decided, count: n})
	rate := w.People.Return
	if w.Conditions.Jump > 0 && decided >= w.Conditions.Jump {
		rate = w.Conditions.JumpTo
	}
	for n > 0 {
		g := &w.waitlist[w.first]
		take := min(n, g.count)
		wait := decided - g.minute
		if g.nobody {
			n -= take
			if g.count -= take; g.count == 0 {
				w.first++
			}
			continue
		}
		w.waits[max(0, wait)] += take
		w.series.waited(g.minute, max(0, wait), take)
		comes := binomial(w.r, take, rate*w.People.willing(time.Duration(wait)*time.Minute))
		w.sum.Lost += take - comes
		w.sum.WaitMinutes += float64(comes * wait)
		w.expect(m, decided, comes)
		n -= take
		if g.count -= take; g.count == 0 {
			w.first++
		}
	}
}

// expect draws when n people mailed in minute m come back.
func (w *world) expect(m, decided, n int) {
	life := int(time.Duration(w.Policy.CodeTTL).Minutes())
	c := w.Conditions
	deferred := binomial(w.r, n, c.Deferred)
	if deferred > 0 && !c.DeferredUntold {
		w.deferred = append(w.deferred, group{minute: decided, count: deferred})
		if end := m + int(c.DeferredFor.Minutes()); end < len(w.arrived) {
			w.arrived[end] = append(w.arrived[end], group{minute: decided})
		}
	}
	for i := range n {
		at := m + w.back.draw(w.r)
		if i < deferred {
			at += int(c.DeferredFor.Minutes())
		}
		if p := w.People.Evening; p > 0 && w.r.Float64() < p {
			at = w.evening(m, at)
		}
		if night := w.People.Night; night != nil && at > m && !(night.Awake > 0 && w.r.Float64() < night.Awake) {
			at = int(w.People.Awake(w.tick(at)).Sub(w.Trace.Start) / time.Minute)
		}
		late := at-m > life
		if late {
			w.sum.Late++
		}
		if at >= len(w.coming) {
			continue
		}
		if late {
			w.late[at]++
			continue
		}
		list := w.coming[at]
		if k := len(list) - 1; k >= 0 && list[k].invited == decided {
			list[k].count++
		} else {
			w.coming[at] = append(list, returning{decided, 1})
		}
	}
}

// evening moves a return to the evening of its day, if it would be before that.
func (w *world) evening(m, at int) int {
	const from, until = 18 * 60, 22 * 60
	day := w.tick(m).Hour()*60 + w.tick(m).Minute()
	if day >= from {
		return at
	}
	return max(at, m+from-day+w.r.IntN(until-from))
}
