package edge_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const secret = `{"root":"a root of a test stack, not a real one"}`

func keyring(tb testing.TB) *bypass.Keyring {
	tb.Helper()
	k, err := bypass.ParseKeyring([]byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// world is an edge in front of a site, with a clock that stands where it is put.
type world struct {
	tb    testing.TB
	now   time.Time
	keys  *bypass.Keyring
	store *edge.Store
	edge  *edge.Edge
	// site is what the visitor finds; the last request that reached it is in got.
	site http.HandlerFunc
	got  *http.Request
	url  string
}

func newWorld(tb testing.TB, change func(*edge.Options)) *world {
	w := &world{tb: tb, now: noon, keys: keyring(tb)}
	now := func() time.Time { return w.now }
	w.store = edge.NewStore(now, 0)
	o := edge.Options{Now: now, Store: w.store, Failure: gate.FailOpen, ForwardedFor: true}
	if change != nil {
		change(&o)
	}
	var err error
	if w.edge, err = edge.New(o); err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(w.edge.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.got = r
		if w.site != nil {
			w.site(rw, r)
		}
	})))
	tb.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) gate(change func(*gate.Gate)) {
	w.tb.Helper()
	g := gate.Gate{
		Mode: gate.Throttle, Admit: 0.5, Salt: w.keys.DailySalt(noon), Until: w.now.Add(10 * time.Minute),
		Settings: gate.DefaultSettings(), Keys: w.keys.PassKeys(w.now),
	}
	g.Sample = 1
	if change != nil {
		change(&g)
	}
	doc, err := g.Encode()
	if err != nil {
		w.tb.Fatal(err)
	}
	w.put(gate.Key, doc)
}

func (w *world) base(failure gate.Failure, stale float64) {
	w.tb.Helper()
	b := gate.Base{
		Mode: gate.Throttle, Salt: w.keys.DailySalt(noon), Failure: failure, Stale: stale,
		Settings: gate.DefaultSettings(), Keys: w.keys.PassKeys(w.now),
	}
	doc, err := b.Encode()
	if err != nil {
		w.tb.Fatal(err)
	}
	w.put(gate.BaseKey, doc)
}

func (w *world) put(key string, doc []byte) {
	w.tb.Helper()
	_, etag, _ := w.store.Get(context.Background(), key)
	if _, err := w.store.Put(context.Background(), key, doc, etag); err != nil {
		w.tb.Fatal(err)
	}
}

// get asks as a browser does that opens a page.
func (w *world) get(path string, change func(*http.Request)) *http.Response {
	w.tb.Helper()
	r, err := http.NewRequest("GET", w.url+path, nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("User-Agent", "test browser")
	if change != nil {
		change(r)
	}
	w.got = nil
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.tb.Fatal(err)
	}
	res.Body.Close()
	return res
}

// from sets the client's address; unlucky and lucky are two of which the first
// draws above 0.5 and the second below 0.1.
func from(ip string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("X-Forwarded-For", ip) }
}

func (w *world) lucky() string   { return w.address(func(d float64) bool { return d < 0.04 }) }
func (w *world) unlucky() string { return w.address(func(d float64) bool { return d > 0.5 }) }

func (w *world) address(fits func(float64) bool) string {
	for i := range 256 {
		ip := "192.0.2." + itoa(i)
		if fits(gate.Draw(w.keys.DailySalt(noon), ip, "test browser")) {
			return ip
		}
	}
	w.tb.Fatal("no address draws like that")
	return ""
}

func itoa(i int) string { return strconv.Itoa(i) }

// in and out say where a visitor ended up.
func (w *world) in(res *http.Response) bool  { return res.StatusCode == 200 && w.got != nil }
func (w *world) out(res *http.Response) bool { return res.StatusCode == 302 && w.got == nil }

func passOf(res *http.Response) string {
	for _, c := range res.Cookies() {
		if c.Name == bypass.CookieName {
			return c.Value
		}
	}
	return ""
}

func withPass(ip, pass string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", ip)
		r.Header.Set("Cookie", bypass.CookieName+"="+pass)
	}
}

