//go:build emulators

package emulators_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// refuse makes a service refuse an action of a function until further notice.
func (w *world) refuse(function, action string, status int, code, message string) {
	w.wires[function].Refuse = func(c emulators.Call) (int, string, string) {
		if c.Action != action {
			return 0, "", ""
		}
		return status, code, message
	}
}

// unsent is a world in which somebody joined and was to be mailed, and SES would
// not. It gives the entry as it was before, too.
func (c *cloud) unsent(t *testing.T, status int, code, message string) (*world, waitlist.Entry) {
	t.Helper()
	w := c.newWorld(t)
	w.refuse("sender", "ses:SendEmail", status, code, message)
	w.join()
	before := w.entry()
	w.minute()
	w.work()
	return w, before
}

// willing is the rest of the way once SES refuses no more.
func (w *world) willing() {
	w.wires["sender"].Refuse = nil
	w.invited(waitlist.Invited)
	w.redeem(w.mails()[0])
	w.ended(1)
}

// refusals are what a service says when it will not, as the SDK hears it.
func (c *cloud) refusals(t *testing.T) {
	t.Run("the table is throttled while somebody joins", func(t *testing.T) {
		t.Parallel()
		w := c.newWorld(t)
		w.refuse("intake", "dynamodb:UpdateItem", 400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded")
		page, err := w.form()
		if err != nil || page.StatusCode != 429 || page.Headers["Retry-After"] == "" || !strings.Contains(page.Body, w.address) {
			t.Fatalf("%d %v %v\n%s", page.StatusCode, page.Headers, err, page.Body)
		}
		if n := w.wires["intake"].Count("dynamodb:UpdateItem"); n != 3 {
			t.Errorf("the table was asked %d times", n)
		}
		if _, err := w.table.Entry(t.Context(), w.keys.Mailbox(w.address)); !errors.Is(err, waitlist.ErrUnknown) {
			t.Errorf("there is an entry: %v", err)
		}
		w.wires["intake"].Refuse = nil
		w.live(false, false)
		w.ended(1)
	})

	t.Run("SES is asked too fast", func(t *testing.T) {
		t.Parallel()
		w, before := c.unsent(t, 429, "TooManyRequestsException", "Maximum sending rate exceeded.")
		if e := w.entry(); e.Stage != waitlist.Waiting || e.Attempt != 0 || !e.Joined.Equal(before.Joined) || len(w.mails()) != 0 {
			t.Fatalf("the entry is %+v", e)
		}
		w.willing()
	})

	t.Run("the quota of the day is used up", func(t *testing.T) {
		t.Parallel()
		w, _ := c.unsent(t, 429, "TooManyRequestsException", "Daily message quota exceeded.")
		control, err := w.table.Control(t.Context())
		w.must(err)
		if e := w.entry(); e.Stage != waitlist.Waiting || !control.Paused || !strings.Contains(control.PausedBecause, "quota") || control.ResumeAt.IsZero() {
			t.Fatalf("the entry is %s, control is %+v", e.Stage, control)
		}
		if r := w.minute(); r.Claimed != 0 {
			t.Fatalf("somebody was invited while sending is paused")
		}
		w.operate(func(c *waitlist.Control) { c.ResumeAt = time.Now() })
		w.start("sender") // the other one goes by what it knew for half a minute
		w.willing()
	})

	t.Run("SES has suspended the account", func(t *testing.T) {
		t.Parallel()
		w, _ := c.unsent(t, 400, "AccountSuspendedException", "Sending is suspended for this account.")
		control, err := w.table.Control(t.Context())
		w.must(err)
		if e := w.entry(); e.Stage != waitlist.Waiting || !control.Paused || control.PausedBecause == "" || !control.ResumeAt.IsZero() {
			t.Fatalf("the entry is %s, control is %+v", e.Stage, control)
		}
		w.minute()
		w.work()
		if n := w.wires["sender"].Count("ses:SendEmail"); n != 1 {
			t.Fatalf("SES was asked %d times", n)
		}
		w.operate(func(c *waitlist.Control) { c.Resume() })
		w.start("sender")
		w.willing()
	})

	t.Run("SES takes no such address", func(t *testing.T) {
		t.Parallel()
		w, _ := c.unsent(t, 400, "MessageRejected", "Address is blacklisted.")
		if e := w.entry(); e.Stage != waitlist.Failed || !e.Address.IsZero() || w.queued() != 0 {
			t.Fatalf("the entry is %+v", e)
		}
		control, err := w.table.Control(t.Context())
		w.must(err)
		if control.Paused {
			t.Error("one bad address has stopped all sending")
		}
	})
}
