//go:build browser

package browser

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// room is a waiting room alone, with a site of one page beside it, whose faults
// and switches are in the test's hand.
type room struct {
	origin, foreign string
	handler         http.Handler // what is served at origin
	store           *store.Store
	probe           *twin.Probe
	keys            *bypass.Keyring

	mu      sync.Mutex
	ahead   time.Duration
	cut     string         // requests of this method, or to this path, end without an answer
	refused int            // the status with which the API itself answers every POST, if not 0
	carrier carrier        // the page outside of the room
	largest map[string]int // compressed bytes of a page, by path
}

// carrier is a page of the site, or of another one, that carries the form.
type carrier struct{ lang, body, policy string }

// script is a carrier with embed.js under the strictest policy that lets it in at
// all; its attributes beside src are given.
func (r *room) script(lang, attributes string) carrier {
	return carrier{
		lang:   lang,
		body:   `<script src="` + r.origin + `/waiting-room/embed.js" ` + attributes + `></script>`,
		policy: "default-src 'none'; script-src " + r.origin + "; connect-src " + r.origin + "; require-trusted-types-for 'script'; trusted-types 'none'",
	}
}

func newRoom(t *testing.T) *room {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"the root of a test, and of nothing else at all"}`))
	must(t, err)
	r := &room{probe: &twin.Probe{}, keys: keys, largest: map[string]int{}}
	r.store = &store.Store{Probe: r.probe}
	r.control(t, func(c *waitlist.Control) { c.Mode = gate.Throttle })

	foreign := httptest.NewServer(http.HandlerFunc(r.servePage))
	t.Cleanup(foreign.Close)
	server := httptest.NewUnstartedServer(nil)
	r.origin = strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	r.foreign = foreign.URL
	handler, err := intake.Service{
		Settings: intake.Settings{
			Site: "Example Benefits", Sender: "queue@example.org", PassLife: time.Hour, Origins: []string{r.origin}, Embedders: []string{r.foreign},
			Fields: []intake.Field{{Name: "state", Labels: map[string]string{"en": "State", "es": "Estado"}}},
		},
		Store: r.store, Keys: func(context.Context) (*bypass.Keyring, error) { return keys, nil }, Now: r.now,
		Viewer: func(*http.Request) string { return "one" },
	}.Handler()
	must(t, err)
	r.handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		cut, refused := q.Method == r.cut || q.URL.Path == r.cut, r.refused
		r.mu.Unlock()
		switch {
		case cut:
			panic(http.ErrAbortHandler)
		case refused != 0 && q.Method == http.MethodPost:
			// As an HTTP API answers by itself: over its rate, or over Lambda's.
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(refused)
			fmt.Fprintf(w, `{"message":%q}`, http.StatusText(refused))
		case !strings.HasPrefix(q.URL.Path, gate.Room):
			r.servePage(w, q)
		default:
			handler.ServeHTTP(&weigher{ResponseWriter: w, room: r, path: q.URL.Path}, q)
		}
	})
	server.Config.Handler = r.handler
	server.Start()
	t.Cleanup(server.Close)
	return r
}

// servePage is whatever lies outside of the room, on either host.
func (r *room) servePage(w http.ResponseWriter, _ *http.Request) {
	c := r.carrier
	w.Header().Set("Content-Security-Policy", c.policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang=%q><meta name="viewport" content="width=device-width"><title>News</title><link rel="icon" href="data:,"><main><h1>The site is busy</h1>%s</main></html>`, c.lang, c.body)
}

// weigher notes how large a page is once compressed.
type weigher struct {
	http.ResponseWriter
	room *room
	path string
}

func (w *weigher) Write(body []byte) (int, error) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		z.Write(body)
		z.Close()
		w.room.mu.Lock()
		w.room.largest[w.path] = max(w.room.largest[w.path], out.Len())
		w.room.mu.Unlock()
	}
	return w.ResponseWriter.Write(body)
}

func (r *room) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Add(r.ahead)
}

func (r *room) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead += d
}

func (r *room) cutOff(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = what
}

func (r *room) refuse(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = status
}

func (r *room) control(t *testing.T, change func(*waitlist.Control)) {
	t.Helper()
	must(t, r.store.UpdateControl(t.Context(), func(c *waitlist.Control) error { change(c); return nil }))
	r.pass(time.Minute)
}

// invited puts somebody in the line and sends them a code.
func (r *room) invited(t *testing.T, address string) string {
	t.Helper()
	code, _ := r.place(t, address)
	return code
}

func (r *room) place(t *testing.T, address string) (code, leave string) {
	t.Helper()
	a, err := email.Parse(address)
	must(t, err)
	j, err := r.store.Join(t.Context(), waitlist.Signup{Key: r.keys.Mailbox(a.Mailbox()), Address: a, Language: "en", Wanted: "/apply", At: r.now()})
	must(t, err)
	return r.invite(t, address), r.keys.LeaveToken(j.Ref.Key, j.Ref.Joining)
}

// invite sends a code to somebody who waits.
func (r *room) invite(t *testing.T, address string) (code string) {
	t.Helper()
	ctx, now := t.Context(), r.now()
	a, err := email.Parse(address)
	must(t, err)
	e, err := r.store.Entry(ctx, r.keys.Mailbox(a.Mailbox()))
	must(t, err)
	c, err := r.keys.IssueCode(now, now.Add(4*time.Hour), rand.Reader)
	must(t, err)
	p := waitlist.Place{Ref: e.Ref, Shard: e.Shard, When: e.Joined, Stage: e.Stage}
	must(t, r.store.Claim(ctx, p, now, now.Add(2*time.Minute)))
	_, err = r.store.Begin(ctx, p.NewMessage(now, now), waitlist.Ticket{Code: c, Ref: e.Ref, Invited: now, Expires: now.Add(4 * time.Hour), Wanted: e.Wanted}, now)
	must(t, err)
	return string(c)
}

// busy makes one method of the store refuse for load; none is none.
func (r *room) busy(method string) {
	r.probe.Before = func(_ context.Context, call string) error {
		if call == method {
			return waitlist.ErrBusy
		}
		return nil
	}
}
