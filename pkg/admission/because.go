package admission

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// The reasons. An operator reads one in the middle of a bad hour, so each says
// first what the throttle does, then the number it comes from, and what to do
// where it is the operator's turn. TestEveryReason lists them all.

const (
	duringQuietHours = "nobody is invited: it is in or too shortly before the quiet hours"
	notKnown         = "nobody is invited while the load is not known"
	noPlaces         = "no places are left for those who wait"
)

// cause is what decided the share to admit.
type cause int

const (
	byModel    cause = iota // the law's own plan
	bySteps                 // the same, opening in steps
	byGuard                 // the measured load is above a full site
	byLoad                  // the load alone, as the model is not trusted
	byFull                  // a full site, as the model is not trusted
	byAbsence               // the load stays away, and the model is not trusted
	byNoLoad                // no load has ever been known
	byNoCounts              // nobody is counted at the edge
)

// because says in words what the decision comes from: sd is how far the load may
// be off, why what bounds the invitations.
func (v *view) because(d Decision, sd float64, by cause, why string) string {
	n := d.Numbers
	s := v.throttle(d, sd, by)
	if v.measured >= mostLoad {
		s += fmt.Sprintf("; the load reads %.0f times a full site or more, so LoadFull looks wrong", v.measured)
	}
	if d.Admit == 0 && v.measured >= 1 && v.closedLong() {
		s += "; nobody new has been let in for an hour: see whether the load is right, or say the share with `raincheck throttle --admit 0.1 --apply`"
	}
	if n.Committed >= 1 {
		arrivals := "arrivals"
		if math.Round(n.Committed) == 1 {
			arrivals = "arrival"
		}
		s += fmt.Sprintf("; %.0f %s expected within %d min from earlier invitations", n.Committed, arrivals, soon)
	}
	if why != "" {
		s += "; " + why
	}
	return s
}

// throttle says what decided the share to admit.
func (v *view) throttle(d Decision, sd float64, by cause) string {
	n := d.Numbers
	switch by {
	case byNoLoad:
		return fmt.Sprintf("no load is known yet: closed to %.2f or less until one is; see what `raincheck doctor` says of the load", v.p.Floor)
	case byAbsence:
		return fmt.Sprintf("%s and %s: closed to %.2f or less", v.unknown(), v.trusted(), v.p.Floor)
	case byFull:
		return fmt.Sprintf("nobody new: the load was measured at %.2f and %s", v.measured, v.trusted())
	case byNoCounts:
		return fmt.Sprintf("going by the load of %.2f alone, as nobody is counted at the edge; see what `raincheck doctor` says of the counts", v.measured)
	case byLoad:
		return fmt.Sprintf("going by the load of %.2f, as %s", v.measured, v.trusted())
	case byGuard:
		return fmt.Sprintf("nobody new: the load was measured at %.2f, more than a full site", v.measured)
	}
	switch low := v.m.Trim.LowNow; {
	case v.stale > staleFrom:
		return fmt.Sprintf("%s: %.2f by counting who came, closing to %.2f or less", v.unknown(), n.Load, v.p.Floor)
	case low > 0 && v.measured < 0.9*n.Load && v.stale <= staleFrom:
		return fmt.Sprintf("the load of %.2f is not believed, as people cannot have left so fast: %.2f by counting who came, until it has been low for %d min", v.measured, n.Load, v.lowFor())
	case d.Admit >= 1 && math.Round(100*n.Load) < math.Round(100*v.target):
		return fmt.Sprintf("open: the load is %s, below %s", v.load(n.Load), v.aim(sd))
	case d.Admit >= 1:
		return fmt.Sprintf("open: the load is %s and falls below %s with all who come", v.load(n.Load), v.aim(sd))
	case by == bySteps:
		return fmt.Sprintf("opening step by step: the load is %s and falls below %s", v.load(n.Load), v.aim(sd))
	}
	return fmt.Sprintf("holding %s: the load is %s, with places for %.0f of %.0f visitors a minute", v.aim(sd), v.load(n.Load), min(n.Free, n.Visitors), n.Visitors)
}

