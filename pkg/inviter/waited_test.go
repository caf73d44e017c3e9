package inviter_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// TestHowLongPeopleHadWaitedIsTheTruth: four hours of a line that grows and
// shrinks. What the pages are told each minute is what the entries themselves
// say: the 10th and 90th percentile of the waits of those claimed in the last ten
// minutes. Printed beside it, without a bar: for how many who read it when they
// joined it came true within twice the range, and how often there was nothing to
// tell.
func TestHowLongPeopleHadWaitedIsTheTruth(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	chance := rand.New(rand.NewPCG(7, 7))
	told := map[time.Time]waitlist.Waited{} // by the minute from which it was read
	silent, n := 0, 0
	for minute := range 240 {
		joining := chance.IntN(12)
		if minute > 150 {
			joining = chance.IntN(3)
		}
		for range joining {
			n++
			w.Join(fmt.Sprintf("person-%d", n))
		}
		w.Throttle(chance.IntN(9))
		w.Minute()
		_, p, err := w.Store.Notice(w.Ctx)
		w.Must(err)
		tick := w.Now.Truncate(time.Minute)
		want := truth(w, tick)
		if p.Waited.From != want.From || p.Waited.To != want.To || p.Waited.People != want.People {
			t.Fatalf("minute %d: told %+v, and it is %+v", minute, p.Waited, want)
		}
		told[tick] = p.Waited
		if p.Waited.People < 20 {
			silent++
		}
	}
	within, readers := 0, 0
	w.Must(w.Store.Each(w.Ctx, func(e waitlist.Entry) error {
		said := told[e.Joined.Truncate(time.Minute)]
		if e.Claim.IsZero() || said.People < 20 {
			return nil
		}
		readers++
		wait, room := waitlist.Minutes(e.Claim.Sub(e.Joined)), (said.To-said.From)/2
		if wait >= said.From-room && wait <= said.To+room {
			within++
		}
		return nil
	}))
	t.Logf("%d of %d later readers waited within twice the told range; in %d of 240 minutes nothing could be told", within, readers, silent)
}

// TestASteadyLineIsToldAsOfNow: while as many come as go, each minute says the same
// as the one before, and the pages, which tell nothing that is twenty minutes old,
// go on telling it.
func TestASteadyLineIsToldAsOfNow(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	for round := range 20 { // of two minutes
		for i := range 6 {
			w.Join(fmt.Sprintf("person-%d-%d", round, i))
		}
		w.Throttle(6)
		w.Minute()
		_, p, err := w.Store.Notice(w.Ctx)
		w.Must(err)
		if round > 5 && (p.Waited.People != 30 || w.Now.Sub(p.Waited.At) > waitlist.WaitedOver) {
			t.Fatalf("round %d: told %+v at %s", round, p.Waited, w.Now)
		}
	}
}

// truth is what the entries say at a tick.
func truth(w *twintest.World, tick time.Time) waitlist.Waited {
	var waits []int
	w.Must(w.Store.Each(w.Ctx, func(e waitlist.Entry) error {
		if !e.Claim.IsZero() && tick.Sub(e.Claim) < waitlist.WaitedOver {
			waits = append(waits, waitlist.Minutes(e.Claim.Sub(e.Joined)))
		}
		return nil
	}))
	if len(waits) == 0 {
		return waitlist.Waited{}
	}
	slices.Sort(waits)
	return waitlist.Waited{From: waits[(len(waits)+9)/10-1], To: waits[(9*len(waits)+9)/10-1], People: len(waits)}
}