// TestDayAtTheDoor is the story of one visitor, from full to let in to home.
func TestDayAtTheDoor(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	ann := w.unlucky()

	res := w.get("/apply?state=OH", from(ann))
	if !w.out(res) || res.Header.Get("Location") != "/waiting-room/en/?to=%2Fapply%3Fstate%3DOH" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("a full site: %d %v", res.StatusCode, res.Header)
	}
	for range 3 {
		if res := w.get("/apply", from(ann)); !w.out(res) {
			t.Fatal("reloading helped")
		}
	}
	if res := w.get("/waiting-room/en/?to=%2Fapply", from(ann)); !w.in(res) || len(res.Cookies()) != 0 {
		t.Fatalf("the room: %d, cookies %v", res.StatusCode, res.Cookies())
	}

	w.gate(func(g *gate.Gate) { g.Admit = 1 })
	res = w.get("/apply", from(ann))
	pass := passOf(res)
	if !w.in(res) || pass == "" {
		t.Fatalf("room again: %d, pass %q", res.StatusCode, pass)
	}
	c := res.Cookies()[0]
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 || c.RawExpires != "" {
		t.Errorf("the cookie: %+v", c)
	}
	if p, err := w.keys.VerifyPass(pass, w.now); err != nil || p.Kind != bypass.Drawn {
		t.Errorf("Go does not know the pass of the edge: %+v, %v", p, err)
	}

	w.gate(func(g *gate.Gate) { g.Mode, g.Admit = gate.Hold, 0 })
	res = w.get("/apply/2", withPass(ann, pass))
	if !w.in(res) || passOf(res) != "" {
		t.Fatalf("with a pass, in a hold: %d", res.StatusCode)
	}
	if got := w.got.Header.Get("Cookie"); got != "" {
		t.Errorf("the site sees the pass: %q", got)
	}

	w.now = w.now.Add(40 * time.Minute)
	w.gate(func(g *gate.Gate) { g.Mode, g.Admit = gate.Hold, 0 })
	res = w.get("/apply/3", withPass(ann, pass))
	if fresh := passOf(res); !w.in(res) || fresh == "" || fresh == pass {
		t.Errorf("past half of its life: %d, pass %q", res.StatusCode, fresh)
	}
	w.now = w.now.Add(21 * time.Minute)
	w.gate(func(g *gate.Gate) { g.Mode, g.Admit = gate.Hold, 0 })
	if res := w.get("/apply/4", withPass(ann, pass)); !w.out(res) {
		t.Errorf("a pass whose time is over, in a hold: %d", res.StatusCode)
	}
}

// TestInvited is a pass that intake signed, at the edge.
func TestInvited(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(func(g *gate.Gate) { g.Admit = 0 })
	// Intake's clock may be five minutes off, either way (docs/faults.md, row 42).
	for _, skew := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		pass, err := w.keys.MintPass(bypass.Redeemed, "someone", w.now.Add(skew), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if res := w.get("/apply", withPass("192.0.2.9", pass)); !w.in(res) {
			t.Errorf("with intake %v ahead: %d", skew, res.StatusCode)
		}
	}
}

