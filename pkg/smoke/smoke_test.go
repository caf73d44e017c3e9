package smoke_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/sender"
	"raincheck/pkg/smoke"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// world is a small raincheck: the real waiting room over HTTP, the real sender
// and feedback, and a site that lets in whoever has a pass. Its time passes
// when somebody waits.
type world struct {
	now       time.Time
	store     *store.Store
	queue     *queue.Queue
	keys      *bypass.Keyring
	sender    *sender.Service
	feedback  *feedback.Service
	delivered bool
	gate      gate.Gate
	server    *httptest.Server
	service   *smoke.Service
	steps     []string
	// answer, when set, answers a request in the place of the site; nil passes it on.
	answer func(r *http.Request) *http.Response
}

func newWorld(t *testing.T) *world {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), store: &store.Store{}, queue: &queue.Queue{}, keys: keys}
	w.gate = gate.Gate{Mode: gate.Throttle, Admit: 0.4, Until: w.now.Add(time.Hour)}
	clock := func() time.Time { return w.now }
	ring := func(context.Context) (*bypass.Keyring, error) { return w.keys, nil }
	w.server = httptest.NewServer(nil)
	t.Cleanup(w.server.Close)
	room, err := intake.Service{
		Settings: intake.Settings{Site: "the site", Sender: "no-reply@example.org", PassLife: time.Hour, Origins: []string{w.server.URL}},
		Store:    w.store, Keys: ring, Now: clock, Log: slog.New(slog.DiscardHandler), Viewer: func(*http.Request) string { return "127.0.0.1" },
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w.server.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch c, err := r.Cookie(bypass.CookieName); {
		case strings.HasPrefix(r.URL.Path, gate.Room):
			room.ServeHTTP(rw, r)
		case err != nil:
			http.Redirect(rw, r, gate.Room+"/en/", http.StatusFound)
		default:
			if _, err := w.keys.VerifyPass(c.Value, w.now); err != nil {
				http.Redirect(rw, r, gate.Room+"/en/", http.StatusFound)
			}
		}
	})
	mails := &outbox.Outbox{Now: clock}
	mails.Arrived = func(m outbox.Mail) bool {
		ref, attempt := waitlist.Ref{Key: m.Tags[email.TagKey], Joining: waitlist.FirstJoining(w.now)}, 1
		if err := w.feedback.Handle(context.Background(), feedback.Event{Kind: feedback.Delivered, Ref: ref, Attempt: attempt, At: w.now}); err != nil {
			t.Error(err)
		}
		return true
	}
	w.feedback = &feedback.Service{Store: w.store, Now: clock, Count: func(name metric.Name, _ float64) { w.delivered = w.delivered || name == "feedback.delivered" }}
	w.sender = &sender.Service{
		Settings: sender.Settings{Site: "the site", From: "no-reply@example.org", Room: w.server.URL + gate.Room, CodeTTL: time.Hour},
		Store:    w.store, Mail: mails, Keys: ring, Now: clock, Random: rand.Reader, Wait: func(context.Context, time.Time) error { return nil },
	}
	w.service = &smoke.Service{
		Site: w.server.URL, Path: "/apply", Tag: "canary1", Transport: transport{w},
		Line:      smoke.Own{Store: w.store, Queue: w.queue, Keys: ring, Now: clock},
		Delivered: func(context.Context, time.Time) (bool, error) { return w.delivered, nil },
		Gate:      func(context.Context) (gate.Gate, error) { return w.gate, nil },
		Now:       clock, Wait: w.wait,
		Told: func(s smoke.Step) { w.steps = append(w.steps, s.Name) },
	}
	return w
}

// wait lets a time pass, and the sender work; after five minutes it has been too
// long.
func (w *world) wait(ctx context.Context, d time.Duration) error {
	w.now = w.now.Add(d)
	if w.sender != nil {
		w.sender.Handle(ctx, w.queue.Receive(w.now, 10))
	}
	if w.now.Sub(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)) > 5*time.Minute {
		return context.DeadlineExceeded
	}
	return nil
}

