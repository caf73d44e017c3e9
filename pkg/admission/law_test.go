package admission

import (
	"os"
	"strings"
	"testing"
	"time"
)

// day drives the law through a day told as a story: a site of 1,000 visitors an
// hour whose load answers exactly, two minutes late.
type day struct {
	t      *testing.T
	policy Policy
	state  State
	minute int
	last   Decision
}

// minutes lets n minutes pass in which visitors come and the load is
// what load says (below 0: unknown).
func (d *day) minutes(n int, visitors, load float64, change ...func(*Observation)) Decision {
	d.t.Helper()
	for range n {
		now := noon.Add(time.Duration(d.minute) * time.Minute)
		o := Observation{Time: now, Waiting: 10000}
		if load >= 0 {
			// The third digit of a living metric is never still.
			o.Load = []Sample{{At: now.Add(-2 * time.Minute), Value: load + 0.001*float64(d.minute%3)}}
		}
		o.Edge = []EdgeCount{{At: now.Add(-2 * time.Minute), Visitors: visitors, Admitted: visitors * d.last.Admit}}
		for _, f := range change {
			f(&o)
		}
		d.last, d.state = Next(d.policy, d.state, o)
		d.minute++
	}
	return d.last
}

// cameBack is twelve minutes in which those come whom a decision invited.
func cameBack(o *Observation) {
	o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 200}}
	for k := range 12 {
		o.Redeemed = append(o.Redeemed, Cohort{Invited: o.Time.Add(-time.Duration(k+2) * time.Minute), Count: 20 - k})
	}
}

// TestADay is the law as an operator lives it.
func TestADay(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}

	quiet := d.minutes(90, 400, 0.20, cameBack)
	if quiet.Admit != 1 || !strings.HasPrefix(quiet.Because, "open") {
		t.Errorf("a quiet morning: %+v, want an admit of 1", quiet)
	}
	if quiet.Invite == 0 {
		t.Error("a quiet morning with people waiting: nobody is invited")
	}

	full := d.minutes(40, 6000, 0.93, cameBack)
	if full.Admit > 0.5 || !strings.HasPrefix(full.Because, "holding 0.90") {
		t.Errorf("three times the capacity: %+v, want a small admit", full)
	}

	over := d.minutes(3, 6000, 1.25)
	if over.Admit != 0 || over.Invite != 0 {
		t.Errorf("the load jumped to 1.25: %+v, want nobody new", over)
	}

	d.minutes(60, 3000, 0.88)
	before := d.last
	gone := d.minutes(25, 3000, -1)
	if gone.Admit >= before.Admit || gone.Invite != 0 || !strings.Contains(gone.Because, "has not been known") {
		t.Errorf("25 minutes without a load: %+v after %+v, want a smaller admit, no invitations, and the reason", gone, before)
	}
	if much := d.minutes(60, 3000, -1); much.Admit > p.Floor {
		t.Errorf("an hour without a load: admit %v, want the floor of %v or less", much.Admit, p.Floor)
	}

	paused := d.minutes(1, 1000, 0.5, func(o *Observation) { o.Mail = &Mail{PerSecond: 0, Remaining: -1} })
	if paused.Invite != 0 {
		t.Errorf("a paused sender: %+v, want no invitations", paused)
	}
}

// TestAFrozenMetricIsNoMetric: a load that repeats itself to the last digit says
// nothing, however healthy it looks.
func TestAFrozenMetricIsNoMetric(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	d.minutes(60, 3000, 0.85)
	got := d.minutes(40, 3000, -1, func(o *Observation) {
		o.Load = []Sample{{At: o.Time.Add(-2 * time.Minute), Value: 0.6}}
	})
	if got.Invite != 0 || got.Admit > 0.6 {
		t.Errorf("40 minutes of the same 0.6: %+v, want it not believed", got)
	}
}

