package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// A person is turned away at /apply?step=2, leaves an address, and is told what
// will happen.
func TestSomebodyJoins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.get("/waiting-room/es/?to=%2Fapply%3Fstep%3D2").status(200)
	form.says(`<form id="f" method="post" novalidate>`, "Correo electrónico", "Estado (opcional)", w.stamp()).lacks("Error:", "/apply")
	w.probe.Reset()

	p := w.post("/waiting-room/es/?to=%2Fapply%3Fstep%3D2", url.Values{
		"email": {" Ana@Example.org "}, "state": {"Vermont"}, "stamp": {w.stamp()}, "note": {""},
	}).status(200)
	p.says("Ya está en la fila", "Ana@example.org", "queue@example.org", "correo no deseado", "Ahora no se envía nada")
	if got := p.Header.Get("Cache-Control"); got != "private, no-store" {
		t.Errorf("a page with an address on it may be kept: %s", got)
	}

	e, ok := w.entry("ana@example.org")
	if !ok || e.Stage != waitlist.Waiting || e.Address.Reveal() != "Ana@example.org" || e.Language != "es" || e.Wanted != "/apply?step=2" ||
		e.Fields["state"] != "Vermont" || !e.Joined.Equal(w.clock()) {
		t.Errorf("the line keeps %+v", e)
	}
	if calls := w.probe.Calls(); calls["Join"] != 1 || len(calls) != 2 { // the entry was read by this test
		t.Errorf("one sign-up took %v", calls)
	}
	if strings.Contains(strings.ToLower(w.log.String()), "ana") || strings.Contains(w.log.String(), "Vermont") {
		t.Errorf("the log knows who: %s", w.log)
	}
}

// docs/faults.md, rows 1, 2, 3, 5, 6.
func TestAnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for typed, want := range map[string]string{
		"":                                       "Enter an email address",
		" \u200b ":                               "Enter an email address",
		"a":                                      "Enter an email address in the correct format",
		"a@":                                     "Enter an email address in the correct format",
		"a@b":                                    "Enter an email address in the correct format",
		"a b@example.org":                        "Enter an email address in the correct format",
		"Bob <a@example.org>":                    "Enter an email address in the correct format",
		`"a"@example.org`:                        "Enter an email address in the correct format",
		"a@[192.0.2.1]":                          "Enter an email address in the correct format",
		"a\u202e@example.org":                    "Enter an email address in the correct format",
		"a@example.org\r\nBcc: b@example.net":    "Enter an email address in the correct format",
		"a\x00@example.org":                      "Enter an email address in the correct format",
		strings.Repeat("a", 65) + "@example.org": "Enter an email address in the correct format",
		strings.Repeat("a", 300) + "@example.org": "Enter an email address in the correct format",
		"é@example.org":                 "only plain letters",
		`"><script>alert(1)</script>@x`: "Enter an email address in the correct format",
	} {
		p := w.join(typed).status(422).says(want, `id="problem"`, `href="#email"`, `aria-describedby="email-hint problem"`, `aria-invalid="true"`).lacks("<script")
		if !strings.HasPrefix(p.title(), "Error: ") {
			t.Errorf("%q: the title is %q", typed, p.title())
		}
		if len(typed) > 3 && len(typed) < 60 && !strings.ContainsAny(typed, "\x00\r\u202e\"<\u200b") {
			p.says(`value="` + typed + `"`)
		}
	}
	w.join(`"><script>alert(1)</script>@x`).says(`value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;@x"`)
	if n := w.entries(); n != 0 {
		t.Errorf("%d entries", n)
	}
	if w.counts[metric.IntakeSignupsRefused] != 17 {
		t.Errorf("counted %v", w.counts)
	}

	for typed, kept := range map[string]string{
		"mailto:a@example.org. ": "a@example.org", "b\u200b@example.org": "b@example.org", "c@bücher.example": "c@xn--bcher-kva.example", "d%0d%0abcc@example.org": "d%0d%0abcc@example.org",
	} {
		w.join(typed).status(200)
		if e, ok := w.entry(kept); !ok || e.Address.Reveal() != kept {
			t.Errorf("%q became %q", typed, e.Address.Reveal())
		}
	}
}

