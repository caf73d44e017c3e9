// Package capacitytest makes the load of a site whose capacity is known, for
// tests of what is proposed from it.
package capacitytest

import (
	"math"
	"math/rand/v2"
	"time"

	"raincheck/pkg/admission"
)

// Day is the load and the counts of a site's last 24 hours: visits come as a
// day has them, last visit minutes on average, and everybody is let in.
func Day(now time.Time, capacity, visit float64) (load []admission.Sample, edge []admission.EdgeCount) {
	chance := rand.New(rand.NewPCG(7, 7))
	now = now.UTC().Truncate(time.Minute)
	people := 0.3 * capacity
	const minutes = 24 * 60
	for i := range minutes {
		at := now.Add(time.Duration(i-minutes-1) * time.Minute)
		came := capacity / visit * (0.45 + 0.4*math.Sin(2*math.Pi*float64(i)/minutes)) * (1 + 0.05*chance.NormFloat64())
		people += came - people/visit
		load = append(load, admission.Sample{At: at, Value: people / capacity * (1 + 0.01*chance.NormFloat64())})
		edge = append(edge, admission.EdgeCount{At: at, Visitors: math.Round(came/10) * 10, Admitted: math.Round(came/10) * 10})
	}
	return load, edge
}