// TestKeyRotatedMidWave is docs/faults.md, row 43: the rotation reaches intake, then the edge,
// and nobody with a pass notices.
func TestKeyRotatedMidWave(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(func(g *gate.Gate) { g.Admit = 0 })
	mint := func() string {
		pass, err := w.keys.MintPass(bypass.Redeemed, "someone", w.now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return pass
	}
	before := mint()
	doc, err := w.keys.Rotate(w.now, strings.NewReader(strings.Repeat("not so random ", 9)))
	if err != nil {
		t.Fatal(err)
	}
	if w.keys, err = bypass.ParseKeyring(doc); err != nil {
		t.Fatal(err)
	}
	// Intake has the new ring, the edge not yet.
	between := mint()
	for name, pass := range map[string]string{"made before": before, "made meanwhile": between} {
		if res := w.get("/apply", withPass("192.0.2.9", pass)); !w.in(res) {
			t.Errorf("a pass %s, at an edge that does not know the rotation: %d", name, res.StatusCode)
		}
	}
	w.gate(func(g *gate.Gate) { g.Admit = 0 })
	w.now = w.now.Add(bypass.RotationLead)
	after := mint()
	if after[:3] == between[:3] || between[:3] != before[:3] {
		t.Fatalf("signed with %s, %s, %s", before[:3], between[:3], after[:3])
	}
	for name, pass := range map[string]string{"made before": before, "made meanwhile": between, "made after": after} {
		if res := w.get("/apply", withPass("192.0.2.9", pass)); !w.in(res) {
			t.Errorf("a pass %s, after the rotation: %d", name, res.StatusCode)
		}
	}
}

// TestWhenTheStoreSaysNothing is docs/faults.md, row 43 and docs/design.md, decision 3: each document missing,
// both, the store lost, with either setting, for visitors with and without a
// pass. The site answers in every one of them.
func TestWhenTheStoreSaysNothing(t *testing.T) {
	const in, out = true, false
	for _, c := range []struct {
		name                   string
		faults                 edge.Faults
		base                   gate.Failure
		constant               gate.Failure
		lucky, unlucky, holder bool
	}{
		{"a good day", edge.Faults{}, gate.FailHold, gate.FailHold, in, out, in},
		{"no base, which nobody reads", edge.Faults{BaseMissing: true}, gate.FailHold, gate.FailHold, in, out, in},
		{"no gate, the base opens", edge.Faults{GateMissing: true}, gate.FailOpen, gate.FailHold, in, in, in},
		{"no gate, the base holds at the stale share", edge.Faults{GateMissing: true}, gate.FailHold, gate.FailOpen, in, out, in},
		{"neither, open was deployed", edge.Faults{GateMissing: true, BaseMissing: true}, gate.FailHold, gate.FailOpen, in, in, in},
		{"neither, hold was deployed", edge.Faults{GateMissing: true, BaseMissing: true}, gate.FailOpen, gate.FailHold, out, out, in},
		{"the store is not there, open was deployed", edge.Faults{StoreLost: true}, gate.FailHold, gate.FailOpen, in, in, in},
		{"the store is not there, hold was deployed", edge.Faults{StoreLost: true}, gate.FailOpen, gate.FailHold, out, out, in},
		{"crypto throws, open was deployed", edge.Faults{CryptoLost: true}, gate.FailHold, gate.FailOpen, in, in, in},
		{"crypto throws, hold was deployed", edge.Faults{CryptoLost: true}, gate.FailHold, gate.FailHold, out, out, in},
	} {
		w := newWorld(t, func(o *edge.Options) { o.Failure = c.constant })
		w.gate(nil)
		w.base(c.base, 0.05)
		pass, err := w.keys.MintPass(bypass.Redeemed, "someone", w.now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		w.edge.SetFaults(c.faults)
		for who, visit := range map[string]struct {
			change func(*http.Request)
			want   bool
		}{"a lucky one": {from(w.lucky()), c.lucky}, "an unlucky one": {from(w.unlucky()), c.unlucky}, "a holder": {withPass(w.unlucky(), pass), c.holder}} {
			res := w.get("/apply", visit.change)
			if w.in(res) == w.out(res) || w.in(res) != visit.want {
				t.Errorf("%s: %s: %d", c.name, who, res.StatusCode)
			}
		}
		// Losing the store must not lose what somebody typed, or the room.
		for _, path := range []string{"/waiting-room/en/", "/apply"} {
			if res := w.get(path, func(r *http.Request) { r.Method = "POST"; from(w.unlucky())(r) }); !w.in(res) {
				t.Errorf("%s: a POST to %s: %d", c.name, path, res.StatusCode)
			}
		}
	}
}

// TestUnreadableGate is a document that somebody broke by hand.
func TestUnreadableGate(t *testing.T) {
	for _, doc := range []string{"", "{", "null", "[]", `"open"`, `{"mode":"shut"}`, `{"mode":"hold"}`, "\x00"} {
		w := newWorld(t, nil)
		w.base(gate.FailHold, 0.05)
		w.put(gate.Key, []byte(doc))
		if res := w.get("/apply", from(w.lucky())); !w.in(res) {
			t.Errorf("gate %q, a lucky one: %d", doc, res.StatusCode)
		}
		if res := w.get("/apply", from(w.unlucky())); !w.out(res) {
			t.Errorf("gate %q, an unlucky one: %d", doc, res.StatusCode)
		}
	}
}

// TestBeforeTheFirstTick is a stack that was just deployed: there is nothing in
// the store, and the edge is open.
func TestBeforeTheFirstTick(t *testing.T) {
	w := newWorld(t, nil)
	if res := w.get("/apply", from(w.unlucky())); !w.in(res) || len(res.Cookies()) != 0 {
		t.Errorf("%d, cookies %v", res.StatusCode, res.Cookies())
	}
}

// TestFunctionsThatFail is what CloudFront makes of other people's functions, or
// of ours with the try taken out: 502 for the whole site.
func TestFunctionsThatFail(t *testing.T) {
	for name, o := range map[string]edge.Options{
		"it throws":                             {Throttle: `function handler(event) { throw new Error('no'); }`},
		"it rejects":                            {Throttle: `async function handler(event) { throw new Error('no'); }`},
		"it never answers":                      {Throttle: `async function handler(event) { await new Promise(() => {}); return event.request; }`},
		"it answers nothing":                    {Throttle: `function handler(event) {}`},
		"it sets Via":                           {Throttle: `function handler(event) { event.request.headers['x-edge-location'] = { value: 'x' }; return event.request; }`},
		"it writes in capitals":                 {Throttle: `function handler(event) { event.request.headers['X-Thing'] = { value: 'x' }; return event.request; }`},
		"a status that is text":                 {Throttle: `function handler(event) { return { statusCode: '302' }; }`},
		"a status of a half":                    {Throttle: `function handler(event) { return { statusCode: 302.5 }; }`},
		"a status of 100":                       {Throttle: `function handler(event) { return { statusCode: 100 }; }`},
		"a header that is text":                 {Throttle: `function handler(event) { event.request.headers.x = 'y'; return event.request; }`},
		"a header of a number":                  {Throttle: `function handler(event) { event.request.headers.x = { value: 1 }; return event.request; }`},
		"a header without a value":              {Throttle: `function handler(event) { event.request.headers.x = {}; return event.request; }`},
		"a list of no objects":                  {Throttle: `function handler(event) { event.request.headers.x = { multiValue: [1] }; return event.request; }`},
		"headers that are a number":             {Throttle: `function handler(event) { event.request.headers = 7; return event.request; }`},
		"another method":                        {Throttle: `function handler(event) { event.request.method = 'POST'; return event.request; }`},
		"another host":                          {Throttle: `function handler(event) { event.request.headers.host = { value: 'x' }; return event.request; }`},
		"no host":                               {Throttle: `function handler(event) { delete event.request.headers.host; return event.request; }`},
		"it adds Via":                           {Throttle: `function handler(event) { event.request.headers.via = { value: 'x' }; return event.request; }`},
		"an answer with Via":                    {Throttle: `function handler(event) { return { statusCode: 200, headers: { via: { value: 'x' } } }; }`},
		"a header Set-Cookie":                   {Throttle: `function handler(event) { return { statusCode: 200, headers: { 'set-cookie': { value: 'x' } } }; }`},
		"a body of a number":                    {Throttle: `function handler(event) { return { statusCode: 200, body: 7 }; }`},
		"a body without its text":               {Throttle: `function handler(event) { return { statusCode: 200, body: { encoding: 'text' } }; }`},
		"no path":                               {Throttle: `function handler(event) { delete event.request.uri; return event.request; }`},
		"a cookie that is null":                 {Throttle: `function handler(event) { event.request.cookies.x = null; return event.request; }`},
		"it answers with a cookie that is null": {Remember: `function handler(event) { event.response.cookies.x = null; return event.response; }`},
		"it answers with cookies of text":       {Remember: `function handler(event) { event.response.cookies = 'x'; return event.response; }`},
		"the response one fails":                {Remember: `function handler(event) { throw new Error('no'); }`},
	} {
		w := newWorld(t, func(q *edge.Options) { q.Throttle, q.Remember = o.Throttle, o.Remember })
		w.gate(nil)
		w.site = func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("the site")) }
		if res := w.get("/apply", from(w.lucky())); res.StatusCode != 502 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	w := newWorld(t, func(o *edge.Options) {
		o.Throttle = `function handler(event) { return { statusCode: 200, body: { encoding: 'text', data: 'hello' }, cookies: { a: { value: '1', attributes: 'Path=/' } } }; }`
	})
	if res := w.get("/apply", nil); res.StatusCode != 200 || res.Header.Get("Set-Cookie") != "a=1; Path=/" || res.ContentLength != 5 {
		t.Errorf("an answer of the function's own comes as %d %v, %d bytes", res.StatusCode, res.Header, res.ContentLength)
	}
	for name, source := range map[string]string{"no handler": `const a = 1;`, "no JavaScript": `function handler( {`, "too long": "function handler(event) { return event.request; } //" + strings.Repeat("x", edge.MaxCode), "undocumented": `const a = new Map(); function handler(event) { return event.request; }`} {
		store := edge.NewStore(func() time.Time { return noon }, 0)
		if _, err := edge.New(edge.Options{Now: func() time.Time { return noon }, Store: store, Throttle: source}); err == nil {
			t.Errorf("%s was taken for a function", name)
		}
	}
}

// TestAnswersOf400 is the visitor whose page the site could not make: no cookie
// then, the same draw the next time.
func TestAnswersOf400(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	for _, status := range []int{200, 204, 301, 304, 399, 400, 404, 500, 503} {
		w.site = func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(status) }
		res := w.get("/apply", from(w.lucky()))
		if res.StatusCode != status || (passOf(res) != "") != (status < 400) {
			t.Errorf("%d: %d with the pass %q", status, res.StatusCode, passOf(res))
		}
	}
}