// receiptToken is what differs between any two answers to the form.
var receiptToken = regexp.MustCompile(`r=[A-Za-z0-9_-]{103}\b`)

// docs/faults.md, rows 7, 9, 10: the form tells nobody who is in the line.
func TestEveryAnswerLooksTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	masked := func(p *page, address string) string {
		p.Helper()
		return receiptToken.ReplaceAllString(strings.ReplaceAll(p.status(200).body, address, "…"), "r=…")
	}
	first := masked(w.join("ana@example.org"), "ana@example.org")
	place, _ := w.entry("ana@example.org")
	w.pass(time.Minute)
	for name, got := range map[string]string{
		"twice":      masked(w.join("ana@example.org"), "ana@example.org"),
		"case":       masked(w.join("ANA@example.org"), "ANA@example.org"),
		"a tag":      masked(w.join("ana+2@example.org"), "ana+2@example.org"),
		"a stranger": masked(w.join("ben@example.org"), "ben@example.org"),
	} {
		if got != first {
			t.Errorf("%s: another page", name)
		}
	}
	for i := range 1000 {
		masked(w.join(fmt.Sprintf("ana+%d@example.org", i)), "")
	}
	e, _ := w.entry("ana@example.org")
	if !e.Joined.Equal(place.Joined) || e.Address.Reveal() != "ana@example.org" || e.Joining != place.Joining || w.entries() != 2 {
		t.Errorf("the place moved from %v to %v, %d entries", place.Joined, e.Joined, w.entries())
	}

	// The trap: a script that fills in every field gets the same page for nothing.
	trapped := w.post("/waiting-room/en/?to=%2Fapply%3Fstep%3D2", url.Values{"email": {"bot@example.org"}, "stamp": {w.stamp()}, "note": {"buy"}})
	if masked(trapped, "bot@example.org") != first || w.entries() != 2 || w.counts[metric.IntakeSignupsTrapped] != 1 {
		t.Errorf("the trap: another page or an entry: %v", w.counts)
	}

	// Whoever bounced stays out, and cannot tell.
	w.must(w.store.Bounce(w.Context(), e.Ref, w.clock()))
	w.must(w.store.Leave(w.Context(), e.Ref, w.clock()))
	if masked(w.join("ana@example.org"), "ana@example.org") != first {
		t.Error("somebody suppressed gets another page")
	}
	if e, _ := w.entry("ana@example.org"); !e.Stage.Ended() {
		t.Errorf("somebody suppressed is %s", e.Stage)
	}
}

// docs/faults.md, row 10: the stamp limits the age of a form, and costs nobody what they typed.
func TestAnOldForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stamp := w.stamp()
	w.pass(2*time.Hour + time.Second)
	for name, stamp := range map[string]string{"old": stamp, "none": "", "forged": strings.Replace(stamp, ".", ".9", 1), "a leave token": w.keys.LeaveToken("k", 1)} {
		p := w.post("/waiting-room/en/?to=/apply", url.Values{"email": {"ana@example.org"}, "state": {"VT"}, "stamp": {stamp}}).status(422)
		p.says("had been open for a long time", `value="ana@example.org"`, `value="VT"`, `name="to" value="/apply"`, w.stamp())
		if w.entries() != 0 {
			t.Errorf("%s: saved", name)
		}
	}
	w.post("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}, "to": {"/apply"}}).status(200)
	if e, _ := w.entry("ana@example.org"); e.Wanted != "/apply" {
		t.Errorf("the way back is %q", e.Wanted)
	}
}

// docs/faults.md, row 8.
func TestFiftyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			r := w.request("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}})
			w.do(r).status(200).says("You are in the line")
		})
	}
	group.Wait()
	if n := w.entries(); n != 1 || w.counts[metric.IntakeSignupsNew] != 1 {
		t.Errorf("%d entries, counted %v", n, w.counts)
	}
}