// TestACoarseMetricIsBelieved: one that is rounded to whole percents, or the same
// 0.85 from cron every minute, is not taken as frozen while the people counted
// bear it out.
func TestACoarseMetricIsBelieved(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	steady := func(o *Observation) { o.Load = []Sample{{At: o.Time.Add(-2 * time.Minute), Value: 0.79}} }
	// 1,580 a minute for 25 minutes each are 0.79 of 50,000.
	for range 300 {
		if got := d.minutes(1, 1580, -1, steady); strings.Contains(got.Because, "has not been known") {
			t.Fatalf("after %d minutes of the same 0.79: %+v, want it believed", d.minute, got)
		}
	}
	if d.last.Admit < 0.95 {
		t.Errorf("a steady 0.79 with a target of 0.90: %+v, want an admit of 1", d.last)
	}
	// The same 0.79 while five times as many come is one that hangs.
	got := d.minutes(40, 7900, -1, steady)
	if got.Invite != 0 || got.Admit > 0.2 {
		t.Errorf("40 minutes later, with five times the visitors and the same 0.79: %+v, want it not believed", got)
	}
}

// TestACoarseMetricThatHangs: a metric of whole percents that stands still for
// longer than its own noise lets it is none.
func TestACoarseMetricThatHangs(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	noise := []float64{0.02, -0.01, 0, 0.03, 0.03, -0.02, 0.01, -0.03, 0, 0.02, -0.01, -0.01, 0.01}
	d.minutes(90, 1700, -1, func(o *Observation) {
		o.Load = []Sample{{At: o.Time.Add(-2 * time.Minute), Value: 0.85 + noise[d.minute%len(noise)]}}
	})
	if strings.Contains(d.last.Because, "is not believed") {
		t.Fatalf("a metric of whole percents: %+v, want it believed", d.last)
	}
	got := d.minutes(40, 1700, -1, func(o *Observation) {
		o.Load = []Sample{{At: o.Time.Add(-2 * time.Minute), Value: 0.80}}
	})
	if got.Invite != 0 || !strings.Contains(got.Because, "has not changed for") {
		t.Errorf("40 minutes of the same 0.80: %+v, want it not believed", got)
	}
}

// TestNoLoadWasEverKnown: a known capacity does not mean a healthy site (docs/design.md, decision 18).
func TestNoLoadWasEverKnown(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 0.4}}
	inForce := func(o *Observation) { o.Applied = &Applied{Mode: "throttle", Admit: d.last.Admit} }
	for range 90 {
		if got := d.minutes(1, 1000, -1, inForce); got.Invite != 0 || got.Admit > 0.4 {
			t.Fatalf("minute %d without any load: %+v, want nobody invited and admit no higher than it was", d.minute, got)
		}
	}
	if d.last.Admit > p.Floor {
		t.Errorf("an hour and a half without any load: %+v, want the floor of %v or less", d.last, p.Floor)
	}
	if got := d.minutes(30, 1000, 0.5, inForce, cameBack); got.Invite == 0 || got.Admit < 0.9 {
		t.Errorf("half an hour of a load of 0.5: %+v, want an admit of 1 and invitations", got)
	}
}

// TestTheDaysMails: a quota is never passed, and while some of it is left nobody
// waits beside an empty place for the sake of the afternoon.
func TestTheDaysMails(t *testing.T) {
	t.Parallel()
	const quota, waiting = 14400, 100000
	p := DefaultPolicy()
	p.Capacity = 50000
	lives := func(limited bool) (sent []int) {
		d := &day{t: t, policy: p, last: Decision{Admit: 1}}
		used := 0
		for range 4 * 60 {
			got := d.minutes(1, 100, 0.2, func(o *Observation) {
				o.Waiting = waiting
				if limited {
					o.Mail = &Mail{PerSecond: 1000, Remaining: float64(quota - used)}
				}
				// The mails of a decision are reported two minutes later, and until then
				// count as remaining.
				if n := len(sent); n > 1 && sent[n-2] > 0 {
					used += sent[n-2]
					o.Sent = []Cohort{{Invited: o.Time.Add(-2 * time.Minute), Count: sent[n-2]}}
					o.Redeemed = []Cohort{{Invited: o.Time.Add(-2 * time.Minute), Count: sent[n-2] / 4}}
					if limited {
						o.Mail.Remaining = float64(quota - used)
					}
				}
			})
			sent = append(sent, got.Invite)
		}
		return sent
	}
	free, bounded := lives(false), lives(true)
	asked := 0
	for minute, n := range bounded {
		if asked+n < quota-unsettledSlack && n != free[minute] {
			t.Fatalf("minute %d: %d are invited, without a quota %d; %d of %d mails were asked for", minute, n, free[minute], asked, quota)
		}
		asked += n
	}
	if asked > quota || asked < quota*99/100 {
		t.Errorf("%d of %d mails were asked for", asked, quota)
	}
}

