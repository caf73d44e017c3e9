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
	unseen := func(o *Observation) { o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 200}} }
	many := func(o *Observation) { o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 800}} }
	noisy := func(o *Observation) { o.Load[0].Value *= 1 + 0.1*float64(o.Time.Minute()%3-1) }
	uncounted := func(o *Observation) { o.Edge = nil }
	night := with(func(p *Policy) { p.Quiet = &Quiet{From: "11:00", Until: "18:00"} })
	hangs := func(o *Observation) { o.Load = []Sample{{At: o.Time.Add(-2 * time.Minute), Value: 0.88}} }
	const number = `[0-9]+`
	for _, c := range []struct {
		policy Policy
		events func(*day) Decision
		want   string // a regular expression, of all of it
	}{
		// The throttle, by the model.
		{big, func(d *day) Decision { return d.minutes(90, 400, 0.2, nobody) },
			`open: the load is 0\.20, below 0\.90`},
		{big, func(d *day) Decision { d.minutes(90, 1750, 0.88, nobody); return d.minutes(9, 3000, 0.9, nobody) },
			`holding 0\.90: the load is 0\.\d\d, with places for ` + number + ` of ` + number + ` visitors a minute`},
		{with(func(p *Policy) { p.Capacity = 400 }), func(d *day) Decision {
			d.minutes(80, 14, 0.86, nobody, noisy)
			return d.minutes(12, 40, 0.86, nobody, noisy)
		},
			`holding 0\.\d\d \(the target of 0\.90 less a margin, as the load may be \d+ % off\): the load is 0\.\d\d, with places for ` + number + ` of ` + number + ` visitors a minute`},
		{big, func(d *day) Decision {
			d.minutes(90, 1750, 0.88, nobody)
			d.minutes(9, 19000, 0.92, nobody)
			return d.minutes(4, 900, 0.86, nobody)
		},
			`opening step by step: the load is 0\.\d\d and falls below 0\.\d\d.*`},
		{big, func(d *day) Decision { d.minutes(90, 1750, 0.88, nobody); return d.minutes(6, 1750, 0.4, nobody) },
			`the load of 0\.40 is not believed, as people cannot have left so fast: 0\.\d\d by counting who came, until it has been low for 30 min`},
		{big, func(d *day) Decision { d.minutes(90, 1790, 0.88, nobody); return d.minutes(20, 1790, -1, nobody) },
			`the load has not been known for \d+ min: 0\.\d\d by counting who came, closing to 0\.10 or less`},
		// The throttle, while the model is not trusted.
		{big, func(d *day) Decision { return d.minutes(1, 400, -1, nobody, throttled) },
			`no load is known yet: closed to 0\.10 or less until one is; see what .raincheck doctor. says of the load`},
		{big, func(d *day) Decision { d.minutes(20, 400, 0.2, nobody); return d.minutes(9, 400, -1, nobody) },
			`the load has not been known for 10 min and the model has foreseen it for \d+ of 60 min: closed to 0\.10 or less`},
		{big, func(d *day) Decision { return d.minutes(2, 400, 1.05, nobody) },
			`nobody new: the load was measured at 1\.05 and the model has foreseen it for 0 of 60 min`},
		{big, func(d *day) Decision { d.minutes(90, 1750, 0.88, nobody); return d.minutes(5, 1750, 1.05, nobody) },
			`nobody new: the load was measured at 1\.05 and the model has foreseen it for \d of 60 min \(since 13:\d\d UTC it was 1\.05, 0\.8\d foreseen\)`},
		{big, func(d *day) Decision { return d.minutes(20, 1790, 0.88, nobody) },
			`going by the load of 0\.88, as the model has foreseen it for \d+ of 60 min.*`},
		{big, func(d *day) Decision { return d.minutes(20, 0, 0.92, uncounted, nobody) },
			`going by the load of 0\.92 alone, as nobody is counted at the edge; see what .raincheck doctor. says of the counts`},
		{big, func(d *day) Decision { return d.minutes(2, 400, 44810, nobody) },
			`nobody new: .*; the load reads 20 times a full site or more, so LoadFull looks wrong`},
		{big, func(d *day) Decision { return d.minutes(70, 400, 1.05, nobody) },
			`.*; nobody new has been let in for an hour: see whether the load is right, or say the share with .raincheck throttle --admit 0\.1 --apply.`},
		{big, func(d *day) Decision {
			d.minutes(90, 1750, 0.88, nobody)
			return d.minutes(30, 1750, -1, hangs, nobody)
		},
			`the load of 0\.88 has not changed for \d+ min and is not believed: 0\.\d\d by counting who came, closing to 0\.10 or less`},
		{big, func(d *day) Decision {
			d.minutes(90, 1750, 0.88, nobody)
			return d.minutes(120, 1750, -1, hangs, nobody)
		},
			`the load of 0\.88 has not changed for 50 min or more and is not believed: .*`},
		{big, func(d *day) Decision { d.minutes(20, 1750, 0.88, nobody); return d.minutes(2, 1750, 0.3, nobody) },
			`the load of 0\.30 is not believed, as people cannot have left so fast: 0\.\d\d by counting who came, until it has been low for 3 min`},
		// What is added for those who were invited and those who wait.
		{big, func(d *day) Decision { d.minutes(90, 1500, 0.8, cameBack); return d.minutes(1, 1500, 0.8, nobody) },
			`open: .*; ` + number + ` arrivals expected within 15 min from earlier invitations`},
		{with(func(p *Policy) { p.QueueFirst = 0 }), func(d *day) Decision { d.minutes(90, 1750, 0.88, nobody); return d.minutes(9, 3000, 0.9) },
			`holding 0\.90: .*; no places are left for those who wait`},
		{big, func(d *day) Decision { return d.minutes(30, 400, 0.2, cameBack) },
			`open: .*; 2000 are invited, as the model has foreseen it for \d+ of 60 min`},
		{big, func(d *day) Decision { return d.minutes(20, 1790, 0.88, mail(1, -1)) },
			`going by the load of 0\.88, as .*; nobody is invited unless the load stays below 0\.85`},
		{DefaultPolicy(), func(d *day) Decision { return d.minutes(20, 0, 0.92, uncounted) },
			`going by the load of 0\.92 alone, .*; nobody is invited unless the load stays below 0\.85`},
		{big, func(d *day) Decision { d.minutes(90, 1790, 0.88, nobody); return d.minutes(20, 400, -1) },
			`.*; nobody is invited while the load is not known`},
		{night, func(d *day) Decision { return d.minutes(90, 400, 0.2) },
			`open: .*; nobody is invited: it is in or too shortly before the quiet hours`},
		{with(func(p *Policy) { p.MaxInvitesPerMinute = 0 }), func(d *day) Decision { return d.minutes(90, 400, 0.2) },
			`open: .*; nobody is invited, as maxInvitesPerMinute is 0`},
		{with(func(p *Policy) { p.MaxInvitesPerMinute = 5 }), func(d *day) Decision { return d.minutes(90, 400, 0.2) },
			`open: .*; no more are invited at once than maxInvitesPerMinute`},
		{big, func(d *day) Decision { d.minutes(70, 400, 0.2, nobody); return d.minutes(25, 400, 0.2, unseen) },
			`.*; next to nobody of those invited has come since 13:\d\d UTC; see whether the mails arrive`},
		{big, func(d *day) Decision { d.minutes(70, 400, 0.2, nobody); return d.minutes(120, 400, 0.2, unseen) },
			`.*; next to nobody of those invited has come since 1\d:\d\d UTC, so few more are invited; see whether the mails arrive`},
		{big, func(d *day) Decision { d.minutes(90, 400, 0.3, cameBack); return d.minutes(60, 400, 0.3, many) },
			`.*; people come less than they did since 1\d:\d\d UTC, as at night: \d+ who were invited are missing and may come at once, so few are invited`},
		{big, func(d *day) Decision { return d.minutes(90, 400, 0.2, mail(1, -1)) },
			`open: .*; as many are invited as can be mailed in a minute`},
		{big, func(d *day) Decision { return d.minutes(90, 400, 0.2, mail(0, -1)) },
			`open: .*; nobody is invited: sending mail is paused`},
		{big, func(d *day) Decision { return d.minutes(90, 400, 0.2, mail(14, 7)) },
			`open: .*; as many are invited as remain of the day's mails`},
		{big, func(d *day) Decision { return d.minutes(90, 400, 0.2, mail(14, 0)) },
			`open: .*; nobody is invited: the day's mails are used up`},
		// 2013's rule.
		{ramp, func(d *day) Decision { return d.minutes(20, 400, 0.9) },
			`ramp: the load was measured at 0\.90; open below 0\.80, closed from 0\.95`},
		{ramp, func(d *day) Decision { return d.minutes(20, 400, 0.5, mail(1, -1)) },
			`ramp: the load was measured at 0\.50; .*; as many are invited as can be mailed in a minute`},
		{with(func(p *Policy) { p.Law, p.Quiet = Ramp, night.Quiet }), func(d *day) Decision { return d.minutes(20, 400, 0.5) },
			`ramp: the load was measured at 0\.50; .*; nobody is invited: it is in or too shortly before the quiet hours`},
		{ramp, func(d *day) Decision { d.minutes(20, 400, 0.5); return d.minutes(20, 400, -1) },
			`ramp: the load has not been known for \d+ min: closed to 0\.10 or less`},
		{ramp, func(d *day) Decision { return d.minutes(1, 400, -1) },
			`ramp: no load is known yet: closed to 0\.10 or less`},
		{with(func(p *Policy) { p.Capacity = 1e9 }), func(d *day) Decision { return d.minutes(5, 400, 0.5) },
			`.*; a capacity of 1000000000 is not believed: with the load it makes more than 10 times the people counted`},
		// No decision.
		{big, func(d *day) Decision { d.minutes(5, 400, 0.5); d.minute--; return d.minutes(1, 400, 0.5) },
			`this minute was decided before, and that stands`},
		{with(func(p *Policy) { p.Target = 2 }), func(d *day) Decision { return d.minutes(1, 400, 0.5) },
			`the policy cannot be used, nothing changes: policy: target is 2: .*`},
	} {
		got := c.events(&day{t: t, policy: c.policy, last: Decision{Admit: 1}})
		if !regexp.MustCompile("^(?:" + c.want + ")$").MatchString(got.Because) {
			t.Errorf("a reason reads\n\t%s\nwant\n\t%s", got.Because, c.want)
		}
	}
}

// TestOpenIsTrue: what is said of an open throttle is true as it is written.
func TestOpenIsTrue(t *testing.T) {
	t.Parallel()
	v := &view{p: DefaultPolicy(), m: &memory{}, target: 0.9}
	for load, want := range map[float64]string{
		0.89:  "open: the load is 0.89, below 0.90",
		0.897: "open: the load is 0.90 and falls below 0.90 with all who come",
		0.91:  "open: the load is 0.91 and falls below 0.90 with all who come",
	} {
		if got := v.throttle(Decision{Admit: 1, Numbers: Numbers{Load: load}}, 0, byModel); got != want {
			t.Errorf("a load of %g: %q, want %q", load, got, want)
		}
	}
	v.measured = 0.74
	const both = "open: the load is 0.17 by counting who came (measured: 0.74), below 0.90"
	if got := v.throttle(Decision{Admit: 1, Numbers: Numbers{Load: 0.17}}, 0, byModel); got != both {
		t.Errorf("a metric far above a model that is not trusted: %q, want %q", got, both)
	}
}
