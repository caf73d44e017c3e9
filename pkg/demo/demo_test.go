package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	"raincheck/pkg/simulation"
	"raincheck/pkg/undelivered"
	"raincheck/pkg/waitlist"
)

// instance makes one that lives a story as fast as it goes.
func instance(t *testing.T, story Story, change ...func(*Config)) *Instance {
	t.Helper()
	c := Config{Story: story, Origin: "http://localhost:8080", Seed: 1, Repeatable: true, Now: func() time.Time { return noon }}
	for _, f := range change {
		f(&c)
	}
	in, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// rush is an hour in which three times as many people come as a small site can
// take, between two quiet ones.
func rush() Story {
	visits := make([]float64, 180)
	for m := range visits {
		visits[m] = 10
		if m >= 60 && m < 120 {
			visits[m] = 60
		}
	}
	s := Replay(simulation.Trace{Name: "rush", Start: noon, Visits: visits})
	s.Site = simulation.Site{Capacity: 300, Visit: 15 * time.Minute, VisitSigma: 0.8}
	s.Policy.Capacity = 300
	s.Mailboxes = Mailboxes{Bounces: 0.02, Leaves: 0.2}
	return s
}

// An operator may be faster than the first tick: the edge has no gate yet. The switch
// counts all the same, and the answer says when.
func TestASwitchBeforeTheFirstTick(t *testing.T) {
	t.Parallel()
	in := instance(t, rush())
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Hold}}); !errors.Is(err, operator.ErrNotYet) {
		t.Fatal(err)
	}
	if s, err := in.Snapshot(t.Context()); err != nil || s.Control.EffectiveMode() != gate.Hold {
		t.Errorf("%s, %v", s.Control.EffectiveMode(), err)
	}
}

// What is shown as let straight in is what the edge does now, not what the last
// tick decided; while observing, the gate still says what throttling would be.
func TestWhatTheEdgeLetsIn(t *testing.T) {
	t.Parallel()
	story := rush()
	story.Warm = 90
	in := instance(t, story)
	if err := in.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	see := func() (console.Snapshot, float64) {
		t.Helper()
		s, err := in.Snapshot(t.Context())
		var shown struct{ Admit *float64 }
		if err == nil {
			err = json.Unmarshal(s.Gate, &shown)
		}
		if err != nil {
			t.Fatal(err)
		}
		if shown.Admit == nil {
			return s, 1
		}
		return s, *shown.Admit
	}
	before, decided := see()
	if *before.Admit >= 1 || *before.Admit != decided {
		t.Fatalf("in the rush: %g let in, %g in the gate", *before.Admit, decided)
	}
	for _, tc := range []struct {
		mode  gate.Mode
		admit float64
	}{{gate.Observe, 1}, {gate.Hold, 0}, {gate.Open, 1}} {
		if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: tc.mode}}); err != nil {
			t.Fatal(err)
		}
		if s, decided := see(); *s.Admit != tc.admit || tc.mode == gate.Observe && decided >= 1 {
			t.Errorf("%s: %g let in, %g in the gate", tc.mode, *s.Admit, decided)
		}
	}
}

// The whole day of a crowd: everybody who left an address is invited, nobody
// twice, and everybody is accounted for.
func TestADayAddsUp(t *testing.T) {
	t.Parallel()
	in := instance(t, rush())
	totals, err := in.Run(t.Context())
	if err != nil {
		t.Fatal(err) // defects, and sums that do not agree
	}
	if totals.Visits != 120*10+60*60 {
		t.Errorf("%d visits, want 4,800", totals.Visits)
	}
	if totals.Joined < 500 {
		t.Errorf("%d joined: the site was never full, and this test shows nothing", totals.Joined)
	}
	if totals.Invited != totals.Joined || totals.Line.Open() != 0 {
		t.Errorf("%d joined, %d invited, %d still in the line", totals.Joined, totals.Invited, totals.Line.Open())
	}
	if totals.Redeemed == 0 || totals.Expired == 0 || totals.Bounced == 0 || totals.Left == 0 {
		t.Errorf("an end that nobody came to: %+v", totals)
	}
	if totals.Checked < 40 {
		t.Errorf("throttle.js decided about %d visitors, want one in a hundred", totals.Checked)
	}
}

// The same seed gives the same day.
func TestADayRepeats(t *testing.T) {
	t.Parallel()
	day := func() Totals {
		s := rush()
		s.Minutes = 90
		totals, err := instance(t, s).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return totals
	}
	if a, b := day(), day(); a != b {
		t.Errorf("two days of one seed differ:\n%+v\n%+v", a, b)
	}
}

// client is a person's browser; it knows the site by its handler alone.
type client struct {
	t   *testing.T
	in  *Instance
	jar http.CookieJar
}