// unsettledSlack is what two minutes of the law's own invitations may be.
const unsettledSlack = 4000

// TestCountsThatGrow: a count is reported a second time, and is then a quarter higher;
// the next one that is reported only once is taken for what it will become.
func TestCountsThatGrow(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	got := d.minutes(60, 800, 0.4, func(o *Observation) {
		o.Edge = append(o.Edge, EdgeCount{At: o.Time.Add(-4 * time.Minute), Visitors: 1000, Admitted: 1000})
	})
	if n := got.Numbers.Visitors; n < 950 || n > 1050 {
		t.Errorf("800 visitors a minute at first and 1,000 in the end: %.0f expected, want 1,000", n)
	}
}

// TestTheSameMinuteTwice is a doubled tick: it must not invite twice.
func TestTheSameMinuteTwice(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	first := d.minutes(30, 400, 0.2)
	d.minute--
	again := d.minutes(1, 400, 0.2)
	if again.Invite != 0 || again.Admit != first.Admit {
		t.Errorf("the same minute again: %+v after %+v", again, first)
	}
}

// TestABadPolicyChangesNothing: docs/faults.md, row 44.
func TestABadPolicyChangesNothing(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	d.policy.Target, d.policy.Capacity = -1, -2
	if got := d.minutes(1, 100, 0.5); got.Admit != 0 || got.Invite != 0 || !strings.Contains(got.Because, "target") || !strings.Contains(got.Because, "capacity") {
		t.Errorf("with a policy that cannot be: %+v", got)
	}
}

// TestNightIsQuiet: no mail between From and Until, nor so late that a code would
// die before its reader wakes.
func TestNightIsQuiet(t *testing.T) {
	t.Parallel()
	h, err := Quiet{From: "22:00", Until: "07:00", Offset: "-05:00"}.hours()
	if err != nil {
		t.Fatal(err)
	}
	for local, want := range map[int]bool{6: true, 7: false, 12: false, 19: false, 21: true, 22: true, 2: true} {
		at := time.Date(2026, 3, 2, local, 0, 0, 0, time.FixedZone("", -5*3600))
		if got := h.forbids(at, 4*time.Hour); got != want {
			t.Errorf("an invitation at %d o'clock: forbidden is %v, want %v", local, got, want)
		}
	}
}

func TestPolicyErrorsNameTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`{"target":2}`, "target"},
		{`{"tarket":0.9}`, `unknown field "tarket"`},
		{`{"capacity":-1}`, "capacity"},
		{`{"queueFirst":1.5}`, "queueFirst"},
		{`{"codeTTL":"4 hours"}`, `codeTTL: "4 hours" is not a duration`},
		{`{"codeTTL":"1s"}`, "codeTTL"},
		{`{"law":"pid"}`, "law"},
		{`{"maxInvitesPerMinute":-1}`, "maxInvitesPerMinute"},
		{`{"floor":7}`, "floor"},
		{`{"visit":"0s"}`, "visit"},
		{`{"quiet":{"from":"25:00","until":"07:00"}}`, "from"},
		{`{} {}`, "more"},
		{`[]`, "[] is not an object"},
	} {
		if _, err := DecodePolicy([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.in, err, c.want)
		}
	}
	if p, err := DecodePolicy([]byte(`{"target":0.8}`)); err != nil || p.CodeTTL != DefaultPolicy().CodeTTL || p.Target != 0.8 {
		t.Errorf("a policy of one field: %+v, %v", p, err)
	}
}

