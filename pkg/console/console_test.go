package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/operator"
)

// stage is a source with one mail that notes what it was told to change.
type stage struct{ changes []console.Change }

func (s *stage) Snapshot(context.Context) (console.Snapshot, error) {
	return console.Snapshot{Snapshot: operator.Snapshot{Site: operator.Site{Name: "a site"}, Decision: operator.Decision{Because: "holding 0.90"}}}, nil
}

func (s *stage) Series(_ context.Context, after time.Time) (console.Series, error) {
	return console.Series{Minutes: []int64{after.Unix() + 60}}, nil
}

func (s *stage) Mails(context.Context, int) ([]console.Mail, error) {
	return []console.Mail{{ID: "1", To: "ann@example.com"}}, nil
}

func (s *stage) Mail(_ context.Context, id string) (console.Mail, bool, error) {
	return console.Mail{ID: "1", HTML: "<html><head></head><script>x()</script></html>"}, id == "1", nil
}

func (s *stage) Change(_ context.Context, c console.Change) error {
	s.changes = append(s.changes, c)
	return nil
}

// request asks the handler as a browser does.
func request(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The attacks that a console on localhost is open to.
func TestForeignPagesChangeAndReadNothing(t *testing.T) {
	t.Parallel()
	const hold = `{"mode":"hold"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"the page itself", "POST", "/_raincheck/api/change", hold, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"the command line", "POST", "/_raincheck/api/change", hold, nil, 200},
		{"a foreign page posts", "POST", "/_raincheck/api/change", hold, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"an older browser posts", "POST", "/_raincheck/api/change", hold, []string{"Origin", "https://evil.example"}, 403},
		{"a foreign form posts text", "POST", "/_raincheck/api/change", hold, []string{"Content-Type", "text/plain"}, 415},
		{"a link changes", "GET", "/_raincheck/api/change", "", nil, 405},
		{"a name that resolves to this machine reads", "GET", "/_raincheck/api/outbox", "", []string{"Host", "evil.example:8080"}, 421},
		{"it changes", "POST", "/_raincheck/api/change", hold, []string{"Host", "evil.example:8080", "Sec-Fetch-Site", "same-origin"}, 421},
		{"a name that begins like ours", "GET", "/_raincheck/", "", []string{"Host", "localhost.evil.example"}, 421},
		{"a loopback address", "GET", "/_raincheck/", "", []string{"Host", "127.0.0.1:8080"}, 200},
		{"the other loopback address", "GET", "/_raincheck/", "", []string{"Host", "[::1]:8080"}, 200},
		{"an address, which no page has as its name", "GET", "/_raincheck/", "", []string{"Host", "192.0.2.7:8080"}, 200},
		{"a name that was allowed", "GET", "/_raincheck/", "", []string{"Host", "demo.example:8080"}, 200},
		{"a file above the page", "GET", "/_raincheck/..%2fconsole.go", "", nil, 404},
		{"too long", "POST", "/_raincheck/api/change", `{"law":"` + strings.Repeat("x", 20<<10) + `"}`, nil, 422},
	} {
		s := &stage{}
		h := (&console.Console{Source: s, Outbox: s, Controls: s, Hosts: []string{"demo.example"}}).Handler()
		got := request(h, c.method, c.path, c.body, c.headers...)
		if got.Code != c.want {
			t.Errorf("%s: status %d, want %d (%s)", c.name, got.Code, c.want, got.Body)
		}
		if changed := len(s.changes) > 0; changed != (c.want == 200 && c.method == "POST") {
			t.Errorf("%s: changed is %t", c.name, changed)
		}
	}
}

// A change says what is wrong with it, and then changes nothing.
func TestAChangeThatMakesNoSenseIsExplained(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"mode":"shut"}`:               `no such mode "shut"`,
		`{"mode":"hold","admit":0.2}`:   "go with the mode throttle",
		`{"mode":"throttle","admit":2}`: "admit 2 is not between 0 and 1",
		`{"law":"pid"}`:                 `no such law "pid"`,
		`{"load":-1}`:                   "load -1",
		`{"speed":601}`:                 "speed 601 is not between 0 and 600",
		`{"speeed":1}`:                  "speeed",
		`{"invite":-3}`:                 "invite -3 is negative",
		`hold`:                          "makes no sense",
	} {
		s := &stage{}
		got := request((&console.Console{Source: s, Controls: s}).Handler(), "POST", "/_raincheck/api/change", body)
		if got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: status %d, %q; want 422 with %q", body, got.Code, got.Body, want)
		}
		if len(s.changes) > 0 {
			t.Errorf("%s: changed all the same", body)
		}
	}
}