// docs/faults.md, row 11.
func TestAFormOfAnotherSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) { s.Embedders = []string{"https://news.example.org"} })
	for _, c := range []struct {
		origin, site string
		status       int
	}{
		{"https://evil.example", "cross-site", 409},
		{"https://evil.example", "", 409},
		{"https://shop.example.org", "same-site", 409},
		{"null", "", 409},
		{"null", "cross-site", 409},
		{"null", "same-origin", 200},
		{"", "", 200}, // an old browser
		{"", "none", 200},
		{origin, "", 200},
		{origin, "same-origin", 200},
		{"https://news.example.org", "same-site", 200},
	} {
		r := w.request("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}})
		// Behind the CDN the handler sees the API's name, not the site's.
		r.Host = "abc123.execute-api.us-east-1.amazonaws.com"
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if p := w.do(r).status(c.status); c.status == 409 {
			p.says("Please use the form on this page", `href="/waiting-room/en/"`)
		}
	}
	if w.counts[metric.IntakeForeignForms] != 5 {
		t.Errorf("counted %v", w.counts)
	}
}

// docs/faults.md, row 12.
func TestBodiesThatAreNoForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}}.Encode()
	for name, c := range map[string]struct {
		kind, body string
		status     int
		want       string
	}{
		"a megabyte":            {"application/x-www-form-urlencoded", "email=" + strings.Repeat("a", 1<<20), 413, "We could not read what was sent"},
		"a megabyte of JSON":    {"application/json", `{"email":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "We could not read what was sent"},
		"multipart":             {"multipart/form-data; boundary=x", "--x--", 415, "We could not read what was sent"},
		"plain text":            {"text/plain", good, 415, "We could not read what was sent"},
		"no type":               {"", good, 415, "We could not read what was sent"},
		"two addresses":         {"application/x-www-form-urlencoded", good + "&email=b@example.org", 422, "Enter one email address"},
		"two of another":        {"application/x-www-form-urlencoded", good + "&state=a&state=b", 422, "We could not read what was sent"},
		"bad UTF-8":             {"application/x-www-form-urlencoded", good + "&state=%ff", 422, "We could not read what was sent"},
		"bad escape":            {"application/x-www-form-urlencoded", good + "&state=%zz", 422, "We could not read what was sent"},
		"semicolons":            {"application/x-www-form-urlencoded", "a;b", 422, "We could not read what was sent"},
		"JSON, not an object":   {"application/json", `[1]`, 422, "We could not read what was sent"},
		"JSON, cut off":         {"application/json", `{"email":"a`, 422, "We could not read what was sent"},
		"JSON, wrong type":      {"application/json", `{"email":{"$ne":""}}`, 422, "We could not read what was sent"},
		"JSON, bad UTF-8":       {"application/json", "{\"email\":\"a\xff@example.org\"}", 422, "We could not read what was sent"},
		"JSON, twice":           {"application/json", `{"email":"a@example.org","email":"b@example.org"}`, 422, "Enter one email address"},
		"JSON, twice by case":   {"application/json", `{"email":"a@example.org","Email":"b@example.org"}`, 422, "Enter one email address"},
		"JSON, a field's value": {"application/json", `{"email":"a@example.org","fields":{"state":"VT","\u017ftate":"NH"}}`, 422, "We could not read what was sent"},
		"JSON, more behind it":  {"application/json", `{"email":"a@example.org"}{}`, 422, "We could not read what was sent"},
		"JSON, fields, twice":   {"application/json", `{"email":"a@example.org","FIELDS":{"state":"VT","state":"NH"}}`, 422, "We could not read what was sent"},
		"JSON, one field twice": {"application/json", `{"email":"a@example.org","fields":{},"fields":{}}`, 422, "We could not read what was sent"},
		"nothing":               {"application/x-www-form-urlencoded", "", 422, "Enter an email address"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", origin+"/waiting-room/en/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		p := w.do(r)
		if p.StatusCode != c.status || !strings.Contains(p.body, c.want) {
			t.Errorf("%s: %d %.300s", name, p.StatusCode, p.body)
		}
	}
	if n := w.entries(); n != 0 {
		t.Errorf("%d entries", n)
	}
}

// A body that never ends costs what the form may cost and no more.
func TestALargeBodyIsNotRead(t *testing.T) {
	w := newWorld(t)
	var before, after runtime.MemStats
	body := bytes.NewReader(bytes.Repeat([]byte("email="), 5<<20))
	r := httptest.NewRequestWithContext(t.Context(), "POST", origin+"/waiting-room/en/", body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	runtime.ReadMemStats(&before)
	w.do(r).status(413)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("refusing it allocated %d bytes", n)
	}
	// Nor does JSON cost the square of its length, however deep it is.
	deep := strings.Repeat(`{"a":`, 2700) + "1" + strings.Repeat("}", 2700)
	r = httptest.NewRequestWithContext(t.Context(), "POST", origin+"/waiting-room/en/", strings.NewReader(deep))
	r.Header.Set("Content-Type", "application/json")
	runtime.ReadMemStats(&before)
	w.do(r).status(422)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("reading %d bytes of JSON allocated %d bytes", len(deep), n)
	}
}

// docs/faults.md, row 13.
func TestMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for target, allow := range map[string]string{
		"/waiting-room/en/": "GET, HEAD, POST", "/waiting-room/en/code": "GET, HEAD, POST", "/waiting-room/en/enter": "GET, HEAD, POST", "/waiting-room/en/leave": "GET, HEAD, POST",
		"/waiting-room/en/form.json": "GET, HEAD", "/waiting-room/embed.js": "GET, HEAD", "/waiting-room": "GET, HEAD", "/waiting-room/en/in/x": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "POST"} {
			if method == "POST" && strings.HasSuffix(allow, "POST") {
				continue
			}
			if p := w.do(mustRequest(t, method, target)).status(405); p.Header.Get("Allow") != allow {
				t.Errorf("%s %s allows %q", method, target, p.Header.Get("Allow"))
			}
		}
		w.do(mustRequest(t, "HEAD", target))
	}
	if n := w.probe.Calls()["Join"]; n != 0 {
		t.Errorf("%d sign-ups", n)
	}
}

