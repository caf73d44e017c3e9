package edge_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/local/edge"
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

func TestSmoke(t *testing.T) {
	w := newWorld(t, nil)
	w.gate(nil)
	res := w.get("/apply?x=1", from(w.unlucky()))
	t.Log(res.StatusCode, res.Header)
	if !w.out(res) {
		t.Fatal("in")
	}
	res = w.get("/apply?x=1", from(w.lucky()))
	t.Log(res.StatusCode, res.Header, w.got.Header)
	if !w.in(res) {
		t.Fatal("out")
	}
	t.Log(w.edge.Counts().Between(noon, noon.Add(time.Hour)))
}
