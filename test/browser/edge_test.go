//go:build browser

package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// guarded is a small site behind the edge, with the waiting room beside it, on a
// clock that the test moves. What the edge decides is in the test's hand.
type guarded struct {
	*room
	origin string
	at     *edge.Store
	gate   gate.Gate
	seen   chan exchange
}

// exchange is a request as it came to the edge, and the status that it got.
type exchange struct {
	path, purpose, dest string
	pass                bool // whether the pass's cookie came along
	status              int
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	r := newRoom(t)
	s := &guarded{room: r, at: edge.NewStore(r.now, 0), seen: make(chan exchange, 100)}
	s.gate = gate.Gate{Salt: r.keys.DailySalt(r.now()), Keys: r.keys.PassKeys(r.now()), Settings: gate.DefaultSettings()}
	s.gate.LeaveAlone, s.gate.Strict = []string{"/news"}, []string{"/account/"}
	s.to(t, gate.Open)
	e, err := edge.New(edge.Options{Now: r.now, Store: s.at, Failure: gate.FailHold})
	must(t, err)
	front := e.Handler(s.pages())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, err := q.Cookie(bypass.CookieName)
		x := exchange{path: q.URL.Path, purpose: q.Header.Get("Sec-Purpose"), dest: q.Header.Get("Sec-Fetch-Dest"), pass: err == nil}
		noted := &noter{ResponseWriter: w}
		front.ServeHTTP(noted, q)
		x.status = noted.status
		s.seen <- x
	}))
	t.Cleanup(server.Close)
	// __Host- cookies are taken from localhost, by that name.
	s.origin = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return s
}

// noter notes the status of an answer.
type noter struct {
	http.ResponseWriter
	status int
}

func (w *noter) WriteHeader(status int) { w.status = status; w.ResponseWriter.WriteHeader(status) }

// to sets the mode at the edge.
func (s *guarded) to(t *testing.T, mode gate.Mode) {
	t.Helper()
	s.gate.Mode, s.gate.Switched = mode, s.now().Truncate(time.Second)
	_, etag, _ := s.at.Gate(t.Context())
	_, err := s.at.Update(t.Context(), &s.gate, nil, etag)
	must(t, err)
}

