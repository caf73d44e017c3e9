package inviter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// busy is a world just before a tick with all kinds of work: five wait, of whom
// one cannot be read; two claims were lost; one mail is unanswered, one unanswered
// twice; one code died.
func busy(t *testing.T) (*twintest.World, []waitlist.Ref) {
	t.Helper()
	w := twintest.NewWorld(t)
	refs := w.Join("dead", "twice", "once", "lost", "lost2", "ann", "bob", "cat", "dan", "eve")
	w.Operate(func(c *waitlist.Control) {
		quarter := 0.25
		c.Mode, c.Admit, c.Switched = gate.Throttle, &quarter, w.Now
	})
	invite := func(n int) {
		w.Operate(func(c *waitlist.Control) { c.InviteNow = n })
		w.Minute()
	}
	invite(1) // "dead", whose code dies within the last minute
	dies := w.Now.Add(twintest.CodeTTL)
	w.Outbox.Probe = &twin.Probe{After: func(_ context.Context, call string) error {
		if call == "Send" {
			return email.ErrAmbiguous
		}
		return nil
	}}
	w.Now = dies.Add(-40 * time.Minute)
	invite(1) // "twice", who is asked about again in a quarter of an hour
	w.Now = dies.Add(-23 * time.Minute)
	w.Minute()
	w.Now = dies.Add(-20 * time.Minute)
	invite(1) // "once"
	w.Outbox.Probe = nil
	w.Now = dies.Add(-11 * time.Minute)
	w.Operate(func(c *waitlist.Control) { c.InviteNow = 2 })
	w.Tick()
	w.Queue.Receive(w.Now.Add(time.Hour), 10) // and both messages are lost
	w.Now = dies.Add(time.Minute)
	w.Must(w.Store.Damage(w.Ctx, refs[5].Key))
	w.Operate(func(c *waitlist.Control) { c.InviteNow, c.Admit = 5, nil })
	w.Metrics.AddLoad(admission.Sample{At: w.Now.Truncate(time.Minute).Add(-2 * time.Minute), Value: 0.97})
	return w, refs
}

// settled is where everybody stands in the end, whatever failed in between.
func settled(w *twintest.World, refs []waitlist.Ref) (stages []waitlist.Stage) {
	for range 10 {
		w.Minute()
	}
	w.Operate(func(c *waitlist.Control) { c.InviteNow = 10 })
	for range 10 {
		w.Minute()
	}
	for _, ref := range refs {
		stages = append(stages, w.Stage(ref))
	}
	return stages
}

var settledStages = []waitlist.Stage{
	waitlist.Expired, waitlist.Invited, waitlist.Invited, waitlist.Invited, waitlist.Invited, waitlist.Failed,
	waitlist.Invited, waitlist.Invited, waitlist.Invited, waitlist.Invited,
}

func TestATickDoesAllKindsOfWork(t *testing.T) {
	t.Parallel()
	w, refs := busy(t)
	r := w.Tick()
	if r.Retried != 1 || r.GivenBack != 2 || r.Expired != 1 || r.Taken != 1 || r.Buried != 1 || r.Claimed != 4 || r.Load != 0.97 || r.Waiting != 2 {
		t.Fatalf("the report is %+v", r)
	}
	if got := settled(w, refs); !slices.Equal(got, settledStages) {
		t.Fatalf("they stand at %v", got)
	}
	if n := w.Mails()[refs[1].Key]; n != 2 {
		t.Fatalf("%d mails to who was silent twice", n)
	}
}

