package undelivered_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/records"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/undelivered"
	"raincheck/pkg/waitlist"
)

// A relay's list is dealt with as SES's events are; a dry run changes nothing, a
// second run nothing more, and what it suppressed can be taken back.
func TestAListOfMailsThatCameBack(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	var refs []waitlist.Ref
	for _, name := range []string{"gone", "blocked", "full", "silent", "waits"} {
		a, err := email.Parse(name + "@example.org")
		w.Must(err)
		j, err := w.Store.Join(w.Ctx, waitlist.Signup{Key: w.Ring.Mailbox(a.Mailbox()), Address: a, Language: "en", At: w.Now})
		w.Must(err)
		refs = append(refs, j.Ref)
		w.Now = w.Now.Add(time.Second)
	}
	w.Throttle(4)
	w.Minute()
	w.WantStage(waitlist.Invited, refs[:4]...)
	const text = "Recipient;Reason\r\ngone@example.org;5.1.1\r\n<Blocked@example.org>;\"550 5.7.26 not authenticated\"\r\nfull@example.org;5.2.2\r\n" +
		"silent@example.org;\r\nwaits@example.org;5.1.1\r\nnobody;5.1.1\r\nstranger@example.org;5.1.1\r\nfull@example.org;5.1.1\r\n"
	take := func(change func(*undelivered.List)) undelivered.Tally {
		t.Helper()
		var bad []int
		l := undelivered.List{Store: w.Store, Keys: w.Ring, Feedback: w.Feedback, Address: "recipient", Status: "reason", Apply: true, Bad: func(line int, _ error) { bad = append(bad, line) }}
		change(&l)
		n, err := l.Take(w.Ctx, strings.NewReader(text))
		w.Must(err)
		if len(bad) != 1 || bad[0] != 7 {
			t.Errorf("bad rows: %v", bad)
		}
		return n
	}
	want := undelivered.Tally{Suppressed: 1, Returned: 3, Past: 1, Strangers: 1, Bad: 1}
	if n := take(func(l *undelivered.List) { l.Apply = false }); n != want {
		t.Errorf("a dry run says %+v", n)
	}
	w.WantStage(waitlist.Invited, refs[:4]...)
	if n := take(func(*undelivered.List) {}); n != want {
		t.Errorf("%+v", n)
	}
	w.WantStage(waitlist.Bounced, refs[0])
	w.WantStage(waitlist.Held, refs[1:4]...)
	w.WantStage(waitlist.Waiting, refs[4])
	if n := take(func(*undelivered.List) {}); n.Suppressed+n.Returned != 0 {
		t.Errorf("a second run: %+v", n)
	}
	if n, _, err := (undelivered.Release{Store: w.Store, Since: twintest.Noon}).Do(w.Ctx); err != nil || n != 1 {
		t.Errorf("suppressed are %d, %v", n, err)
	}
	if n := take(func(l *undelivered.List) { l.Undo = true }); n.Undone != 1 {
		t.Errorf("undone: %+v", n)
	}
	w.Join("gone")
	for _, l := range []undelivered.List{{Address: "address", Status: "reason"}, {Address: "recipient", Status: "status"}} {
		if _, err := l.Take(w.Ctx, strings.NewReader(text)); !errors.Is(err, records.ErrHeader) || !strings.Contains(err.Error(), "recipient, reason") {
			t.Errorf("a column that is not there: %v", err)
		}
	}
	if _, err := (undelivered.List{Address: "address"}).Take(w.Ctx, strings.NewReader("gone@example.org,5.1.1\n")); !errors.Is(err, records.ErrHeader) || strings.Contains(err.Error(), "gone") {
		t.Errorf("a file without a header: %v", err)
	}
}

// The columns of reports and logs are taken as they are.
func TestColumnsOfReports(t *testing.T) {
	t.Parallel()
	for row, suppressed := range map[string]bool{
		"rfc822; gone@example.org,5.1.1":                    true,
		"RFC822;gone@example.org,5.1.1 (no such user)":      true,
		"Ann Gone <gone@example.org>,smtp; 5.1.1 unknown":   true,
		"gone@example.org,\"550-5.1.1 no\n550 5.1.1 user\"": true,
		"gone@example.org,dsn=5.1.1":                        true,
		"gone@example.org,5.2.2 (full)":                     false,
		"gone@example.org,550 no such user":                 false,
	} {
		w := twintest.NewWorld(t)
		w.Join("gone")
		w.Throttle(1)
		w.Minute()
		n, err := undelivered.List{Store: w.Store, Keys: w.Ring, Feedback: w.Feedback, Address: "address", Status: "status"}.Take(w.Ctx, strings.NewReader("address,status\n"+row+"\n"))
		w.Must(err)
		if want := (undelivered.Tally{Suppressed: 1}); suppressed && n != want || !suppressed && n != (undelivered.Tally{Returned: 1}) {
			t.Errorf("%q: %v", row, n)
		}
	}
}

// A file that does not end, such as a device, is read until the command is stopped.
func TestAnEndlessList(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := (undelivered.List{Address: "address", Status: "status"}).Take(ctx, endless{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it ended with %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A complaint is not released with the bounces, and what ended earlier stays.
func TestWhatMayBeReleased(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann", "bob", "eve")
	w.Throttle(3)
	w.Minute()
	for i, kind := range []feedback.Kind{feedback.HardBounce, feedback.HardBounce, feedback.Complaint} {
		w.Must(w.Feedback.Handle(w.Ctx, feedback.Event{Kind: kind, Ref: refs[i], Attempt: 1, At: w.Now.Add(time.Duration(i) * time.Hour)}))
	}
	for complaint, ref := range map[bool]waitlist.Ref{false: refs[1], true: refs[2]} {
		release := undelivered.Release{Store: w.Store, Complaint: complaint, Since: w.Now.Add(30 * time.Minute)}
		if n, _, err := release.Do(w.Ctx); err != nil || n != 1 {
			t.Errorf("complaint %v: %d, %v", complaint, n, err)
		}
		release.Apply = true
		if n, _, err := release.Do(w.Ctx); err != nil || n != 1 {
			t.Errorf("complaint %v: %d, %v", complaint, n, err)
		}
		if _, err := w.Store.Entry(w.Ctx, ref.Key); !errors.Is(err, waitlist.ErrUnknown) {
			t.Errorf("complaint %v: released, the entry is still there: %v", complaint, err)
		}
	}
}
