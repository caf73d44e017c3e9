package admission

import (
	"math"
	"testing"
	"time"

	"raincheck/pkg/admission/number"
	"raincheck/pkg/admission/visits"
)

// TestTheClockIsSetBack: a clock that was years ahead for a minute leaves nothing
// behind that would be out for ever, and admit stays as it was.
func TestTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	s := State{}
	ahead := noon.AddDate(5, 0, 0)
	_, s = Next(p, s, Observation{Time: ahead, Waiting: 9000, Outstanding: []Outstanding{{Invited: ahead, Sent: 9000}},
		Applied: &Applied{Mode: "throttle", Admit: 0.25}})
	d, s := Next(p, s, Observation{Time: noon, Waiting: 9000})
	if d.Admit > 0.25 {
		t.Errorf("the clock was set back: %+v, want an admit of at most the 0.25 that it was", d)
	}
	d, _ = Next(p, s, Observation{Time: noon.Add(time.Minute), Waiting: 9000})
	if d.Numbers.Outstanding != 0 || d.Numbers.Committed != 0 {
		t.Errorf("codes of another time are still reckoned with: %+v", d.Numbers)
	}
}

// TestADayWithoutTicks: after a gap longer than the histories the law begins again,
// with admit as it was and not 1.
func TestADayWithoutTicks(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	before := d.minutes(60, 6000, 0.92)
	d.minute += 24 * 60
	if after := d.minutes(1, 0, -1); after.Admit > before.Admit {
		t.Errorf("after a day without a tick: %+v, want an admit of at most %g", after, before.Admit)
	}
}

// TestToldInTheSameMinute: what a second observation of a minute tells is not lost,
// though the decision stands.
func TestToldInTheSameMinute(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	d.minutes(20, 400, 0.2, func(o *Observation) {
		o.Sent = []Cohort{{Invited: o.Time.Add(-time.Minute), Count: 200}}
	})
	at := noon.Add(time.Duration(d.minute-1)*time.Minute + 30*time.Second)
	again, s := Next(p, d.state, Observation{Time: at, Waiting: 100,
		Sent:     []Cohort{{Invited: noon.Add(15 * time.Minute), Count: 5000}},
		Redeemed: []Cohort{{Invited: noon.Add(15 * time.Minute), Count: 1000}}})
	if again.Invite != 0 || again.Admit != d.last.Admit {
		t.Errorf("the same minute again: %+v after %+v", again, d.last)
	}
	without, with := *d, *d
	with.state = s
	was, is := without.minutes(1, 400, 0.2).Numbers.Outstanding, with.minutes(1, 400, 0.2).Numbers.Outstanding
	if is < was+2000 { // of mails asked for and not reported some may have gone out
		t.Errorf("%.0f codes are out after 5,000 more were reported, 1,000 of them used, and %.0f if they were not", is, was)
	}
}

// TestReportsOfEverySecond: whatever times a report names, the state stays small.
func TestReportsOfEverySecond(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	o := Observation{Time: noon, Waiting: 100}
	for k := range 24 * 3600 {
		o.Sent = append(o.Sent, Cohort{Invited: noon.Add(-time.Duration(k*7919%(24*3600)) * time.Second), Count: 1})
	}
	_, s := Next(p, State{}, o)
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) >= 64<<10 {
		t.Errorf("the state is %d bytes after reports for every second of a day, want less than 64 KB", len(data))
	}
	d, _ := Next(p, s, Observation{Time: noon.Add(time.Minute), Waiting: 100})
	if n := d.Numbers.Outstanding; n < 24*3600-200 || n > 24*3600+200 {
		t.Errorf("%.0f codes are out, want those of the last day", d.Numbers.Outstanding)
	}
	if _, err := Decode(data); err != nil {
		t.Errorf("its state cannot be read: %v", err)
	}
}

// TestThoseFoundAreGone: who was on the site when the law began counts for nothing
// seven hours later, in what is learned of visits as in what is decided.
func TestThoseFoundAreGone(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity, p.Visit = 50000, Duration(2*time.Hour)
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	learn := func(found float32) float64 {
		d := *d
		d.minutes(1, 400, 0.9)
		d.minutes(visits.History+90, 400, -1)
		d.state = State{memory: d.state.memory.clone()}
		d.state.memory.Visits.Found = found
		d.minutes(60, 400, 0.2)
		return d.last.Numbers.Visit
	}
	if none, full := learn(0), learn(0.9); none != full {
		t.Errorf("visits are taken for %v min after an empty site seven hours ago and for %v after a full one, want the same", none, full)
	}
}

// TestHoursOfExtremes is every legal extreme for four hours: what adds up must not
// overflow, and what falls must not become a division by nothing.
func TestHoursOfExtremes(t *testing.T) {
	t.Parallel()
	for _, capacity := range []float64{0, 1e-9, 1, 1e9} {
		for _, load := range []float64{0, 1e-30, 100} {
			for _, visitors := range []float64{0, 1e-30, number.Most} {
				for _, people := range []int{0, 1, math.MaxInt} {
					p := DefaultPolicy()
					p.Capacity, p.QueueFirst = capacity, 1
					var s State
					var d Decision
					for m := range 4 * 60 {
						now := noon.Add(time.Duration(m) * time.Minute)
						o := Observation{Time: now, Waiting: people,
							Load:     []Sample{{At: now.Add(-2 * time.Minute), Value: load * (1 + 0.01*float64(m%3))}},
							Edge:     []EdgeCount{{At: now.Add(-2 * time.Minute), Visitors: visitors, Admitted: visitors}},
							Sent:     []Cohort{{Invited: now.Add(-time.Minute), Count: people}},
							Redeemed: []Cohort{{Invited: now.Add(-3 * time.Minute), Count: people}},
						}
						d, s = Next(p, s, o)
						sane(t, p, o, d)
					}
					if data, err := s.Encode(); err != nil || len(data) >= 64<<10 {
						t.Fatalf("capacity %g, load %g, %g visitors, %d people: a state of %d bytes, %v", capacity, load, visitors, people, len(data), err)
					}
				}
			}
		}
	}
}

// TestNoDelayAtAll: a load and counts that bear the tick's own minute are known as
// well as those of the minute before.
func TestNoDelayAtAll(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Capacity = 50000
	d := &day{t: t, policy: p, last: Decision{Admit: 1}}
	got := d.minutes(40, 0, -1, func(o *Observation) {
		o.Load = []Sample{{At: o.Time, Value: 0.5 + 0.001*float64(d.minute%3)}}
		o.Edge = []EdgeCount{{At: o.Time.Add(30 * time.Second), Visitors: 1000, Admitted: 1000}}
	}, cameBack)
	if got.Admit != 1 || got.Invite == 0 || got.Numbers.Visitors < 900 {
		t.Errorf("half full, and known at once: %+v, want an admit of 1, invitations and 1,000 visitors", got)
	}
}
