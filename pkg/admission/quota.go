package admission

import (
	"math"

	"raincheck/pkg/admission/number"
)

// mail is how many mails may be asked for now, and what bounds them: the rate, and
// what remains of the rolling 24 hours.
//
// What remains is not spread over the day. Mails that go out as soon as there are
// places are at every later moment at least as many as under any other plan: a mail
// that is held back leaves a place empty now and gains none later, because what was
// sent earlier is given back earlier, too. When none remain new visitors take the
// places, and the waitlist keeps its order.
func (v *view) mail() (float64, string) {
	mail := v.o.Mail
	if mail == nil {
		return math.Inf(1), ""
	}
	bound, why := math.Inf(1), ""
	if number.Finite(mail.PerSecond) && mail.PerSecond >= 0 {
		bound, why = math.Floor(mail.PerSecond*60*MailShare), "as many are invited as can be mailed in a minute"
		if mail.PerSecond == 0 {
			why = "nobody is invited: sending mail is paused"
		}
	}
	if !number.Finite(mail.Remaining) || mail.Remaining < 0 {
		return bound, why
	}
	if left := max(0, math.Floor(mail.Remaining)-v.m.Returns.Underway(v.o.Time.Unix())); left < bound {
		bound, why = left, "as many are invited as remain of the day's mails"
		if left == 0 {
			why = "nobody is invited: the day's mails are used up"
		}
	}
	return bound, why
}
