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
// the minute. refused are the requests under strict paths, which are not visits;
// without any the table has no column for them.
func Hours(counts []admission.EdgeCount, refused []admission.Sample) string {
	type sum struct{ visitors, admitted, worst, refused float64 }
	byHour := map[time.Time]*sum{}
	var order []time.Time
	var all sum
	hour := func(at time.Time) *sum {
		t := at.UTC().Truncate(time.Hour)
		if byHour[t] == nil {
			byHour[t] = &sum{}
			order = append(order, t)
		}
		return byHour[t]
	}
	for _, r := range refused {
		hour(r.At).refused += r.Value
		all.refused += r.Value
	}
	for _, c := range counts {
		for _, s := range []*sum{hour(c.At), &all} {
			s.visitors += c.Visitors
			s.admitted += c.Admitted
			if c.Visitors > 0 {
				s.worst = max(s.worst, 1-c.Admitted/c.Visitors)
			}
		}
	}
	slices.SortFunc(order, time.Time.Compare)
	var b strings.Builder
	end := func(strict string) string {
		if len(refused) == 0 {
			return "\n"
		}
		return fmt.Sprintf("   %14s\n", strict)
	}
	fmt.Fprintf(&b, "  %-16s %10s %12s %7s   %12s%s", "hour (UTC)", "visits", "turned away", "share", "worst minute", end("strict refused"))
	line := func(name string, s *sum) {
		away := max(0, s.visitors-s.admitted)
		fmt.Fprintf(&b, "  %-16s %10s %12s %7s   %12s%s", name,
			format.Thousands(int(s.visitors)), format.Thousands(int(away)), format.Percent(away/max(1, s.visitors)), format.Percent(s.worst), end(format.Thousands(int(s.refused))))
	}
	for _, t := range order {
		line(t.Format("Mon 2 Jan 15:04"), byHour[t])
	}
	line("together", &all)
	return b.String()
}