// full is a state after 30 hours of 2,000 invitations a minute: 24 h of codes
// are out and reckoned with.
func full() (Policy, State, Observation) {
	p := DefaultPolicy()
	p.Capacity, p.QueueFirst, p.CodeTTL = 50000, 1, Duration(24*time.Hour)
	var s State
	var o Observation
	for m := range 30 * 60 {
		now := noon.Add(time.Duration(m) * time.Minute)
		o = Observation{Time: now, Waiting: 500000,
			Load: []Sample{{At: now.Add(-2 * time.Minute), Value: 0.9 + 0.01*float64(m%5-2)}},
			Edge: []EdgeCount{{At: now.Add(-2 * time.Minute), Visitors: 2900, Admitted: 100}},
			Sent: []Cohort{{Invited: now.Add(-time.Minute), Count: 2103 + m%7}},
		}
		for k := 2; k < 60; k++ {
			o.Redeemed = append(o.Redeemed, Cohort{Invited: now.Add(-time.Duration(k) * time.Minute), Count: 1800 / k / 4})
		}
		_, s = Next(p, s, o)
	}
	o.Time = o.Time.Add(time.Minute)
	return p, s, o
}

func TestStateIsSmall(t *testing.T) {
	t.Parallel()
	_, s, _ := full()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) >= 64<<10 {
		t.Errorf("the state is %d bytes with 24 h of invitations out, want less than 64 KB", len(data))
	}
	if _, err := Decode([]byte(`{"v":99}`)); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("another version's state: %v", err)
	}
	if _, err := Decode([]byte(`{"v":1,"share":[1,2]}`)); err == nil {
		t.Error("a state of which half is missing was taken")
	}
}

// TestAnOlderState: a state that an older law of version 1 stored decodes, and what
// it learned of people stays; the newer law begins without trust.
func TestAnOlderState(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/state-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	p := DefaultPolicy()
	p.Capacity = 50000
	now := noon.Add(90 * time.Minute)
	d, s := Next(p, s, Observation{Time: now, Waiting: 5000,
		Load: []Sample{{At: now.Add(-2 * time.Minute), Value: 0.9}},
		Edge: []EdgeCount{{At: now.Add(-2 * time.Minute), Visitors: 2900, Admitted: 1700}}})
	if n := d.Numbers; n.Trust != 0 || n.Visitors < 2000 || n.Outstanding < 500 || n.Capacity < 30000 {
		t.Errorf("the first decision after an older law: %+v, want what was learned and no trust", d)
	}
	if s.memory.Visits.Seen < 60 {
		t.Errorf("%d samples of the load are remembered", s.memory.Visits.Seen)
	}
}

func BenchmarkNext(b *testing.B) {
	p, s, o := full()
	data, err := s.Encode()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Next(p, s, o)
	}
	b.ReportMetric(float64(len(data)), "state-bytes")
}

// TestALoadEveryFiveMinutes is one that is known, not one that is missing.
func TestALoadEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	fifth := func(o *Observation) {
		if d.minute%5 != 0 {
			o.Load = nil
		}
	}
	d.minutes(120, 400, 0.2, cameBack, fifth)
	for range 5 {
		if got := d.minutes(1, 400, 0.2, cameBack, fifth); got.Admit < 1 || got.Invite == 0 {
			t.Errorf("minute %d after two hours of a load every five minutes: %+v, want it believed", d.minute, got)
		}
	}
}

// TestACapacityFarTooLarge empties no waitlist in the first minutes, whether anybody
// is counted or not.
func TestACapacityFarTooLarge(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 1e9
	for name, counts := range map[string]func(*Observation){"counted": func(*Observation) {}, "not counted": func(o *Observation) { o.Edge = nil }} {
		d := &day{t: t, policy: p, last: Decision{Admit: 1}}
		invited := 0
		for range 5 {
			invited += d.minutes(1, 400, 0.3, counts).Invite
		}
		if invited > 2500 { // 400 a minute stay for 25 minutes, and a quarter of them may come at once
			t.Errorf("%s: %d of 10,000 invited in five minutes", name, invited)
		}
	}
}