// TestOtherCookies is a jar full of other people's.
func TestOtherCookies(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	pass, err := w.keys.MintPass(bypass.Redeemed, "someone", w.now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.site = func(rw http.ResponseWriter, r *http.Request) {
		http.SetCookie(rw, &http.Cookie{Name: "session", Value: "new"})
		rw.Write([]byte("the site"))
	}
	for _, others := range []string{`a=1; b=2`, `a`, `=x`, `a b c`, `q="x;y"`, `__proto__=1; constructor=2; toString=3`, strings.Repeat("k=v; ", 800) + "z=1", "\xff\xfe=1"} {
		res := w.get("/apply", func(r *http.Request) { r.Header.Set("Cookie", others+"; "+bypass.CookieName+"="+pass) })
		if !w.in(res) || w.got.Header.Get("Cookie") != strings.TrimSuffix(others, "; ") {
			t.Errorf("%.40q: %d, and the site got %.40q", others, res.StatusCode, w.got.Header.Get("Cookie"))
		}
		res = w.get("/apply", func(r *http.Request) { r.Header.Set("Cookie", others); from(w.lucky())(r) })
		if !w.in(res) || passOf(res) == "" || len(res.Cookies()) != 2 {
			t.Errorf("%.40q: %d, cookies %v", others, res.StatusCode, res.Cookies())
		}
	}
}

// TestForgedHeader is somebody who sends the header by which the cookie is set.
func TestForgedHeader(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	for _, path := range []string{"/apply", "/api/x", "/waiting-room/en/", "/logo.png"} {
		for _, name := range []string{"x-raincheck", "X-Raincheck", "X-RAINCHECK"} {
			res := w.get(path, func(r *http.Request) {
				r.Header.Set("Sec-Fetch-Mode", "no-cors")
				r.Header[name] = []string{"forged; Path=/", "twice; Path=/"}
			})
			if !w.in(res) || len(res.Cookies()) != 0 || w.got.Header.Get("X-Raincheck") != "" {
				t.Errorf("%s with %s: %d, cookies %v", path, name, res.StatusCode, res.Cookies())
			}
		}
	}
}

// TestCounts is what the law gets: who came without a pass, and who of them was
// let in, by the minute.
func TestCounts(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	pass := ""
	for range 3 {
		pass = passOf(w.get("/apply", from(w.lucky())))
		w.get("/apply", from(w.unlucky()))
	}
	w.get("/apply/2", withPass(w.unlucky(), pass)) // has a pass: no new visit
	w.get("/logo.png", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "no-cors") })
	w.now = w.now.Add(time.Minute)
	w.gate(func(g *gate.Gate) { g.Mode = gate.Observe })
	if res := w.get("/apply", from(w.unlucky())); !w.in(res) {
		t.Error("observe turned somebody away")
	}
	got := w.edge.Counts().Between(noon, noon.Add(time.Hour))
	want := []edge.Count{{At: noon, Visitors: 6, Admitted: 3}, {At: noon.Add(time.Minute), Visitors: 1}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("counted %v, want %v", got, want)
	}
	if late := w.edge.Counts().Between(noon.Add(time.Minute), noon.Add(time.Minute)); len(late) != 0 {
		t.Errorf("nothing lies between a time and itself: %v", late)
	}
	// A minute that comes late goes where it belongs, and old ones go.
	c := w.edge.Counts()
	c.Add(noon.Add(-time.Minute), 5, 5)
	c.Add(noon.Add(30*time.Second), 1, 1)
	if got := c.Between(noon.Add(-time.Hour), noon.Add(time.Minute)); len(got) != 2 || got[0].Visitors != 5 || got[1].Visitors != 7 {
		t.Errorf("late counts: %v", got)
	}
	for i := range 100 {
		c.Add(noon.Add(time.Duration(i)*time.Hour), 1, 1)
	}
	if got := c.Between(time.Time{}, noon.Add(1000*time.Hour)); len(got) > 80 {
		t.Errorf("%d minutes are kept", len(got))
	}
}

