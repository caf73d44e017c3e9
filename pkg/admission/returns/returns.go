// Package returns is the return law: how many of the invited come back, and how
// soon. It is a life table by the age of the invitation, learned from redemptions
// and forgetting: in each class of ages, those who came over those who still could.
// Who never comes back needs no case of its own; they make the later rates small.
package returns

import (
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/admission/number"
)

// Cohort is how many of the people that one decision invited.
type Cohort struct {
	// Invited is the Time of that decision.
	Invited time.Time `json:"invited"`
	Count   int       `json:"count"`
}

// Outstanding is a cohort whose codes were out before the law began to look.
type Outstanding struct {
	Invited  time.Time `json:"invited"`
	Sent     int       `json:"sent"`
	Redeemed int       `json:"redeemed"`
}

// News is what became known since the last update: redemptions, and mails sent,
// delayed, or out before the law began to look.
type News struct {
	Redeemed, Sent, Deferred []Cohort
	Outstanding              []Outstanding
}

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

// People is what is known of those who were invited and whose codes are out.
type People struct {
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

// Check refuses what Update could not have written.
func (r *People) Check() error {
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

// Busiest is how many were invited in the busiest minute of the last two hours.
func (r *People) Busiest() (n float64) {
	for _, c := range slices.Backward(r.Cohorts) {
		if c.Until > c.At+60 {
			break // of ten minutes: older
		}
		n = max(n, float64(c.Asked))
	}
	return n
}

// Invite takes in how many a decision invites.
func (r *People) Invite(now int64, n int) {
	c := r.add(now)
	c.Asked = number.Add(c.Asked, number.Count(n))
}

// Clone is a copy that shares nothing.
func (r People) Clone() People {
	r.Exposed, r.Came = slices.Clone(r.Exposed), slices.Clone(r.Came)
	// A decision adds one or two: room for them saves copying all of them again.
	r.Cohorts = append(make([]cohort, 0, len(r.Cohorts)+4), r.Cohorts...)
	return r
}

// find is the cohort of a decision, or nil.
func (r *People) find(at int64) *cohort {
	if i := r.after(at); i < len(r.Cohorts) && r.Cohorts[i].At <= at {
		return &r.Cohorts[i]
	}
	return nil
}

// after is where the first cohort lies that ends at that time or later. Every
// redemption asks for it: a search without function calls.
func (r *People) after(at int64) int {
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
func (r *People) add(at int64) *cohort {
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

// Begin forgets what is of another time: the news of the last minutes, and
// invitations of a clock that was ahead, whose codes would be out for ever.
func (r *People) Begin(now int64) {
	r.Cohorts = slices.DeleteFunc(r.Cohorts, func(c cohort) bool { return c.end() > now })
	for i := range r.Cohorts {
		r.Cohorts[i].Came, r.Cohorts[i].Hoped = 0, 0
	}
	r.Asleep, r.Woken, r.Unseen = 0, 0, false
}

// Update takes in what became known. now is the time of the tick in seconds, steps
// the minutes since the last one.
func (r *People) Update(o News, now int64, steps int) {
	if len(r.Exposed) == 0 {
		r.Exposed, r.Came = make([]float32, len(ageEdges)-1), make([]float32, len(ageEdges)-1)
	}
	recent := func(t time.Time) (int64, bool) {
		at := t.Unix()
		return at, at <= now && at > now-oldest*60
	}
	for _, c := range o.Outstanding {
		if at, ok := recent(c.Invited); ok {
			k := r.add(at)
			k.Sent, k.Asked = max(k.Sent, number.Count(c.Sent)), max(k.Asked, number.Count(c.Sent))
			k.Back = max(k.Back, min(number.Count(c.Redeemed), k.Sent))
		}
	}
	for _, c := range o.Sent {
		r.Reports = true
		if at, ok := recent(c.Invited); ok {
			k := r.add(at)
			k.Sent = number.Add(k.Sent, number.Count(c.Count))
		}
	}
	r.delay(o.Deferred, now)
	classes, life := classOf(), new(lifeTable)
	r.table(life)
	r.grow(now, steps, life)
	r.table(life)
	for _, came := range o.Redeemed {
		n := number.Count(came.Count)
		c := r.find(came.Invited.Unix())
		if c == nil {
			continue // of no known decision: an arrival, which record counts
		}
		if k := r.find(c.To); c.To != 0 && k != nil {
			c = k // most are of those whose mail arrived late
		}
		c.Back = number.Add(c.Back, n)
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
func (r *People) delay(delayed []Cohort, now int64) {
	for _, d := range delayed {
		c := r.find(d.Invited.Unix())
		if c == nil {
			continue
		}
		late := min(number.Count(d.Count), max(0, c.Sent-c.Back))
		arrived := c.Late - late
		c.Late = late
		if arrived <= 0 || c.end() >= now {
			continue
		}
		c.Sent, c.Asked, c.To = c.Sent-arrived, c.Asked-arrived, now
		fresh := r.add(now)
		fresh.Sent, fresh.Asked = number.Add(fresh.Sent, arrived), number.Add(fresh.Asked, arrived)
	}
}

// grow lets the minutes since the last tick pass for everyone who is out: they are
// exposed, some of them should have come, and what was learned before fades.
func (r *People) grow(now int64, steps int, life *lifeTable) {
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
func (r *People) updateAsleep(now int64) {
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
func (r *People) learns() bool { return r.Asleep == 0 || r.Woken != 0 }

// noneCame says that next to nobody has come of all whose codes are out: a law that
// begins at night, or whose mails never arrive.
func (r *People) noneCame(now int64) bool {
	invited, came := 0.0, 0.0
	for i := range r.Cohorts {
		if c := &r.Cohorts[i]; c.age(now) >= neverAt {
			invited, came = invited+c.mailed(r.Reports), came+float64(c.Back)
		}
	}
	return invited > neverOf && came < neverCame*invited
}

// known says that a cohort's people are known as ones who come.
func (r *People) known(c *cohort, age int, life *lifeTable) bool {
	return age >= provenAt && float64(c.Back) > proven*(1-life.out[age])*c.mailed(r.Reports)
}

// lifeTable is what was learned of those invited: rates by class of ages, and the
// share that has not come by each age in minutes.
type lifeTable struct {
	rates [len(ageEdges) - 1]float64
	out   [oldest + 1]float64
}

// table works the life table out from what was counted.
func (r *People) table(life *lifeTable) {
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

// join puts cohorts past the age of single together by ten minutes, and drops
// those too old to matter.
func (r *People) join(now int64) {
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
			k.Late = number.Add(k.Late, c.Late)
			k.Asked, k.Sent, k.Back = number.Add(k.Asked, c.Asked), number.Add(k.Sent, c.Sent), number.Add(k.Back, c.Back)
			k.Came, k.Hoped = k.Came+c.Came, k.Hoped+c.Hoped
			continue
		}
		kept = append(kept, *c)
	}
	r.Cohorts = kept
}

// rates works out the share of those still out who come in a minute, in each class.
func (r *People) rates(rates *[len(ageEdges) - 1]float64) {
	p := prior()
	for i := range rates {
		came, exposed := 0.0, 0.0
		if len(r.Exposed) > 0 {
			came, exposed = float64(r.Came[i]), float64(r.Exposed[i])
		}
		// The prior counts as people who passed through the class.
		weight := tablePrior * p.left[i] * float64(ageEdges[i+1]-ageEdges[i])
		rates[i] = number.Clamp((came+weight*p.rate[i])/(exposed+weight), 0, 0.95)
	}
}

// Underway is how many mails were asked for and are not reported as sent yet. Where
// nobody reports what was sent, none: then nothing is known of it.
func (r *People) Underway(now int64) (n float64) {
	if !r.Reports {
		return 0
	}
	for i := len(r.Cohorts) - 1; i >= 0; i-- {
		c := &r.Cohorts[i]
		if c.age(now) > unsettled {
			break
		}
		n += max(0, float64(c.Asked-c.Sent))
	}
	return n
}
