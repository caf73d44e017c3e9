package admission

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// sane is what every decision owes the edge and the sender, whatever came in.
func sane(t interface {
	Helper()
	Fatalf(string, ...any)
}, p Policy, o Observation, d Decision) {
	t.Helper()
	if !(d.Admit >= 0 && d.Admit <= 1) {
		t.Fatalf("admit is %v", d.Admit)
	}
	if d.Invite < 0 || d.Invite > max(0, o.Waiting) || d.Invite > p.MaxInvitesPerMinute {
		t.Fatalf("invite is %d of %d waiting, at most %d", d.Invite, o.Waiting, p.MaxInvitesPerMinute)
	}
	if o.Mail != nil && o.Mail.PerSecond == 0 && d.Invite > 0 {
		t.Fatalf("invite is %d with a paused sender", d.Invite)
	}
	if d.Because == "" || strings.Contains(d.Because, "NaN") || strings.Contains(d.Because, "Inf") {
		t.Fatalf("the reason is %q", d.Because)
	}
	// JSON knows no NaN: a log line with one would be lost.
	if _, err := json.Marshal(d.Numbers); err != nil {
		t.Fatalf("the numbers cannot be written: %v", err)
	}
}

// FuzzObservation reads anything as a line of `decide` and lives on with it: the
// decision is sane, its state can be stored, and the next minute is decided too.
func FuzzObservation(f *testing.F) {
	f.Add([]byte(`{"time":"2026-03-02T12:00:00Z","load":[{"at":"2026-03-02T11:58:00Z","value":0.93}],"edge":[{"at":"2026-03-02T11:58:00Z","visitors":2410,"admitted":890}],"redeemed":[{"invited":"2026-03-02T11:50:00Z","count":12}],"sent":[{"invited":"2026-03-02T11:59:00Z","count":310}],"waiting":60211,"mail":{"perSecond":14,"remaining":48000},"outstanding":[{"invited":"2026-03-02T11:50:00Z","sent":100,"redeemed":20}]}`))
	f.Add([]byte(`{"time":"0001-01-01T00:00:01Z","load":[{"at":"9999-01-01T00:00:00Z","value":1e300}],"waiting":9000000000}`))
	f.Add([]byte(`{"time":"2026-03-02T12:00:00Z","edge":[{"at":"2026-03-02T11:58:00Z","visitors":1e308,"admitted":1e309}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := DecodeObservation(line)
		if err != nil {
			return
		}
		p := DefaultPolicy()
		d, s := Next(p, State{}, o)
		sane(t, p, o, d)
		data, err := s.Encode()
		if err != nil {
			t.Fatalf("the state cannot be stored: %v", err)
		}
		if s, err = Decode(data); err != nil {
			t.Fatalf("the state cannot be read again: %v", err)
		}
		o.Time = o.Time.Add(time.Minute)
		d, _ = Next(p, s, o)
		sane(t, p, o, d)
	})
}

// weird is a number as a broken metric may send it.
var weird = rapid.OneOf(rapid.Float64Range(0, 1.5), rapid.SampledFrom([]float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 1e-300, 50}))

// TestDecisionsAreSane throws hours of hostile observations at the law: late, out
// of order, doubled, missing, nonsense.
func TestDecisionsAreSane(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		p := DefaultPolicy()
		p.Capacity = rapid.SampledFrom([]float64{0, 1e-9, 1, 400, 50000, 1e7, 1e9}).Draw(r, "capacity")
		p.Target = rapid.SampledFrom([]float64{1e-9, 0.9, 1}).Draw(r, "target")
		p.Visit = rapid.SampledFrom([]Duration{Duration(minVisit), Duration(25 * time.Minute), Duration(maxVisit)}).Draw(r, "visit")
		p.CodeTTL = rapid.SampledFrom([]Duration{Duration(minTTL), Duration(4 * time.Hour), Duration(maxTTL)}).Draw(r, "codeTTL")
		p.MaxInvitesPerMinute = rapid.SampledFrom([]int{0, 1, 20000, 1e7}).Draw(r, "maxInvitesPerMinute")
		p.Floor = rapid.SampledFrom([]float64{0, 0.1, 1}).Draw(r, "floor")
		if rapid.Bool().Draw(r, "nights") {
			p.Quiet = &Quiet{From: "22:00", Until: "13:00", Offset: "+14:00"}
		}
		p.QueueFirst = rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(r, "queueFirst")
		p.Law = rapid.SampledFrom([]string{Observer, Ramp}).Draw(r, "law")
		at := func() time.Time {
			return noon.Add(time.Duration(rapid.IntRange(-30*60, 200*60).Draw(r, "at")) * time.Second)
		}
		var s State
		now := noon
		for range rapid.IntRange(1, 25).Draw(r, "ticks") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{1, 1, 1, 0, 2, 15, -3, 400}).Draw(r, "step")) * time.Minute)
			o := Observation{Time: now, Waiting: rapid.OneOf(rapid.IntRange(-5, 1_000_000), rapid.Just(math.MaxInt)).Draw(r, "waiting")}
			if rapid.Bool().Draw(r, "known") {
				o.Applied = &Applied{Mode: rapid.SampledFrom([]string{"open", "throttle", "hold", "observe", "?"}).Draw(r, "mode"), Admit: weird.Draw(r, "applied")}
			}
			if rapid.Bool().Draw(r, "out") {
				o.Outstanding = append(o.Outstanding, Outstanding{Invited: at(), Sent: rapid.IntRange(-10, math.MaxInt).Draw(r, "out sent"), Redeemed: rapid.IntRange(-10, math.MaxInt).Draw(r, "out redeemed")})
			}
			for range rapid.IntRange(0, 3).Draw(r, "samples") {
				o.Load = append(o.Load, Sample{At: at(), Value: weird.Draw(r, "load")})
				o.Edge = append(o.Edge, EdgeCount{At: at(), Visitors: 3000 * weird.Draw(r, "visitors"), Admitted: 3000 * weird.Draw(r, "admitted")})
				o.Sent = append(o.Sent, Cohort{Invited: at(), Count: rapid.IntRange(-10, 100000).Draw(r, "sent")})
				o.Redeemed = append(o.Redeemed, Cohort{Invited: at(), Count: rapid.OneOf(rapid.IntRange(-10, 100000), rapid.Just(math.MaxInt)).Draw(r, "redeemed")})
			}
			if rapid.Bool().Draw(r, "mail") {
				o.Mail = &Mail{PerSecond: weird.Draw(r, "rate"), Remaining: weird.Draw(r, "left")}
			}
			before, _ := s.Encode()
			d, next := Next(p, s, o)
			sane(r, p, o, d)
			if after, _ := s.Encode(); string(before) != string(after) {
				r.Fatalf("Next changed the state that it was given")
			}
			// Stored and read again, the state decides the same.
			data, err := s.Encode()
			if err != nil {
				r.Fatalf("store the state: %v", err)
			}
			read, err := Decode(data)
			if err != nil {
				r.Fatalf("read the state: %v", err)
			}
			d2, next2 := Next(p, read, o)
			one, _ := next.Encode()
			two, _ := next2.Encode()
			if d != d2 || string(one) != string(two) {
				r.Fatalf("a stored state decides %+v, the state itself %+v", d2, d)
			}
			s = next
		}
	})
}
