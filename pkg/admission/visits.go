package admission

import (
	"errors"
	"math"
	"sync"
)

// How long people stay decides how much room the next minutes have, and nobody
// can say it beforehand. So the law carries a row of candidates, each a lognormal
// with its mean, and weighs them by how well the load that was measured follows
// from the people who were let in. One candidate is enough for a site at rest;
// the row is what keeps a wrong first guess from being a wrong admit.

// candidate is one guess at how long visits last: lognormal, of that mean in
// minutes and that spread of the logarithm.
type candidate struct{ mean, sigma float64 }

// Published web sessions have a spread of 0.7 to 1.2. Their means lie a fourth
// apart, which is finer than two hours of a metric with 3 % of noise tell apart.
// The even ones are for sites that count a visitor until a session runs out: there
// nearly nobody is gone after a few minutes, and a crowd that was let in stays.
var candidates = func() (c []candidate) {
	for _, mean := range []float64{4, 5, 6.3, 8, 10, 12.5, 16, 20, 25, 31, 39, 50, 63, 80, 100, 125} {
		c = append(c, candidate{mean, usualSigma})
	}
	for _, mean := range []float64{8, 10, 12.5, 16, 20, 25, 31, 39, 50, 63, 80} {
		c = append(c, candidate{mean, evenSigma})
	}
	return c
}()

// ages is how many minutes of age the survival curves hold: the history and the
// horizon after it.
const ages = longHistory + 64

// survival are the curves of the candidates: stay[j][k] is the share still there
// at the end of the k-th minute after the one in which they came, rest[j][k] the
// share of those found on a site at rest who are still there k minutes on. stay
// ends where next to nobody is there any more.
type survival struct{ stay, rest [][]float64 }

var curves = sync.OnceValue(func() survival {
	var s survival
	for _, c := range candidates {
		mean := c.mean
		mu := math.Log(mean) - c.sigma*c.sigma/2
		above := func(t float64) float64 {
			if t <= 0 {
				return 1
			}
			return 0.5 * math.Erfc((math.Log(t)-mu)/c.sigma/math.Sqrt2)
		}
		stay, rest := make([]float64, ages), make([]float64, ages)
		left := 1.0
		for k := range ages {
			// They come all through their minute: half of it on the average.
			stay[k] = above(float64(k) + 0.5)
			rest[k] = max(0, left)
			// Of a site at rest, above(t)/mean leave per minute (renewal theory).
			left -= (above(float64(k)) + 4*above(float64(k)+0.5) + above(float64(k)+1)) / 6 / mean
		}
		end := len(stay)
		for end > 1 && stay[end-1] < 1e-5 {
			end--
		}
		s.stay, s.rest = append(s.stay, stay[:end]), append(s.rest, rest)
	}
	return s
})

// visits is what is known of the length of visits and of what a visitor weighs.
type visits struct {
	// Began is the minute in which the law first saw the load, and Found the load
	// that it found: people whom it has not counted in.
	Began int64   `json:"began,omitempty"`
	Found float32 `json:"found,omitempty"`
	// The discounted regression of the load on each candidate's people: sums of
	// u², u·y and y² over the variance of y.
	SUU []float32 `json:"uu,omitempty"`
	SUY []float32 `json:"uy,omitempty"`
	SYY []float32 `json:"yy,omitempty"`
	// Seen is how many samples were learned from, Away how many in a row were so far
	// from the model that something else must have happened.
	Seen int `json:"seen,omitempty"`
	Away int `json:"away,omitempty"`
	// Loads and Flows are sums over the first hours, where the capacity is unknown:
	// of the load, and of who came in at its minute. Their quotient over the length
	// of a visit is the guess of what one visitor weighs that learning starts from.
	Loads float32 `json:"loads,omitempty"`
	Flows float32 `json:"flows,omitempty"`
}

func (v *visits) check() error {
	n := len(v.SUU)
	if len(v.SUY) != n || len(v.SYY) != n || (n != 0 && n != len(candidates)) {
		return errors.New("read the state of the admission law: its candidates are not this law's")
	}
	return nil
}

// away says whether a sample is not to be learned from.
func (v *visits) away(y, model float64) bool {
	if v.Seen <= awayAfter || model <= 0 {
		return false
	}
	switch off := math.Abs(math.Log(max(y, 1e-3) / model)); {
	case off <= nearTo:
		v.Away = max(0, v.Away-3)
		return false
	case off <= awayFrom:
		return false
	}
	v.Away = min(v.Away+1, 2*stays)
	return v.Away < stays
}