// pages are the site: an application with a form and its drafts, a page of news
// that is left alone and leads there, an app that changes pages by itself, and a
// payment in a frame of another host.
func (s *guarded) pages() http.Handler {
	mux := http.NewServeMux()
	page := func(pattern, title, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, `<!doctype html><html lang="en"><title>%[1]s</title><link rel="icon" href="data:,"><h1>%[1]s</h1>%[2]s`, title, body)
		})
	}
	mux.Handle(gate.Room+"/", s.room.handler)
	page("GET /apply", "Application", `<form method="post" action="/apply"><input name="answer" value="yes"><button>Send</button></form>`)
	mux.HandleFunc("POST /drafts", func(http.ResponseWriter, *http.Request) {})
	mux.Handle("POST /apply", http.RedirectHandler("/received", http.StatusSeeOther))
	page("GET /received", "Received", "")
	page("GET /news/prefetch", "News", `<link rel="prefetch" href="/apply?from=prefetch"><a href="/apply?from=prefetch">Apply</a>`)
	page("GET /news/prerender", "News", `<script type="speculationrules">{"prerender":[{"source":"list","urls":["/apply?from=prerender"],"eagerness":"immediate"}]}</script><a href="/apply?from=prerender">Apply</a>`)
	page("GET /news/app", "App", `<a href="/apply" id="next">Next</a><p id="shown">nothing yet</p><script>
		document.getElementById('next').onclick = async (click) => {
			click.preventDefault();
			const answer = await fetch('/account/data', {headers: {accept: 'application/json'}});
			const said = await answer.json();
			if (answer.status === 429) { location = said.room; return; }
			history.pushState(null, '', '/apply');
			document.getElementById('shown').textContent = said.data;
		};</script>`)
	page("GET /news/worker", "News", `<a href="/apply">Apply</a>`)
	mux.HandleFunc("GET /worker.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `onactivate = e => e.waitUntil(clients.claim()); onfetch = e => e.respondWith(fetch(e.request));`)
	})
	mux.HandleFunc("GET /account/data", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":"the next page"}`) })
	// The carrier is the bank: it leads back at once.
	mux.HandleFunc("GET /pay", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Pay</title><link rel="icon" href="data:,"><h1>Pay</h1><iframe src="%s/"></iframe>`, s.foreign)
	})
	page("GET /paid", "Paid", `<script>top.postMessage('paid', '*')</script>`)
	return mux
}

// wait waits until the edge has answered a request of that kind, and returns it.
func (s *guarded) wait(t *testing.T, what string, is func(exchange) bool) exchange {
	t.Helper()
	late := time.After(15 * time.Second)
	for {
		select {
		case x := <-s.seen:
			if is(x) {
				return x
			}
		case <-late:
			t.Fatalf("%s: the browser never asked", what)
		}
	}
}

// isAt checks which page a visitor sees, and that it took no more requests than
// that to get there.
func (s *guarded) isAt(b *tab, title, path string, requests int) {
	b.Helper()
	if got := strings.TrimPrefix(b.where(), s.origin); got != path || !strings.Contains(b.text("h1"), title) {
		b.Errorf("the visitor is at %s, %q; want %s, %q", got, b.text("h1"), path, title)
	}
	if got := b.requests(); len(got) > requests {
		b.Errorf("%s took %d requests, want at most %d: %v", path, len(got), requests, got)
	}
}

const roomTitle = "There is a line for"

// TestThroughTheEdge: what browsers do beside plain navigation, with the edge's
// code in front of a site: nobody meets the waiting room who should not, nobody
// keeps it when the site has opened, and nothing goes in circles.
func TestThroughTheEdge(t *testing.T) {
	browser := chromium(t, "")
	for kind, purpose := range map[string]string{"prefetch": "prefetch", "prerender": "prefetch;prerender"} {
		t.Run(kind+" while nobody comes in", func(t *testing.T) {
			s := newGuarded(t)
			s.to(t, gate.Hold)
			b := visitor(t, browser, "en", "Reader", true)
			b.open(s.origin + "/news/" + kind)
			ahead := s.wait(t, kind, func(x exchange) bool { return x.path == "/apply" && x.purpose == purpose })
			if ahead.status != http.StatusServiceUnavailable {
				t.Errorf("what is fetched ahead is answered %d, want 503", ahead.status)
			}
			s.to(t, gate.Open)
			b.press("a")
			// The browser may count what it fetched ahead among the requests of this tab.
			s.isAt(b, "Application", "/apply?from="+kind, 2)
		})
	}

	t.Run("a payment comes back in a frame", func(t *testing.T) {
		s := newGuarded(t)
		b := visitor(t, browser, "en", "Buyer", true)
		s.carrier = carrier{lang: "en", policy: "script-src 'unsafe-inline'", body: `<script>location = "` + s.origin + `/paid"</script>`}
		b.open(s.origin + "/pay")
		s.to(t, gate.Hold)
		must(t, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](`window.paid = new Promise(resolve => onmessage = e => resolve(e.data)); document.querySelector('iframe').src += '?again'`)))
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`Promise.race([paid, new Promise(resolve => setTimeout(resolve, 10000, 'nothing'))])`, chromedp.EvalAwaitPromise))
		must(t, err)
		if got != "paid" {
			t.Errorf("the frame showed %q", got)
		}
		// A pass is not sent where another site leads, in a frame.
		if x := s.wait(t, "the frame", func(x exchange) bool { return x.path == "/paid" && x.dest == "iframe" }); x.status != http.StatusOK || x.pass {
			t.Errorf("the frame is answered %d, with a pass: %v", x.status, x.pass)
		}
	})

	t.Run("a form of 65 minutes", func(t *testing.T) {
		s := newGuarded(t)
		diligent, idle := visitor(t, browser, "en", "Diligent", true), visitor(t, browser, "en", "Idle", true)
		for _, b := range []*tab{diligent, idle} {
			b.open(s.origin + "/apply")
			s.isAt(b, "Application", "/apply", 1)
		}
		s.to(t, gate.Hold)
		for range 13 {
			s.pass(5 * time.Minute)
			status, err := chromedp.Run(diligent.ctx, chromedp.Evaluate[int](`fetch('/drafts', {method: 'POST', body: 'draft'}).then(r => r.status)`, chromedp.EvalAwaitPromise))
			must(t, err)
			if status != http.StatusOK {
				t.Fatalf("a draft is answered %d", status)
			}
		}
		diligent.press("button")
		s.isAt(diligent, "Received", "/received", 2)
		// Who did nothing for an hour is turned away after sending, once.
		idle.press("button")
		s.isAt(idle, roomTitle, "/waiting-room/en/?to=%2Freceived", 3)
	})

	t.Run("a service worker passes a page on", func(t *testing.T) {
		s := newGuarded(t)
		s.to(t, gate.Hold)
		b := visitor(t, browser, "en", "Again", true)
		b.open(s.origin + "/news/worker")
		must(t, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](`navigator.serviceWorker.register('/worker.js').then(() => new Promise(resolve => navigator.serviceWorker.controller ? resolve() : navigator.serviceWorker.oncontrollerchange = resolve))`, chromedp.EvalAwaitPromise)))
		b.press("a")
		if x := s.wait(t, "the page", func(x exchange) bool { return x.path == "/apply" }); x.dest != "empty" || x.status != http.StatusFound {
			t.Errorf("a page by way of a service worker has the destination %s, and is answered %d", x.dest, x.status)
		}
		s.isAt(b, roomTitle, "/waiting-room/en/?to=%2Fapply", 4)
	})

	t.Run("a WebSocket starts no visit", func(t *testing.T) {
		s := newGuarded(t)
		s.to(t, gate.Hold)
		b := visitor(t, browser, "en", "Listener", true)
		b.open(s.origin + "/news/worker")
		must(t, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](`void new WebSocket(location.origin.replace('http', 'ws') + '/live')`)))
		// The site has no such path.
		if x := s.wait(t, "the handshake", func(x exchange) bool { return x.path == "/live" }); x.status != http.StatusNotFound {
			t.Errorf("a handshake is answered %d by the edge", x.status)
		}
	})

	t.Run("an app that changes pages by itself", func(t *testing.T) {
		s := newGuarded(t)
		inside := visitor(t, browser, "en", "Inside", true)
		inside.open(s.origin + "/apply")
		s.to(t, gate.Hold)
		inside.open(s.origin + "/news/app")
		shown := chromedp.Evaluate[string](`(async () => { document.getElementById('next').click(); while (document.getElementById('shown').textContent === 'nothing yet') await new Promise(r => setTimeout(r, 10)); return location.pathname + ' ' + document.getElementById('shown').textContent })()`, chromedp.EvalAwaitPromise)
		if got, err := chromedp.Run(inside.ctx, shown); err != nil || got != "/apply the next page" {
			t.Errorf("somebody with a pass sees %q, %v", got, err)
		}
		outside := visitor(t, browser, "en", "Outside", true)
		outside.open(s.origin + "/news/app")
		outside.press("#next")
		s.isAt(outside, roomTitle, "/waiting-room/en/", 2)
	})
}

// TestThroughTheEdgeWithoutCookies: each page is decided for itself, and nothing
// goes in circles.
func TestThroughTheEdgeWithoutCookies(t *testing.T) {
	s := newGuarded(t)
	b := prepare(t, chromium(t, `{"profile":{"default_content_setting_values":{"cookies":2}}}`), "en", "No cookies", true)
	for range 2 {
		b.open(s.origin + "/apply")
		s.isAt(b, "Application", "/apply", 1)
	}
	s.to(t, gate.Hold)
	b.press("button")
	s.isAt(b, roomTitle, "/waiting-room/en/?to=%2Freceived", 3)
	for range 2 {
		b.open(s.origin + "/apply?step=2")
		s.isAt(b, roomTitle, "/waiting-room/en/?to=%2Fapply%3Fstep%3D2", 2)
	}
	s.to(t, gate.Open)
	b.open(s.origin + "/apply?step=2")
	s.isAt(b, "Application", "/apply?step=2", 1)
}
