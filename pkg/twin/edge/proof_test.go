package edge

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

// proof is a ring, and a gate at admit 0 with a strict path, at noon.
func proof(t *testing.T) (*Edge, *bypass.Keyring, gate.Gate) {
	t.Helper()
	ring, err := bypass.ParseKeyring([]byte(`{"root":"a root of a test of the edge, which no stack has"}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Options{Now: func() time.Time { return fuzzNow }, Store: NewStore(func() time.Time { return fuzzNow }, 0), Failure: gate.FailHold})
	if err != nil {
		t.Fatal(err)
	}
	g := gate.Gate{
		Mode: gate.Hold, Salt: ring.DailySalt(fuzzNow), Keys: ring.PassKeys(fuzzNow),
		Settings: gate.Settings{Languages: []string{"en"}, LeaveAlone: []string{"/api/public/"}, Strict: []string{"/account/"}, PassLife: time.Hour, Sample: 10},
	}
	return e, ring, g
}

var whole = flag.Bool("whole", false, "try each proof as often as it promises, as make test-edge does")

// often is how often a proof tries: n times under -whole, and else a twentieth of
// it.
func often(n int) int {
	if *whole {
		return n
	}
	return n / 20
}

// mutate changes a text here and there: a byte, a part cut off or doubled, another
// case, a digit more or less, something before or behind.
func mutate(r *rand.Rand, s string) string {
	const alphabet = "ABCXYZabcxyz0123456789-_.~%= ;\x00é"
	i := r.IntN(len(s))
	switch r.IntN(8) {
	case 0:
		return s[:i]
	case 1:
		return s + string(alphabet[r.IntN(len(alphabet))])
	case 2:
		return string(alphabet[r.IntN(len(alphabet))]) + s
	case 3:
		return s[:i] + s[i+1:]
	case 4:
		return strings.ToUpper(s)
	case 5:
		return s[:i] + s[:i]
	default:
		return s[:i] + string(alphabet[r.IntN(len(alphabet))]) + s[i+1:]
	}
}

// TestNoPassNoStrictPath mutates good requests a million times: the MAC, expiry,
// kind, key and version of the pass, doubled cookies, methods, headers, and the
// spelling of the path. Without a good pass none gets through a strict path, and
// the same request with one always does. throttle.js sees one in 200 of them;
// TestVectors and FuzzTwin hold the twin in Go to it.
func TestNoPassNoStrictPath(t *testing.T) {
	t.Parallel()
	e, ring, g := proof(t)
	known := gate.Known{Gate: &g, Failure: gate.FailHold}
	doc, err := g.Encode()
	if err != nil {
		t.Fatal(err)
	}
	v1, err := ring.MintPass(bypass.Redeemed, "AbC_-9", fuzzNow.Add(-20*time.Minute), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	v2, err := g.Keys.Mint(bypass.NewPass(bypass.Drawn, "AbC_-9", fuzzNow.Add(-20*time.Minute), time.Hour), fuzzNow)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := g.Keys.Mint(bypass.NewPass(bypass.Drawn, "AbC_-9", fuzzNow.Add(-time.Hour), time.Hour), fuzzNow)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{"/account/", "/account/orders", "/Account/orders", "/ACCOUNT/", "//account/", "/x/../account/", "/x/%2e%2e/account/", "/account%2forders", "/%61ccount/", "/./account/", "/\\account/", "/api/public/../../account/", "/waiting-room/../account/", "/.well-known/..%2faccount/", "/account/" + strings.Repeat("a", 2000)}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "TRACE"}
	dests := []string{"", "document", "empty", "image", "iframe", "script", "nonsense"}
	accepts := []string{"", "*/*", "text/html", "application/json", "image/png,*/*"}
	n := often(1_000_000)
	r := rand.New(rand.NewPCG(13, 41))
	pick := func(of []string) string { return of[r.IntN(len(of))] }
	for i := range n {
		q := gate.Request{
			ID: fmt.Sprint("request", i), IP: "192.0.2.1", UserAgent: "browser", Method: pick(methods), Path: pick(paths),
			FetchDest: pick(dests), FetchMode: pick([]string{"", "navigate", "cors", "no-cors"}), Accept: pick(accepts),
		}
		good := pick([]string{v1, v2})
		for range r.IntN(4) {
			switch bad := mutate(r, pick([]string{v1, v2, expired})); {
			case bad == v1, bad == v2:
			default:
				q.Passes = append(q.Passes, bad)
			}
		}
		with := q
		with.Passes = append([]string{good}, q.Passes...)
		out, in := known.Decide(q, fuzzNow), known.Decide(with, fuzzNow)
		if out.Outcome != gate.Refused || in.Outcome != gate.Returning {
			t.Fatalf("%+v is %s without a pass, and %s with one", q, out.Outcome, in.Outcome)
		}
		if i%200 == 0 {
			for request, verdict := range map[*gate.Request]gate.Verdict{&q: out, &with: in} {
				a, err := e.request(fromFacts(*request), documents{gate: doc})
				if err == nil {
					err = a.differs(*request, verdict)
				}
				if err != nil {
					t.Fatalf("%+v: %v", *request, err)
				}
			}
		}
	}
}

// TestNobodyAtWorkIsTurnedOut plays ten thousand sessions while nobody new comes
// in: pages, forms, drafts and fetches in several tabs, with images between them,
// and answers of the site that fail. Whoever makes no longer pause than half a
// pass's life after something that the site answered below 400 stays in for the
// day.
func TestNobodyAtWorkIsTurnedOut(t *testing.T) {
	t.Parallel()
	_, ring, g := proof(t)
	known := gate.Known{Gate: &g}
	r := rand.New(rand.NewPCG(42, 65))
	sessions := often(10_000)
	for s := range sessions {
		start := fuzzNow.Add(time.Duration(r.IntN(86400)) * time.Second)
		pass, err := g.Keys.Mint(bypass.NewPass(bypass.Drawn, "x", start, g.PassLife), start)
		if s%2 == 0 {
			// Somebody who was invited has a pass of version 1.
			pass, err = ring.MintPass(bypass.Redeemed, "x", start, g.PassLife)
		}
		if err != nil {
			t.Fatal(err)
		}
		now, last := start, start
		for n := 0; ; n++ {
			pause := time.Duration(r.Int64N(int64(g.PassLife / 2)))
			if r.IntN(3) == 0 {
				pause = g.PassLife / 2
			}
			now = last.Add(pause).Truncate(time.Second)
			if now.Sub(start) >= bypass.MaxPassLife {
				break
			}
			failed := r.IntN(5) == 0
			q := gate.Request{ID: fmt.Sprint("s", s, "n", n), IP: "192.0.2.1", UserAgent: "browser", Method: "GET", Path: "/apply", Passes: []string{pass}}
			switch r.IntN(5) {
			case 0:
				q.FetchDest, q.FetchMode = "document", "navigate"
			case 1:
				q.Method, q.FetchDest, q.FetchMode = "POST", "document", "navigate"
			case 2:
				q.FetchDest, q.FetchMode, q.Path = "empty", "cors", "/drafts"
			case 3:
				q.Method, q.FetchDest, q.FetchMode, q.Path = "PUT", "empty", "cors", "/account/drafts"
			case 4:
				q.FetchDest, q.FetchMode = "iframe", "navigate"
			}
			v := known.Decide(q, now)
			page := q
			page.Method, page.FetchDest, page.FetchMode = "GET", "document", "navigate"
			if o := known.Decide(page, now).Outcome; v.Outcome == gate.TurnedAway || v.Outcome == gate.Refused || o != gate.Returning {
				t.Fatalf("session %d: %s after %v, %v after the last answer below 400: %+v", s, o, now.Sub(start), now.Sub(last), q)
			}
			// Past 400 remember.js does not run, and the pause goes on.
			if !failed {
				last = now
				if v.Cookie != "" {
					pass = v.Pass()
				}
			}
			if failed && now.Sub(last) >= g.PassLife/2 {
				last = now
				if f := known.Decide(page, now); f.Cookie != "" {
					pass = f.Pass()
				}
			}
		}
	}
}

// TestManyNamesDrawManyTimes measures what the throttle does not stop, for
// docs/security.md: a robot with another browser name for each try is in after as
// many tries as the share says, and each is counted.
func TestManyNamesDrawManyTimes(t *testing.T) {
	t.Parallel()
	_, _, g := proof(t)
	g.Mode, g.Admit, g.Until, g.Sample = gate.Throttle, 0.05, fuzzNow.Add(10*time.Minute), 1
	known := gate.Known{Gate: &g}
	const robots = 4000
	tries, counted := 0, 0
	for robot := range robots {
		for n := 0; ; n++ {
			v := known.Decide(gate.Request{ID: fmt.Sprint("try-", n), IP: "192.0.2.1", UserAgent: fmt.Sprint("robot ", robot, " name ", n), Method: "GET", FetchDest: "document", Path: "/apply"}, fuzzNow)
			tries++
			counted += v.Visitors
			if v.Cookie != "" {
				break
			}
		}
	}
	mean := float64(tries) / robots
	t.Logf("%d robots at a share of %v: a pass after %.1f tries on average", robots, g.Admit, mean)
	if mean < 18.5 || mean > 21.5 {
		t.Errorf("a pass after %.1f tries on average, and 1 in 20 is let in", mean)
	}
	if counted != tries {
		t.Errorf("%d of %d tries were counted", counted, tries)
	}
	g.Mode, g.Admit = gate.Hold, 0
	if v := (gate.Known{Gate: &g}).Decide(gate.Request{ID: "id", UserAgent: "another name", Method: "GET", FetchDest: "document", Path: "/apply"}, fuzzNow); v.Outcome != gate.TurnedAway {
		t.Errorf("in a hold a robot is %s", v.Outcome)
	}
}

// TestWhoStartsAVisit is the headers that browsers and programs really send, for
// each kind of request: only pages start a visit. What is wrong here, and cannot
// be told, is in docs/security.md.
func TestWhoStartsAVisit(t *testing.T) {
	t.Parallel()
	_, _, g := proof(t)
	known := gate.Known{Gate: &g}
	kinds := []struct{ name, path string }{{"page", "/apply"}, {"image", "/logo.png"}, {"style", "/site.css"}, {"script", "/app.js"}, {"font", "/text.woff2"}, {"fetch", "/data"}}
	// The Accept of each kind, in that order; "-" is none.
	for client, accept := range map[string][6]string{
		"Safari 12 to 16.3":       {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "text/css,*/*;q=0.1", "*/*", "*/*", "*/*"},
		"Firefox before 90":       {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", "image/webp,*/*", "text/css,*/*;q=0.1", "*/*", "application/font-woff2;q=1.0,application/font-woff;q=0.9,*/*;q=0.8", "*/*"},
		"Chrome before 76":        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,image/apng,*/*;q=0.8", "image/webp,image/apng,image/*,*/*;q=0.8", "text/css,*/*;q=0.1", "*/*", "*/*", "*/*"},
		"axios in an old browser": {"text/html", "image/webp,*/*", "text/css,*/*;q=0.1", "*/*", "*/*", "application/json, text/plain, */*"},
		"curl and wget":           {"*/*", "*/*", "*/*", "*/*", "*/*", "*/*"},
		"python-requests":         {"*/*", "*/*", "*/*", "*/*", "*/*", "application/json"},
		"Go and okhttp":           {"-", "-", "-", "-", "-", "-"},
	} {
		for i, kind := range kinds {
			q := gate.Request{ID: "id", IP: "192.0.2.1", UserAgent: client, Method: "GET", Path: kind.path, Accept: strings.TrimPrefix(accept[i], "-")}
			// What does not say what it is is a page, but for an asset's name.
			want := kind.name == "page" || kind.name == "fetch" && (accept[i] == "-" || accept[i] == "*/*")
			if got := known.Decide(q, fuzzNow).Outcome == gate.TurnedAway; got != want {
				t.Errorf("%s, %s: starts a visit: %v, want %v", client, kind.name, got, want)
			}
		}
	}
	const page, alone, later = gate.TurnedAway, gate.Alone, gate.Later
	for kind, c := range map[string]struct {
		method, dest, mode, purpose, socket string
		want                                gate.Outcome
	}{
		"page":                            {"GET", "document", "navigate", "", "", page},
		"page, its head alone":            {"HEAD", "document", "navigate", "", "", page},
		"page by way of a service worker": {"GET", "empty", "navigate", "", "", page},
		"file to be saved":                {"GET", "empty", "navigate", "", "", alone},
		"page in Chrome 76 to 79":         {"GET", "", "navigate", "", "", page},
		"image":                           {"GET", "image", "no-cors", "", "", alone},
		"style":                           {"GET", "style", "no-cors", "", "", alone},
		"script":                          {"GET", "script", "cors", "", "", alone},
		"font":                            {"GET", "font", "cors", "", "", alone},
		"part of a film (Range)":          {"GET", "video", "no-cors", "", "", alone},
		"manifest":                        {"GET", "manifest", "cors", "", "", alone},
		"worker's script":                 {"GET", "serviceworker", "same-origin", "", "", alone},
		"fetch":                           {"GET", "empty", "cors", "", "", alone},
		"frame":                           {"GET", "iframe", "navigate", "", "", alone},
		"fenced frame":                    {"GET", "fencedframe", "navigate", "", "", alone},
		"form that a payment sends back":  {"POST", "document", "navigate", "", "", alone},
		"preflight":                       {"OPTIONS", "empty", "cors", "", "", alone},
		"page fetched ahead":              {"GET", "document", "navigate", "prefetch", "", later},
		"page fetched ahead by a proxy":   {"GET", "document", "navigate", "prefetch;anonymous-client-ip", "", later},
		"page shown ahead":                {"GET", "document", "navigate", "prefetch;prerender", "", later},
		"page that a link asks to fetch":  {"GET", "empty", "no-cors", "prefetch", "", later},
		"WebSocket of Chrome":             {"GET", "", "", "", "dGhlIHNhbXBsZQ==", alone},
		"WebSocket of Firefox":            {"GET", "empty", "websocket", "", "dGhlIHNhbXBsZQ==", alone},
		"WebSocket with a destination of its own": {"GET", "websocket", "websocket", "", "dGhlIHNhbXBsZQ==", alone},
	} {
		q := gate.Request{ID: "id", IP: "192.0.2.1", UserAgent: "browser", Method: c.method, Path: "/apply", Accept: "*/*", FetchDest: c.dest, FetchMode: c.mode, Purpose: c.purpose, WebSocketKey: c.socket}
		switch {
		case c.socket != "", kind == "file to be saved":
			q.Accept = ""
		case c.mode == "navigate":
			q.Accept = "text/html,application/xhtml+xml,*/*;q=0.8"
		}
		if got := known.Decide(q, fuzzNow).Outcome; got != c.want {
			t.Errorf("a browser of today, %s: %s, want %s", kind, got, c.want)
		}
	}
}
