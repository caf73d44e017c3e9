//go:build browser

package browser

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// state is a page of the waiting room as it was answered, and where two of the
// five things that every page must say stand on it: a CSS selector, or a key of
// the words behind a dollar sign.
type state struct {
	name   string
	status int
	header http.Header
	body   []byte
	// do says what to do, when until when or how long.
	do, when string
}

const (
	theField   = "#email"  // the title says what it is for
	theProblem = ".errors" // it says how to mend it
	theButton  = "main form button:not([name=language])"
	theLink    = "main a.button"
	theFact    = ".now"
	theTitle   = "h1"
)

// catalogue is the words of a language as they stand in the file.
func catalogue(t *testing.T, l email.Language) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../pkg/intake/web/words", l.Catalogue+".json"))
	must(t, err)
	words := map[string]string{}
	must(t, json.Unmarshal(data, &words))
	return words
}

// placeholder is what a sentence has in the place of a value.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// part is the longest part of a sentence that is the same whatever its values are.
func part(sentence string) string {
	longest := ""
	for _, p := range placeholder.Split(sentence, -1) {
		if p = strings.TrimSpace(p); len(p) > len(longest) {
			longest = p
		}
	}
	return longest
}

// gallery is the waiting room in one language, of which every page is collected.
type gallery struct {
	*testing.T
	room   *room
	base   string
	agent  string
	states []state
}

