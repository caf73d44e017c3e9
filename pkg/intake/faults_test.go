package intake_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// busyOn is a store that refuses one method for load.
func busyOn(method string) func(context.Context, string) error {
	return failOn(method, waitlist.ErrBusy)
}

func failOn(method string, err error) func(context.Context, string) error {
	return func(_ context.Context, call string) error {
		if call == method {
			return err
		}
		return nil
	}
}

// docs/faults.md, rows 16, 18: whatever keeps a sign-up from being saved, the page says so,
// keeps what was typed, and no page says that it was saved.
func TestAStoreThatRefusesIsSaid(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"busy": waitlist.ErrBusy, "down": errors.New("dial tcp 192.0.2.1:443: i/o timeout")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.probe.Before = failOn("Join", fault)
			p := w.join("ana@example.org").status(429).says("We could not save your address. Try again", `value="ana@example.org"`, `name="to" value="/apply?step=2"`)
			p.lacks("You are in the line", "192.0.2.1")
			if p.Header.Get("Retry-After") != "30" || !strings.HasPrefix(p.title(), "Error: ") {
				t.Errorf("Retry-After %q under the title %q", p.Header.Get("Retry-After"), p.title())
			}
			if n := w.entries(); n != 0 {
				t.Errorf("%d entries", n)
			}
			if w.counts[metric.IntakeSignupsFailed] != 1 {
				t.Errorf("counted %v", w.counts)
			}
			// It recovers by itself, and the form on the page still works.
			w.probe.Before = nil
			w.join("ana@example.org").status(200).says("You are in the line")
		})
	}
}

// docs/faults.md, row 17: the store saved the address and the answer got lost. The person
// tries again, and has one place.
func TestASignUpWhoseAnswerGotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.probe.After = failOn("Join", context.DeadlineExceeded)
	w.join("ana@example.org").status(429)
	w.probe.After = nil
	w.join("ana@example.org").status(200).says("You are in the line")
	if n := w.entries(); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// A store that cannot say what the operator wants must not close the door.
func TestTheLastNoticeStandsWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.control(func(c *waitlist.Control) { c.SignupsOff = true })
	w.get("/waiting-room/en/").says("The line for Example Benefits is closed for now")
	w.probe.Before = failOn("NoticeIn", waitlist.ErrBusy)
	w.pass(time.Hour)
	w.get("/waiting-room/en/").says("The line for Example Benefits is closed for now")
}

// A process that has never heard the notice does not say that the door is open:
// whoever reads that was turned away a moment ago, and would be again.
func TestTheFormStandsWhileNoNoticeWasEverHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.probe.Before = failOn("NoticeIn", waitlist.ErrBusy)
	for range 2 { // asked, and from the cache
		w.get("/waiting-room/en/").says("Email address")
	}
	w.join("ana@example.org").status(200).says("You are in the line")
}

// A good code gets in while the store is down: it was sent so that nothing more
// is needed.
func TestACodeWorksWhileTheStoreIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	code := w.invite(e.Ref)
	w.probe.Before = failOn("Redeem", waitlist.ErrBusy)
	p := w.post("/waiting-room/en/code?c="+string(code), nil).status(303)
	if len(p.Cookies()) != 1 || w.counts[metric.IntakeCodesUnrecorded] != 1 {
		t.Errorf("cookies %v, counted %v", p.Cookies(), w.counts)
	}
}

// A code without an item, as after a restore of the table, gets in too.
func TestACodeThatTheStoreForgot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code, err := w.keys.IssueCode(noon, noon.Add(4*time.Hour), strings.NewReader("1234"))
	w.must(err)
	if p := w.post("/waiting-room/en/code?c="+string(code), nil).status(303); !strings.HasSuffix(p.Header.Get("Location"), "?to=%2F") {
		t.Errorf("it leads to %s", p.Header.Get("Location"))
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) {
		s.Keys = func(context.Context) (*bypass.Keyring, error) {
			return nil, errors.New("secret store: access denied to arn")
		}
	})
	w.join("ana@example.org").status(429).says(`value="ana@example.org"`).lacks("arn")
	w.get("/waiting-room/en/").status(429).lacks("arn")
	w.post("/waiting-room/en/code?c=X", url.Values{}).status(429).lacks("arn")
	// What was typed comes along with the button that tries again.
	w.post("/waiting-room/en/enter", url.Values{"code": {"ABCDE-<"}}).status(429).says(`name="code" value="ABCDE-&lt;"`, "Try again")
}

// Leaving is said to be done only when it is.
func TestLeavingWhileTheStoreIsBusy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	link := "/waiting-room/en/leave?t=" + w.keys.LeaveToken(e.Key, e.Joining)
	w.probe.Before = busyOn("Leave")
	w.post(link, nil).status(429).says("You are still in the line").lacks("no longer")
	w.probe.Before = nil
	w.post(link, nil).status(200).says("You are no longer in the line")
}

// Nothing that is wrong with the settings waits for the first visitor.
func TestSettingsAreCheckedAtStart(t *testing.T) {
	t.Parallel()
	_, err := intake.Service{Settings: intake.Settings{
		Sender: "nobody", Languages: []string{"en", "xx"}, PassLife: 48 * time.Hour, Origins: []string{"www.example.org"},
		Fields: []intake.Field{{Name: "email"}, {Name: "a"}, {Name: "a"}, {Name: "State"}},
	}}.Handler()
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{"no name", "sender", `"xx"`, "48h", `"www.example.org" is not an origin`, `called "email"`, `two fields are called "a"`, `called "State"`, "at most 3", "missing Store, Keys or Now"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
}
