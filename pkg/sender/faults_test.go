package sender_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// TestEveryCallOfASenderMayFail once, before it takes effect or after: whoever was
// on the waitlist is invited in the end, by one mail, or by two where nobody knew
// whether the first went out.
func TestEveryCallOfASenderMayFail(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Notice", "Begin", "Accept", "GiveBack", "Postpone", "UpdateControl"} {
		for _, after := range []bool{false, true} {
			name := call + " before"
			if after {
				name = call + " after"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := twintest.NewWorld(t)
				refs := w.Join("ann", "bob", "eve")
				// Answers that lead to each of the calls: ann is throttled, bob's mail is in
				// doubt, the quota is met, and bob's second mail is throttled.
				n := 0
				answers := []error{email.ErrThrottled, email.ErrAmbiguous, email.ErrQuota, email.ErrThrottled}
				sending, failed := false, false
				fault := func(c string, effect bool) error {
					if c != call || effect != after || failed || !sending {
						return nil
					}
					failed = true
					return waitlist.ErrBusy
				}
				w.Store.Probe = &twin.Probe{
					Before: func(_ context.Context, c string) error { return fault(c, false) },
					After:  func(_ context.Context, c string) error { return fault(c, true) },
				}
				w.Outbox.Probe = &twin.Probe{Before: func(_ context.Context, c string) error {
					if c != "Send" {
						return nil
					}
					if n++; n <= len(answers) {
						return answers[n-1]
					}
					return nil
				}}
				for range 60 {
					w.Throttle(3)
					w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
					if _, err := w.Inviter.Tick(w.Ctx, w.Now); err != nil && !errors.Is(err, waitlist.ErrBusy) {
						t.Fatal(err)
					}
					sending = true
					w.Deliver(w.Now.Add(59 * time.Second))
					sending = false
					w.ReportSent()
				}
				if !failed {
					t.Fatal("it was never called")
				}
				w.WantStage(waitlist.Invited, refs...)
				for _, n := range w.Mails() {
					if n > waitlist.MaxAttempts {
						t.Fatalf("%d mails to one person", n)
					}
				}
			})
		}
	}
}

// What stops a message before anything is written sends it back to the queue, with
// the reason in the log.
func TestWhatASenderLacksSendsTheMessageBack(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, lack := range map[string]func(w *twintest.World){
		"the key ring": func(w *twintest.World) {
			w.Sender.Keys = func(context.Context) (*bypass.Keyring, error) { return nil, down }
		},
		"random bytes": func(w *twintest.World) { w.Sender.Random = iotest.ErrReader(down) },
		"patience":     func(w *twintest.World) { w.Sender.Wait = func(context.Context, time.Time) error { return down } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			refs := w.Join("ann")
			w.Throttle(1)
			w.Tick()
			batch := w.Queue.Receive(w.Now.Add(time.Minute), 1)
			w.Now = batch[0].Slot.Add(-time.Second)
			lack(w)
			if failed := w.Sender.Handle(w.Ctx, batch); len(failed) != 1 || w.Counts["sender.store"] != 1 {
				t.Fatalf("comes again: %v, counted %v", failed, w.Counts)
			}
			w.WantStage(waitlist.Claimed, refs...)
		})
	}
	// Nor does one that comes long before its slot wait for it.
	w := twintest.NewWorld(t)
	w.Join("ann")
	w.Throttle(1)
	w.Tick()
	batch := w.Queue.Receive(w.Now.Add(time.Minute), 1)
	w.Now = batch[0].Slot.Add(-time.Minute)
	if failed := w.Sender.Handle(w.Ctx, batch); len(failed) != 1 {
		t.Fatal("it waited")
	}
}

// A random source that gives the same bytes for ever ends in an error, not in a
// loop: the message comes again.
func TestNoCodeIsDrawnForEver(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob")
	w.Throttle(2)
	w.Tick()
	batch := w.Queue.Receive(w.Now.Add(time.Minute), 2)
	w.Now = batch[1].Slot
	w.Sender.Random = zeros{}
	if failed := w.Sender.Handle(w.Ctx, batch); len(failed) != 1 || failed[0] != 1 {
		t.Fatalf("these come again: %v", failed)
	}
	w.WantStage(waitlist.Invited, refs[0])
	w.WantStage(waitlist.Claimed, refs[1])
}

type zeros struct{}

var _ io.Reader = zeros{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
