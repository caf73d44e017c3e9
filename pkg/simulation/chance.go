package simulation

import (
	"math"
	"math/rand/v2"
	"time"
)

// chance is one run's generator: PCG, so that a seed means the same on every
// machine and in every release of Go.
func chance(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x7261696e)) }

// binomial draws how many of n succeed with probability p: by inversion where
// few do, by the normal approximation where it is exact enough (more than 30
// both ways).
func binomial(r *rand.Rand, n int, p float64) int {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > 0.5:
		return n - binomial(r, n, 1-p)
	}
	mean := float64(n) * p
	if mean > 30 {
		return max(0, min(n, int(math.Round(mean+r.NormFloat64()*math.Sqrt(mean*(1-p))))))
	}
	// The gaps between successes are geometric.
	log, k, at := math.Log1p(-p), 0, 0
	for {
		at += int(math.Log(1-r.Float64())/log) + 1
		if at > n || at <= 0 {
			return k
		}
		k++
	}
}

// poisson draws how many come when mean are expected.
func poisson(r *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean > 50 {
		return max(0, int(math.Round(mean+r.NormFloat64()*math.Sqrt(mean))))
	}
	limit, k, p := math.Exp(-mean), 0, r.Float64()
	for p > limit {
		k++
		p *= r.Float64()
	}
	return k
}

// spread is a distribution over whole minutes from now, drawn from in constant
// time (Walker's alias method, in Vose's form).
type spread struct {
	keep  []float64
	alias []int
}

// newSpread takes the weight of every minute.
func newSpread(weights []float64) spread {
	n := len(weights)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	s := spread{keep: make([]float64, n), alias: make([]int, n)}
	scaled := make([]float64, n)
	var small, large []int
	for i, w := range weights {
		scaled[i] = w * float64(n) / total
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		a, b := small[len(small)-1], large[len(large)-1]
		small, large = small[:len(small)-1], large[:len(large)-1]
		s.keep[a], s.alias[a] = scaled[a], b
		scaled[b] += scaled[a] - 1
		if scaled[b] < 1 {
			small = append(small, b)
		} else {
			large = append(large, b)
		}
	}
	for _, i := range append(small, large...) {
		s.keep[i], s.alias[i] = 1, i
	}
	return s
}

// draw gives the minutes from now for one person.
func (s spread) draw(r *rand.Rand) int {
	u := r.Float64() * float64(len(s.keep))
	i := min(int(u), len(s.keep)-1)
	if u-float64(i) < s.keep[i] {
		return i
	}
	return s.alias[i]
}

// lognormalMinutes is the distribution, over whole minutes, of a lognormal time
// that begins at some moment within minute 0. The last minute takes the rest.
func lognormalMinutes(median time.Duration, sigma float64, n int) []float64 {
	below := func(minutes float64) float64 {
		switch {
		case minutes <= 0:
			return 0
		case sigma == 0:
			if minutes >= median.Minutes() {
				return 1
			}
			return 0
		}
		return 0.5 * math.Erfc(-math.Log(minutes/median.Minutes())/sigma/math.Sqrt2)
	}
	const parts = 8 // of the minute in which it begins
	weights := make([]float64, n)
	for part := range parts {
		begin := (float64(part) + 0.5) / parts
		last := 0.0
		for k := range n {
			p := below(float64(k+1) - begin)
			if k == n-1 {
				p = 1
			}
			weights[k] += (p - last) / parts
			last = p
		}
	}
	return weights
}

// medianOf is the median of a lognormal time of that mean.
func medianOf(mean time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(mean) * math.Exp(-sigma*sigma/2))
}
