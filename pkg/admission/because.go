package admission

import "fmt"

// The reasons. An operator reads one in the middle of a bad hour, so each says
// first what the door does, then the number it comes from. TestEveryReason lists
// them all.

const quietly = "nobody is invited: it is in or too shortly before the quiet hours"

// because says in words what the decision comes from: sd is how far the load may
// be off, guarded that the measured load forbids everything, careful that the
// door opens in steps, why what bounds the invitations.
func (v *view) because(d Decision, sd float64, guarded, careful bool, why string) string {
	n := d.Numbers
	places := fmt.Sprintf("places for %.0f of %.0f visitors a minute", min(n.Free, n.Visitors), n.Visitors)
	var s string
	switch {
	case v.blank() && v.stale <= trusting:
		s = "no load has been reported yet: the door opens no wider than it was"
	case guarded:
		s = fmt.Sprintf("nobody new: the load was measured at %.2f, more than a full site", v.measured)
	case v.stale > trusting && v.blank():
		s = fmt.Sprintf("the load has not been known for %.0f min, nor ever before: closing to %.2f or less", v.stale, v.p.Floor)
	case v.stale > trusting:
		s = fmt.Sprintf("the load has not been known for %.0f min: %.2f by counting who came, closing to %.2f or less", v.stale, n.Load, v.p.Floor)
	case d.Admit >= 1 && n.Load < v.target:
		s = fmt.Sprintf("open: the load is %.2f, below %s", n.Load, v.aim(sd))
	case d.Admit >= 1:
		s = fmt.Sprintf("open: the load is %.2f and falls below %s with all who come", n.Load, v.aim(sd))
	case careful:
		s = fmt.Sprintf("opening step by step: the load is %.2f, below %s", n.Load, v.aim(sd))
	default:
		s = fmt.Sprintf("holding %s: the load is %.2f, with %s", v.aim(sd), n.Load, places)
	}
	if n.Committed >= 1 {
		s += fmt.Sprintf("; %.0f arrivals expected within %d min from earlier invitations", n.Committed, soon)
	}
	if why != "" {
		s += "; " + why
	}
	return s
}

// aim is the load that the law aims at. It is the target, but for a margin where
// the load is poorly known or the site so small that chance moves it.
func (v *view) aim(sd float64) string {
	if v.target > 0.99*v.p.Target {
		return fmt.Sprintf("%.2f", v.p.Target)
	}
	return fmt.Sprintf("%.2f (the target of %.2f less a margin, as the load may be %.0f %% off)", v.target, v.p.Target, 100*sd)
}
