package admission

import (
	"regexp"
	"testing"
	"time"
)

// TestEveryReason lists every sentence that an operator may be shown, each as the
// law says it in the situation that it is for.
func TestEveryReason(t *testing.T) {
	t.Parallel()
	big := DefaultPolicy()
	big.Capacity = 50000
	with := func(change func(*Policy)) Policy {
		p := big
		change(&p)
		return p
	}
	ramp := with(func(p *Policy) { p.Law = Ramp })
	throttled := func(o *Observation) { o.Applied = &Applied{Mode: "throttle", Admit: 0.4} }
	mail := func(perSecond, remaining float64) func(*Observation) {
		return func(o *Observation) { o.Mail = &Mail{PerSecond: perSecond, Remaining: remaining} }
	}
	nobody := func(o *Observation) { o.Waiting = 0 }
	come := func(o *Observation) {
		o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 200}}
		o.Redeemed = []Cohort{{Invited: o.Time.Add(-5 * time.Minute), Count: 150}}
	}
	asleep := func(o *Observation) { o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 200}} }
	night := with(func(p *Policy) { p.Quiet = &Quiet{From: "11:00", Until: "18:00"} })
	const number = `[0-9]+`
	for _, c := range []struct {
		policy Policy
		tell   func(*day) Decision
		want   string // a regular expression, of all of it
	}{
		// The door.
		{big, func(d *day) Decision { return d.minutes(30, 400, 0.2, nobody) },
			`open: the load is 0\.20, below 0\.90`},
		{big, func(d *day) Decision {
			d.minutes(90, 1750, 0.88, nobody)
			d.minutes(3, 2000, 0.97, nobody)
			return d.minutes(4, 60, 0.97, nobody)
		},
			`open: the load is 0\.9\d and falls below 0\.90 with all who come`},
		{big, func(d *day) Decision { return d.minutes(60, 6000, 0.9, nobody) },
			`holding 0\.90: the load is 0\.9\d, with places for ` + number + ` of 6` + number + ` visitors a minute`},
		{with(func(p *Policy) { p.Capacity = 400 }), func(d *day) Decision { return d.minutes(60, 50, 0.8, nobody) },
			`holding 0\.\d\d \(the target of 0\.90 less a margin, as the load may be \d+ % off\): the load is 0\.\d\d, with places for ` + number + ` of ` + number + ` visitors a minute`},
		{big, func(d *day) Decision { d.minutes(40, 6000, 1.2, nobody); return d.minutes(4, 500, 0.3, nobody) },
			`opening step by step: the load is 0\.\d\d, below 0\.\d\d .*`},
		{big, func(d *day) Decision { d.minutes(30, 400, 0.2); return d.minutes(1, 400, 1.25, nobody) },
			`nobody new: the load was measured at 1\.25, more than a full site; .* earlier invitations`},
		{big, func(d *day) Decision { d.minutes(30, 1790, 0.88, nobody); return d.minutes(20, 1790, -1, nobody) },
			`the load has not been known for \d+ min: 0\.\d\d by counting who came, closing to 0\.10 or less`},
		{big, func(d *day) Decision { return d.minutes(1, 400, -1, nobody, throttled) },
			`no load has been reported yet: the door opens no wider than it was`},
		{big, func(d *day) Decision { return d.minutes(20, 400, -1, nobody, throttled) },
			`the load has not been known for 19 min, nor ever before: closing to 0\.10 or less`},
		// What is added for those who were invited and those who wait.
		{big, func(d *day) Decision { d.minutes(30, 1500, 0.8, come); return d.minutes(1, 1500, 0.8, nobody) },
			`open: .*; ` + number + ` arrivals expected within 15 min from earlier invitations`},
		{with(func(p *Policy) { p.QueueFirst = 0 }), func(d *day) Decision { return d.minutes(60, 6000, 0.93) },
			`holding 0\.90: .*; no places are left for those who wait`},
		{big, func(d *day) Decision { d.minutes(30, 400, 0.2); return d.minutes(1, 400, 1.25) },
			`nobody new: .*; nobody is invited`},
		{big, func(d *day) Decision { return d.minutes(20, 400, -1, throttled) },
			`.*; nobody is invited while the load is not known`},
		{night, func(d *day) Decision { return d.minutes(20, 400, 0.2) },
			`open: .*; nobody is invited: it is in or too shortly before the quiet hours`},
		{with(func(p *Policy) { p.MaxInvitesPerMinute = 0 }), func(d *day) Decision { return d.minutes(20, 400, 0.2) },
			`open: .*; nobody is invited, as maxInvitesPerMinute is 0`},
		{with(func(p *Policy) { p.MaxInvitesPerMinute = 5 }), func(d *day) Decision { return d.minutes(20, 400, 0.2) },
			`open: .*; no more are invited at once than maxInvitesPerMinute`},
		{big, func(d *day) Decision { return d.minutes(3, 400, 0.2) },
			`open: .*; few are invited in the law's first 10 min`},
		{big, func(d *day) Decision { return d.minutes(40, 400, 0.6, asleep) },
			`.*; those invited have stopped coming: only a few more are invited until they do`},
		{big, func(d *day) Decision { return d.minutes(20, 400, 0.2, mail(1, -1)) },
			`open: .*; as many are invited as can be mailed in a minute`},
		{big, func(d *day) Decision { return d.minutes(20, 400, 0.2, mail(0, -1)) },
			`open: .*; nobody is invited: sending mail is paused`},
		{big, func(d *day) Decision { return d.minutes(20, 400, 0.2, mail(14, 7)) },
			`open: .*; as many are invited as remain of the day's mails`},
		{big, func(d *day) Decision { return d.minutes(20, 400, 0.2, mail(14, 0)) },
			`open: .*; nobody is invited: the day's mails are used up`},
		// 2013's rule.
		{ramp, func(d *day) Decision { return d.minutes(20, 400, 0.9) },
			`ramp: the load was measured at 0\.90; open below 0\.80, shut from 0\.95`},
		{ramp, func(d *day) Decision { return d.minutes(20, 400, 0.5, mail(1, -1)) },
			`ramp: the load was measured at 0\.50; .*; as many are invited as can be mailed in a minute`},
		{with(func(p *Policy) { p.Law, p.Quiet = Ramp, night.Quiet }), func(d *day) Decision { return d.minutes(20, 400, 0.5) },
			`ramp: the load was measured at 0\.50; .*; nobody is invited: it is in or too shortly before the quiet hours`},
		{ramp, func(d *day) Decision { d.minutes(20, 400, 0.5); return d.minutes(20, 400, -1) },
			`ramp: the load has not been known for \d+ min, closing to 0\.10`},
		{ramp, func(d *day) Decision { return d.minutes(1, 400, -1) },
			`ramp: no load is known, closing to 0\.10`},
		// No decision.
		{big, func(d *day) Decision { d.minutes(5, 400, 0.5); d.minute--; return d.minutes(1, 400, 0.5) },
			`this minute was decided before, and that stands`},
		{with(func(p *Policy) { p.Target = 2 }), func(d *day) Decision { return d.minutes(1, 400, 0.5) },
			`the policy cannot be used, nothing changes: policy: target is 2: .*`},
	} {
		got := c.tell(&day{t: t, policy: c.policy, last: Decision{Admit: 1}})
		if !regexp.MustCompile("^(?:" + c.want + ")$").MatchString(got.Because) {
			t.Errorf("a reason reads\n\t%s\nwant\n\t%s", got.Because, c.want)
		}
	}
}
