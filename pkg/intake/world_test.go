package intake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/site"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

const origin = "https://www.example.org"

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is a waiting room on the store in memory, at noon, with the door
// throttled.
type world struct {
	*testing.T
	handler http.Handler
	store   *store.Store
	probe   *twin.Probe
	keys    *bypass.Keyring
	log     *bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	counts map[metric.Name]float64
}

func newWorld(t *testing.T, change ...func(*intake.Service)) *world {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"the root of a test, and of nothing else at all"}`))
	if err != nil {
		t.Fatal(err)
	}
	probe := &twin.Probe{}
	w := &world{T: t, store: &store.Store{Probe: probe}, probe: probe, keys: keys, now: noon, counts: map[metric.Name]float64{}, log: &bytes.Buffer{}}
	w.control(func(c *waitlist.Control) { c.Mode = gate.Throttle })
	s := intake.Service{
		Settings: intake.Settings{
			Site: "Example Benefits", Sender: "queue@example.org", PassLife: time.Hour, Origins: []string{origin},
			Fields: []intake.Field{{Name: "state", Labels: map[string]string{"en": "State", "es": "Estado"}}},
		},
		Store: w.store,
		Keys:  func(context.Context) (*bypass.Keyring, error) { return keys, nil },
		Now:   w.clock,
		Log:   slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Count: func(name metric.Name, n float64) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.counts[name] += n
		},
		Viewer: func(r *http.Request) string { return r.Header.Get("X-Test-Viewer") },
	}
	for _, f := range change {
		f(&s)
	}
	if w.handler, err = s.Handler(); err != nil {
		t.Fatal(err)
	}
	probe.Reset()
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// control is the operator, seen at once.
func (w *world) control(change func(*waitlist.Control)) {
	w.Helper()
	if err := w.store.UpdateControl(w.Context(), func(c *waitlist.Control) error { change(c); return nil }); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Minute) // past the room's cache
}

func (w *world) progress(p waitlist.Progress) {
	w.Helper()
	if err := w.store.SaveProgress(w.Context(), p); err != nil {
		w.Fatal(err)
	}
	w.pass(time.Minute)
}

// eastern is a zone by hand, so that no test needs a database of zones.
var eastern = site.Zone{Name: "America/New_York", Changes: []site.Change{{At: 1, Offset: -5 * 3600, Abbreviation: "EST"}}}

// words are what the operator says about the site, in every language, seen at once.
func (w *world) words(s site.Words) {
	w.Helper()
	for _, l := range email.Languages() {
		if err := w.store.SaveWords(w.Context(), l.Tag, s); err != nil {
			w.Fatal(err)
		}
	}
	w.pass(time.Minute)
}

// page is a response, read.
type page struct {
	*testing.T
	*http.Response
	body string
}

// do sends a request as it is.
func (w *world) do(r *http.Request) *page {
	w.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return &page{w.T, res, string(body)}
}

func (w *world) get(target string) *page {
	w.Helper()
	return w.do(httptest.NewRequestWithContext(w.Context(), "GET", origin+target, nil))
}

// request is a form posted by a browser from a page of the site.
func (w *world) request(target string, form url.Values) *http.Request {
	r := httptest.NewRequestWithContext(w.Context(), "POST", origin+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", origin)
	return r
}

func (w *world) post(target string, form url.Values) *page {
	w.Helper()
	return w.do(w.request(target, form))
}

// join fills in the form as it is shown, and posts it.
func (w *world) join(address string) *page {
	w.Helper()
	return w.post("/waiting-room/en/?to=%2Fapply%3Fstep%3D2", url.Values{"email": {address}, "stamp": {w.stamp()}, "note": {""}, "state": {""}})
}

// stamp is the one of a form shown now.
func (w *world) stamp() string { return w.keys.Stamp(w.clock()) }

func (w *world) postJSON(target string, body any) *page {
	w.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.Context(), "POST", origin+target, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(r)
}

// invite has the line send somebody a code, and gives it.
func (w *world) invite(ref waitlist.Ref) bypass.Code {
	w.Helper()
	code := w.send(ref)
	w.must(w.store.Accept(w.Context(), ref, 1, w.clock()))
	w.probe.Reset()
	return code
}

// send is an invitation of which nobody knows yet whether the mail was accepted.
func (w *world) send(ref waitlist.Ref) bypass.Code {
	w.Helper()
	now := w.clock()
	code, err := w.keys.IssueCode(now, now.Add(4*time.Hour), rand.Reader)
	w.must(err)
	e, err := w.store.Entry(w.Context(), ref.Key)
	w.must(err)
	p := waitlist.Place{Ref: ref, Shard: e.Shard, When: e.Joined, Stage: e.Stage}
	w.must(w.store.Claim(w.Context(), p, now, now.Add(2*time.Minute)))
	m := p.NewMessage(now, now)
	_, err = w.store.Begin(w.Context(), m, waitlist.Ticket{Code: code, Ref: ref, Invited: now, Expires: now.Add(4 * time.Hour)}, now)
	w.must(err)
	return code
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// entry is what the line keeps of an address.
func (w *world) entry(mailbox string) (waitlist.Entry, bool) {
	w.Helper()
	e, err := w.store.Entry(w.Context(), w.keys.Mailbox(mailbox))
	return e, err == nil
}

func (w *world) entries() int {
	w.Helper()
	n := 0
	w.must(w.store.Each(w.Context(), func(waitlist.Entry) error { n++; return nil }))
	return n
}

func (p *page) status(want int) *page {
	p.Helper()
	if p.StatusCode != want {
		p.Errorf("%d, not %d: %s", p.StatusCode, want, p.body)
	}
	return p
}

// says checks that each text stands on the page, as HTML has it.
func (p *page) says(texts ...string) *page {
	p.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			p.Errorf("the page lacks %q:\n%s", text, p.body)
		}
	}
	return p
}

func (p *page) lacks(texts ...string) *page {
	p.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			p.Errorf("the page has %q:\n%s", text, p.body)
		}
	}
	return p
}

var titleTag = regexp.MustCompile(`<title>([^<]*)</title>`)

func (p *page) title() string {
	p.Helper()
	m := titleTag.FindStringSubmatch(p.body)
	if m == nil {
		p.Fatalf("the page has no title:\n%s", p.body)
	}
	return m[1]
}

func (p *page) compressed() int {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, 6)
	io.WriteString(z, p.body)
	z.Close()
	return out.Len()
}
