package waitlisttest

import (
	"time"

	"raincheck/pkg/waitlist"
)

// back gives a place back at that time, for a quarter of an hour.
func back(at time.Time, change ...func(*waitlist.Back)) waitlist.Back {
	b := waitlist.Back{At: at, Until: at.Add(waitlist.HoldFor), Sent: true}
	for _, c := range change {
		c(&b)
	}
	return b
}

func once(b *waitlist.Back)    { b.Once = true }
func refused(b *waitlist.Back) { b.Sent = false }

// requeue puts a held place back into the line, as a tick does.
func (t *trial) requeue(key string) waitlist.Place {
	t.Helper()
	p, ok := t.place(key, true)
	if !ok {
		t.Fatalf("%s is not among the due", key)
	}
	t.must(t.Store.Requeue(t.Context(), p))
	return p
}

// roundChecks try what happens after a mail that came to nothing.
var roundChecks = []Check{
	{"a place that comes back begins a new round at its old place", func(t *trial) {
		ref := t.join("ann", noon)
		t.join("bob", noon.Add(time.Second))
		tick := noon.Add(time.Minute)
		_, first := t.invite(ref, tick)
		at := tick.Add(5 * time.Minute)
		t.want(t.Store.Return(t.Context(), ref, 3, back(at)), waitlist.ErrStale) // a round that has not begun
		t.must(t.Store.Return(t.Context(), ref, 1, back(at)))
		t.want(t.Store.Return(t.Context(), ref, 1, back(at.Add(time.Minute))), waitlist.ErrStale)
		e := t.stage(ref.Key, waitlist.Held)
		if e.Code != "" || !e.Expires.IsZero() || !e.Invited.IsZero() || e.Attempt != 2 || !e.Due.Equal(at.Add(waitlist.HoldFor)) || !e.Joined.Equal(noon) || e.Suppressed || e.Returned {
			t.Fatalf("held: %+v", e)
		}
		t.counted(tick, 1, 0, 0, 0)
		if c := t.cohort(tick); c.Deferred != 1 {
			t.Fatalf("one mail came back, and %+v", c)
		}
		p := t.requeue(ref.Key)
		t.want(t.Store.Requeue(t.Context(), p), waitlist.ErrStale)
		e = t.stage(ref.Key, waitlist.Waiting)
		if !e.Claim.IsZero() || !e.Due.IsZero() || e.Attempt != 2 {
			t.Fatalf("requeued: %+v", e)
		}
		if line := t.line(false); len(line) != 2 || line[0].Key != ref.Key {
			t.Fatalf("the line is %+v", line)
		}
		tick = tick.Add(time.Hour)
		m, second := t.invite(ref, tick)
		if m.Attempt != 3 || second.Attempt != 3 || second.Code == first.Code {
			t.Fatalf("the second round is %+v with the same code: %v", m, second.Code == first.Code)
		}
		t.counted(tick, 1, 0, 0, 0)
	}},
	{"a first attempt of any round is given back to its place", func(t *trial) {
		ref := t.join("ann", noon)
		t.invite(ref, noon.Add(time.Minute))
		t.must(t.Store.Return(t.Context(), ref, 1, back(noon.Add(2*time.Minute))))
		t.requeue(ref.Key)
		m := t.claim(ref, noon.Add(time.Hour))
		t.must(t.Store.GiveBack(t.Context(), m, waitlist.Claimed))
		if e := t.stage(ref.Key, waitlist.Waiting); e.Attempt != 2 {
			t.Fatalf("given back: %+v", e)
		}
		m, _ = t.begin(ref, noon.Add(2*time.Hour))
		t.must(t.Store.GiveBack(t.Context(), m, waitlist.Sending))
		if e := t.stage(ref.Key, waitlist.Waiting); e.Attempt != 2 || e.Code != "" {
			t.Fatalf("given back: %+v", e)
		}
		// A second mail in a later round, and its code.
		m, e := t.begin(ref, noon.Add(3*time.Hour))
		d, _ := t.place(ref.Key, true)
		next := d.NewMessage(d.Claim, e.Due)
		if m.Attempt != 3 || next.Attempt != 4 {
			t.Fatalf("the mails are %d and %d", m.Attempt, next.Attempt)
		}
		t.want(t.Store.GiveBack(t.Context(), next, waitlist.Sending), waitlist.ErrStale)
		t.must(t.Store.Retry(t.Context(), next, waitlist.ClaimDue(next.Slot)))
		got, err := t.Store.Begin(t.Context(), next, t.ticket(next.Slot), next.Slot)
		t.must(err)
		if got.Code != e.Code || got.Attempt != 4 {
			t.Fatalf("the second mail of a round: %+v", got)
		}
	}},
	{"what comes late from an earlier round changes nothing", func(t *trial) {
		ref := t.join("ann", noon)
		_, first := t.invite(ref, noon.Add(time.Minute))
		t.must(t.Store.Return(t.Context(), ref, 1, back(noon.Add(2*time.Minute))))
		t.requeue(ref.Key)
		tick := noon.Add(time.Hour)
		t.begin(ref, tick)
		t.want(t.Store.Accept(t.Context(), ref, 1, tick), waitlist.ErrStale)
		t.want(t.Store.Return(t.Context(), ref, 1, back(tick)), waitlist.ErrStale)
		t.want(t.Store.Delay(t.Context(), ref, 1), waitlist.ErrStale)
		t.want(t.Store.Arrive(t.Context(), ref, 2), waitlist.ErrStale)
		t.stage(ref.Key, waitlist.Sending)
		// But its code, which came after all, lets in, and is counted where it was sent.
		r, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: first.Code, Use: "phone", At: tick.Add(time.Minute)})
		t.must(err)
		if !r.First {
			t.Fatal("not the first use")
		}
		t.stage(ref.Key, waitlist.Used)
		t.counted(noon.Add(time.Minute), 1, 1, 0, 0)
		t.counted(tick, 0, 0, 0, 0)
	}},
	{"the code of an earlier round takes its owner out of the line", func(t *trial) {
		for name, advance := range map[string]func(waitlist.Ref){
			"held":    func(waitlist.Ref) {},
			"waiting": func(r waitlist.Ref) { t.requeue(r.Key) },
			"claimed": func(r waitlist.Ref) { t.requeue(r.Key); t.claim(r, noon.Add(time.Hour)) },
		} {
			ref := t.join(name, noon)
			_, e := t.invite(ref, noon.Add(time.Minute))
			t.must(t.Store.Return(t.Context(), ref, 1, back(noon.Add(2*time.Minute))))
			advance(ref)
			at := noon.Add(90 * time.Minute)
			r, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: "phone", At: at})
			t.must(err)
			if !r.First {
				t.Fatalf("%s: not the first use", name)
			}
			t.stage(ref.Key, waitlist.Used)
		}
		t.counted(noon.Add(time.Minute), 3, 3, 0, 0)
		t.counted(noon.Add(90*time.Minute), 0, 0, 0, 1)
	}},
	{"a joining has three rounds, and then it ends", func(t *trial) {
		ref := t.join("ann", noon)
		at := noon
		for round := 1; round <= waitlist.MaxRounds; round++ {
			at = at.Add(time.Hour)
			m, _ := t.begin(ref, at)
			t.must(t.Store.Return(t.Context(), ref, m.Attempt, back(at.Add(time.Minute), refused)))
			if round < waitlist.MaxRounds {
				t.stage(ref.Key, waitlist.Held)
				t.requeue(ref.Key)
			}
			t.counted(at, 0, 0, 0, 0)
		}
		if e := t.stage(ref.Key, waitlist.Failed); e.Suppressed {
			t.Fatal("a mailbox was suppressed for refusals")
		}
		t.join("ann", at.Add(time.Hour))
		if e := t.entry(ref.Key); e.Attempt != 0 || e.Returned || e.Quiet || e.Delivery != "" {
			t.Fatalf("the last joining left something: %+v", e)
		}
	}},
	{"the one return is one, and a fault of ours does not use it up", func(t *trial) {
		ref := t.join("ann", noon)
		t.invite(ref, noon.Add(time.Minute))
		t.must(t.Store.Return(t.Context(), ref, 1, back(noon.Add(2*time.Minute), once)))
		if e := t.stage(ref.Key, waitlist.Held); !e.Returned {
			t.Fatalf("held: %+v", e)
		}
		t.requeue(ref.Key)
		t.invite(ref, noon.Add(time.Hour))
		at := noon.Add(61 * time.Minute)
		t.must(t.Store.Return(t.Context(), ref, 3, back(at, once)))
		t.stage(ref.Key, waitlist.Failed)

		bob := t.join("bob", noon)
		t.invite(bob, noon.Add(time.Minute))
		ours := func(b *waitlist.Back) { b.Ours = true }
		t.must(t.Store.Return(t.Context(), bob, 1, back(at, ours)))
		if c := t.cohort(waitlist.CohortOf(at)); c.Ours != 1 {
			t.Fatalf("a fault of ours counts %+v", c)
		}
		t.requeue(bob.Key)
		t.invite(bob, noon.Add(2*time.Hour))
		t.must(t.Store.Return(t.Context(), bob, 3, back(noon.Add(121*time.Minute), once)))
		t.stage(bob.Key, waitlist.Held)
	}},
	{"who wants no further mail keeps the code and gets none", func(t *trial) {
		ann, bob, eve := t.join("ann", noon), t.join("bob", noon), t.join("eve", noon)
		tick := noon.Add(time.Minute)
		_, sending := t.begin(ann, tick)
		d, _ := t.place(ann.Key, true)
		at := tick.Add(time.Minute)
		t.must(t.Store.Quiet(t.Context(), ann, at))
		t.must(t.Store.Quiet(t.Context(), ann, at.Add(time.Minute)))
		if e := t.stage(ann.Key, waitlist.Invited); !e.Quiet || e.Code != sending.Code || !e.Invited.Equal(at) {
			t.Fatalf("quiet: %+v", e)
		}
		t.want(t.Store.Retry(t.Context(), d.NewMessage(d.Claim, at), at), waitlist.ErrStale)
		t.counted(tick, 1, 0, 0, 0)
		t.must(t.Store.Return(t.Context(), ann, 1, back(at))) // no new round
		t.stage(ann.Key, waitlist.Failed)

		_, invited := t.invite(bob, tick)
		t.must(t.Store.Quiet(t.Context(), bob, at))
		if _, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: invited.Code, Use: "x", At: at}); err != nil {
			t.Fatalf("the code of somebody who wants no further mail: %v", err)
		}
		t.want(t.Store.Quiet(t.Context(), bob, at), waitlist.ErrStale)

		_, held := t.invite(eve, tick)
		t.must(t.Store.Return(t.Context(), eve, 1, back(at)))
		t.must(t.Store.Quiet(t.Context(), eve, at))
		t.stage(eve.Key, waitlist.Left)
		if _, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: held.Code, Use: "x", At: at}); err != nil {
			t.Fatalf("the code of a cancelled round: %v", err)
		}
	}},
	{"a delay is counted until the mail arrives, in any order", func(t *trial) {
		tick := noon.Add(time.Minute)
		deferred := func(want int) {
			t.Helper()
			if c := t.cohort(tick); c.Deferred != want {
				t.Fatalf("%d are deferred, want %d", c.Deferred, want)
			}
		}
		ann, bob, eve := t.join("ann", noon), t.join("bob", noon), t.join("eve", noon)
		t.invite(ann, tick)
		t.must(t.Store.Delay(t.Context(), ann, 1))
		t.want(t.Store.Delay(t.Context(), ann, 1), waitlist.ErrStale)
		deferred(1)
		t.must(t.Store.Arrive(t.Context(), ann, 1))
		t.want(t.Store.Arrive(t.Context(), ann, 1), waitlist.ErrStale)
		deferred(0)
		t.invite(bob, tick)
		t.must(t.Store.Arrive(t.Context(), bob, 1))
		t.want(t.Store.Delay(t.Context(), bob, 1), waitlist.ErrStale)
		deferred(0)
		_, e := t.invite(eve, tick)
		t.must(t.Store.Delay(t.Context(), eve, 1))
		_, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: "phone", At: noon.Add(time.Hour)})
		t.must(err)
		deferred(0)

		tom := t.join("tom", noon)
		t.invite(tom, tick)
		t.must(t.Store.Delay(t.Context(), tom, 1))
		t.must(t.Store.Return(t.Context(), tom, 1, back(noon.Add(time.Hour))))
		deferred(1) // it never comes
	}},
	{"a held place goes with its owner, and with the mailbox", func(t *trial) {
		tick, at := noon.Add(time.Minute), noon.Add(2*time.Minute)
		for name, end := range map[string]struct {
			end  func(waitlist.Ref) error
			want waitlist.Stage
		}{
			"left":    {func(r waitlist.Ref) error { return t.Store.Leave(t.Context(), r, at) }, waitlist.Left},
			"bounced": {func(r waitlist.Ref) error { return t.Store.Bounce(t.Context(), r, at) }, waitlist.Bounced},
		} {
			ref := t.join(name, noon)
			t.invite(ref, tick)
			t.must(t.Store.Return(t.Context(), ref, 1, back(at)))
			t.must(end.end(ref))
			t.stage(ref.Key, end.want)
		}
		t.counted(tick, 2, 0, 0, 0)
	}},
}