type transport struct{ w *world }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.w.answer != nil {
		if a := t.w.answer(r); a != nil {
			return a, nil
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func says(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// traces are the entries of the store that are the canary's.
func (w *world) traces(t *testing.T) (n int) {
	t.Helper()
	err := w.store.Each(t.Context(), func(e waitlist.Entry) error {
		if e.Key == w.keys.Mailbox("success@simulator.amazonses.com") {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTheWholeWay: beside people who wait, of whom nobody is invited for it.
func TestTheWholeWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, err := email.Parse("first@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Join(t.Context(), waitlist.Signup{Key: "somebody", Address: address, Language: "en", At: w.now.Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	result, err := w.service.Run(t.Context())
	if err != nil || result.Failed != "" || result.Off != "" {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := strings.Join(w.steps, " "); got != "room join invite mail delivery redeem site gate forget" {
		t.Errorf("the steps: %s", got)
	}
	if result.Took < time.Second {
		t.Errorf("it took %s, and a mail takes a second", result.Took)
	}
	if n := w.traces(t); n != 0 {
		t.Errorf("%d traces are left", n)
	}
	if e, err := w.store.Entry(t.Context(), "somebody"); err != nil || e.Stage != waitlist.Waiting {
		t.Errorf("somebody else was touched: %s, %v", e.Stage, err)
	}
	// Again, with the door open: the page then has no form.
	w.steps = nil
	if err := w.store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.Mode = gate.Open; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Run(t.Context()); err != nil {
		t.Errorf("with the door open: %v", err)
	}
}

// TestWhatBreaks: a canary that dies says where and why, and leaves no trace.
func TestWhatBreaks(t *testing.T) {
	t.Parallel()
	on := func(method, part string, a *http.Response) func(r *http.Request) *http.Response {
		return func(r *http.Request) *http.Response {
			if r.Method == method && strings.Contains(r.URL.Path, part) {
				return a
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		breaks func(w *world)
		failed string
		says   string
	}{
		"the host is down":             {func(w *world) { w.server.Close() }, "room", "does not answer"},
		"nothing is attached":          {func(w *world) { w.answer = on("GET", gate.Room, says(404, "")) }, "room", "answers 404"},
		"a redirect to somewhere else": {func(w *world) { w.answer = on("GET", gate.Room, says(302, "", "Location", "https://example.net/")) }, "room", "leads away"},
		"a redirect to itself":         {func(w *world) { w.answer = on("GET", gate.Room, says(302, "", "Location", gate.Room)) }, "room", "round in a circle"},
		"a page of somebody else's":    {func(w *world) { w.answer = on("GET", gate.Room, says(200, "hello")) }, "room", "is not the waiting room"},
		"a firewall answers the form":  {func(w *world) { w.answer = on("POST", "/en/", says(403, "<html>blocked")) }, "join", "something else than its JSON"},
		"the table is down": {func(w *world) {
			w.answer = on("POST", "/en/", says(429, `{"joined":false,"error":"busy","message":["Try again."]}`))
		}, "join", "does not take the address: Try again."},
		"raincheck paused itself": {func(w *world) {
			w.control(func(c *waitlist.Control) { c.Pause("SES has suspended sending", time.Time{}) })
		}, "invite", "SES has suspended sending"},
		"the sender is dead":         {func(w *world) { w.sender = nil }, "mail", "no sender began the mail"},
		"the mail service is silent": {func(w *world) { w.sender.Mail = refusing{email.ErrAmbiguous} }, "mail", "no word came whether"},
		"the mail service is full":   {func(w *world) { w.sender.Mail = refusing{email.ErrThrottled} }, "mail", "given back to the line"},
		"the mail service refuses":   {func(w *world) { w.sender.Mail = refusing{email.ErrRefused} }, "mail", "refused the mail, or it came back"},
		"no events come back": {func(w *world) {
			w.service.Delivered = func(context.Context, time.Time) (bool, error) { return false, nil }
		}, "delivery", "no word of its delivery"},
		"events cannot be asked for": {func(w *world) {
			w.service.Delivered = func(context.Context, time.Time) (bool, error) { return false, errors.New("not permitted") }
		}, "delivery", "not permitted"},
		"the code is not taken":         {func(w *world) { w.answer = on("POST", "/en/code", says(410, "")) }, "redeem", "answers 410"},
		"the throttle knows no pass":    {func(w *world) { w.answer = on("GET", "/apply", says(302, "", "Location", gate.Room+"/en/")) }, "site", "to the waiting room"},
		"the site is down":              {func(w *world) { w.answer = on("GET", "/apply", says(502, "")) }, "site", "answers 502"},
		"the controller is dead":        {func(w *world) { w.gate.Until = w.now.Add(-time.Minute) }, "gate", "ran out at 11:59 UTC"},
		"an address that is not a path": {func(w *world) { w.service.Path = "apply" }, "", "not the address of a page"},
		"the traces cannot be removed":  {func(w *world) { w.service.Line = stuck{w.service.Line.(smoke.Own)} }, "forget", "the table is down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.breaks(w)
			result, err := w.service.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) || result.Failed != c.failed {
				t.Fatalf("failed at %q: %v", result.Failed, err)
			}
			if n := w.traces(t); n != 0 && c.failed != "forget" {
				t.Errorf("%d traces are left", n)
			}
		})
	}
}

func (w *world) control(change func(*waitlist.Control)) {
	_ = w.store.UpdateControl(context.Background(), func(c *waitlist.Control) error { change(c); return nil }) // memory
}

// refusing is a mail service that always answers the same.
type refusing struct{ err error }

// Send sends nothing.
func (r refusing) Send(context.Context, email.Message) (string, error) { return "", r.err }

// stuck is a line from which nothing can be removed.
type stuck struct{ smoke.Own }

// Forget fails.
func (stuck) Forget(context.Context, email.Address) error { return errors.New("the table is down") }

// TestSwitchedOff: what an operator switched off is not a failure.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*waitlist.Control){
		"no addresses are taken": func(c *waitlist.Control) { c.Mode, c.SignupsOff = gate.Throttle, true },
		"the mail is paused":     func(c *waitlist.Control) { c.Paused = true },
	} {
		w := newWorld(t)
		w.control(change)
		result, err := w.service.Run(t.Context())
		if err != nil || result.Failed != "" || !strings.Contains(result.Off, name) || w.traces(t) != 0 {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

// TestTwoCanaries share one mailbox: the second says so and leaves the first one
// alone, until that is long dead.
func TestTwoCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address, err := smoke.Address("other")
	if err != nil {
		t.Fatal(err)
	}
	key := w.keys.Mailbox(address.Mailbox())
	if _, err := w.store.Join(t.Context(), waitlist.Signup{Key: key, Address: address, Language: "en", At: w.now}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Run(t.Context()); !errors.Is(err, smoke.ErrBusy) || w.traces(t) != 1 {
		t.Errorf("beside another: %v, %d entries", err, w.traces(t))
	}
	w.now = w.now.Add(11 * time.Minute)
	w.sender.Mail = refusing{email.ErrRefused}
	if result, err := w.service.Run(t.Context()); result.Failed != "mail" || w.traces(t) != 0 {
		t.Errorf("after a dead one: %+v, %v", result, err)
	}
	if _, err := smoke.Address("no tag"); err == nil {
		t.Error("a tag with a blank is taken")
	}
}

// TestReport: what a function counts and logs, and that it ends early enough to
// remove the traces.
func TestReport(t *testing.T) {
	t.Parallel()
	counted := map[metric.Name]float64{}
	count := func(name metric.Name, n float64) { counted[name] = n }
	run := func(w *world) string {
		clear(counted)
		var log strings.Builder
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Hour))
		defer cancel()
		if _, err := w.service.Report(ctx, slog.New(slog.NewTextHandler(&log, nil)), count); err != nil {
			t.Errorf("a canary's failure became an error of the function: %v", err)
		}
		return log.String()
	}
	if log := run(newWorld(t)); counted["smoke.failed"] != 0 || len(counted) != 1 || !strings.Contains(log, "came through") {
		t.Errorf("well: %v, %s", counted, log)
	}
	w := newWorld(t)
	w.sender.Mail = refusing{email.ErrRefused}
	if log := run(w); counted["smoke.failed"] != 1 || !strings.Contains(log, "failed=mail") || strings.Contains(log, "canary1") {
		t.Errorf("broken: %v, %s", counted, log)
	}
	w = newWorld(t)
	w.control(func(c *waitlist.Control) { c.Paused = true })
	if log := run(w); len(counted) != 0 || !strings.Contains(log, "paused") {
		t.Errorf("paused: %v, %s", counted, log)
	}
	// Less time than it takes to clear up: it does not begin.
	w = newWorld(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(10*time.Second))
	defer cancel()
	if result, _ := w.service.Report(ctx, slog.New(slog.DiscardHandler), count); result.Failed != "room" || w.traces(t) != 0 {
		t.Errorf("no time: %+v", result)
	}
}