// load is the load that the law reckons with. While the model is not trusted, and the
// metric shows clearly more, it says both.
func (v *view) load(reckoned float64) string {
	if v.m.Trust.share() == 0 && v.measured > reckoned+0.1 {
		return fmt.Sprintf("%.2f by counting who came (measured: %.2f)", reckoned, v.measured)
	}
	return fmt.Sprintf("%.2f", reckoned)
}

// unknown says for how long the load is not known: nothing came, or it hangs.
func (v *view) unknown() string {
	switch {
	case v.age < 0 || v.age >= v.stale:
		return fmt.Sprintf("the load has not been known for %.0f min", v.stale)
	case v.stale > recentHistory-10: // what is older is forgotten
		return fmt.Sprintf("the load of %.2f has not changed for %d min or more and is not believed", v.measured, recentHistory-10)
	}
	return fmt.Sprintf("the load of %.2f has not changed for %.0f min and is not believed", v.measured, v.stale)
}

// lowFor is for how many samples a load must be far below the model to be believed.
func (v *view) lowFor() int {
	if v.m.Trust.share() > 0 {
		return lowAgain
	}
	return lowBack
}

// closedLong says that nobody new was let in for as long as the law remembers.
func (v *view) closedLong() bool {
	return len(v.m.Share) == recentHistory && slices.Max(v.m.Share) == 0
}

// fewer says why fewer are invited than the model has places for: by the load alone.
// said is whether the reason tells already how far the model is trusted.
func (v *view) fewer(n int, said bool) string {
	why := fmt.Sprintf("%d are invited", n)
	switch {
	case n > 0 && said:
		return ""
	case n == 0 && v.absent():
		return notKnown
	case n == 0:
		why = fmt.Sprintf("nobody is invited unless the load stays below %.2f", v.p.Target-rampInvite)
	}
	if said {
		return why
	}
	return why + ", as " + v.trusted()
}

// trusted says how far the model is trusted, and since when it is not.
func (v *view) trusted() string {
	t := &v.m.Trust
	s := fmt.Sprintf("the model has foreseen it for %d of %d min", t.Proof, proving+growing)
	if t.LostAt > 0 {
		s += fmt.Sprintf(" (since %s it was %.2f, %.2f foreseen)", clock(t.Lost*60), t.LostAt, t.Foreseen)
	}
	return s
}

// clock is a time of the day, in UTC as every time in the logs is.
func clock(seconds int64) string { return time.Unix(seconds, 0).UTC().Format("15:04") + " UTC" }

// missing says why hardly anybody is invited while people sleep; few is whether that
// is what bounds the invitations.
func (v *view) missing(few bool) string {
	r := &v.m.Returns
	switch {
	case r.Unseen && !few:
		return fmt.Sprintf("next to nobody of those invited has come since %s; see whether the mails arrive", clock(r.Asleep))
	case r.Unseen:
		return fmt.Sprintf("next to nobody of those invited has come since %s, so few more are invited; see whether the mails arrive", clock(r.Asleep))
	case r.Woken == 0:
		return fmt.Sprintf("people come less than they did since %s, as at night: %.0f who were invited are missing and may come at once, so few are invited", clock(r.Asleep), v.f.Missing)
	}
	return fmt.Sprintf("people come again since %s, and %.0f who were invited are missing still and may come at once", clock(r.Woken), v.f.Missing)
}

// aim is the load that the law aims at. It is the target, but for a margin where
// the load is poorly known or the site so small that chance moves it.
func (v *view) aim(sd float64) string {
	if v.target > 0.99*v.p.Target {
		return fmt.Sprintf("%.2f", v.p.Target)
	}
	return fmt.Sprintf("%.2f (the target of %.2f less a margin, as the load may be %.0f %% off)", v.target, v.p.Target, 100*sd)
}
