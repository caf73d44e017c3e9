package twintest_test

import (
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

func TestTheWholeLoop(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve")
	w.Throttle(2)
	r := w.Minute()
	if r.Claimed != 2 || r.Mode != gate.Throttle || r.Admit != 0.5 || !r.Fixed || !r.Published {
		t.Fatalf("the report is %+v", r)
	}
	g, _, err := w.Edge.Gate(w.Ctx)
	w.Must(err)
	if g.Mode != gate.Throttle || g.Admit != 0.5 || !g.Fixed || !g.Until.IsZero() {
		t.Fatalf("the gate is %v", g)
	}
	w.WantStage(waitlist.Invited, refs[:2]...)
	w.WantStage(waitlist.Waiting, refs[2])
	if got := w.Redeem(refs[0], "phone"); !got.First || got.Ticket.Wanted != "/apply" {
		t.Fatalf("redeemed %+v", got)
	}
	if r = w.Minute(); r.Sent != 2 || r.Redeemed != 1 || r.Waiting != 1 || r.Claimed != 0 {
		t.Fatalf("the next report is %+v", r)
	}
	c, p, err := w.Store.Notice(w.Ctx)
	w.Must(err)
	if c.InviteNow != 0 || !p.Front.Equal(twintest.Noon.Add(time.Second)) || p.Open {
		t.Fatalf("the notice is %+v, %+v", c, p)
	}
	stored, err := w.Store.State(w.Ctx)
	w.Must(err)
	if last, err := inviter.LastReport(stored); err != nil || last.Tick != r.Tick || last.Waiting != 1 {
		t.Fatalf("the stored report is %+v, %v", last, err)
	}
	// Nobody comes any more; the code dies.
	for w.Now.Before(twintest.Noon.Add(twintest.CodeTTL + 5*time.Minute)) {
		w.Minute()
	}
	w.WantStage(waitlist.Expired, refs[1])
	if w.Counts["inviter.expired"] != 1 {
		t.Fatalf("counted %v", w.Counts)
	}
}
