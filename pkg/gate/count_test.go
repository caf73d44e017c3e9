package gate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"raincheck/pkg/gate"
)

// requestID draws an id like CloudFront's: 54 characters of URL-safe base64 and
// two of padding.
func requestID(r *rand.Rand) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	id := make([]byte, 54, 56)
	for i := range id {
		id[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(append(id, "=="...))
}

// TestCountsAreAFairSample holds the one in N to being one in N, of the admitted
// as of those turned away, and of one visitor's visits too.
func TestCountsAreAFairSample(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2013, 12))
	g := throttled(t)
	g.Admit = 0.3
	now := g.Until.Add(-time.Minute)
	for _, n := range []int{1, 2, 3, 7, 10, 16, 32, 60, 64, 100, 128, 521, 1000} {
		g.Sample = n
		visits := min(400*n, 100_000)
		for _, who := range []string{"many visitors", "one visitor"} {
			came, counted := map[gate.Outcome]float64{}, map[gate.Outcome]float64{}
			for range visits {
				q := gate.Request{ID: requestID(r), IP: "192.0.2.1", UserAgent: "browser", Method: "GET", FetchMode: "navigate", Path: "/"}
				if who == "many visitors" {
					q.UserAgent = fmt.Sprint("browser ", r.Uint64())
				}
				v := gate.Known{Gate: &g}.Decide(q, now)
				came[v.Outcome]++
				if v.Visitors > 0 {
					counted[v.Outcome]++
				}
			}
			for outcome, all := range came {
				p := 1 / float64(n)
				sigma := math.Sqrt(all * p * (1 - p))
				// Four characters have 16 million values: enough for one visitor, or an office
				// behind one address, to be counted as often as others at 1 in 1,000 too.
				slack := 0.0
				if who == "one visitor" {
					slack = all * p * 0.08
				}
				if d := math.Abs(counted[outcome] - all*p); d > 4.5*sigma+slack {
					t.Errorf("one in %d of %s, %s: %g of %g are counted, %.1f standard deviations off", n, who, outcome, counted[outcome], all, d/sigma)
				}
			}
		}
	}
}

// TestRefusalsAreAFairSample holds the count under strict paths to one in N. Nothing
// is drawn there, and the request's id alone chooses.
func TestRefusalsAreAFairSample(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2013, 12))
	g := throttled(t)
	g.Admit, g.Strict = 0.3, []string{"/account/"}
	now := g.Until.Add(-time.Minute)
	for _, n := range []int{1, 2, 10, 100, 128, 255, 256, 257, 258, 500, 512, 1000, 1024} {
		g.Sample = n
		visits := 200 * n
		counted := 0.0
		for range visits {
			if (gate.Known{Gate: &g}).Decide(gate.Request{ID: requestID(r), Method: "POST", Path: "/account/x"}, now).Refused > 0 {
				counted++
			}
		}
		if math.Abs(counted-200) > 4.5*math.Sqrt(200)+200*0.03 {
			t.Errorf("one in %d: %g of %d refusals are counted", n, counted, visits)
		}
	}
}
