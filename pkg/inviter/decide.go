package inviter

import (
	"fmt"
	"math"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/gate"
)

// decide asks the law, and then holds its answer against the operator's wish.
func (t *tick) decide() {
	t.pace()
	policy := t.Policy
	if t.control.Law != "" {
		policy.Law = t.control.Law
	}
	if t.control.Drain {
		// Everyone left, as fast as the site can take them: each free place is theirs.
		policy.QueueFirst = 1
	}
	o := t.observation()
	t.report.Decision, t.law = admission.Next(policy, t.law, o)
	t.report.Numbers = t.report.Decision.Numbers
	t.state.Begun, t.state.Seen = true, t.seen.cohorts
	t.obey()
	switch {
	case t.control.Paused:
		t.report.Paused = t.control.PausedBecause
		if t.report.Paused == "" {
			t.report.Paused = "by the operator"
		}
	case t.asked && !t.account.Enabled:
		t.report.Paused = "the mail service does not let us send: " + t.account.Because
	case t.asked && t.account.Remaining24h == 0:
		t.report.Paused = "the mail service's 24-hour quota is used up"
	}
}

// obey makes of the law's admit what the operator's mode asks for.
func (t *tick) obey() {
	decision := t.report.Decision
	t.report.Because, t.report.Admit, t.report.Fixed = decision.Because, decision.Admit, false
	switch t.report.Mode {
	case gate.Open:
		t.report.Admit = 1
	case gate.Hold:
		t.report.Admit = 0
	case gate.Throttle:
		if t.control.Admit != nil {
			t.report.Admit, t.report.Fixed = *t.control.Admit, true
			t.report.Because = fmt.Sprintf("the operator fixed the share at %g; the law says %g: %s", *t.control.Admit, decision.Admit, decision.Because)
		}
	}
	// What is published has three decimals; so has what is said and remembered.
	t.report.Admit = math.Round(math.Min(1, math.Max(0, t.report.Admit))*1000) / 1000
}

// pace plans for less when mails came back in the last minute for another reason
// than a pause (throttled, or late because the senders do not keep up), and
// feels its way up again.
func (t *tick) pace() {
	switch {
	case t.seen.returned > 0 && !t.control.Paused && t.state.Report.Paused == "":
		t.state.Pace = math.Max(0.1, t.state.Pace*0.7)
	default:
		t.state.Pace = math.Min(1, t.state.Pace+0.1)
	}
}

// rate is how many mails a second the mail service takes, as far as it has kept
// up; 0 while nothing may be sent. The margin below it is not taken off here: the
// law takes it for how many are invited, and waitlist.NewSlots is given
// admission.MailShare of it.
func (t *tick) rate() float64 {
	if !t.asked || t.control.Paused || !t.account.Enabled || t.account.Remaining24h == 0 {
		return 0
	}
	return t.account.PerSecond * t.state.Pace
}

func (t *tick) observation() admission.Observation {
	o := admission.Observation{
		Time: t.at, Load: t.seen.load, Edge: t.seen.edge, Waiting: t.state.Tally.Waiting,
	}
	if t.asked || t.control.Paused {
		o.Mail = &admission.Mail{PerSecond: t.rate(), Remaining: t.account.Remaining24h}
	}
	if !t.state.Begun {
		for _, c := range t.seen.cohorts {
			if c.Sent+c.Redeemed > 0 && c.Invited.After(t.now.Add(-time.Duration(t.Policy.CodeTTL))) {
				o.Outstanding = append(o.Outstanding, admission.Outstanding{Invited: c.Invited, Sent: c.Sent, Redeemed: c.Redeemed})
			}
		}
	} else {
		for _, c := range t.seen.news {
			if c.Sent > 0 {
				o.Sent = append(o.Sent, admission.Cohort{Invited: c.Invited, Count: c.Sent})
			}
			if c.Redeemed > 0 {
				o.Redeemed = append(o.Redeemed, admission.Cohort{Invited: c.Invited, Count: c.Redeemed})
			}
		}
	}
	if g := t.state.Gate; g.Mode != "" {
		o.Applied = &admission.Applied{Mode: string(g.Mode), Admit: g.Admit}
	}
	return o
}

// invitations is how many to invite now, with the reason when that is not the
// law's number.
func (t *tick) invitations() int {
	n := max(0, t.report.Decision.Invite)
	var why []string
	if t.report.Mode == gate.Hold && n > 0 {
		n = 0
		why = append(why, "on hold, nobody is invited")
	}
	if now := t.control.InviteNow; now > 0 {
		n += now
		why = append(why, fmt.Sprintf("the operator asked for %d more", now))
	}
	if t.report.Paused != "" {
		n = 0
		why = append(why, "sending is paused: "+t.report.Paused)
	}
	most := t.MaxClaims
	if most <= 0 {
		most = DefaultMaxClaims
	}
	if len(why) > 0 {
		t.report.Because = strings.Join(append(why, t.report.Because), "; ")
	}
	return min(n, most)
}