// docs/faults.md, row 14.
func TestAroundTheCDN(t *testing.T) {
	t.Parallel()
	secrets := []string{"the new secret", "the old secret"}
	w := newWorld(t, func(s *intake.Service) {
		s.Secrets = func(context.Context, string) ([]string, error) { return secrets, nil }
	})
	for given, status := range map[string]int{"the new secret": 200, "the old secret": 200, "": 403, "a guess": 403, "the new secret ": 403} {
		r := w.request("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}})
		r.Header.Set(gate.OriginHeader, given)
		r.Header.Set("X-Forwarded-For", "198.51.100.77")
		r.Header.Set("X-Forwarded-Host", "evil.example")
		r.Host = "evil.example"
		w.do(r).status(status).lacks("evil.example", "198.51.100.77")
	}
	secrets = []string{""}
	w.get("/waiting-room/en/").status(403)
	if strings.Contains(w.log.String(), "198.51.100.77") {
		t.Errorf("the log believes the client: %s", w.log)
	}
	if w.counts[metric.IntakeDirectHits] != 4 {
		t.Errorf("counted %v", w.counts)
	}
}

func TestWhoAsks(t *testing.T) {
	t.Parallel()
	second := intake.Forwarded(2)
	for header, want := range map[string]string{
		"198.51.100.1, 203.0.113.9": "198.51.100.1", "10.0.0.1, 198.51.100.1 , 203.0.113.9": "198.51.100.1", "203.0.113.9": "", "": "",
	} {
		r := mustRequest(t, "GET", "/waiting-room/en/")
		r.Header.Set("X-Forwarded-For", header)
		if got := second(r); got != want {
			t.Errorf("%q: %q, not %q", header, got, want)
		}
	}
}

// docs/faults.md, row 14: a client that writes addresses of its own into X-Forwarded-For is
// still the one browser that CloudFront saw, and another browser is another.
func TestAForgedAddressIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) { s.Viewer = intake.Forwarded(2) })
	_, code := w.invited("ana")
	use := func(forwarded string) *page {
		r := w.request("/waiting-room/en/code?c="+string(code), nil)
		r.Header.Set("X-Forwarded-For", forwarded)
		return w.do(r)
	}
	const seen = "198.51.100.1, 203.0.113.9" // by CloudFront, by the API
	for i := range 2 * waitlist.MaxUses {
		use(fmt.Sprintf("10.0.0.%d, %s", i, seen)).status(303)
	}
	if ticket, err := w.store.Ticket(t.Context(), code); err != nil || len(ticket.Uses) != 1 {
		t.Errorf("one browser under many names took the uses %v, %v", ticket.Uses, err)
	}
	// And pretending to be the first browser gives nobody its use.
	for i := range waitlist.MaxUses - 1 {
		use(fmt.Sprintf("198.51.100.1, 203.0.113.9, 198.51.100.%d, 203.0.113.9", 50+i)).status(303)
	}
	use("198.51.100.1, 203.0.113.9, 198.51.100.99, 203.0.113.9").status(410)
	if strings.Contains(w.log.String(), "198.51.100") || strings.Contains(w.log.String(), "10.0.0.") {
		t.Errorf("the log has an address: %s", w.log)
	}
}