func (c *client) do(method, path string, form url.Values) *http.Response {
	c.t.Helper()
	u, err := url.Parse("https://localhost:8080" + path) // so that the jar keeps Secure cookies, as browsers do on localhost
	if err != nil {
		c.t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:50000"
	r.Header.Set("User-Agent", "a person's browser")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, cookie := range c.jar.Cookies(u) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	c.in.Handler().ServeHTTP(w, r)
	c.jar.SetCookies(u, w.Result().Cookies())
	return w.Result()
}

func newClient(t *testing.T, in *Instance) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, in, jar}
}

// A person lives the story: turned away, in the line, invited, back in.
func TestAPersonsStory(t *testing.T) {
	t.Parallel()
	story := Demonstration(noon)
	in := instance(t, story)
	if err := in.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	live := func(minutes int) {
		in.clock.Run(t.Context(), in.clock.Now().Add(time.Duration(minutes)*time.Minute))
	}
	// The door of the demonstration is shut for most of the time; wait for it here
	// by holding it.
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Hold}}); err != nil {
		t.Fatal(err)
	}
	live(2)
	person := newClient(t, in)
	for range 3 { // reloading on the same connection does not help
		if got := person.do("GET", "/apply", nil); got.StatusCode != http.StatusFound || got.Header.Get("Location") != "/waiting-room/en/?to=%2Fapply" {
			t.Fatalf("at the door: %d to %q, want the waiting room", got.StatusCode, got.Header.Get("Location"))
		}
	}
	reader := browser{room: in.Handler(), host: "localhost:8080"}
	join, err := reader.get(t.Context(), "/waiting-room/en/?to=%2Fapply")
	if err != nil {
		t.Fatal(err)
	}
	join.fields.Set("email", "you@example.com")
	// A program fills in every field: it is counted, and has no place.
	join.fields.Set("note", "a note")
	person.do("POST", join.action, join.fields)
	if s, err := in.Snapshot(t.Context()); err != nil || s.Trapped == nil || *s.Trapped != 1 {
		t.Errorf("the hidden field caught %v, %v", s.Trapped, err)
	} else if s.Mails == nil || s.Mails.Sent == 0 || s.Mails.Reported == nil || s.Mails.Reported.Delivered == 0 {
		t.Errorf("of the crowd's mails it says %+v", s.Mails)
	}
	join.fields.Del("note")
	joined := person.do("POST", join.action, join.fields)
	if joined.StatusCode != http.StatusOK {
		t.Fatalf("joining: %d", joined.StatusCode)
	}
	// The wall says noon all day: what a person is told is by the console's clock.
	page, err := io.ReadAll(joined.Body)
	if err != nil {
		t.Fatal(err)
	}
	receipt := regexp.MustCompile(`/waiting-room/en/receipt\?r=[^"]+`).Find(page)
	told, err := io.ReadAll(person.do("GET", string(receipt), nil).Body)
	if want := in.clock.Now().Format("3:04 pm"); err != nil || !strings.Contains(string(told), want) {
		t.Errorf("the console's clock shows %s, and the receipt %q says (%v)\n%s", want, receipt, err, told)
	}
	if mails, _ := in.Mails(t.Context(), 1); len(mails) > 0 && mails[0].Person {
		t.Fatal("a mail went out while the door was held")
	}

	// The law is in charge again, and the load dips.
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Throttle}, Demand: new(5.0)}); err != nil {
		t.Fatal(err)
	}
	var mail console.Mail
	for range 60 {
		live(1)
		if mails, _ := in.Mails(t.Context(), 1); len(mails) > 0 && mails[0].Person {
			mail, _, _ = in.Mail(t.Context(), mails[0].ID)
			break
		}
	}
	if mail.To != "you@example.com" {
		t.Fatal("no mail within an hour of the dip")
	}
	path, err := link(mail.Text, "http://localhost:8080", "/code?c=")
	if err != nil {
		t.Fatal(err)
	}
	// The crowd's days pass and the door is held again; by the wall no time has.
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Hold}}); err != nil {
		t.Fatal(err)
	}
	live(60)
	if got := person.do("GET", path, nil); got.StatusCode != http.StatusOK || len(got.Cookies()) > 0 {
		t.Fatalf("looking at the link: %d, %d cookies", got.StatusCode, len(got.Cookies()))
	}
	got := person.do("POST", path, url.Values{})
	for range 2 { // past the page that sees whether the cookie came back
		if got.StatusCode == http.StatusSeeOther {
			got = person.do("GET", got.Header.Get("Location"), nil)
		}
	}
	if got.StatusCode != http.StatusOK {
		t.Fatalf("past the button: %d, want the application", got.StatusCode)
	}
	if got := person.do("GET", "/apply", nil); got.StatusCode != http.StatusOK {
		t.Errorf("reloading the application: %d: the pass is not remembered", got.StatusCode)
	}
	// A friend without a code is turned away all the while.
	if got := newClient(t, in).do("GET", "/apply", nil); got.StatusCode != http.StatusFound {
		t.Errorf("somebody else, on hold: %d", got.StatusCode)
	}
	if err := in.board.failure(); err != nil {
		t.Error(err)
	}
}

