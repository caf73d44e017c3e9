package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// People is how visitors behave. The defaults are the model on which the law is
// judged (docs/control.md); none of them is known to the law.
type People struct {
	// LeaveAddress is the share of those turned away who leave an address, 0 to
	// 1. "Captive" people leave one in 95 of 100 cases: they need this site.
	LeaveAddress float64
	// ComeBack is the share of the others who try again; their draw stays
	// what it was, so they get in only when more are let in. The rest are lost.
	ComeBack float64
	// ComeBackAfter is the mean time until they try (exponential).
	ComeBackAfter time.Duration
	// Return is the share of the invited who come back at all.
	Return float64
	// ReturnMedian and ReturnSigma are how soon: lognormal, from the moment when
	// the mail was sent.
	ReturnMedian time.Duration
	ReturnSigma  float64
	// WillingFor is the mean wait after which somebody invited no longer cares
	// (exponential); 0 is for ever.
	WillingFor time.Duration
	// Night, when set, is when people sleep: who would come back then comes the
	// same while after it ends.
	Night *Night
	// Evening is the share of those who come back that does so between 18:00 and
	// 22:00, once work is done, if they are invited earlier on the day.
	Evening float64
}

// Night is a span of the trace's own day, in hours: From 23 Until 7. Awake is the
// share of people who are up in it, and come as they do by day.
type Night struct{ From, Until, Awake float64 }

// CaptivePeople are the people of the goal table.
func CaptivePeople() People {
	return People{
		LeaveAddress:  0.95,
		Return:        0.85,
		ReturnMedian:  10 * time.Minute,
		ReturnSigma:   1.2,
		ComeBackAfter: 15 * time.Minute,
	}
}

// DefaultPeople are CaptivePeople: who needs a health insurance before midnight
// does not go elsewhere.
func DefaultPeople() People { return CaptivePeople() }

// Leaves draws whether somebody turned away leaves an address.
func (p People) Leaves(r *rand.Rand) bool { return r.Float64() < p.LeaveAddress }

// Tries draws whether, and after how long, somebody turned away who left no
// address tries again.
func (p People) Tries(r *rand.Rand) (time.Duration, bool) {
	if r.Float64() >= p.ComeBack {
		return 0, false
	}
	return time.Duration(r.ExpFloat64() * float64(p.ComeBackAfter)), true
}

// Returns draws whether somebody invited after that wait comes back, and how
// long after the mail, the night left out (see Awake).
func (p People) Returns(r *rand.Rand, wait time.Duration) (time.Duration, bool) {
	if r.Float64() >= p.Return*p.willing(wait) {
		return 0, false
	}
	return time.Duration(math.Exp(r.NormFloat64()*p.ReturnSigma) * float64(p.ReturnMedian)), true
}

// Awake moves a time in the night to the hour after it, when mail is read over
// breakfast: in the same order, the whole night drawn together into that hour.
func (p People) Awake(at time.Time) time.Time {
	if p.Night == nil {
		return at
	}
	hour := float64(at.Hour()) + float64(at.Minute())/60
	length := math.Mod(p.Night.Until-p.Night.From+24, 24)
	since := math.Mod(hour-p.Night.From+24, 24)
	if since >= length || length == 0 {
		return at
	}
	left := time.Duration((length - since) * float64(time.Hour))
	return at.Add(left + time.Duration(since/length*float64(time.Hour)))
}

// willing is the share of those who waited so long that still care.
func (p People) willing(wait time.Duration) float64 {
	if p.WillingFor <= 0 {
		return 1
	}
	return math.Exp(-wait.Seconds() / p.WillingFor.Seconds())
}

// Validate reports the first value that is out of its range.
func (p People) Validate() error {
	for _, v := range []struct {
		name  string
		share float64
	}{{"the share that leaves an address", p.LeaveAddress}, {"the share that tries again", p.ComeBack}, {"the return rate", p.Return}, {"the share that comes in the evening", p.Evening}} {
		if !(v.share >= 0 && v.share <= 1) {
			return fmt.Errorf("%s is %v: it is a share from 0 to 1", v.name, v.share)
		}
	}
	if p.ReturnMedian <= 0 || !(p.ReturnSigma >= 0 && p.ReturnSigma <= 5) {
		return fmt.Errorf("a return after a median of %v with sigma %v: it takes a time above 0 and a sigma from 0 to 5", p.ReturnMedian, p.ReturnSigma)
	}
	if p.WillingFor < 0 {
		return fmt.Errorf("people willing for %v: it takes a time above 0, 0 for ever", p.WillingFor)
	}
	return nil
}

// Site is what is to be protected.
type Site struct {
	// Capacity is how many visitors at once it bears: load 1.0.
	Capacity float64
	// Visit is the mean length of a visit, VisitSigma the spread of its logarithm
	// (lognormal; 0.9 is a few minutes for many and hours for some).
	Visit      time.Duration
	VisitSigma float64
}

// DefaultSite is HealthCare.gov of December 2013 as far as it is known: rated at
// 50,000 people at once.
func DefaultSite() Site {
	return Site{Capacity: 50000, Visit: 25 * time.Minute, VisitSigma: 0.9}
}

// Flow is how many visits a minute keep the site exactly full.
func (s Site) Flow() float64 { return s.Capacity / s.Visit.Minutes() }

// Stays draws the length of one visit.
func (s Site) Stays(r *rand.Rand) time.Duration {
	// The mean of a lognormal is exp(mu + sigma²/2).
	mu := -s.VisitSigma * s.VisitSigma / 2
	return time.Duration(math.Exp(mu+r.NormFloat64()*s.VisitSigma) * float64(s.Visit))
}

// Validate reports the first value that is out of its range.
func (s Site) Validate() error {
	if !(s.Capacity > 0 && s.Capacity <= 1e9) {
		return fmt.Errorf("a capacity of %v: it is a number of visitors above 0", s.Capacity)
	}
	if s.Visit < time.Minute || s.Visit > 24*time.Hour || !(s.VisitSigma >= 0 && s.VisitSigma <= 3) {
		return fmt.Errorf("a visit of %v with sigma %v: it takes a minute to a day, and a sigma from 0 to 3", s.Visit, s.VisitSigma)
	}
	return nil
}
