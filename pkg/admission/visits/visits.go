// Package visits is how long people stay on the site, and what one of them weighs
// in its load. How long people stay decides how much room the next minutes have,
// and nobody can say it beforehand. So the law carries a row of candidates, each a
// lognormal with its mean, and weighs them by how well the load that was measured
// follows from the people who were let in. One candidate is enough for a site at
// rest; the row is what keeps a wrong first guess from being a wrong admit.
package visits

import (
	"errors"
	"math"
	"slices"
	"sync"

	"raincheck/pkg/admission/number"
)

// History is for how many minutes arrivals are remembered: longer than nearly every
// visit.
const History = 360

// means are the candidates' means in minutes. They lie a fourth apart, which is finer
// than two hours of a metric with 3 % of noise tell apart.
var means = [...]float64{4, 5, 6.3, 8, 10, 12.5, 16, 20, 25, 31, 39, 50, 63, 80, 100, 125}

// ages is how many minutes of age the survival curves hold: the history and the
// horizon after it.
const ages = History + 64

// survival are the curves of the candidates: stay[j][k] is the share still there
// at the end of the k-th minute after the one in which they came, rest[j][k] the
// share of those found on a site at rest who are still there k minutes on. stay
// ends where next to nobody is there any more.
type survival struct{ stay, rest [][]float64 }

var curves = sync.OnceValue(func() survival {
	var s survival
	for _, mean := range means {
		mu := math.Log(mean) - visitSigma*visitSigma/2
		above := func(t float64) float64 {
			if t <= 0 {
				return 1
			}
			return 0.5 * math.Erfc((math.Log(t)-mu)/visitSigma/math.Sqrt2)
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

// Known is what is known of the length of visits and of what a visitor weighs.
type Known struct {
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

// Check refuses what Learn could not have written.
func (v *Known) Check() error {
	n := len(v.SUU)
	if len(v.SUY) != n || len(v.SYY) != n || (n != 0 && n < len(means)) {
		return errors.New("read the state of the admission law: its candidates are not this law's")
	}
	// An older law had more candidates, after these.
	n = min(n, len(means))
	v.SUU, v.SUY, v.SYY = v.SUU[:n], v.SUY[:n], v.SYY[:n]
	return nil
}

// Elsewhere says whether a sample is so far from the model that it is not to be
// learned from: the load changed for a reason other than visits.
func (v *Known) Elsewhere(y, model float64) bool {
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

// Guess takes a sample of the load and who came in at its minute.
func (v *Known) Guess(y, in float64) {
	if v.Seen < firstHours {
		v.Loads += float32(max(y, 0.02))
		v.Flows += float32(in)
	}
}

// Learn takes one sample y of the load at a minute, given who had come in by its end,
// the newest minute first; counting is the variance, as a share, of the people
// counted. Where they are few and one in twenty is counted, long visits would be
// learned from nothing but chance: they even it out.
func (v *Known) Learn(minute int64, y float64, in []float64, counting float64) {
	if len(v.SUU) == 0 {
		n := len(means)
		v.SUU, v.SUY, v.SYY = make([]float32, n), make([]float32, n), make([]float32, n)
	}
	c, weight := curves(), 1/((visitDoubt*visitDoubt+counting)*y*y+0.01*0.01)
	for j := range means {
		z, people := y, number.Products(in, c.stay[j])
		if k := minute - v.Began; k < ages { // then all who were found are gone
			z -= float64(v.Found) * c.rest[j][k]
		}
		v.SUU[j] = float32(float64(v.SUU[j])*(1-visitForget) + people*people*weight)
		v.SUY[j] = float32(float64(v.SUY[j])*(1-visitForget) + people*z*weight)
		v.SYY[j] = float32(float64(v.SYY[j])*(1-visitForget) + z*z*weight)
	}
	v.Seen++
}

// Clone is a copy that shares nothing.
func (v Known) Clone() Known {
	v.SUU, v.SUY, v.SYY = slices.Clone(v.SUU), slices.Clone(v.SUY), slices.Clone(v.SYY)
	return v
}

// Belief is what the law holds of visits in one decision.
type Belief struct {
	// Stay is the load that one visitor is at each age; Rest the share of Found that
	// is left after so many minutes.
	Stay, Rest []float64
	Mean       float64 // of a visit, in minutes
	Gain       float64 // load of one visitor
}

// Believe weighs the candidates at a minute, given the capacity, 0 for unknown, and
// the first guess of a visit's mean in minutes.
func (v *Known) Believe(capacity, visit float64, minute int64) Belief {
	c := curves()
	n := len(means)
	b := Belief{Stay: make([]float64, ages), Rest: make([]float64, ages)}
	weight, gain := make([]float64, n), make([]float64, n)
	prior, precision := v.priorGain(capacity, visit)
	worst := make([]float64, n)
	least := math.Inf(1)
	for j, mean := range means {
		uu, uy, yy := 0.0, 0.0, 0.0
		if len(v.SUU) > 0 {
			uu, uy, yy = float64(v.SUU[j]), float64(v.SUY[j]), float64(v.SYY[j])
		}
		g := (uy + prior*precision) / (uu + precision)
		if !(g > 0) {
			g = prior / 100
		}
		off := math.Log(mean/visit) / visitPrior
		worst[j] = yy - 2*g*uy + g*g*uu + (g-prior)*(g-prior)*precision + off*off
		least = min(least, worst[j])
		gain[j] = g
	}
	total := 0.0
	for j := range worst {
		weight[j] = math.Exp(-(worst[j] - least) / 2)
		if weight[j] < 1e-3 {
			weight[j] = 0
		}
		total += weight[j]
	}
	for j, mean := range means {
		weight[j] /= total
		w := weight[j]
		if w == 0 {
			continue
		}
		b.Mean += w * mean
		b.Gain += w * gain[j]
		stay, rest := c.stay[j], c.rest[j]
		for k, share := range stay {
			b.Stay[k] += w * gain[j] * share
		}
		if minute-v.Began > ages+History {
			continue // all who were found are gone
		}
		for k, share := range rest {
			b.Rest[k] += w * share
		}
	}
	return b
}

// priorGain is what one visitor weighs before anything was learned, and how sure
// that is (one over its variance).
func (v *Known) priorGain(capacity, visit float64) (gain, precision float64) {
	if capacity > 0 {
		gain = 1 / capacity
		return gain, 1 / (capacityDoubt * capacityDoubt * gain * gain)
	}
	if v.Loads > 0 {
		// The site is taken to be at rest: its people are the flow times a visit.
		gain = float64(v.Loads) / max(float64(v.Flows)*visit, 1)
		return gain, 1 / (gain * gain)
	}
	return 1e-9, 1
}

// Left is the load that is left of those found at the beginning, at the end of a
// minute.
func (v *Known) Left(b Belief, minute int64) float64 {
	if k := minute - v.Began; v.Began != 0 && k >= 0 && k < ages {
		return float64(v.Found) * b.Rest[k]
	}
	return 0
}