// Without controls nothing can be changed, and the page is told.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	h := (&console.Console{Source: &stage{}}).Handler()
	if got := request(h, "POST", "/_raincheck/api/change", `{"mode":"open"}`); got.Code != http.StatusForbidden {
		t.Errorf("a change: status %d, want 403", got.Code)
	}
	var s console.Snapshot
	if err := json.Unmarshal(request(h, "GET", "/_raincheck/api/snapshot", "").Body.Bytes(), &s); err != nil || !s.ReadOnly || s.Outbox {
		t.Errorf("snapshot %+v, %v; want read-only and no outbox", s, err)
	}
	if got := request(h, "GET", "/_raincheck/api/outbox", ""); got.Code != http.StatusNotFound {
		t.Errorf("the outbox: status %d, want 404", got.Code)
	}
}

// What a mail says must not run in the console's origin, and its links must
// not open inside the frame.
func TestAMailIsShownInASandbox(t *testing.T) {
	t.Parallel()
	s := &stage{}
	got := request((&console.Console{Source: s, Outbox: s}).Handler(), "GET", "/_raincheck/outbox/1/html", "")
	policy := got.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "sandbox allow-popups"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	if strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("the policy %q lets the mail act", policy)
	}
	if !strings.Contains(got.Body.String(), `<base target="_blank">`) {
		t.Error("a link of the mail would open inside the frame")
	}
}

// Without JavaScript the console is what `raincheck status` prints, as text.
func TestStatusWithoutJavaScript(t *testing.T) {
	t.Parallel()
	h := (&console.Console{Source: &stage{}}).Handler()
	if got := request(h, "GET", "/_raincheck/", "").Body.String(); !strings.Contains(got, `<noscript><meta http-equiv="refresh" content="0; url=status"></noscript>`) {
		t.Error("the page does not lead to the text")
	}
	got := request(h, "GET", "/_raincheck/status", "").Body.String()
	if !strings.Contains(got, "a site") || !strings.Contains(got, "holding 0.90") {
		t.Errorf("the text is\n%s", got)
	}
}

// The one at the keyboard is told by connection and name, and a proxy on the same
// machine is not taken for them.
func TestOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, host, proxy string
		want              bool
	}{
		{"127.0.0.1:50000", "localhost:8080", "", true},
		{"[::1]:50000", "[::1]:8080", "", true},
		{"127.0.0.1:50000", "127.0.0.1", "", true},
		{"127.0.0.1:50000", "demo.localhost.", "", true},
		{"127.0.0.1:50000", "demo.example:8080", "", false},
		{"127.0.0.1:50000", "localhost:8080", "192.0.2.7", false},
		{"192.0.2.7:50000", "192.0.2.1:8080", "", false},
		{"192.0.2.7:50000", "localhost:8080", "", false},
		{"", "localhost:8080", "", false},
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.RemoteAddr, r.Host = c.from, c.host
		if c.proxy != "" {
			r.Header.Set("X-Forwarded-For", c.proxy)
		}
		if got := console.OnThisMachine(r); got != c.want {
			t.Errorf("from %q to %q by %q: %t", c.from, c.host, c.proxy, got)
		}
	}
}

// Two elements of one id are written into each other by the page's script.
func TestEveryIDOfThePageIsOne(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("page", "console.html"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, found := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(page, -1) {
		id := string(found[1])
		if seen[id] {
			t.Errorf("two elements have the id %s", id)
		}
		seen[id] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d ids were found", len(seen))
	}
}
