package admission

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// The return law: how many of the invited come back, and how soon. It is a life
// table by the age of the invitation, learned from redemptions and forgetting:
// in each class of ages, those who came over those who still could. Who never
// comes back needs no case of its own; they make the later rates small.

// ageEdges are the classes of ages in minutes: fine where most come, coarse
// where few do.
var ageEdges = [...]int{0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 50, 62, 78, 98, 122, 153, 192, 240, 300, 380, 480, 600, 760, 960, 1200, 1500}

const (
	// oldest is the age in minutes beyond which a code is not counted any more.
	oldest = 1500
	// single is the age up to which each decision's invitations are kept by
	// themselves; older ones are joined by ten minutes.
	single = 120
)

// prior is the share of those still out who come in a minute, in each class, and
// the share still to come at its beginning.
var prior = sync.OnceValue(func() (p struct{ rate, left []float64 }) {
	left := func(t float64) float64 {
		if t <= 0 {
			return 1
		}
		return 1 - priorReturn*0.5*math.Erfc(-math.Log(t/priorMedian)/priorSigma/math.Sqrt2)
	}
	for i, from := range ageEdges[:len(ageEdges)-1] {
		a, b := left(float64(from)), left(float64(ageEdges[i+1]))
		p.rate = append(p.rate, 1-math.Pow(b/a, 1/float64(ageEdges[i+1]-from)))
		p.left = append(p.left, a)
	}
	return p
})

// classOf gives the class of each age in minutes.
var classOf = sync.OnceValue(func() []uint8 {
	c := make([]uint8, oldest)
	for i, from := range ageEdges[:len(ageEdges)-1] {
		for k := from; k < ageEdges[i+1]; k++ {
			c[k] = uint8(i)
		}
	}
	return c
})

// returns is what is known of the codes that are out.
type returns struct {
	// Exposed is the discounted person-minutes in each class of ages, Came who
	// came in it.
	Exposed []float32 `json:"exposed,omitempty"`
	Came    []float32 `json:"came,omitempty"`
	// Cohorts are sorted by time.
	Cohorts []cohort `json:"cohorts,omitempty"`
	// Reports says that mails sent were ever reported.
	Reports bool `json:"reports,omitempty"`
	// Asleep is the tick, in seconds since 1970, since when people who had begun to
	// come as expected come less; 0 while they do come.
	Asleep int64 `json:"asleep,omitempty"`
	// Woken is the tick since when they come again; 0 while they sleep.
	Woken int64 `json:"woken,omitempty"`
	// Unseen says that next to nobody has come yet of all who were invited.
	Unseen bool `json:"unseen,omitempty"`
	// NowCame and NowHoped are who came in the last minutes of those who have begun
	// to come as expected, and who should have by what was learned.
	NowCame  float32 `json:"nowCame,omitempty"`
	NowHoped float32 `json:"nowHoped,omitempty"`
}

// cohort is who was invited by one decision, or by several in ten minutes.
type cohort struct {
	// At and Until are seconds since 1970 of the first and the last decision.
	At    int64 `json:"t"`
	Until int64 `json:"u,omitempty"`
	Asked int32 `json:"a,omitempty"`
	Sent  int32 `json:"s,omitempty"`
	Back  int32 `json:"b,omitempty"`
	// Late are mails that are delayed now: they have not arrived, and nobody can come
	// yet. To is the decision whose cohort they count with since they arrived.
	Late int32 `json:"d,omitempty"`
	To   int64 `json:"o,omitempty"`
	// Came and Hoped are who came in the last minutes, discounted, and who should
	// have by the table.
	Came  float32 `json:"c,omitempty"`
	Hoped float32 `json:"h,omitempty"`
}

func (r *returns) check() error {
	n := len(r.Exposed)
	if len(r.Came) != n || (n != 0 && n != len(ageEdges)-1) {
		return errors.New("read the state of the admission law: its life table is not this law's")
	}
	if !slices.IsSortedFunc(r.Cohorts, func(a, b cohort) int { return int(min(max(a.At-b.At, -1), 1)) }) {
		return errors.New("read the state of the admission law: its invitations are not in order")
	}
	return nil
}

func (c *cohort) end() int64 { return max(c.At, c.Until) }