// What a relay sent back is dealt with on a local instance as on a stack.
func TestMailsThatCameBackToALocalInstance(t *testing.T) {
	t.Parallel()
	in := instance(t, Demonstration(noon))
	if err := in.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(in.Handler())
	t.Cleanup(server.Close)
	asked, err := console.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	line, now, err := asked.Waitlist(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gone", "full"} {
		address, err := email.Parse(name + "@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if joined, err := line.Join(t.Context(), waitlist.Signup{Address: address, Language: "en", At: now.Add(-24 * time.Hour)}); err != nil || !joined.New {
			t.Fatalf("%s joins: %+v, %v", name, joined, err)
		}
	}
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Throttle, Invite: 2}}); err != nil {
		t.Fatal(err)
	}
	in.clock.Run(t.Context(), in.clock.Now().Add(3*time.Minute))
	take := func(list string, undo bool) string {
		t.Helper()
		n, err := undelivered.List{
			Store: line, Keys: line, Feedback: line, Address: "address", Status: "status", Undo: undo, Apply: true,
			Bad: func(line int, why error) { t.Errorf("line %d: %v", line, why) },
		}.Take(t.Context(), strings.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		return n.String()
	}
	const list = "address,status\ngone@example.org,5.1.1\nfull@example.org,5.2.2\nnobody@example.org,5.1.1\n"
	if said := take(list, false); said != "1 suppressed, 1 place given back, 0 not under way any more, 1 not on the waitlist, 0 bad rows" {
		t.Error(said)
	}
	for address, want := range map[string]waitlist.Stage{"gone@example.org": waitlist.Bounced, "full@example.org": waitlist.Held} {
		if e, err := line.Entry(t.Context(), address); err != nil || e.Stage != want {
			t.Errorf("%s is at stage %s (%v), want %s", address, e.Stage, err, want)
		}
	}
	if said := take(list, true); !strings.HasPrefix(said, "1 suppression taken back, 1 not suppressed,") {
		t.Error(said)
	}
	if _, err := line.Entry(t.Context(), "gone@example.org"); !errors.Is(err, waitlist.ErrUnknown) {
		t.Errorf("the suppression is taken back, and the entry is still there: %v", err)
	}
}

// Switches reach the edge within a minute, in both directions.
func TestSwitchesThroughTheConsole(t *testing.T) {
	t.Parallel()
	in := instance(t, Demonstration(noon))
	if err := in.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := func(body string) console.Snapshot {
		t.Helper()
		r := httptest.NewRequest("POST", console.Path+"api/change", strings.NewReader(body))
		r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:50000"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		in.Handler().ServeHTTP(w, r)
		var s console.Snapshot
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		return s
	}
	for _, c := range []struct {
		body string
		want int
	}{{`{"mode":"hold"}`, 302}, {`{"mode":"open"}`, 200}, {`{"mode":"throttle","admit":0}`, 302}, {`{"mode":"observe"}`, 200}, {`{"mode":"throttle","admit":1}`, 200}} {
		change(c.body)
		in.clock.Run(t.Context(), in.clock.Now().Add(time.Minute))
		if got := newClient(t, in).do("GET", "/", nil).StatusCode; got != c.want {
			t.Errorf("%s: a minute later the door answers %d, want %d", c.body, got, c.want)
		}
	}
	if s := change(`{"capacity":700,"demand":12,"paused":true}`); s.Capacity != 700 || s.World.Demand != 12 || s.World.Script || !s.Control.Paused || len(s.Warnings) == 0 {
		t.Errorf("the world after a change: %+v, %+v", s, s.World)
	}
	if s := change(`{"demand":-1,"paused":false}`); !s.World.Script || s.Control.Paused {
		t.Errorf("the world, back to its story: %+v", s.World)
	}
	if got := string(change(`{}`).Gate); got == "" || strings.Contains(got, string(in.keys.PassKeys(noon)[0].Key)) {
		t.Errorf("the gate is shown as %s", got)
	}
}

// A kept waitlist goes on where it was, whatever its time was.
func TestAKeptWaitlistGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(c *Config) { c.Data = dir }
	story := rush()
	config := Config{Story: story, Origin: "http://localhost:8080", Repeatable: true, Now: time.Now}
	keep(&config)
	first, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	first.config.Minute = func(at time.Time, _ Totals) {
		if at.Equal(noon.Add(110 * time.Minute)) {
			stop() // in the middle of the rush, with people waiting
		}
	}
	totals, err := first.Run(ctx)
	if err != nil || totals.Line.Waiting == 0 {
		t.Fatalf("the first run: %v, %d waiting", err, totals.Line.Waiting)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := instance(t, story, keep)
	if !second.config.Story.Start.After(first.clock.Now()) || second.config.Story.Start.Hour() != noon.Hour() {
		t.Errorf("the second run begins at %s, the first ended at %s", second.config.Story.Start, first.clock.Now())
	}
	if _, err := second.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := second.all(t.Context(), time.Time{})
	if err != nil || all.Open() > 0 {
		t.Errorf("%v; of both runs %+v: somebody is still in the line", err, all)
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
