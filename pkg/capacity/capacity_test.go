package capacity

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/capacity/capacitytest"
)

// TestACapacityIsProposed: sites of which the true capacity is known, with
// visits of several lengths.
func TestACapacityIsProposed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, capacity := range []float64{2000, 10000, 50000} {
		for _, visit := range []float64{8, 20, 40} {
			load, edge := capacitytest.Day(now, capacity, visit)
			got, why := Propose(Recorded{Load: load, Edge: edge}, now)
			if got == nil {
				t.Errorf("capacity %g, visits of %g minutes: none, as %s", capacity, visit, why)
				continue
			}
			t.Logf("capacity %6.0f, visits of %2.0f min: proposed %6.0f (%+.0f %%), visits of %g min; the law %6.0f", capacity, visit, got.Visitors, 100*(got.Visitors/capacity-1), got.Visit, got.Law)
			if off := math.Abs(math.Log(got.Visitors / capacity)); off > math.Log(1.15) {
				t.Errorf("capacity %g, visits of %g minutes: %g", capacity, visit, got.Visitors)
			}
		}
	}
	// Real visits do not end at random: many are short and some are very long
	// (log-normal). It holds to a third for visits as people make them, and to two
	// thirds for such as are much alike or very unequal.
	for sigma, bound := range map[float64]float64{0.5: 5. / 3, 0.8: 4. / 3, 1.1: 5. / 3} {
		load, edge := capacitytest.Day(now, 10000, 20)
		for i := range load {
			people := 0.0
			for k := range 24 * 60 {
				stays := 0.5 * math.Erfc((math.Log(float64(k)+0.5)-math.Log(20)+sigma*sigma/2)/(sigma*math.Sqrt2))
				people += edge[max(0, i-k)].Visitors * stays
			}
			load[i].Value = people / 10000
		}
		got, why := Propose(Recorded{Load: load, Edge: edge}, now)
		if got == nil {
			t.Errorf("log-normal visits: none, as %s", why)
			continue
		}
		t.Logf("log-normal visits, sigma %g: proposed %6.0f, visits of %g min; the law %6.0f", sigma, got.Visitors, got.Visit, got.Law)
		if off := math.Abs(math.Log(got.Visitors / 10000)); off > math.Log(bound) {
			t.Errorf("log-normal visits, sigma %g: %g", sigma, got.Visitors)
		}
	}
	load, edge := capacitytest.Day(now, 10000, 20)
	// A day that raincheck held, and one on which next to nothing moved.
	shares, flat := map[time.Time]float64{}, scaled(load, 0)
	for i := range load {
		shares[load[i].At] = 0.4
		flat[i].Value = 0.6 * (1 + 0.01*math.Sin(float64(i)/3))
	}
	if got, why := Propose(Recorded{Load: load, Edge: edge, Shares: shares}, now); got != nil || !strings.Contains(why, "raincheck itself held the load") {
		t.Errorf("a held day: %v, %s", got, why)
	}
	even := append([]admission.EdgeCount(nil), edge...)
	for i := range even {
		even[i].Visitors = 500 + 10*float64(i%3)
	}
	if got, why := Propose(Recorded{Load: flat, Edge: even}, now); got != nil || !strings.Contains(why, "moved too little") {
		t.Errorf("an even day: %v, %s", got, why)
	}
	for name, c := range map[string]struct {
		load []admission.Sample
		edge []admission.EdgeCount
		says string
	}{
		"no load":        {nil, edge, "the load is not known"},
		"no counts":      {load, nil, "both known for 0 minutes"},
		"half an hour":   {load, edge[:30], "both known for 30 minutes"},
		"another site's": {noise(load), edge, "does not follow"},
		"a quiet day":    {scaled(load, 0.1), edge, "a quiet day"},
	} {
		if got, why := Propose(Recorded{Load: c.load, Edge: c.edge}, now); got != nil || !strings.Contains(why, c.says) {
			t.Errorf("%s: %v, %s", name, got, why)
		}
	}
}

// noise is a load that has nothing to do with who comes.
func noise(load []admission.Sample) (out []admission.Sample) {
	chance := rand.New(rand.NewPCG(1, 1))
	for _, s := range load {
		out = append(out, admission.Sample{At: s.At, Value: math.Pow(chance.Float64(), 4)})
	}
	return out
}

func scaled(load []admission.Sample, by float64) (out []admission.Sample) {
	for _, s := range load {
		out = append(out, admission.Sample{At: s.At, Value: s.Value * by})
	}
	return out
}

// TestThePicture holds the drawing: a step up, a gap, the target, hours below
// their columns.
func TestThePicture(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var load []admission.Sample
	for i := range 24 * 60 {
		at := now.Add(time.Duration(i-24*60) * time.Minute)
		switch {
		case i < 600:
			load = append(load, admission.Sample{At: at, Value: 0.25})
		case i >= 720:
			load = append(load, admission.Sample{At: at, Value: 1})
		}
	}
	got := HistoryOf(load, now, 0.9, "").Draw()
	lines := strings.Split(got, "\n")
	if len(lines) != rows+3 {
		t.Fatalf("%d lines:\n%s", len(lines), got)
	}
	top, bottom := []rune(lines[0]), []rune(lines[rows-1])
	const first = 9 // two blanks, the label and the axis
	if top[first] != '┄' || top[first+50] != '█' || !strings.HasSuffix(lines[0], "target 90 %") {
		t.Errorf("the top row: %s", lines[0])
	}
	if bottom[first] != '█' || bottom[first+44] != '·' {
		t.Errorf("the bottom row: %s", lines[rows-1])
	}
	axis, hours := []rune(lines[rows]), []rune(lines[rows+1])
	for i, r := range axis {
		if r == '┴' && (i+1 >= len(hours) || hours[i] == ' ') {
			t.Errorf("no hour below column %d:\n%s", i, got)
		}
	}
	if !strings.Contains(lines[rows+2], "highest 100 % at 00:00; known for 1,320 of 1,440 minutes") {
		t.Error(lines[rows+2])
	}
	if got := HistoryOf(nil, now, 0.9, "it could not be read").Draw(); got != "  unknown: it could not be read" {
		t.Error(got)
	}
}