// TestSampledCounts holds the estimate to its size: 1 in 10, times 10.
func TestSampledCounts(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(func(g *gate.Gate) { g.Sample = 10 })
	const n = 20_000
	for i := range n {
		w.edge.Decide(gate.Request{ID: "r" + itoa(i), IP: "192.0.2." + itoa(i%256), UserAgent: itoa(i / 256), Method: "GET", FetchMode: "navigate", Path: "/"})
	}
	got := w.edge.Counts().Between(noon, noon.Add(time.Minute))[0]
	// Five standard deviations of a sample of 1 in 10.
	if d := float64(got.Visitors - n); d > 2200 || d < -2200 || got.Visitors%10 != 0 {
		t.Errorf("%d visitors were estimated as %d", n, got.Visitors)
	}
	if share := float64(got.Admitted) / float64(got.Visitors); share < 0.44 || share > 0.56 {
		t.Errorf("half are admitted, and the sample says %v", share)
	}
}

// TestStore is the KeyValueStore's twin: half a minute to the edge, and nobody
// overwrites what he has not read.
func TestStore(t *testing.T) {
	now := noon
	s := edge.NewStore(func() time.Time { return now }, edge.Propagation)
	ctx := context.Background()
	_, etag, err := s.Gate(ctx)
	if !errors.Is(err, gate.ErrMissing) {
		t.Fatalf("an empty store: %v", err)
	}
	g := gate.Gate{Mode: gate.Open, Switched: noon}
	second, err := s.Update(ctx, &g, nil, etag)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, &g, nil, etag); !errors.Is(err, gate.ErrChanged) {
		t.Errorf("written with an old ETag: %v", err)
	}
	if got, now, err := s.Gate(ctx); err != nil || got.Mode != gate.Open || now != second {
		t.Errorf("read back: %v %s %v", got, now, err)
	}
	if s.AtEdge(gate.Key) != nil {
		t.Error("the edge has it at once")
	}
	now = now.Add(20 * time.Second)
	g.Switched = now
	if _, err := s.Update(ctx, &g, nil, second); err != nil {
		t.Fatal(err)
	}
	now = noon.Add(edge.Propagation)
	if doc := string(s.AtEdge(gate.Key)); !strings.Contains(doc, "1772366400") {
		t.Errorf("half a minute after the first: %q", doc)
	}
	now = now.Add(20 * time.Second)
	if doc := string(s.AtEdge(gate.Key)); !strings.Contains(doc, "1772366420") {
		t.Errorf("half a minute after the second: %q", doc)
	}
	if s.Writes() != 2 {
		t.Errorf("%d writes", s.Writes())
	}
	_, etag, err = s.Base(ctx)
	if !errors.Is(err, gate.ErrMissing) {
		t.Errorf("no base: %v", err)
	}
	if _, err := s.Update(ctx, nil, &gate.Base{Mode: gate.Open, Failure: gate.FailOpen}, etag); err != nil {
		t.Error(err)
	}
	if b, _, err := s.Base(ctx); err != nil || b.Failure != gate.FailOpen {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := s.Update(ctx, &gate.Gate{Mode: "shut"}, nil, etag); err == nil {
		t.Error("a gate that is none was written")
	}
	if _, err := s.Put(ctx, gate.Key, make([]byte, 1025), etag); err == nil {
		t.Error("more than a kilobyte was written")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := s.Get(gone, gate.Key); !errors.Is(err, context.Canceled) {
		t.Errorf("with the caller gone: %v", err)
	}
	if _, err := s.Put(gone, gate.Key, nil, etag); !errors.Is(err, context.Canceled) {
		t.Errorf("with the caller gone: %v", err)
	}
}

// TestManyAtOnce is for the race detector: everybody shares engines and counts.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	h := w.edge.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.Write([]byte("the site")) }))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				r := httptest.NewRequest("GET", "/apply", nil)
				r.Header.Set("Accept", "text/html")
				r.Header.Set("X-Forwarded-For", "192.0.2."+itoa(i*25+j))
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				if rec.Code != 200 && rec.Code != 302 {
					t.Errorf("%d", rec.Code)
				}
				if _, err := w.edge.DecideBoth(gate.Request{ID: "x", IP: "192.0.2.1", Method: "GET", FetchMode: "navigate", Path: "/"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := 0
	for _, m := range w.edge.Counts().Between(noon, noon.Add(time.Minute)) {
		got += m.Visitors
	}
	if got != 400 {
		t.Errorf("counted %d of 400", got)
	}
}

// TestAddresses is where the client's address comes from.
func TestAddresses(t *testing.T) {
	for _, believe := range []bool{true, false} {
		w := newWorld(t, func(o *edge.Options) { o.ForwardedFor = believe })
		w.gate(nil)
		lucky := w.lucky()
		h := w.edge.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
		for _, c := range []struct {
			remote, forwarded string
			in                bool
		}{
			{w.unlucky() + ":1234", lucky, believe}, {w.unlucky() + ":1234", lucky + ", 10.0.0.1", believe}, {lucky + ":1", "", true},
			{"[::ffff:" + lucky + "]:1", "", true}, {lucky + ":1", "no address", true}, {lucky, "", true},
		} {
			r := httptest.NewRequest("GET", "/apply", nil)
			r.Header.Set("Accept", "text/html")
			r.Header.Set("User-Agent", "test browser")
			r.RemoteAddr = c.remote
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if got := rec.Code == 200; got != c.in {
				t.Errorf("believing %v: from %s for %q: %d", believe, c.remote, c.forwarded, rec.Code)
			}
		}
	}
}

// TestAPathIsNeverEmpty: a client may ask for http://host without a path, and a
// function always sees one.
func TestAPathIsNeverEmpty(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(func(g *gate.Gate) { g.Mode = gate.Open })
	r := httptest.NewRequest("GET", "http://www.example.org", nil)
	if r.URL.Path != "" {
		t.Fatalf("the path is %q", r.URL.Path)
	}
	rec := httptest.NewRecorder()
	w.edge.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		t.Errorf("%d: %s", rec.Code, rec.Body)
	}
}