// The operator's own fields.
func TestFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for value, want := range map[string]string{strings.Repeat("é", 65): "State must be 64 characters or fewer", "a\nb": "State has a character", "a\u202eb": "State has a character"} {
		w.post("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}, "state": {value}}).status(422).says(want, `href="#state"`, `value="ana@example.org"`)
	}
	w.post("/waiting-room/en/", url.Values{"email": {"ana@example.org"}, "stamp": {w.stamp()}, "state": {strings.Repeat("é", 64)}, "other": {"x"}}).status(200)
	if e, _ := w.entry("ana@example.org"); len(e.Fields) != 1 || e.Fields["state"] != strings.Repeat("é", 64) {
		t.Errorf("kept %v", e.Fields)
	}
}

// What a keyboard writes for a blank is one, and a joiner between letters is part of
// the word.
func TestFieldsAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	w, n := newWorld(t), 0
	for value, want := range map[string]string{
		"東京都\u3000港区": "東京都 港区", "Provence\u00a0Alpes": "Provence Alpes", "ශ්\u200dරී ලංකාව": "ශ්\u200dරී ලංකාව", "می\u200cخواهم": "می\u200cخواهم",
		"a\u200db\u200d": "", "\u200da": "", "a \u200c b": "", "a\u202ab": "",
	} {
		n++
		address := fmt.Sprintf("person-%d@example.org", n)
		page := w.post("/waiting-room/en/", url.Values{"email": {address}, "stamp": {w.stamp()}, "state": {value}})
		if want == "" {
			page.status(422).says("State has a character")
			continue
		}
		page.status(200)
		if e, _ := w.entry(address); e.Fields["state"] != want {
			t.Errorf("%q is kept as %q", value, e.Fields["state"])
		}
	}
}

// What the line says of itself is a fact, as old as a minute and a half at most.
func TestTheDoorAndTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.words(site.Words{Zone: eastern})
	w.get("/waiting-room/en/").says("There is a line for Example Benefits").lacks("now inviting")
	w.progress(waitlist.Progress{Front: noon.Add(-20 * time.Minute)})
	w.get("/waiting-room/en/").says("We are now inviting those who joined at 6:40 am (EST, UTC−5).")
	w.get("/waiting-room/es/").says("Ahora invitamos a quienes se unieron a esta hora: 6:40 a. m. (EST, UTC−5).</p>")
	w.progress(waitlist.Progress{Front: noon.Add(-20 * time.Hour)})
	w.get("/waiting-room/en/").says("those who joined on Sunday, March 1, 2026, 11:00 am (EST, UTC−5).")

	w.progress(waitlist.Progress{Open: true})
	w.get("/waiting-room/en/").says("There is no wait for Example Benefits now", "Go to Example Benefits").lacks("<input")
	if p := w.post("/waiting-room/en/?to=%2Fapply", url.Values{"go": {"1"}}).status(303); p.Header.Get("Location") != "/apply" {
		t.Errorf("it leads to %s", p.Header.Get("Location"))
	}
	if p := w.post("/waiting-room/en/?to=%2F%2Fevil.example", url.Values{"go": {"1"}}).status(303); p.Header.Get("Location") != "/" {
		t.Errorf("it leads to %s", p.Header.Get("Location"))
	}
	// Whoever was typing when the door opened is not sent away.
	w.join("ana@example.org").status(200).says("You are in the line", "There is no wait for Example Benefits now", `href="/apply?step=2"`)

	w.control(func(c *waitlist.Control) { c.Mode = gate.Hold })
	w.get("/waiting-room/en/").says("There is a line for Example Benefits")
	w.control(func(c *waitlist.Control) { c.Mode, c.SignupsOff = gate.Throttle, true })
	w.progress(waitlist.Progress{})
	w.get("/waiting-room/en/").says("The line for Example Benefits is closed for now").lacks("<input")
	n := w.entries()
	w.join("ben@example.org").status(409).says("Your address was not saved")
	if w.entries() != n {
		t.Error("saved all the same")
	}
}

