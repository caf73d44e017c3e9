package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

// The stories of ticks: CASES 18, 22, 29, 30, 43, and what the operator does.

func TestTickThatIsDoubledLateOrDoneDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(50)
	w.throttle(50)
	first := w.tick()
	at := w.now
	for name, scheduled := range map[string]time.Time{"the same": at, "an older one": at.Add(-time.Minute), "a minute late": at.Add(-time.Hour)} {
		r, err := w.inviter.Tick(w.ctx, scheduled)
		w.must(err)
		if r.Skipped == "" || r.Claimed > 0 {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	if first.Claimed != 50 || w.queue.Len() != 50 {
		t.Fatalf("claimed %d, queued %d", first.Claimed, w.queue.Len())
	}
}

func TestTwoTicksAtOnceClaimNobodyTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(50)
	w.throttle(30)
	w.inviter.Count = nil
	w.inviter.Parallel = 4
	w.now = noon.Add(2 * time.Minute)
	var wg sync.WaitGroup
	claimed := make([]int, 8)
	for i := range claimed {
		wg.Go(func() {
			r, err := w.inviter.Tick(w.ctx, w.now)
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
	if sum != 30 || w.queue.Len() != 30 {
		t.Fatalf("claimed %v, queued %d", claimed, w.queue.Len())
	}
}

func TestTicksCloseTogetherKeepTheRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(300)
	w.outbox.Allow(outbox.Allowance{PerSecond: 2})
	w.now = noon.Add(10 * time.Minute)
	var slots []time.Time
	for range 6 {
		w.throttle(300)
		w.now = w.now.Add(time.Second)
		if _, err := w.inviter.Tick(w.ctx, w.now); err != nil {
			t.Fatal(err)
		}
		for _, m := range w.queue.Receive(w.now.Add(time.Hour), 1000) {
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
	if last := slots[len(slots)-1]; last.After(w.now.Add(80 * time.Second)) {
		t.Fatalf("slots are given out until %v from now", last.Sub(w.now))
	}
}

func TestIdleTickReadsOneSmallItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tick() // the first one looks, and writes the edge's documents
	calls := &twin.Probe{}
	w.store.Probe, w.outbox.Probe, w.queue.Probe, w.metrics.Probe = calls, calls, calls, calls
	w.edge.before = func(_ context.Context, call string) error { return errors.New("an idle tick called " + call) }
	for range 4 {
		calls.Reset()
		r := w.tick()
		if got := calls.Calls(); r.Skipped == "" || calls.Total() != 1 || got["Control"] != 1 {
			t.Fatalf("an idle tick made the calls %v", got)
		}
	}
	// Nor does it report a number, which would be a metric to pay for.
	for name, n := range w.counts {
		if name != "inviter.skipped" && name != "inviter.published" {
			t.Errorf("a stack at rest reports %s: %g", name, n)
		}
	}
	w.edge.before = nil
	// Somebody leaves an address all the same, at a page that was cached: the next
	// look finds them.
	refs := w.join("ann")
	w.tick()
	if r := w.tick(); r.Skipped != "" || r.Waiting != 1 {
		t.Fatalf("the look found %+v", r)
	}
	// And a switch is seen by the next tick.
	w.wish(func(c *waitlist.Control) { c.InviteNow = 1 })
	w.minute()
	w.stages(waitlist.Invited, refs...)
	writes := w.edge.Writes()
	for range 10 {
		w.minute()
	}
	if w.edge.Writes() != writes {
		t.Fatal("an open door was written to")
	}
}

// TestTickCostsAsMuchWithAHundredThousandWaiting counts the requests to the
// store of a tick that invites 300.
func TestTickCostsAsMuchWithAHundredThousandWaiting(t *testing.T) {
	t.Parallel()
	cost := func(waiting int) map[string]int {
		w := newWorld(t)
		w.outbox.Allow(outbox.Allowance{PerSecond: 14})
		for i := range waiting {
			su := waitlist.Signup{Key: fmt.Sprintf("key-%d", i), Language: "en", At: noon.Add(time.Duration(i) * time.Millisecond)}
			if _, err := w.store.Join(w.ctx, su); err != nil {
				t.Fatal(err)
			}
		}
		w.now = noon.Add(10 * time.Minute)
		w.throttle(300)
		w.tick()
		w.throttle(300)
		w.now = w.now.Add(30 * time.Minute)
		calls := &twin.Probe{}
		w.store.Probe = calls
		r := w.tick()
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
	w := newWorld(t)
	w.store.CountPage = 3 // so that 400 people fill more than a page of a shard
	refs := w.crowd(400)
	w.throttle(0)
	for i := range 30 {
		w.now = w.now.Truncate(time.Minute).Add(time.Minute - time.Second)
		joined, err := w.store.Join(w.ctx, w.signup(fmt.Sprintf("late-%d", i)))
		w.must(err)
		if i%3 == 0 {
			w.must(w.store.Leave(w.ctx, joined.Ref, w.now))
			w.must(w.store.Leave(w.ctx, refs[100+i], w.now))
		}
		if i%4 == 0 {
			w.throttle(5)
		}
		r := w.minute()
		real := 0
		w.must(w.store.Each(w.ctx, func(e waitlist.Entry) error {
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

func TestOpenGateIsNotUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(5)
	w.throttle(0)
	w.minute()

	// The store goes down. The operator opens the door at the edge alone.
	down := errors.New("store down")
	w.store.Probe = &twin.Probe{Before: func(context.Context, string) error { return down }}
	g, etag, err := w.edge.Gate(w.ctx)
	w.must(err)
	g.Mode, g.Admit, g.Until, g.Switched = gate.Open, 1, time.Time{}, w.now.Truncate(time.Second)
	_, err = w.edge.PutGate(w.ctx, g, etag)
	w.must(err)
	for range 3 {
		w.now = w.now.Truncate(time.Minute).Add(time.Minute)
		if _, err := w.inviter.Tick(w.ctx, w.now); !errors.Is(err, down) {
			t.Fatalf("the tick says %v", err)
		}
	}
	if w.counts["inviter.blind"] != 3 {
		t.Fatalf("counted %v", w.counts)
	}

	// It comes back: the door stays open, and control says so.
	w.store.Probe = nil
	w.minute()
	w.minute()
	if g, _, err := w.edge.Gate(w.ctx); err != nil || g.Mode != gate.Open {
		t.Fatalf("the gate is %v, %v", g, err)
	}
	c, err := w.store.Control(w.ctx)
	w.must(err)
	if c.Mode != gate.Open || !c.Switched.Equal(g.Switched) || c.Admit != nil {
		t.Fatalf("control is %+v", c)
	}
}

func TestSwitchThatIsThrownDuringATickWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(5)
	w.throttle(0)
	w.minute()
	half := 0.25
	w.wish(func(c *waitlist.Control) { c.Admit = &half })
	// Between the inviter's reading of control and its write, somebody opens the
	// door at the edge; control cannot be written just then.
	w.edge.before = func(ctx context.Context, call string) error {
		if call == "PutGate" {
			w.edge.before = nil
			g, etag, err := w.edge.Gate(ctx)
			if err != nil {
				return err
			}
			g.Mode, g.Admit, g.Until, g.Switched = gate.Open, 1, time.Time{}, w.now.Truncate(time.Second)
			_, err = w.edge.PutGate(ctx, g, etag)
			return err
		}
		return nil
	}
	if r := w.minute(); r.Mode != gate.Open || r.Admit != 1 {
		t.Fatalf("the report is %+v", r)
	}
	if g, _, _ := w.edge.Gate(w.ctx); g.Mode != gate.Open {
		t.Fatalf("the gate is %v", g)
	}
}

func TestGateIsWrittenOnChangeAndBeforeItRunsOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(2)
	w.throttle(0)
	w.minute()
	writes := w.edge.Writes()
	for range 60 {
		w.minute()
		g, _, err := w.edge.Gate(w.ctx)
		w.must(err)
		if !g.InForce(w.now.Add(4 * time.Minute)) {
			t.Fatalf("at %s the gate is %v", w.now, g)
		}
	}
	if n := w.edge.Writes() - writes; n < 10 || n > 15 {
		t.Fatalf("%d writes in an hour in which nothing changed", n)
	}
	writes = w.edge.Writes()
	share := 0.502
	w.wish(func(c *waitlist.Control) { c.Admit = &share })
	w.minute()
	if w.edge.Writes() > writes+1 {
		t.Fatal("a change that nobody could see was written")
	}
	share = 0.7
	w.wish(func(c *waitlist.Control) { c.Admit = &share })
	w.minute()
	if g, _, _ := w.edge.Gate(w.ctx); g.Admit != 0.7 {
		t.Fatalf("the gate is %v", g)
	}
	w.wish(func(c *waitlist.Control) { c.Mode, c.Admit = gate.Hold, nil })
	if r := w.minute(); r.Admit != 0 {
		t.Fatalf("on hold: %+v", r)
	}
	if g, _, _ := w.edge.Gate(w.ctx); g.Mode != gate.Hold || g.Until.IsZero() {
		t.Fatalf("the gate is %v", g)
	}
	w.wish(func(c *waitlist.Control) { c.Mode = gate.Observe })
	w.minute()
	if g, _, _ := w.edge.Gate(w.ctx); g.Mode != gate.Observe || !g.Until.IsZero() {
		t.Fatalf("the gate is %v", g)
	}
}

func TestSpoiledGateIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{"empty": "", "unreadable": `{"mode":`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.crowd(2)
			w.throttle(0)
			w.minute()
			_, etag, err := w.edge.Get(w.ctx, gate.Key)
			w.must(err)
			_, err = w.edge.Put(w.ctx, gate.Key, []byte(spoil), etag)
			w.must(err)
			for range 7 {
				w.minute()
			}
			if g, _, err := w.edge.Gate(w.ctx); err != nil || g.Mode != gate.Throttle {
				t.Fatalf("the gate is %v, %v", g, err)
			}
		})
	}
}

func TestEdgeThatIsDownIsToldLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(2)
	w.minute()
	w.throttle(2)
	w.edge.before = func(context.Context, string) error { return errors.New("edge down") }
	w.now = w.now.Truncate(time.Minute).Add(time.Minute)
	if _, err := w.inviter.Tick(w.ctx, w.now); err == nil || !strings.Contains(err.Error(), "publishing the gate") {
		t.Fatalf("the tick says %v", err)
	}
	w.deliver(w.now.Add(50 * time.Second))
	w.stages(waitlist.Invited, refs...)
	w.edge.before = nil
	w.minute()
	if g, _, err := w.edge.Gate(w.ctx); err != nil || g.Mode != gate.Throttle {
		t.Fatalf("the gate is %v, %v", g, err)
	}
}

func TestSaltChangesOnlyWhileNobodyIsTurnedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	salt := func() string {
		t.Helper()
		g, _, err := w.edge.Gate(w.ctx)
		w.must(err)
		b, _, err := w.edge.Base(w.ctx)
		w.must(err)
		if b.Salt != g.Salt {
			t.Fatal("gate and base draw with different salts")
		}
		return g.Salt
	}
	w.crowd(2)
	w.throttle(0)
	w.minute()
	first := salt()
	w.now = w.now.Add(30 * time.Hour)
	w.minute()
	if salt() != first {
		t.Fatal("the salt changed while people were turned away")
	}
	one := 1.0
	w.wish(func(c *waitlist.Control) { c.Admit = &one })
	w.minute()
	w.minute()
	if salt() == first {
		t.Fatal("the salt did not change when everybody was let in")
	}
}

func TestNewKeyReachesTheEdge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	doc, err := w.ring.Rotate(w.now, seeded{newSource(1)})
	w.must(err)
	w.ring, err = bypass.ParseKeyring(doc)
	w.must(err)
	for range 7 {
		w.minute()
	}
	g, _, err := w.edge.Gate(w.ctx)
	w.must(err)
	b, _, err := w.edge.Base(w.ctx)
	w.must(err)
	if len(g.Keys) != 2 || len(b.Keys) != 2 || b.Failure != gate.FailOpen {
		t.Fatalf("%d keys in the gate, %d in the base", len(g.Keys), len(b.Keys))
	}
}

