package inviter_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// The stories of ticks: docs/faults.md, rows 18, 22, 29, 30, 43, and what the operator does.

func TestTickThatIsDoubledOrOvertakenDoesNothing(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(50)
	w.Throttle(50)
	first := w.Tick()
	at := w.Now
	for name, scheduled := range map[string]time.Time{"the same": at, "an older one": at.Add(-time.Minute)} {
		r, err := w.Inviter.Tick(w.Ctx, scheduled)
		w.Must(err)
		if r.Skipped == "" || r.Err() == nil || r.Claimed > 0 {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	if first.Claimed != 50 || w.Queue.Len() != 50 {
		t.Fatalf("claimed %d, queued %d", first.Claimed, w.Queue.Len())
	}
}

// EventBridge may be a minute late by its own documentation, and Lambda queues an
// event while it is short of executions: a tick that comes late works, if no newer
// one was done.
func TestLateTickWorks(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(50)
	w.Throttle(50)
	scheduled := w.Now.Add(time.Minute)
	w.Now = scheduled.Add(110 * time.Second)
	r, err := w.Inviter.Tick(w.Ctx, scheduled)
	w.Must(err)
	if r.Skipped != "" || r.Err() != nil || r.Claimed != 50 {
		t.Errorf("a tick that is 110 s late: %+v", r)
	}
}

func TestTwoTicksAtOnceClaimNobodyTwice(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(50)
	w.Throttle(30)
	w.Inviter.Count = nil
	w.Inviter.Parallel = 4
	w.Now = twintest.Noon.Add(2 * time.Minute)
	var wg sync.WaitGroup
	claimed := make([]int, 8)
	for i := range claimed {
		wg.Go(func() {
			r, err := w.Inviter.Tick(w.Ctx, w.Now)
			if err != nil {
				t.Errorf("tick: %v", err)
			}
			claimed[i] = r.Claimed
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range claimed {
		sum += n
	}
	if sum != 30 || w.Queue.Len() != 30 {
		t.Fatalf("claimed %v, queued %d", claimed, w.Queue.Len())
	}
}

func TestTicksCloseTogetherKeepTheRate(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(300)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 2})
	w.Now = twintest.Noon.Add(10 * time.Minute)
	var slots []time.Time
	for range 6 {
		w.Throttle(300)
		w.Now = w.Now.Add(time.Second)
		if _, err := w.Inviter.Tick(w.Ctx, w.Now); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.Queue.Receive(w.Now.Add(time.Hour), 1000) {
			slots = append(slots, m.Slot)
		}
	}
	if len(slots) < 100 {
		t.Fatalf("%d slots", len(slots))
	}
	for i, s := range slots[1:] {
		if gap := s.Sub(slots[i]); gap < time.Second/2 {
			t.Fatalf("slot %d comes %v after the one before, at 2 a second", i+1, gap)
		}
	}
	if last := slots[len(slots)-1]; last.After(w.Now.Add(80 * time.Second)) {
		t.Fatalf("slots are given out until %v from now", last.Sub(w.Now))
	}
}

func TestIdleTickReadsOneSmallItem(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Tick() // the first one looks, and writes the edge's documents
	calls := &twin.Probe{}
	w.Store.Probe, w.Outbox.Probe, w.Queue.Probe, w.Metrics.Probe = calls, calls, calls, calls
	w.Edge.Before = func(_ context.Context, call string) error { return errors.New("an idle tick called " + call) }
	for range 4 {
		calls.Reset()
		r := w.Tick()
		if got := calls.Calls(); r.Skipped == "" || calls.Total() != 1 || got["Control"] != 1 {
			t.Fatalf("an idle tick made the calls %v", got)
		}
	}
	// Nor does it report a number, which would be a metric to pay for.
	for name, n := range w.Counts {
		if name != "inviter.skipped" && name != "inviter.published" {
			t.Errorf("a stack at rest reports %s: %g", name, n)
		}
	}
	w.Edge.Before = nil
	// Somebody leaves an address all the same, at a page that was cached: the next
	// look finds them.
	refs := w.Join("ann")
	w.Tick()
	if r := w.Tick(); r.Skipped != "" || r.Waiting != 1 {
		t.Fatalf("the look found %+v", r)
	}
	// And a switch is seen by the next tick.
	w.Operate(func(c *waitlist.Control) { c.InviteNow = 1 })
	w.Minute()
	w.WantStage(waitlist.Invited, refs...)
	writes := w.Edge.Writes()
	for range 10 {
		w.Minute()
	}
	if w.Edge.Writes() != writes {
		t.Fatal("an open door was written to")
	}
}

// TestTickCostsAsMuchWithAHundredThousandWaiting counts the requests to the
// store of a tick that invites 300.
func TestTickCostsAsMuchWithAHundredThousandWaiting(t *testing.T) {
	t.Parallel()
	cost := func(waiting int) map[string]int {
		w := twintest.NewWorld(t)
		w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
		for i := range waiting {
			su := waitlist.Signup{Key: fmt.Sprintf("key-%d", i), Language: "en", At: twintest.Noon.Add(time.Duration(i) * time.Millisecond)}
			if _, err := w.Store.Join(w.Ctx, su); err != nil {
				t.Fatal(err)
			}
		}
		w.Now = twintest.Noon.Add(10 * time.Minute)
		w.Throttle(300)
		w.Tick()
		w.Throttle(300)
		w.Now = w.Now.Add(30 * time.Minute)
		calls := &twin.Probe{}
		w.Store.Probe = calls
		r := w.Tick()
		if r.Claimed != 300 || r.Waiting != waiting-300 || r.GivenBack != 300 {
			t.Fatalf("%d waiting: %+v", waiting, r)
		}
		return calls.Calls()
	}
	small, large := cost(1000), cost(100_000)
	t.Logf("a tick with 300 invitations: %v", large)
	// Another draw of people over shards may ask a shard once more.
	for _, c := range []map[string]int{small, large} {
		if c["Page"] < 64 || c["Page"] > 64+8 {
			t.Fatalf("pages: %d", c["Page"])
		}
		delete(c, "Page")
	}
	if !maps.Equal(small, large) {
		t.Fatalf("with 1,000 waiting %v, with 100,000 %v", small, large)
	}
	if large["Count"] != 32 || large["Claim"] != 300 {
		t.Fatalf("calls: %v", large)
	}
}

func TestCountIsExactAfterARecountAndNearBetween(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Store.CountPage = 3 // so that 400 people fill more than a page of a shard
	refs := w.Crowd(400)
	w.Throttle(0)
	for i := range 30 {
		w.Now = w.Now.Truncate(time.Minute).Add(time.Minute - time.Second)
		joined, err := w.Store.Join(w.Ctx, w.Signup(fmt.Sprintf("late-%d", i)))
		w.Must(err)
		if i%3 == 0 {
			w.Must(w.Store.Leave(w.Ctx, joined.Ref, w.Now))
			w.Must(w.Store.Leave(w.Ctx, refs[100+i], w.Now))
		}
		if i%4 == 0 {
			w.Throttle(5)
		}
		r := w.Minute()
		real := 0
		w.Must(w.Store.Each(w.Ctx, func(e waitlist.Entry) error {
			if e.Stage == waitlist.Waiting {
				real++
			}
			return nil
		}))
		if off := r.Waiting - real; off < -25 || off > 25 {
			t.Fatalf("minute %d: %d are said to wait, and %d do", i, r.Waiting, real)
		}
	}
}

// openAtTheEdge opens the throttle at the edge alone, as an operator does whose
// store is down, and gives the gate that stands there then.
func openAtTheEdge(w *twintest.World) gate.Gate {
	w.Helper()
	g, etag, err := w.Edge.Gate(w.Ctx)
	w.Must(err)
	opened, base := gate.Switch{Mode: gate.Open, At: w.Now}.Apply(g)
	_, err = w.Edge.Update(w.Ctx, &opened, base, etag)
	w.Must(err)
	return opened
}

func TestOpenGateIsNotUndone(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(5)
	w.Throttle(0)
	w.Minute()

	// The store goes down. The operator opens the throttle at the edge alone.
	down := errors.New("store down")
	w.Store.Probe = &twin.Probe{Before: func(context.Context, string) error { return down }}
	opened := openAtTheEdge(w)
	for range 3 {
		w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
		if _, err := w.Inviter.Tick(w.Ctx, w.Now); !errors.Is(err, down) {
			t.Fatalf("the tick says %v", err)
		}
	}
	if w.Counts["inviter.blind"] != 3 {
		t.Fatalf("counted %v", w.Counts)
	}

	// It comes back: the door stays open, and control says so.
	w.Store.Probe = nil
	w.Minute()
	w.Minute()
	if g, _, err := w.Edge.Gate(w.Ctx); err != nil || g.Mode != gate.Open {
		t.Fatalf("the gate is %v, %v", g, err)
	}
	c, err := w.Store.Control(w.Ctx)
	w.Must(err)
	if c.Mode != gate.Open || !c.Switched.Equal(opened.Switched) || c.Admit != nil {
		t.Fatalf("control is %+v", c)
	}
}

func TestSwitchThatIsThrownDuringATickWins(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(5)
	w.Throttle(0)
	w.Minute()
	half := 0.25
	w.Operate(func(c *waitlist.Control) { c.Admit = &half })
	// Between the inviter's reading of control and its write, somebody opens the
	// door at the edge; control cannot be written just then.
	w.Edge.Before = func(ctx context.Context, call string) error {
		if call == "Update" {
			w.Edge.Before = nil
			g, etag, err := w.Edge.Gate(ctx)
			if err != nil {
				return err
			}
			opened, base := gate.Switch{Mode: gate.Open, At: w.Now}.Apply(g)
			_, err = w.Edge.Update(ctx, &opened, base, etag)
			return err
		}
		return nil
	}
	if r := w.Minute(); r.Mode != gate.Open || r.Admit != 1 {
		t.Fatalf("the report is %+v", r)
	}
	if g, _, _ := w.Edge.Gate(w.Ctx); g.Mode != gate.Open {
		t.Fatalf("the gate is %v", g)
	}
}

func TestGateIsWrittenOnChangeAndBeforeItRunsOut(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(2)
	w.Throttle(0)
	w.Minute()
	hour := func(each func(c *waitlist.Control)) (writes int) {
		// Until the law has settled, then an hour.
		for range 30 {
			w.Operate(each)
			w.Minute()
		}
		was, _, err := w.Edge.Gate(w.Ctx)
		w.Must(err)
		for range 60 {
			w.Operate(each)
			before := w.Edge.Writes()
			w.Minute()
			g, _, err := w.Edge.Gate(w.Ctx)
			w.Must(err)
			if !g.InForce(w.Now.Add(4 * time.Minute)) {
				t.Fatalf("at %s the gate is %v", w.Now, g)
			}
			if g.Admit == was.Admit {
				writes += w.Edge.Writes() - before
			}
			was = g
		}
		return writes
	}
	if n := hour(func(*waitlist.Control) {}); n != 0 {
		t.Fatalf("%d writes in an hour of a share that the operator fixed", n)
	}
	// A site that stays full: the law lets nobody in, and its word runs out.
	full := func(c *waitlist.Control) { c.Admit, c.Load, c.LoadAt = nil, 1.5, w.Now }
	if n := hour(full); n > 12 {
		t.Fatalf("%d writes of an unchanged share in an hour", n)
	}
	share := 0.5
	w.Operate(func(c *waitlist.Control) { c.Admit = &share })
	w.Minute()
	writes := w.Edge.Writes()
	share = 0.502
	w.Operate(func(c *waitlist.Control) { c.Admit = &share })
	w.Minute()
	if w.Edge.Writes() > writes+1 {
		t.Fatal("a change that nobody could see was written")
	}
	share = 0.7
	w.Operate(func(c *waitlist.Control) { c.Admit = &share })
	w.Minute()
	if g, _, _ := w.Edge.Gate(w.Ctx); g.Admit != 0.7 {
		t.Fatalf("the gate is %v", g)
	}
	w.Operate(func(c *waitlist.Control) { c.Mode, c.Admit = gate.Hold, nil })
	if r := w.Minute(); r.Admit != 0 {
		t.Fatalf("on hold: %+v", r)
	}
	if g, _, _ := w.Edge.Gate(w.Ctx); g.Mode != gate.Hold || !g.Until.IsZero() {
		t.Fatalf("the gate is %v", g)
	}
	if b, _, _ := w.Edge.Base(w.Ctx); b.Failure != gate.FailHold || b.Stale != 0 {
		t.Fatalf("on hold, the base is %v", b)
	}
	w.Operate(func(c *waitlist.Control) { c.Mode = gate.Observe })
	w.Minute()
	if g, _, _ := w.Edge.Gate(w.Ctx); g.Mode != gate.Observe || !g.Until.IsZero() {
		t.Fatalf("the gate is %v", g)
	}
	if b, _, _ := w.Edge.Base(w.Ctx); b.Failure != gate.FailOpen {
		t.Fatalf("in observe, the base is %v", b)
	}
}

// TestHoldIsLookedAt: a hold is never renewed, and yet a line of the plain aws
// command that opens the edge under it is found within five minutes, and a base
// that somebody overwrote is put right.
func TestHoldIsLookedAt(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(2)
	w.Operate(func(c *waitlist.Control) { c.Mode, c.Switched = gate.Hold, w.Now })
	w.Minute()
	_, etag, err := w.Edge.Gate(w.Ctx)
	w.Must(err)
	_, err = w.Edge.Update(w.Ctx, nil, &gate.Base{Failure: gate.FailOpen}, etag)
	w.Must(err)
	for range 6 {
		w.Minute()
	}
	b, etag, err := w.Edge.Base(w.Ctx)
	w.Must(err)
	if b.Failure != gate.FailHold || b.Stale != 0 || len(b.Keys) == 0 {
		t.Fatalf("the base is %v, with %d keys", b, len(b.Keys))
	}
	_, err = w.Edge.Update(w.Ctx, &gate.Gate{Mode: gate.Open, Switched: w.Now.Truncate(time.Second)}, &gate.Base{Failure: gate.FailOpen}, etag)
	w.Must(err)
	for range 6 {
		w.Minute()
	}
	if c, err := w.Store.Control(w.Ctx); err != nil || c.EffectiveMode() != gate.Open {
		t.Fatalf("control has %s, %v", c.EffectiveMode(), err)
	}
	if g, _, err := w.Edge.Gate(w.Ctx); err != nil || g.Mode != gate.Open || len(g.Keys) == 0 {
		t.Fatalf("the gate is %v, with %d keys, %v", g, len(g.Keys), err)
	}
}

// TestASwitchAtTheEdgeAloneIsTakenOver: whatever the mode was, but for open, in which
// a stack rests for months.
func TestASwitchAtTheEdgeAloneIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, was := range []gate.Mode{gate.Hold, gate.Throttle, gate.Observe} {
		w := twintest.NewWorld(t)
		w.Operate(func(c *waitlist.Control) { c.Mode, c.Switched = was, w.Now })
		w.Minute()
		w.Minute()
		g, etag, err := w.Edge.Gate(w.Ctx)
		w.Must(err)
		thrown, base := gate.Switch{Mode: gate.Open, At: w.Now}.Apply(g)
		_, err = w.Edge.Update(w.Ctx, &thrown, base, etag)
		w.Must(err)
		for range 6 {
			w.Minute()
		}
		if c, err := w.Store.Control(w.Ctx); err != nil || c.EffectiveMode() != gate.Open {
			t.Errorf("from %s: control has %s, %v", was, c.EffectiveMode(), err)
		}
	}
}

// TestFixedShareOfTheEdgeIsAdopted: a share that was fixed at the edge alone is a
// fixed share to the inviter, not a decision of the law.
func TestFixedShareOfTheEdgeIsAdopted(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Operate(func(c *waitlist.Control) { c.Mode, c.Switched = gate.Hold, w.Now })
	w.Minute()
	g, etag, err := w.Edge.Gate(w.Ctx)
	w.Must(err)
	fixed, base := gate.Switch{Mode: gate.Throttle, Fixed: new(0.3), At: w.Now.Add(time.Second)}.Apply(g)
	_, err = w.Edge.Update(w.Ctx, &fixed, base, etag)
	w.Must(err)
	for range 6 {
		w.Minute()
	}
	c, err := w.Store.Control(w.Ctx)
	w.Must(err)
	if c.EffectiveMode() != gate.Throttle || c.Admit == nil || *c.Admit != 0.3 {
		t.Fatalf("control is %+v", c)
	}
	if g, _, err := w.Edge.Gate(w.Ctx); err != nil || !g.Fixed || g.Admit != 0.3 || !g.Until.IsZero() {
		t.Fatalf("the gate is %v, %v", g, err)
	}
	if b, _, err := w.Edge.Base(w.Ctx); err != nil || b.Stale != w.Inviter.Stale || b.Failure != w.Inviter.Failure {
		t.Fatalf("the base is %v, %v", b, err)
	}
}

func TestSpoiledGateIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{"empty": "", "unreadable": `{"mode":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			w.Crowd(2)
			w.Throttle(0)
			w.Minute()
			_, etag, err := w.Edge.Get(w.Ctx, gate.Key)
			w.Must(err)
			_, err = w.Edge.Put(w.Ctx, gate.Key, []byte(spoil), etag)
			w.Must(err)
			for range 7 {
				w.Minute()
			}
			if g, _, err := w.Edge.Gate(w.Ctx); err != nil || g.Mode != gate.Throttle {
				t.Fatalf("the gate is %v, %v", g, err)
			}
		})
	}
}

func TestEdgeThatIsDownIsToldLater(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(2)
	w.Minute()
	w.Throttle(2)
	w.Edge.Before = func(context.Context, string) error { return errors.New("edge down") }
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	if _, err := w.Inviter.Tick(w.Ctx, w.Now); err == nil || !strings.Contains(err.Error(), "publishing the gate") {
		t.Fatalf("the tick says %v", err)
	}
	w.Deliver(w.Now.Add(50 * time.Second))
	w.WantStage(waitlist.Invited, refs...)
	w.Edge.Before = nil
	w.Minute()
	if g, _, err := w.Edge.Gate(w.Ctx); err != nil || g.Mode != gate.Throttle {
		t.Fatalf("the gate is %v, %v", g, err)
	}
}

func TestSaltChangesOnlyWhileNobodyIsTurnedAway(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	salt := func() string {
		t.Helper()
		g, _, err := w.Edge.Gate(w.Ctx)
		w.Must(err)
		b, _, err := w.Edge.Base(w.Ctx)
		w.Must(err)
		if b.Salt != g.Salt {
			t.Fatal("gate and base draw with different salts")
		}
		return g.Salt
	}
	w.Crowd(2)
	w.Throttle(0)
	w.Minute()
	first := salt()
	w.Now = w.Now.Add(30 * time.Hour)
	w.Minute()
	if salt() != first {
		t.Fatal("the salt changed while people were turned away")
	}
	one := 1.0
	w.Operate(func(c *waitlist.Control) { c.Admit = &one })
	w.Minute()
	w.Minute()
	if salt() == first {
		t.Fatal("the salt did not change when everybody was let in")
	}
}

func TestNewKeyReachesTheEdge(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Minute()
	doc, err := w.Ring.Rotate(w.Now, twintest.Random(1))
	w.Must(err)
	w.Ring, err = bypass.ParseKeyring(doc)
	w.Must(err)
	for range 7 {
		w.Minute()
	}
	g, _, err := w.Edge.Gate(w.Ctx)
	w.Must(err)
	b, _, err := w.Edge.Base(w.Ctx)
	w.Must(err)
	if len(g.Keys) != 2 || len(b.Keys) != 2 || b.Failure != gate.FailOpen {
		t.Fatalf("%d keys in the gate, %d in the base", len(g.Keys), len(b.Keys))
	}
}

func TestLoadByHandIsSeenAndAges(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(2)
	w.Throttle(0)
	w.Inviter.Metrics = nil
	w.Operate(func(c *waitlist.Control) { c.LoadAt, c.Load = w.Now, 0.93 })
	if r := w.Minute(); r.Load != 0.93 || !r.LoadAt.Equal(twintest.Noon) {
		t.Fatalf("the report is %+v", r)
	}
	if age := w.Counts["inviter.loadage"]; age != 60 {
		t.Fatalf("the load is said to be %v s old", age)
	}
	for range 20 {
		w.Counts["inviter.loadage"] = 0
		w.Minute()
	}
	if age := w.Counts["inviter.loadage"]; age < 20*60 {
		t.Fatalf("the load is said to be %v s old", age)
	}
}

func TestMemoryThatIsLostOrOfAnotherVersionIsBegunAnew(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(10)
	w.Throttle(5)
	w.Minute()
	w.Must(w.Store.SaveState(w.Ctx, w.Now, []byte("of another version")))
	w.Throttle(5)
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	r, err := w.Inviter.Tick(w.Ctx, w.Now)
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Fatalf("the tick says %v", err)
	}
	w.Deliver(w.Now.Add(50 * time.Second))
	if r.Claimed != 5 || r.Waiting != 0 {
		t.Fatalf("the report is %+v", r)
	}
	w.WantStage(waitlist.Invited, refs...)
	w.Minute()
}

func TestHoldInvitesNobodyUnlessAsked(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(3)
	w.Operate(func(c *waitlist.Control) { c.Mode, c.Switched = gate.Hold, w.Now })
	for range 5 {
		w.Minute()
	}
	w.WantStage(waitlist.Waiting, refs...)
	w.Operate(func(c *waitlist.Control) { c.InviteNow = 2 })
	w.Minute()
	w.WantStage(waitlist.Invited, refs[:2]...)
	w.WantStage(waitlist.Waiting, refs[2])
}

// TestSwitchIsAdoptedWithoutAMemory: a new process without a memory cannot look at
// the edge at first. The switch that an operator threw there alone is taken over all
// the same, and not written over.
func TestSwitchIsAdoptedWithoutAMemory(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(5)
	w.Throttle(0)
	w.Minute()
	openAtTheEdge(w)
	w.Must(w.Store.SaveState(w.Ctx, w.Now, []byte("of another version")))

	old := w.Inviter
	w.Inviter = &inviter.Service{Settings: old.Settings, Store: old.Store, Queue: old.Queue, Mail: old.Mail, Metrics: old.Metrics, Edge: old.Edge, Keys: old.Keys, Now: old.Now, Count: old.Count}
	looks := 0
	w.Edge.Before = func(_ context.Context, call string) error {
		if call == "Gate" {
			if looks++; looks == 1 {
				return errors.New("the edge does not answer")
			}
		}
		return nil
	}
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	if _, err := w.Inviter.Tick(w.Ctx, w.Now); err == nil {
		t.Fatal("the tick has no word of the edge that did not answer")
	}
	if g, _, err := w.Edge.Store.Gate(w.Ctx); err != nil || g.Mode != gate.Open {
		t.Fatalf("the gate is %v, %v", g, err)
	}
	if c, err := w.Store.Control(w.Ctx); err != nil || c.EffectiveMode() != gate.Open {
		t.Fatalf("control has %s, %v", c.EffectiveMode(), err)
	}
}

// TestLongerCodesBringNoOldNews: codes are to live longer from now on, so that the
// tick reads counters that it had stopped reading. They count what happened hours
// ago.
func TestLongerCodesBringNoOldNews(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(10)
	w.Throttle(10)
	w.Minute()
	w.ReportSent()
	for _, ref := range refs {
		w.Redeem(ref, "browser")
	}
	if r := w.Minute(); r.Redeemed != 10 {
		t.Fatalf("%d came back, of 10", r.Redeemed)
	}
	for end := w.Now.Add(twintest.CodeTTL + 3*time.Hour); w.Now.Before(end); {
		w.Now = w.Now.Add(30 * time.Minute)
		w.Minute()
	}
	w.Inviter.Policy.CodeTTL = admission.Duration(10*time.Hour + twintest.CodeTTL)
	if r := w.Minute(); r.Redeemed != 0 || r.Sent != 0 {
		t.Fatalf("%d came back and %d were mailed, hours ago", r.Redeemed, r.Sent)
	}
}

// TestAnOutageMakesOneShortError: however many people a tick cannot work for.
func TestAnOutageMakesOneShortError(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Crowd(500)
	w.Throttle(500)
	w.Store.Probe = &twin.Probe{Before: func(_ context.Context, call string) error {
		if call == "Claim" {
			return fmt.Errorf("claiming: %w", waitlist.ErrBusy)
		}
		return nil
	}}
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	_, err := w.Inviter.Tick(w.Ctx, w.Now)
	if !errors.Is(err, waitlist.ErrBusy) || !strings.Contains(err.Error(), "requests failed, the first of them: ") || len(err.Error()) > 500 {
		t.Fatalf("the error is %.1000v", err)
	}
}