// The form's API, which embed.js uses.
func TestJoiningByJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *intake.Service) { s.Embedders = []string{"https://news.example.org"} })
	var form struct {
		Title, Stamp, Button string
		Inputs               []struct{ Name, Label string }
	}
	p := w.get("/waiting-room/es/form.json").status(200)
	w.must(json.Unmarshal([]byte(p.body), &form))
	if form.Stamp != w.stamp() || len(form.Inputs) != 2 || form.Inputs[1].Label != "Estado (opcional)" || form.Button != "Unirme a la fila" {
		t.Errorf("the form is %s", p.body)
	}
	type reply struct {
		Joined              bool
		Title, Error, Field string
		Message             []string
		Stamp, Receipt      string
	}
	post := func(body map[string]any, status int) (r reply) {
		t.Helper()
		p := w.postJSON("/waiting-room/es/", body).status(status)
		if got := p.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("it is %s", got)
		}
		w.must(json.Unmarshal([]byte(p.body), &r))
		return r
	}
	if r := post(map[string]any{"email": "ana@", "stamp": form.Stamp}, 422); r.Joined || r.Error != "email.format" || r.Field != "email" || r.Stamp == "" || len(r.Message) != 1 {
		t.Errorf("a slip: %+v", r)
	}
	if r := post(map[string]any{"email": "ana@example.org", "stamp": "x"}, 422); r.Error != "form.stale" || r.Stamp != w.stamp() {
		t.Errorf("an old form: %+v", r)
	}
	if r := post(map[string]any{"email": "ana@example.org", "stamp": form.Stamp, "to": "/apply", "fields": map[string]string{"state": "VT", "email": "x"}}, 200); !r.Joined || r.Title != "Ya está en la fila para Example Benefits" || r.Receipt == "" || !strings.Contains(r.Message[0], "ana@example.org") {
		t.Errorf("joining: %+v", r)
	}
	if e, ok := w.entry("ana@example.org"); !ok || e.Wanted != "/apply" || e.Fields["state"] != "VT" || e.Language != "es" {
		t.Errorf("the line keeps %+v", e)
	}
	w.probe.Before = busyOn("Join")
	if r := post(map[string]any{"email": "ben@example.org", "stamp": form.Stamp}, 429); r.Joined || r.Error != "form.busy" {
		t.Errorf("busy: %+v", r)
	}
	w.probe.Before = nil
	w.control(func(c *waitlist.Control) { c.SignupsOff = true })
	if r := post(map[string]any{"email": "ben@example.org", "stamp": form.Stamp}, 409); r.Joined || r.Error != "closed.title" {
		t.Errorf("closed: %+v", r)
	}

	// A page of another site in a language that the room has not: the browser
	// follows the way on only if that may be read too.
	if p := w.get("/waiting-room/xx/form.json").status(303); p.Header.Get("Location") != "/waiting-room/en/form.json" || p.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("in a language that there is none of: %v", p.Header)
	}

	// A page of another site that may carry the script, and one that may not.
	for site, allowed := range map[string]bool{"https://news.example.org": true, "https://evil.example": false} {
		r := mustRequest(t, "OPTIONS", "/waiting-room/en/")
		r.Header.Set("Origin", site)
		r.Header.Set("Access-Control-Request-Method", "POST")
		p := w.do(r)
		if got := p.StatusCode == 204 && p.Header.Get("Access-Control-Allow-Origin") == site; got != allowed {
			t.Errorf("%s: %d %v", site, p.StatusCode, p.Header)
		}
	}
}
