package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// families are the kinds of days that Generate makes, in the order of tables.
var families = []string{"plateau", "peaks", "ramps", "walk", "bursts", "flash"}

// Families are the kinds of days that Generate makes.
func Families() []string { return append([]string(nil), families...) }

// Generate makes a day of demand that has not happened, for the default site:
//
//	plateau  a working day far above what the site bears, hours on end
//	peaks    a quiet day with two peaks, as of lunch and evening
//	ramps    straight lines between random levels
//	walk     a demand that wanders by itself
//	bursts   peaks, and every minute much more or less than the next
//	flash    a sale at the full hour: from little to several times the capacity
//	         within a minute, and down again over an hour or two
//
// The same family and seed give the same day. It starts and ends quietly, 30
// hours later, so that whoever waits can be served.
func Generate(family string, seed uint64) (Trace, error) {
	r := rand.New(rand.NewPCG(seed, uint64(len(family))<<32|uint64(family[0])))
	const n = 30 * 60
	t := Trace{Name: family + "-" + strconv.FormatUint(seed, 10), Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Visits: make([]float64, n)}
	shape, ok := shapes[family]
	if !ok {
		return Trace{}, fmt.Errorf("no such family of days %q: it is one of %s", family, strings.Join(families, ", "))
	}
	shape(r, t.Visits)
	for m := range t.Visits {
		// Nights are quiet at the beginning and at the end.
		t.Visits[m] = max(0, t.Visits[m]) * rise(float64(m), 240, 60) * (1 - 0.9*rise(float64(m), 24*60, 60))
	}
	multiple := 1.3 + 1.2*r.Float64()
	if family == "flash" {
		multiple = 2 + 2*r.Float64()
	}
	return t.Offering(multiple, DefaultSite()), nil
}

// rise goes from 0 to 1 around a minute.
func rise(m, at, width float64) float64 { return 1 / (1 + math.Exp(-(m-at)/width*4)) }

var shapes = map[string]func(*rand.Rand, []float64){
	"plateau": func(r *rand.Rand, v []float64) {
		from, until := 480+120*r.Float64(), 1000+240*r.Float64()
		width := 20 + 60*r.Float64()
		for m := range v {
			v[m] = 0.2 + rise(float64(m), from, width) - rise(float64(m), until, width)
		}
	},
	"peaks": peaks,
	"ramps": func(r *rand.Rand, v []float64) {
		level, next, at, until := 0.3, 0.3, 0, 0
		for m := range v {
			if m == until {
				level, next, at = next, 0.1+1.2*r.Float64(), m
				until = m + 40 + r.IntN(180)
			}
			v[m] = level + (next-level)*float64(m-at)/float64(until-at)
		}
	},
	"walk": func(r *rand.Rand, v []float64) {
		log := 0.0
		for m := range v {
			log += 0.03*r.NormFloat64() - 0.002*log
			v[m] = math.Exp(log)
		}
	},
	"bursts": func(r *rand.Rand, v []float64) {
		peaks(r, v)
		log := 0.0
		for m := range v {
			log = 0.6*log + 0.12*r.NormFloat64()
			v[m] *= math.Exp(log)
		}
	},
	"flash": func(r *rand.Rand, v []float64) {
		at := 60 * (8 + r.IntN(8))
		fall := 20 + 60*r.Float64()
		for m := range v {
			v[m] = 0.08 + 0.04*math.Sin(float64(m)/230)
			if m >= at {
				v[m] += math.Exp(-float64(m-at) / fall)
			}
		}
	},
}

func peaks(r *rand.Rand, v []float64) {
	first, second := 600+120*r.Float64(), 1080+120*r.Float64()
	w1, w2, high := 60+60*r.Float64(), 60+60*r.Float64(), 0.6+0.8*r.Float64()
	for m := range v {
		a, b := (float64(m)-first)/w1, (float64(m)-second)/w2
		v[m] = 0.25 + math.Exp(-a*a/2) + high*math.Exp(-b*b/2)
	}
}
