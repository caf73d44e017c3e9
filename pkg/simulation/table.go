package simulation

import (
	"fmt"
	"io"
	"time"

	"raincheck/pkg/format"
)

// Table prints results side by side, for a terminal.
func Table(w io.Writer, results ...Result) {
	row := func(name string, value func(Summary) string) {
		fmt.Fprintf(w, "  %-34s", name)
		for _, r := range results {
			fmt.Fprintf(w, " %16s", value(r.Summary))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "  %-34s", "")
	for _, r := range results {
		fmt.Fprintf(w, " %16s", r.Control)
	}
	fmt.Fprintln(w)
	whole := func(f func(Summary) int) func(Summary) string {
		return func(s Summary) string { return format.Thousands(f(s)) }
	}
	row("visits wanted", whole(func(s Summary) int { return s.Visits }))
	row("let straight in", whole(func(s Summary) int { return s.Admitted }))
	row("turned away", whole(func(s Summary) int { return s.TurnedAway }))
	row("left an address", whole(func(s Summary) int { return s.Joined }))
	row("invited", whole(func(s Summary) int { return s.Invited }))
	row("came back in time", whole(func(s Summary) int { return s.Redeemed }))
	row("came back too late", whole(func(s Summary) int { return s.Late }))
	row("never got in", func(s Summary) string { return fmt.Sprintf("%.1f %%", 100*s.LostShare()) })
	row("still waiting at the end", whole(func(s Summary) int { return s.Waiting }))
	row("highest load", func(s Summary) string { return fmt.Sprintf("%.3f", s.MaxLoad) })
	row("minutes above 1.00", whole(func(s Summary) int { return s.Above100 }))
	row("came while it was overloaded", whole(func(s Summary) int { return s.Overloaded }))
	row("minutes above 0.95", whole(func(s Summary) int { return s.Above95 }))
	row("target in use while somebody waits", func(s Summary) string { return fmt.Sprintf("%.1f %%", 100*s.Utilisation) })
	row("wait to invitation, half", func(s Summary) string { return duration(s.WaitP50) })
	row("wait to invitation, 95 of 100", func(s Summary) string { return duration(s.WaitP95) })
	row("longest wait", func(s Summary) string { return duration(s.WaitMax) })
	row("mean delay of everyone served", func(s Summary) string { return duration(s.MeanDelay) })
}

// Expect says in one sentence what to expect of the day at a capacity.
func Expect(r Result, capacity float64) string {
	s := r.Summary
	start := fmt.Sprintf("At a capacity of %s ", format.Thousands(int(capacity)))
	full := "the site is never above its capacity"
	if s.Above100 > 0 {
		full = fmt.Sprintf("the site is above its capacity for %d minutes, at %.2f at the worst, and a site that is too full serves few of the %s who come then", s.Above100, s.MaxLoad, format.Thousands(s.Overloaded))
	}
	switch {
	case s.TurnedAway == 0:
		return start + "nobody waits: " + full + "."
	case s.Joined == 0:
		return start + full + "."
	case s.Waiting > 0:
		return fmt.Sprintf("%s%s; the day ends with %s people still waiting.", start, full, format.Thousands(s.Waiting))
	}
	return fmt.Sprintf("%s%s and everyone who leaves an address is invited; the longest wait is %s, for those who join at %s.",
		start, full, duration(s.WaitMax), s.WaitMaxAt.Format("15:04"))
}

// duration writes minutes as people say them.
func duration(minutes float64) string {
	d := time.Duration(minutes*60+0.5) * time.Second
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
