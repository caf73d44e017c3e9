package inviter_test

import (
	"fmt"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// onHold is a world on hold, where nobody is invited but by hand.
func onHold(t *testing.T) *twintest.World {
	t.Helper()
	w := twintest.NewWorld(t)
	w.Operate(func(c *waitlist.Control) { c.Mode, c.Switched = gate.Hold, w.Now })
	w.Minute()
	return w
}

func later(w *twintest.World, from, n int) []waitlist.Ref {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("late%d", from+i))
	}
	return w.Join(names...)
}

// TestInviteIsOneAct: an ask for more than wait invites those who wait, and
// whoever joins later is invited by nobody's old order.
func TestInviteIsOneAct(t *testing.T) {
	t.Parallel()
	w := onHold(t)
	early := w.Crowd(4)
	w.Operate(func(c *waitlist.Control) { c.Ask(5000) })
	if r := w.Minute(); r.Claimed != 4 {
		t.Fatalf("claimed %d: %s", r.Claimed, r.Because)
	}
	w.WantStage(waitlist.Invited, early...)
	late := later(w, 0, 6)
	for range 5 {
		w.Minute()
	}
	w.WantStage(waitlist.Waiting, late...)
	if c, err := w.Store.Control(w.Ctx); err != nil || c.InviteNow != 0 || !c.InviteBy.IsZero() {
		t.Fatalf("control keeps %d until %s, %v", c.InviteNow, c.InviteBy, err)
	}
}

// TestInviteTakesItsTime: an ask that takes several ticks invites those who
// waited when the first of them looked. People who join meanwhile do not take the
// places of those who leave; what nobody is there for lapses.
func TestInviteTakesItsTime(t *testing.T) {
	t.Parallel()
	w := onHold(t)
	w.Inviter.MaxClaims = 2
	early := w.Crowd(5)
	w.Operate(func(c *waitlist.Control) { c.Ask(5) })
	w.Minute()
	w.WantStage(waitlist.Invited, early[:2]...)
	late := later(w, 0, 4)
	w.Must(w.Store.Leave(w.Ctx, early[2], w.Now))
	for range 5 {
		w.Minute()
	}
	w.WantStage(waitlist.Invited, early[3:]...)
	w.WantStage(waitlist.Waiting, late...)
	if c, err := w.Store.Control(w.Ctx); err != nil || c.InviteNow != 0 {
		t.Fatalf("control keeps %d, %v", c.InviteNow, err)
	}
}

// TestInviteIsTakenBack: by a cancellation, by a switch to hold, and by another
// ask, of what is left.
func TestInviteIsTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(w *twintest.World)
		more int
	}{
		"cancelled":   {func(w *twintest.World) { w.Operate(func(c *waitlist.Control) { c.Ask(0) }) }, 0},
		"another ask": {func(w *twintest.World) { w.Operate(func(c *waitlist.Control) { c.Ask(1) }) }, 1},
		"hold at the edge": {func(w *twintest.World) {
			g, etag, err := w.Edge.Gate(w.Ctx)
			w.Must(err)
			next, base := gate.Switch{Mode: gate.Hold, At: w.Now.Add(time.Second)}.Apply(g)
			_, err = w.Edge.Update(w.Ctx, &next, base, etag)
			w.Must(err)
			// A write of the inviter's finds it.
			w.Operate(func(c *waitlist.Control) { c.Mode, c.Admit, c.Switched = gate.Throttle, new(0.4), w.Now })
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onHold(t)
			w.Inviter.MaxClaims = 2
			refs := w.Crowd(6)
			w.Operate(func(c *waitlist.Control) { c.Ask(6) })
			w.Minute()
			c.do(w)
			for range 5 {
				w.Minute()
			}
			w.WantStage(waitlist.Invited, refs[:2+c.more]...)
			w.WantStage(waitlist.Waiting, refs[2+c.more:]...)
		})
	}
}
