package inviter

import (
	"fmt"
	"math"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// decide asks the law. It returns the decision and the law's new state.
func (s *Service) decide(when moment, control waitlist.Control, account *email.Account, memory state, seen observed, law admission.State) (admission.Decision, admission.State) {
	policy := s.Policy
	if control.Law != "" {
		policy.Law = control.Law
	}
	if control.Drain {
		// Everyone left, as fast as the site can take them: each free place is theirs.
		policy.QueueFirst = 1
	}
	return admission.Next(policy, law, observation(when, time.Duration(s.Policy.CodeTTL), control, account, memory, seen))
}

// observation is what a tick saw, as the law wants it.
func observation(when moment, codeTTL time.Duration, control waitlist.Control, account *email.Account, memory state, seen observed) admission.Observation {
	o := admission.Observation{Time: when.at, Load: seen.load, Edge: seen.edge, Waiting: seen.tally.Waiting, Deferred: seen.deferred}
	if account != nil || control.Paused {
		o.Mail = &admission.Mail{PerSecond: mailRate(control, account, memory.Pace)}
		if account != nil {
			o.Mail.Remaining = account.Remaining24h
		}
	}
	if !memory.Begun {
		for _, c := range seen.cohorts {
			if c.Sent+c.Redeemed > 0 && c.Invited.After(when.now.Add(-codeTTL)) {
				o.Outstanding = append(o.Outstanding, admission.Outstanding{Invited: c.Invited, Sent: c.Sent, Redeemed: c.Redeemed})
			}
		}
	} else {
		for _, c := range seen.news {
			if c.Sent > 0 {
				o.Sent = append(o.Sent, admission.Cohort{Invited: c.Invited, Count: c.Sent})
			}
			if c.Redeemed > 0 {
				o.Redeemed = append(o.Redeemed, admission.Cohort{Invited: c.Invited, Count: c.Redeemed})
			}
		}
	}
	if g := memory.Gate; g.Mode != "" {
		o.Applied = &admission.Applied{Mode: string(g.Mode), Admit: g.Admit}
	}
	return o
}

// nextPace is the share of the mail service's rate to plan for. It falls when
// mails came back in the last minute for another reason than a pause (throttled,
// or late because the senders do not keep up), and rises slowly otherwise.
func nextPace(was float64, cameBack bool) float64 {
	if cameBack {
		return math.Max(0.1, was*0.7)
	}
	return math.Min(1, was+0.1)
}

// mailRate is how many mails a second the mail service takes, as far as it has
// kept up; 0 while nothing may be sent or nobody knows. The margin below it is not
// taken off here: the law takes it for how many are invited, and waitlist.NewSlots
// is given admission.MailShare of it.
func mailRate(control waitlist.Control, account *email.Account, pace float64) float64 {
	if account == nil || control.Paused || !account.Enabled || account.Remaining24h == 0 {
		return 0
	}
	return account.PerSecond * pace
}

// whyPaused is why nothing is sent; empty while sending is on.
func whyPaused(control waitlist.Control, account *email.Account) string {
	switch {
	case control.Paused && control.PausedBecause != "":
		return control.PausedBecause
	case control.Paused:
		return "by the operator"
	case account != nil && !account.Enabled:
		return "the mail service does not let us send: " + account.Because
	case account != nil && account.Remaining24h == 0:
		return waitlist.QuotaUsedUp
	}
	return ""
}

// ruling is the decision for new visitors: the law's, held against the mode that
// the operator chose.
type ruling struct {
	mode gate.Mode
	// admit is the share of new visitors let in, fixed says that the operator chose it.
	admit   float64
	fixed   bool
	because string
}

// applyMode makes of the law's decision what the operator's mode asks for.
func applyMode(control waitlist.Control, decision admission.Decision) ruling {
	r := ruling{mode: control.EffectiveMode(), admit: decision.Admit, because: decision.Because}
	switch r.mode {
	case gate.Open:
		r.admit = 1
	case gate.Hold:
		r.admit = 0
	case gate.Throttle:
		if control.Admit != nil {
			r.admit, r.fixed = *control.Admit, true
			r.because = fmt.Sprintf("the operator fixed the share at %g; the law says %.3g: %s", *control.Admit, decision.Admit, decision.Because)
		}
	}
	// What is published has three decimals; so has what is said and remembered.
	r.admit = math.Round(math.Min(1, math.Max(0, r.admit))*1000) / 1000
	return r
}

// invitations is how many to invite now, by the law and asked for by the
// operator, and the ruling's reason with what made it another number than the
// law's in front. waiting is how many wait.
func invitations(byLaw int, control waitlist.Control, waiting int, paused, because string) (law, asked int, why string) {
	law = max(0, byLaw)
	var reasons []string
	if control.EffectiveMode() == gate.Hold && law > 0 {
		law = 0
		reasons = append(reasons, "on hold, nobody is invited")
	}
	switch asked = min(control.InviteNow, waiting); {
	case asked < control.InviteNow:
		reasons = append(reasons, fmt.Sprintf("the operator asked for %d more, of whom %d wait", control.InviteNow, waiting))
	case asked > 0:
		reasons = append(reasons, fmt.Sprintf("the operator asked for %d more", asked))
	}
	if paused != "" {
		law, asked = 0, 0
		reasons = append(reasons, "sending is paused: "+paused)
	}
	return law, asked, strings.Join(append(reasons, because), "; ")
}
