package demo

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	words "raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// Nobody but the one at the browser: a plain instance, in the site's own words and
// languages, whose door is turned by hand.
func TestAlone(t *testing.T) {
	t.Parallel()
	in := instance(t, Alone(noon), func(c *Config) {
		c.Words, c.Languages = map[string]words.Words{"ar": {Name: "Vermont Health"}}, []string{"en", "ar"}
	})
	in.begin(t.Context())
	live := func(minutes int) {
		in.clock.Run(t.Context(), in.clock.Now().Add(time.Duration(minutes)*time.Minute))
	}
	live(40)
	s, err := in.Snapshot(t.Context())
	if err != nil || s.Admit == nil || *s.Admit != 1 || s.World.OnSite != 0 {
		t.Fatalf("an empty site: %+v, %v", s, err)
	}
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Hold}}); err != nil {
		t.Fatal(err)
	}
	live(2)
	person := newClient(t, in)
	if got := person.do("GET", "/apply", nil); got.Header.Get("Location") != "/waiting-room/en/?to=%2Fapply" {
		t.Errorf("held, and %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	body, err := io.ReadAll(person.do("GET", "/waiting-room/ar/", nil).Body)
	if err != nil || !strings.Contains(string(body), "Vermont Health") || !strings.Contains(string(body), `dir="rtl"`) {
		t.Errorf("the page in Arabic, %v:\n%s", err, body)
	}
}

// Whoever looks from elsewhere sees what happens, reads no mail and throws no
// switch; the waiting room serves them as everybody.
func TestFromElsewhereTheConsoleOnlyShows(t *testing.T) {
	t.Parallel()
	in := instance(t, Alone(noon), func(c *Config) { c.Hosts = []string{"demo.example"} })
	in.begin(t.Context())
	for _, c := range []struct {
		from, host, method, path, body string
		want                           int
	}{
		{"192.0.2.7:50000", "demo.example", "GET", console.Path + "api/snapshot", "", 200},
		{"192.0.2.7:50000", "demo.example", "GET", console.Path + "api/outbox", "", 404},
		{"192.0.2.7:50000", "demo.example", "GET", console.Path + "outbox/1/html", "", 404},
		{"192.0.2.7:50000", "demo.example", "POST", console.Path + "api/change", `{"mode":"open"}`, 403},
		{"192.0.2.7:50000", "demo.example", "POST", console.Path + "api/canary", `{"do":"look","address":"ann@example.org"}`, 404},
		{"192.0.2.7:50000", "localhost:8080", "POST", console.Path + "api/change", `{"mode":"open"}`, 403},
		{"192.0.2.7:50000", "demo.example", "GET", gate.Room + "/en/", "", 200},
		{"127.0.0.1:50000", "localhost:8080", "GET", console.Path + "api/outbox", "", 200},
		{"127.0.0.1:50000", "localhost:8080", "POST", console.Path + "api/change", `{"mode":"open"}`, 200},
	} {
		r := httptest.NewRequest(c.method, "http://"+c.host+c.path, strings.NewReader(c.body))
		r.RemoteAddr = c.from
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		in.Handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s from %s as %s: %d, want %d (%s)", c.method, c.path, c.from, c.host, w.Code, c.want, http.StatusText(w.Code))
		}
	}
}

// TestAnInstanceThatKeepsFallingKeepsItsTime: however often it starts again within
// a minute, with somebody who joins each time, its clock does not run away from the
// codes that are out.
func TestAnInstanceThatKeepsFallingKeepsItsTime(t *testing.T) {
	t.Parallel()
	dir, wall := t.TempDir(), noon
	for i := range 20 {
		wall = wall.Add(2 * time.Second)
		in, err := New(Config{Story: Alone(wall), Origin: "http://localhost:8080", Repeatable: true, Now: func() time.Time { return wall }, Data: dir})
		if err != nil {
			t.Fatal(err)
		}
		if ahead := in.clock.Now().Sub(wall); ahead > 0 {
			t.Fatalf("start %d: the clock is %s ahead", i, ahead)
		}
		address, err := email.Parse(fmt.Sprintf("person%d@example.org", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.store.Join(t.Context(), waitlist.Signup{Key: in.keys.Mailbox(address.Mailbox()), Address: address, Language: "en", At: wall}); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
