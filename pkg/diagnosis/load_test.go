package diagnosis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/metrics"
)

// TestASparseLoad: a metric that is silent while nothing happens is told from one
// that is there every minute.
func TestASparseLoad(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		every  int
		preset string
		want   string
	}{
		{1, metrics.Custom, ""},
		{3, metrics.Custom, "the load is missing in 58 of the last 88 minutes"},
		{3, metrics.Expression, "needs LoadSource=expression with FILL"},
		{3, metrics.ByHand, ""},
		{3, "alb-connections", ""}, // which is silent while nothing flows, and another metric says so
	} {
		var load []admission.Sample
		for k := 88; k >= 1; k -= c.every {
			load = append(load, admission.Sample{At: now.Add(-time.Duration(k) * time.Minute), Value: 0.1 + 0.001*float64(k)})
		}
		got := fmt.Sprint(Load(load, c.preset, now))
		if c.want == "" && strings.Contains(got, "is missing") || !strings.Contains(got, c.want) {
			t.Errorf("every %d minutes, %s: %s, want %q", c.every, c.preset, got, c.want)
		}
	}
}