// plainest does what a browser without JavaScript and without a cookie does, and
// follows nothing.
var plainest = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ask asks for a page; with a form it is posted.
func (g *gallery) ask(path string, form url.Values) (int, http.Header, []byte) {
	g.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(g.Context(), method, g.base+path, body)
	must(g.T, err)
	r.Header.Set("User-Agent", g.agent)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := plainest.Do(r)
	must(g.T, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	must(g.T, err)
	return answer.StatusCode, answer.Header, page
}

// add collects a page.
func (g *gallery) add(name, path string, form url.Values, want int, do, when string) []byte {
	g.Helper()
	status, header, body := g.ask(path, form)
	if status != want {
		g.Errorf("%s is answered %d, not %d", name, status, want)
	}
	g.states = append(g.states, state{name, status, header, body, do, when})
	return body
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// signup is a filled form with a fresh stamp.
func (g *gallery) signup(address string) url.Values {
	g.Helper()
	_, _, page := g.ask("/", nil)
	m := stampField.FindSubmatch(page)
	if m == nil {
		g.Fatalf("the form has no stamp:\n%s", page)
	}
	return url.Values{"email": {address}, "stamp": {string(m[1])}, "to": {"/apply"}}
}

var receiptLink = regexp.MustCompile(`/receipt\?r=[^"]+`)

// collect walks through every page in every state.
func collect(t *testing.T, l email.Language, words site.Words, message string) []state {
	t.Helper()
	g := &gallery{T: t, room: newRoom(t)}
	r := g.room
	g.base = r.origin + "/waiting-room/" + l.Tag
	must(t, r.store.SaveWords(t.Context(), l.Tag, words))
	say := func(text string) {
		r.control(t, func(c *waitlist.Control) {
			c.Said = nil
			if text != "" {
				c.Said = &waitlist.Said{Text: text, Translations: map[string]string{l.Tag: text}, At: r.now(), Until: r.now().Add(48 * time.Hour)}
			}
		})
	}
	say(message)
	progress := func(p waitlist.Progress) {
		must(t, r.store.SaveProgress(t.Context(), p))
		r.pass(time.Minute)
	}
	ticket := func(address string) string { return "/code?c=" + r.invited(t, address) }

	g.add("form", "/", nil, 200, theField, theFact)
	progress(waitlist.Progress{Front: r.now().Add(-20 * time.Minute), Waited: waitlist.Waited{At: r.now(), From: 35, To: 170, People: 300}})
	g.add("form-progress", "/", nil, 200, theField, theFact)
	g.add("form-empty", "/", url.Values{}, 422, theProblem, "")
	long := g.signup("ana.with.a.very.long.name.indeed@department.of.benefits.example")
	g.add("form-format", "/", url.Values{"email": {"ana@example"}, "stamp": long["stamp"]}, 422, theProblem, "")
	g.add("form-slip", "/", g.signup("ana@gmial.com"), 422, theButton, "")
	r.busy("Join")
	g.add("form-busy", "/", g.signup("ana@example.org"), 429, theProblem, "$form.busy.note")
	r.busy("")
	joined := g.add("joined", "/", long, 200, "$joined.lead", theFact)
	receipt := string(receiptLink.Find(joined))
	g.add("receipt-wait", receipt, nil, 200, "$receipt.wait", theFact)
	progress(waitlist.Progress{Front: r.now()})
	g.add("receipt-invited", receipt, nil, 200, "$receipt.invited", "$receipt.invited")
	g.add("receipt-wrong", "/receipt?r=x", nil, 422, "$receipt.wrong", "")

	code, leave := r.place(t, "ben@example.org")
	g.add("code", "/code?c="+code, nil, 200, theButton, "$code.lead")
	g.add("enter", "/enter", nil, 200, theButton, "")
	g.add("enter-wrong", "/enter", url.Values{"code": {"ABCDE-FGHJK-MNPQR-STVWX"}}, 422, theProblem, "")
	g.add("leave", "/leave?t="+leave, nil, 200, theButton, "")
	r.busy("Leave")
	g.add("leave-busy", "/leave?t="+leave, url.Values{}, 429, theButton, "$leave.busy")
	r.busy("")
	g.add("left", "/leave?t="+leave, url.Values{}, 200, theLink, "$left.again")
	g.add("code-given-up", "/code?c="+code, url.Values{}, 410, theLink, "$dead.again")
	g.add("leave-wrong", "/leave?t=x", url.Values{}, 422, "$leave.wrong", "")
	g.add("cookies-off", "/in/x?to=/apply", nil, 200, "$cookie.allow", "$cookie.allow")
	g.add("missing", "/nothing", nil, 404, theLink, "")

	used := ticket("eva@example.org")
	for _, g.agent = range []string{"a", "b", "c"} {
		g.ask(used, url.Values{})
	}
	g.agent = "d"
	g.add("code-used-up", used, url.Values{}, 410, "$dead.used", "")
	over := ticket("cem@example.org")
	r.pass(5 * time.Hour)
	keep := g.add("code-expired", over, url.Values{}, 410, theField, theTitle)
	lost := url.Values{"code": {strings.TrimPrefix(over, "/code?c=")}, "email": {"cem@"}, "stamp": {string(stampField.FindSubmatch(keep)[1])}}
	g.add("keep-format", "/keep", lost, 422, theProblem, "")
	progress(waitlist.Progress{})
	before := g.signup("dan@example.org")
	r.control(t, func(c *waitlist.Control) { c.SignupsOff = true })
	g.add("closed-lost", "/", before, 409, "$closed.lead", "$closed.lead")
	g.add("closed", "/", nil, 200, "$closed.lead", "$closed.lead")
	g.add("code-used-up-closed", used, url.Values{}, 410, "$closed.lead", "$closed.lead")
	g.add("code-expired-closed", over, url.Values{}, 410, theField, theTitle)
	r.control(t, func(c *waitlist.Control) { c.Drain = true })
	g.add("drained", "/", nil, 200, "$drained.lead", "$drained.lead")
	g.add("code-expired-drained", over, url.Values{}, 410, "$drained.lead", theTitle)
	r.control(t, func(c *waitlist.Control) { c.SignupsOff, c.Drain, c.Mode = false, false, gate.Open })
	g.add("open", "/", nil, 200, theButton, theTitle)
	g.add("code-expired-open", over, url.Values{}, 410, theLink, theFact)
	g.add("joined-open", "/", before, 200, theLink, theFact)
	g.add("receipt-open", receipt, nil, 200, theLink, theFact)
	r.pass(10 * 24 * time.Hour)
	g.add("receipt-over", receipt, nil, 410, "$receipt.over", "$receipt.over")
	for i := range g.states {
		s := &g.states[i]
		for _, field := range []*string{&s.do, &s.when} {
			if key, ok := strings.CutPrefix(*field, "$"); ok {
				*field = "$" + part(catalogue(t, l)[key])
			}
		}
	}
	return g.states
}

// compressed is how many bytes a page takes on the line.
func compressed(page []byte) int {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(page)
	z.Close()
	return out.Len()
}

// catalogues are the languages, one for each catalogue of words.
func catalogues() []email.Language {
	seen := map[string]bool{}
	var all []email.Language
	for _, l := range email.Languages() {
		if !seen[l.Catalogue] {
			seen[l.Catalogue] = true
			all = append(all, l)
		}
	}
	return all
}
