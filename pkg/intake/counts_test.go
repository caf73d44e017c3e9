package intake_test

import (
	"slices"
	"testing"

	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
)

// TestEveryCountIsAMetric: what the room counts stands in the list to which alarms,
// dashboard and runbook are held.
func TestEveryCountIsAMetric(t *testing.T) {
	t.Parallel()
	for _, name := range intake.Counts {
		if !slices.ContainsFunc(metric.All(), func(m metric.Metric) bool { return m.Name == metric.Name("intake."+name) }) {
			t.Errorf("intake.%s is not in metric.All", name)
		}
	}
}