// age is the cohort's age in whole minutes at a time in seconds.
func (c *cohort) age(now int64) int { return int((now - (c.At+c.end())/2) / 60) }

// givenBack is the share of unreported mails that still may have gone out, by the
// minutes after they should have.
var givenBack = sync.OnceValue(func() []float64 {
	left := make([]float64, 60)
	for k := range left[:len(left)-1] {
		left[k] = math.Exp(-float64(k) / 3)
	}
	return left
})

// out is how many codes are out and may still be used.
func (c *cohort) out(age int, reports bool) float64 {
	n := float64(c.Sent)
	if pending := float64(c.Asked - c.Sent); pending > 0 {
		switch {
		case !reports, age <= 2:
			n += pending
		default:
			// Mails that are not reported after some minutes went back to the waitlist.
			n += pending * givenBack()[min(age-2, len(givenBack())-1)]
		}
	}
	return max(0, n-float64(c.Back)-float64(c.Late))
}

// find is the cohort of a decision, or nil.
func (r *returns) find(at int64) *cohort {
	if i := r.after(at); i < len(r.Cohorts) && r.Cohorts[i].At <= at {
		return &r.Cohorts[i]
	}
	return nil
}

// after is where the first cohort lies that ends at that time or later. Every
// redemption asks for it: a search without function calls.
func (r *returns) after(at int64) int {
	from, to := 0, len(r.Cohorts)
	for from < to {
		if middle := (from + to) / 2; max(r.Cohorts[middle].At, r.Cohorts[middle].Until) < at {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// add makes the cohort of a decision if there is none. Decisions of one minute
// share theirs, so that no report, whatever times it names, makes the state large.
func (r *returns) add(at int64) *cohort {
	if c := r.find(at); c != nil {
		return c
	}
	i := r.after(at)
	if i < len(r.Cohorts) && r.Cohorts[i].At/60 == at/60 {
		c := &r.Cohorts[i]
		c.At, c.Until = at, c.end()
		return c
	}
	if i > 0 && r.Cohorts[i-1].end()/60 == at/60 {
		c := &r.Cohorts[i-1]
		c.Until = at
		return c
	}
	r.Cohorts = slices.Insert(r.Cohorts, i, cohort{At: at})
	return &r.Cohorts[i]
}

// most is the largest count that is believed.
const most = 10_000_000

func count(n int) int32 { return int32(max(0, min(n, most))) }

func plus(a, b int32) int32 { return int32(min(int64(a)+int64(b), most)) }

// begin forgets what is of another time: the news of the last minutes, and
// invitations of a clock that was ahead, whose codes would be out for ever.
func (r *returns) begin(now int64) {
	r.Cohorts = slices.DeleteFunc(r.Cohorts, func(c cohort) bool { return c.end() > now })
	for i := range r.Cohorts {
		r.Cohorts[i].Came, r.Cohorts[i].Hoped = 0, 0
	}
	r.Asleep, r.Woken, r.Unseen = 0, 0, false
}

// update takes in what became known. now is the time of the tick in seconds, steps
// the minutes since the last one.
func (r *returns) update(o Observation, now int64, steps int) {
	if len(r.Exposed) == 0 {
		r.Exposed, r.Came = make([]float32, len(ageEdges)-1), make([]float32, len(ageEdges)-1)
	}
	recent := func(t time.Time) (int64, bool) {
		at := t.Unix()
		return at, at <= now && at > now-oldest*60
	}
	r.inherit(o.Outstanding, recent, now)
	for _, c := range o.Sent {
		r.Reports = true
		if at, ok := recent(c.Invited); ok {
			k := r.add(at)
			k.Sent = plus(k.Sent, count(c.Count))
		}
	}
	r.delay(o.Deferred, now)
	classes, life := classOf(), new(lifeTable)
	r.table(life)
	r.grow(now, steps, life)
	r.table(life)
	for _, came := range o.Redeemed {
		n := count(came.Count)
		c := r.find(came.Invited.Unix())
		if c == nil {
			continue // of no known decision: an arrival, which record counts
		}
		if k := r.find(c.To); c.To != 0 && k != nil {
			c = k // most are of those whose mail arrived late
		}
		c.Back = plus(c.Back, n)
		c.Came += float32(n)
		age := min(max(0, c.age(now)-1), oldest-1)
		if r.known(c, age+1, life) {
			r.NowCame += float32(n)
		}
		if r.learns() {
			r.Came[classes[age]] += float32(n)
		}
	}
	r.updateAsleep(now)
	r.join(now)
}

// delay takes in how many mails are delayed now. Those that are so no longer have
// arrived, and their people come as those do who are invited now.
func (r *returns) delay(delayed []Cohort, now int64) {
	for _, d := range delayed {
		c := r.find(d.Invited.Unix())
		if c == nil {
			continue
		}
		late := min(count(d.Count), max(0, c.Sent-c.Back))
		arrived := c.Late - late
		c.Late = late
		if arrived <= 0 || c.end() >= now {
			continue
		}
		c.Sent, c.Asked, c.To = c.Sent-arrived, c.Asked-arrived, now
		fresh := r.add(now)
		fresh.Sent, fresh.Asked = plus(fresh.Sent, arrived), plus(fresh.Asked, arrived)
	}
}

// grow lets the minutes since the last tick pass for everyone who is out: they are
// exposed, some of them should have come, and what was learned before fades.
func (r *returns) grow(now int64, steps int, life *lifeTable) {
	classes, rates := classOf(), &life.rates
	var sure [32]float64 // of the rates, what was learned
	for k := range r.Came {
		sure[k] = float64(r.Came[k]) / max(float64(r.Exposed[k]), tablePrior)
	}
	forget := math.Pow(1-returnMemory, float64(steps))
	fade := math.Pow(1-newsMemory, float64(steps))
	exposed := false
	r.NowCame, r.NowHoped = float32(float64(r.NowCame)*fade), float32(float64(r.NowHoped)*fade)
	for i := range r.Cohorts {
		c := &r.Cohorts[i]
		age := c.age(now)
		if age < 0 || age >= oldest {
			continue
		}
		n := c.out(age, r.Reports)
		exposed = exposed || n > 0
		c.Came = float32(float64(c.Came) * fade)
		c.Hoped = float32(float64(c.Hoped) * fade)
		for k := max(0, age-steps); k < age; k++ {
			class := classes[k]
			if r.learns() {
				r.Exposed[class] += float32(n)
			}
			c.Hoped += float32(n * rates[class])
			if r.known(c, age, life) {
				r.NowHoped += float32(n * min(sure[class], rates[class]))
			}
		}
	}
	if exposed && r.learns() {
		for i := range r.Exposed {
			r.Exposed[i] = float32(float64(r.Exposed[i]) * forget)
			r.Came[i] = float32(float64(r.Came[i]) * forget)
		}
	}
}

// updateAsleep finds out whether people sleep. When only those invited last do not come,
// they are less willing, or nobody's addresses: that is learned. When those who
// had begun to come stop too, it is night, or a mail or a page is broken: then
// nothing is learned of how willing people are, and those who are missing may all
// come in the morning.
func (r *returns) updateAsleep(now int64) {
	came, hoped := float64(r.NowCame), float64(r.NowHoped)
	switch {
	case r.Asleep == 0 && hoped > asleepOf && came < asleepBelow*hoped:
		r.Asleep, r.Woken = now, 0
	case r.Asleep == 0 && r.noneCame(now):
		r.Asleep, r.Woken, r.Unseen = now, 0, true
	case r.Asleep == 0, r.Unseen && r.noneCame(now):
	case r.Unseen && now-r.Asleep < 3600: // only slow
		r.Asleep, r.Unseen = 0, false
	case r.Unseen:
		r.Woken, r.Unseen = now, false
	case now-r.Asleep > longestNight, r.Woken != 0 && now-r.Woken > morning:
		r.Asleep, r.Woken = 0, 0
	case r.Woken == 0 && came > asleepOf && came > awakeAbove*hoped:
		r.Woken = now
	}
}

// learns says that what people do is how they are: not while they sleep.
func (r *returns) learns() bool { return r.Asleep == 0 || r.Woken != 0 }

// noneCame says that next to nobody has come of all whose codes are out: a law that
// begins at night, or whose mails never arrive.
func (r *returns) noneCame(now int64) bool {
	invited, came := 0.0, 0.0
	for i := range r.Cohorts {
		if c := &r.Cohorts[i]; c.age(now) >= neverAt {
			invited, came = invited+c.mailed(r.Reports), came+float64(c.Back)
		}
	}
	return invited > neverOf && came < neverCame*invited
}

// known says that a cohort's people are known as ones who come.
func (r *returns) known(c *cohort, age int, life *lifeTable) bool {
	return age >= provenAt && float64(c.Back) > proven*(1-life.out[age])*c.mailed(r.Reports)
}

// lifeTable is what was learned of those invited: rates by class of ages, and the
// share that has not come by each age in minutes.
type lifeTable struct {
	rates [len(ageEdges) - 1]float64
	out   [oldest + 1]float64
}

// table works the life table out from what was counted.
func (r *returns) table(life *lifeTable) {
	r.rates(&life.rates)
	left, k := 1.0, 0
	life.out[0] = left
	for i, rate := range life.rates {
		for ; k < ageEdges[i+1]; k++ {
			left *= 1 - rate
			life.out[k+1] = left
		}
	}
}

// mailed is how many mails a cohort took.
func (c *cohort) mailed(reports bool) float64 {
	if reports {
		return float64(c.Sent)
	}
	return float64(c.Asked)
}

// inherit takes in codes that were out before the law began. Cohorts of every age
// side by side show what one does as it ages: the share that has come by then.
func (r *returns) inherit(codes []Outstanding, recent func(time.Time) (int64, bool), now int64) {
	if len(codes) == 0 {
		return
	}
	classes := classOf()
	n := len(ageEdges) - 1
	sent, back := make([]float64, n), make([]float64, n)
	for _, c := range codes {
		at, ok := recent(c.Invited)
		if !ok {
			continue
		}
		k := r.add(at)
		k.Sent, k.Asked = max(k.Sent, count(c.Sent)), max(k.Asked, count(c.Sent))
		k.Back = max(k.Back, min(count(c.Redeemed), k.Sent))
		if age := k.age(now); age >= 0 && age < oldest {
			sent[classes[age]] += float64(k.Sent)
			back[classes[age]] += float64(k.Back)
		}
	}
	left, middle := 1.0, 0.0
	for i := range n {
		if sent[i] < 50 {
			continue
		}
		here := float64(ageEdges[i]+ageEdges[i+1]) / 2
		still := clamp(1-back[i]/sent[i], 0.01, left)
		rate := 1 - math.Pow(still/left, 1/(here-middle))
		// It is one look, however many it saw.
		seen := min(sent[i], 1000) * still * float64(ageEdges[i+1]-ageEdges[i])
		r.Exposed[i] += float32(seen)
		r.Came[i] += float32(seen * rate)
		left, middle = still, here
	}
}

// join puts cohorts past the age of single together by ten minutes, and drops
// those too old to matter.
func (r *returns) join(now int64) {
	kept := r.Cohorts[:0]
	for i := range r.Cohorts {
		c := &r.Cohorts[i]
		age := c.age(now)
		if age >= oldest {
			continue
		}
		if last := len(kept) - 1; last >= 0 && age > single && c.end()/600 == kept[last].At/600 {
			k := &kept[last]
			k.Until, k.To = c.end(), max(k.To, c.To)
			k.Late = plus(k.Late, c.Late)
			k.Asked, k.Sent, k.Back = plus(k.Asked, c.Asked), plus(k.Sent, c.Sent), plus(k.Back, c.Back)
			k.Came, k.Hoped = k.Came+c.Came, k.Hoped+c.Hoped
			continue
		}
		kept = append(kept, *c)
	}
	r.Cohorts = kept
}

// rates works out the share of those still out who come in a minute, in each class.
func (r *returns) rates(rates *[len(ageEdges) - 1]float64) {
	p := prior()
	for i := range rates {
		came, exposed := 0.0, 0.0
		if len(r.Exposed) > 0 {
			came, exposed = float64(r.Came[i]), float64(r.Exposed[i])
		}
		// The prior counts as people who passed through the class.
		weight := tablePrior * p.left[i] * float64(ageEdges[i+1]-ageEdges[i])
		rates[i] = clamp((came+weight*p.rate[i])/(exposed+weight), 0, 0.95)
	}
}