// TestEveryCallOfATickMayFail once, before it takes effect or after: the tick says
// which, and within some minutes everybody stands where they would have stood, by
// at most one mail more where the mail service did not answer.
func TestEveryCallOfATickMayFail(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	calls := map[string]string{
		"Control": "reading what the operator wants", "Lease": "taking the lease", "State": "reading the controller's memory", "Cohorts": "reading the counters",
		"Count": "counting who waits", "Page": "finding", "UpdateControl": "changing control", "SaveProgress": "saving the progress", "Reserve": "reserving the slots",
		"Claim": "claiming", "GiveBack": "working off what is due", "Expire": "working off what is due", "Accept": "working off what is due", "Bury": "claiming", "Retry": "claiming",
		"SaveState": "saving the controller's memory", "Release": "giving the lease back",
		"Edge.Gate": "", "Edge.Update": "publishing the gate", "Account": "asking for the mail account", "Load": "reading the load", "Edge": "reading the counts at the edge", "Enqueue": "handing mails to the sender",
	}
	for call, says := range calls {
		for _, after := range []bool{false, true} {
			if after && strings.HasPrefix(call, "Edge.") {
				continue
			}
			t.Run(fmt.Sprint(call, " after ", after), func(t *testing.T) {
				t.Parallel()
				w, refs := busy(t)
				probe := twintest.Once(call, after, down)
				w.Store.Probe, w.Queue.Probe, w.Outbox.Probe, w.Metrics.Probe = probe, probe, probe, probe
				w.Edge.Before = func(_ context.Context, c string) error {
					if "Edge."+c == call {
						w.Edge.Before = nil
						return down
					}
					return nil
				}
				w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
				_, err := w.Inviter.Tick(w.Ctx, w.Now)
				if says != "" && (!errors.Is(err, down) || !strings.Contains(err.Error(), says)) {
					t.Fatalf("the tick says %v", err)
				}
				w.Store.Probe, w.Queue.Probe, w.Outbox.Probe, w.Metrics.Probe, w.Edge.Before = nil, nil, nil, nil, nil
				if got := settled(w, refs); !slices.Equal(got, settledStages) {
					t.Fatalf("they stand at %v", got)
				}
				for key, n := range w.Mails() {
					if n > 2 || n > 1 && key != refs[1].Key && key != refs[2].Key {
						t.Fatalf("%d mails to one person", n)
					}
				}
				if g, _, err := w.Edge.Gate(w.Ctx); err != nil || g.Mode != gate.Throttle || g.Fixed {
					t.Fatalf("the gate is %v, %v", g, err)
				}
			})
		}
	}
}

// A key ring that cannot be read stops no invitation: the gate is written later.
func TestWithoutTheKeyRingTheGateWaits(t *testing.T) {
	t.Parallel()
	w, refs := busy(t)
	keys, down := w.Inviter.Keys, errors.New("down")
	w.Inviter.Keys = func(context.Context) (*bypass.Keyring, error) { return nil, down }
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	if r, err := w.Inviter.Tick(w.Ctx, w.Now); !errors.Is(err, down) || !strings.Contains(err.Error(), "reading the key ring") || r.Claimed != 4 || r.Published {
		t.Fatalf("%+v, %v", r, err)
	}
	w.Inviter.Keys = keys
	if r := w.Minute(); !r.Published {
		t.Fatalf("%+v", r)
	}
	if got := settled(w, refs); !slices.Equal(got, settledStages) {
		t.Fatalf("they stand at %v", got)
	}
}

// A pause of ours is looked at again when its time is over: it ends when the mail
// service lets us send, and goes on by a quarter of an hour while it does not.
func TestAPauseOfOursEndsWhenItMay(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(2)
	w.Throttle(2)
	w.Operate(func(c *waitlist.Control) { c.Pause("the quota", w.Now.Add(5*time.Minute)) })
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14, Suspended: "under review"})
	for range 6 {
		w.Minute()
	}
	c, err := w.Store.Control(w.Ctx)
	w.Must(err)
	if !c.Paused || c.ResumeAt.Sub(w.Now) < 10*time.Minute {
		t.Fatalf("control is %+v", c)
	}
	// The account does not answer: the pause stands, and is looked at a minute later.
	w.Now = c.ResumeAt
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	w.Outbox.Probe = twintest.Once("Account", false, errors.New("down"))
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	if _, err := w.Inviter.Tick(w.Ctx, w.Now); err == nil {
		t.Fatal("the tick says nothing")
	}
	w.WantStage(waitlist.Waiting, refs...)
	w.Minute()
	w.WantStage(waitlist.Invited, refs...)
}

// `raincheck drain` and another law reach the decision.
func TestDrainAndTheOperatorsLawReachTheDecision(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Inviter.Policy.MaxInvitesPerMinute = 1000
	w.Crowd(30)
	w.Operate(func(c *waitlist.Control) {
		c.Mode, c.Switched, c.Law, c.Drain, c.SignupsOff = gate.Throttle, w.Now, admission.Ramp, true, true
	})
	w.Metrics.AddLoad(admission.Sample{At: w.Now.Truncate(time.Minute).Add(-time.Minute), Value: 0.3})
	if r := w.Minute(); !strings.Contains(r.Because, "2013") && !strings.Contains(r.Because, "ramp") || r.Claimed == 0 {
		t.Fatalf("the report is %+v", r)
	}
}

// TestClockBehindTheScheduleIsHeard: the tick does its work, and fails, so that
// the alarm TicksFail rings.
func TestClockBehindTheScheduleIsHeard(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Throttle(0)
	w.Minute()
	r, err := w.Inviter.Tick(w.Ctx, w.Now.Add(3*time.Minute))
	if err == nil || !strings.Contains(err.Error(), "this clock is 3m0s behind the schedule's") || r.Skipped != "" {
		t.Fatalf("%+v, %v", r, err)
	}
}
