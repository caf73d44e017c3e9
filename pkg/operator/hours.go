package operator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/format"
)

// Hours says, hour by hour, whom observe would have turned away, or throttle did:
// a table for `raincheck observe --report`. Counts are the edge's estimates by
// the minute.
func Hours(counts []admission.EdgeCount) string {
	type sum struct{ visitors, admitted, worst float64 }
	byHour := map[time.Time]*sum{}
	var order []time.Time
	var all sum
	for _, c := range counts {
		t := c.At.UTC().Truncate(time.Hour)
		if byHour[t] == nil {
			byHour[t] = &sum{}
			order = append(order, t)
		}
		for _, s := range []*sum{byHour[t], &all} {
			s.visitors += c.Visitors
			s.admitted += c.Admitted
			if c.Visitors > 0 {
				s.worst = max(s.worst, 1-c.Admitted/c.Visitors)
			}
		}
	}
	slices.SortFunc(order, time.Time.Compare)
	var b strings.Builder
	fmt.Fprintf(&b, "  %-16s %10s %12s %7s   %s\n", "hour (UTC)", "visits", "turned away", "share", "worst minute")
	line := func(name string, s *sum) {
		away := max(0, s.visitors-s.admitted)
		fmt.Fprintf(&b, "  %-16s %10s %12s %7s   %s\n", name,
			format.Thousands(int(s.visitors)), format.Thousands(int(away)), format.Percent(away/max(1, s.visitors)), format.Percent(s.worst))
	}
	for _, t := range order {
		line(t.Format("Mon 2 Jan 15:04"), byHour[t])
	}
	line("together", &all)
	return b.String()
}
