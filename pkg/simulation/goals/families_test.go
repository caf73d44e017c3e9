package goals

import (
	"os"
	"raincheck/pkg/simulation"
	"strings"
	"testing"
	"time"
)

func TestFamiliesByHand(t *testing.T) {
	only := os.Getenv("ROWS")
	if only == "" {
		t.Skip("ROWS unset")
	}
	seeds := []uint64{401, 402, 403}
	if os.Getenv("SEEDS") == "sealed" {
		seeds = []uint64{501, 502, 503}
	}
	var out []Outcome
	start := time.Now()
	for _, r := range Rows() {
		if only != "all" && !strings.Contains(r.Family+": "+r.Name, only) {
			continue
		}
		o, err := r.Try(seeds, simulation.Law)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	WriteOutcomes(os.Stdout, out)
	n := 0
	for _, o := range out {
		for _, f := range o.Fails() {
			t.Log(f)
			n++
		}
	}
	t.Logf("%d fails, %v", n, time.Since(start))
}