// guess takes a sample of the load and who came in at its minute.
func (v *visits) guess(y, in float64) {
	if v.Seen < firstHours {
		v.Loads += float32(max(y, 0.02))
		v.Flows += float32(in)
	}
}

// learn takes one sample y of the load at a minute when people[j] were counted in
// under candidate j and found is what is left of Found under it; counting is the
// variance, as a share, of the people counted. Where they are few and one in
// twenty is counted, long visits would be learned from nothing but chance: they
// even it out.
func (v *visits) learn(y float64, people, found []float64, counting float64) {
	if len(v.SUU) == 0 {
		n := len(candidates)
		v.SUU, v.SUY, v.SYY = make([]float32, n), make([]float32, n), make([]float32, n)
	}
	weight := 1 / ((visitDoubt*visitDoubt+counting)*y*y + 0.01*0.01)
	for j := range v.SUU {
		z := y - found[j]
		v.SUU[j] = float32(float64(v.SUU[j])*(1-visitForget) + people[j]*people[j]*weight)
		v.SUY[j] = float32(float64(v.SUY[j])*(1-visitForget) + people[j]*z*weight)
		v.SYY[j] = float32(float64(v.SYY[j])*(1-visitForget) + z*z*weight)
	}
	v.Seen++
}

// belief is what the law holds of visits in one decision.
type belief struct {
	// weight[j]·gain[j] is what one visitor of candidate j weighs in the load.
	weight, gain []float64
	// stay is the load that one visitor is at each age; rest the share of Found
	// that is left after so many minutes.
	stay, rest []float64
	mean       float64 // of a visit, in minutes
	gainMean   float64 // load of one visitor
}

// believe weighs the candidates at a minute.
func (v *visits) believe(p Policy, minute int64) belief {
	c := curves()
	n := len(candidates)
	b := belief{weight: make([]float64, n), gain: make([]float64, n), stay: make([]float64, ages), rest: make([]float64, ages)}
	prior, precision := v.priorGain(p)
	worst := make([]float64, n)
	least := math.Inf(1)
	for j, one := range candidates {
		uu, uy, yy := 0.0, 0.0, 0.0
		if len(v.SUU) > 0 {
			uu, uy, yy = float64(v.SUU[j]), float64(v.SUY[j]), float64(v.SYY[j])
		}
		g := (uy + prior*precision) / (uu + precision)
		if !(g > 0) {
			g = prior / 100
		}
		off := math.Log(one.mean/p.Visit.Minutes()) / visitPrior
		worst[j] = yy - 2*g*uy + g*g*uu + (g-prior)*(g-prior)*precision + off*off
		if one.sigma == evenSigma {
			worst[j] += evenDoubt
		}
		least = min(least, worst[j])
		b.gain[j] = g
	}
	total := 0.0
	for j := range worst {
		b.weight[j] = math.Exp(-(worst[j] - least) / 2)
		if b.weight[j] < 1e-3 {
			b.weight[j] = 0
		}
		total += b.weight[j]
	}
	for j, one := range candidates {
		b.weight[j] /= total
		w := b.weight[j]
		if w == 0 {
			continue
		}
		b.mean += w * one.mean
		b.gainMean += w * b.gain[j]
		stay, rest := c.stay[j], c.rest[j]
		for k, share := range stay {
			b.stay[k] += w * b.gain[j] * share
		}
		if minute-v.Began > ages+recentHistory {
			continue // all who were found are gone
		}
		for k, share := range rest {
			b.rest[k] += w * share
		}
	}
	return b
}

// priorGain is what one visitor weighs before anything was learned, and how sure
// that is (one over its variance).
func (v *visits) priorGain(p Policy) (gain, precision float64) {
	if p.Capacity > 0 {
		gain = 1 / p.Capacity
		return gain, 1 / (capacityDoubt * capacityDoubt * gain * gain)
	}
	if v.Loads > 0 {
		// The site is taken to be at rest: its people are the flow times a visit.
		gain = float64(v.Loads) / max(float64(v.Flows)*p.Visit.Minutes(), 1)
		return gain, 1 / (gain * gain)
	}
	return 1e-9, 1
}