func TestLoadByHandIsSeenAndAges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(2)
	w.throttle(0)
	w.inviter.Metrics = nil
	w.wish(func(c *waitlist.Control) { c.LoadAt, c.Load = w.now, 0.93 })
	if r := w.minute(); r.Load != 0.93 || !r.LoadAt.Equal(noon) {
		t.Fatalf("the report is %+v", r)
	}
	if age := w.counts["inviter.loadage"]; age != 60 {
		t.Fatalf("the load is said to be %v s old", age)
	}
	for range 20 {
		w.counts["inviter.loadage"] = 0
		w.minute()
	}
	if age := w.counts["inviter.loadage"]; age < 20*60 {
		t.Fatalf("the load is said to be %v s old", age)
	}
}

func TestMemoryThatIsLostOrOfAnotherVersionIsBegunAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(10)
	w.throttle(5)
	w.minute()
	w.must(w.store.SaveState(w.ctx, w.now, []byte("of another version")))
	w.throttle(5)
	w.now = w.now.Truncate(time.Minute).Add(time.Minute)
	r, err := w.inviter.Tick(w.ctx, w.now)
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Fatalf("the tick says %v", err)
	}
	w.deliver(w.now.Add(50 * time.Second))
	if r.Claimed != 5 || r.Waiting != 0 {
		t.Fatalf("the report is %+v", r)
	}
	w.stages(waitlist.Invited, refs...)
	w.minute()
}

func TestHoldInvitesNobodyUnlessAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.crowd(3)
	w.wish(func(c *waitlist.Control) { c.Mode, c.Switched = gate.Hold, w.now })
	for range 5 {
		w.minute()
	}
	w.stages(waitlist.Waiting, refs...)
	w.wish(func(c *waitlist.Control) { c.InviteNow = 2 })
	w.minute()
	w.stages(waitlist.Invited, refs[:2]...)
	w.stages(waitlist.Waiting, refs[2])
}
