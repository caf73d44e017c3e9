package admission

import "math"

const (
	// mailRate is the share of the rate that is planned with: the sender spreads a
	// minute's mails over it, and the service counts by the second.
	mailRate = 0.95
	// dayMinutes is the window of the daily quota of mails.
	dayMinutes = 24 * 60
	// spare is how many mails are kept back for each who waits: for the one who
	// waits, and for one who will join.
	spare = 2
)

// mail is how many mails may be asked for now, and what bounds them: the rate, and
// the rolling 24 hours. The quota of a day is not spent in its first hour when the
// line needs more than is left of it: those who join in the afternoon would have to
// wait for the next morning. What is left beyond two for each who waits is free;
// else a minute gets an even share of what is left until half of the mails of the
// last 24 hours are given back.
func (v *view) mail() (float64, string) {
	mail := v.o.Mail
	if mail == nil {
		return math.Inf(1), ""
	}
	bound, why := math.Inf(1), ""
	if finite(mail.PerSecond) && mail.PerSecond >= 0 {
		bound, why = math.Floor(mail.PerSecond*60*mailRate), "as many are invited as can be mailed in a minute"
		if mail.PerSecond == 0 {
			why = "nobody is invited: sending mail is paused"
		}
	}
	if !finite(mail.Remaining) || mail.Remaining < 0 {
		return bound, why
	}
	left := math.Floor(mail.Remaining)
	even := left / v.m.Returns.renewal(v.o.Time.Unix())
	free := left - spare*float64(v.o.Waiting)
	if day := math.Floor(min(left, max(free, even, min(left, 1)))); day < bound {
		bound, why = day, "few are invited, so that the day's mails last the day"
		if left == 0 {
			why = "nobody is invited: the day's mails are used up"
		}
	}
	return bound, why
}

// renewal is in how many minutes half of the mails of the last 24 hours no longer
// count against the quota; a day where none was sent.
func (r *returns) renewal(now int64) float64 {
	total := 0.0
	for i := range r.Cohorts {
		if c := &r.Cohorts[i]; c.age(now) < dayMinutes {
			total += c.mailed(r.Reports)
		}
	}
	half := total / 2
	for i := range r.Cohorts { // the oldest first
		c := &r.Cohorts[i]
		age := c.age(now)
		if age >= dayMinutes {
			continue
		}
		if half -= c.mailed(r.Reports); half <= 0 && total > 0 {
			return max(1, float64(dayMinutes-age))
		}
	}
	return dayMinutes
}

// mailed is how many mails a cohort took.
func (c *cohort) mailed(reports bool) float64 {
	if reports {
		return float64(c.Sent)
	}
	return float64(c.Asked)
}
