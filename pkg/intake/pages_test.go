package intake_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// state is one page in one state, in one language.
type state struct {
	name string
	page *page
}

// states goes through every page in every state.
func states(t *testing.T, lang string) []state {
	t.Helper()
	var out []state
	w := newWorld(t)
	w.words(described(t))
	w.control(func(c *waitlist.Control) {
		// A message of the greatest length, and different from everything else.
		c.Said = &waitlist.Said{At: noon, Until: noon.Add(100 * time.Hour), Text: message, Translations: map[string]string{lang: message}}
	})
	add := func(name string, p *page) { out = append(out, state{name, p}) }
	room := "/waiting-room/" + lang
	form := func(email string) url.Values { return url.Values{"email": {email}, "stamp": {w.stamp()}} }

	add("form", w.get(room+"/"))
	w.progress(waitlist.Progress{Front: noon.Add(-20 * time.Minute)})
	add("form-progress", w.get(room+"/"))
	w.progress(waitlist.Progress{Front: noon.Add(-40 * time.Hour)})
	add("form-progress-day", w.get(room+"/"))
	add("form-empty", w.post(room+"/", form("")))
	add("form-format", w.post(room+"/", form("ana@example")))
	add("form-letters", w.post(room+"/", form("é@example.org")))
	add("slip", w.post(room+"/", form("ana@gmial.com")))
	add("slip-dash", w.post(room+"/", form("ana@my\u2011site.example")))
	long := form("ana@example.org")
	long.Set("state", strings.Repeat("Vermont ", 9))
	add("form-field", w.post(room+"/", long))
	add("form-stale", w.post(room+"/?to=/apply", url.Values{"email": {"ana@example.org"}, "stamp": {w.keys.Stamp(w.clock().Add(-3 * time.Hour))}}))
	joined := w.post(room+"/", form("ana@example.org"))
	add("joined", joined)
	receipt := "/receipt?" + receiptToken.FindString(joined.body)
	add("receipt", w.get(room+receipt))
	add("receipt-wrong", w.get(room+"/receipt?r=x"))
	w.probe.Before = busyOn("Join")
	add("form-busy", w.post(room+"/", form("ana@example.org")))
	w.probe.Before = nil
	foreign := w.request(room+"/", form("ana@example.org"))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	foreign.Header.Set("Origin", "https://evil.example")
	add("foreign", w.do(foreign))

	add("code", w.get(room+"/code?c=X"))
	add("enter", w.get(room+"/enter"))
	add("enter-empty", w.post(room+"/enter", url.Values{"code": {""}}))
	add("enter-wrong", w.post(room+"/enter", url.Values{"code": {"ABCDE-FGHJK-MNPQR-STVWX"}}))
	add("cookies-off", w.get(room+"/in/x?to=/apply"))

	join := func(name string) bypass.Code {
		w.join(name + "@example.org").status(200)
		e, _ := w.entry(name + "@example.org")
		return w.invite(e.Ref)
	}
	used := join("ben")
	for i := range waitlist.MaxUses + 1 {
		r := w.request(room+"/code?c="+string(used), nil)
		r.Header.Set("X-Test-Viewer", fmt.Sprint(i))
		if p := w.do(r); i == waitlist.MaxUses {
			add("code-used", p)
		}
	}
	given := join("cem")
	e, _ := w.entry("cem@example.org")
	token := w.keys.LeaveToken(e.Key, e.Joining)
	add("leave", w.get(room+"/leave?t="+token))
	w.probe.Before = busyOn("Leave")
	add("leave-busy", w.post(room+"/leave?t="+token, nil))
	w.probe.Before = nil
	add("leave-done", w.post(room+"/leave?t="+token, nil))
	add("leave-wrong", w.post(room+"/leave?t=x", nil))
	add("code-revoked", w.post(room+"/code?c="+string(given), nil))
	late := join("dan")
	w.pass(5 * time.Hour)
	add("code-expired", w.post(room+"/code?c="+string(late), nil))

	w.progress(waitlist.Progress{Front: w.clock(), Waited: waitlist.Waited{At: w.clock(), From: 35, To: 50, People: 20}})
	add("form-waited", w.get(room+"/"))
	w.progress(waitlist.Progress{Front: w.clock(), Waited: waitlist.Waited{At: w.clock(), From: 35, To: 150, People: 20}})
	add("form-waited-long", w.get(room+"/"))
	add("receipt-invited", w.get(room+receipt))
	w.control(func(c *waitlist.Control) { c.SignupsOff = true })
	add("closed", w.get(room+"/"))
	add("code-used-closed", w.post(room+"/code?c="+string(used), nil))
	add("closed-post", w.post(room+"/", form("eve@example.org")))
	w.control(func(c *waitlist.Control) { c.Drain = true })
	add("drained", w.get(room+"/"))
	w.control(func(c *waitlist.Control) { c.SignupsOff, c.Drain, c.Mode = false, false, gate.Open })
	add("open", w.get(room+"/"))
	add("open-joined", w.post(room+"/?to=/apply", form("eve@example.org")))
	add("code-expired-open", w.post(room+"/code?c="+string(late), nil))
	add("missing", w.get(room+"/nothing"))
	add("method", w.do(mustRequest(t, "PUT", room+"/")))
	return out
}

// message has the greatest length.
var message = strings.Repeat("The site is slow because its supplier has a fault; ", 4)[:waitlist.MaxSaid-1] + "."

// described is a site with everything that words can say, each at its longest and
// a logo that does not compress.
func described(t *testing.T) site.Words {
	t.Helper()
	chance := rand.New(rand.NewPCG(1, 2))
	logo := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 99 99"><path fill="#112e51" d="M0 0`
	for len(logo) < site.MaxLogo-20 {
		logo += fmt.Sprintf("l%d %d", chance.IntN(99), chance.IntN(99))
	}
	w := site.Words{
		Name: "Example Benefits", URL: "https://www.example.org/about", Colour: "#ffcc00", Logo: logo + `"/></svg>`, Contact: "Questions? Call us on any day from 8 am to 8 pm, free of charge",
		Telephone: "+1 800 555 0100", Privacy: "https://www.example.org/privacy", Zone: eastern, ZoneName: "Eastern time",
	}
	if err := w.Validate(); err != nil {
		t.Fatal(err)
	}
	return w
}

func mustRequest(t *testing.T, method, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, origin+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPagesAreSmallAndWhole looks at every page in every state: its size, its
// headers, and that it asks for nothing else.
func TestPagesAreSmallAndWhole(t *testing.T) {
	t.Parallel()
	loads := regexp.MustCompile(`(?i)<(script|iframe|object|video|audio)|<img src="(?:[^d]|d[^a])|@import|url\(|<link (?:[^>]*)href="(?:[^d]|d[^a])`)
	for _, l := range email.Languages() {
		t.Run(l.Tag, func(t *testing.T) {
			t.Parallel()
			for _, s := range states(t, l.Tag) {
				p := s.page
				if dir := os.Getenv("RAINCHECK_PAGES"); dir != "" {
					if err := os.WriteFile(filepath.Join(dir, l.Tag+"-"+s.name+".html"), []byte(p.body), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if n := p.compressed(); n > 5<<10 {
					t.Errorf("%s: %d bytes compressed", s.name, n)
				}
				if m := loads.FindString(p.body); m != "" {
					t.Errorf("%s asks for something else: %s", s.name, m)
				}
				if strings.Contains(p.body, "no value") || strings.Contains(p.body, "ZgotmplZ") || regexp.MustCompile(`\{[a-z]+\}`).MatchString(p.body) {
					t.Errorf("%s has a place that nothing filled:\n%s", s.name, p.body)
				}
				// Whose page, whom to ask, what the operator says, in what language.
				for _, want := range []string{
					`<html lang="` + l.HTML + `" dir="` + l.Direction + `">`, "<h1>", "<main>", "Example Benefits</title>", `<img src="data:image/svg+xml,`,
					`<a href="https://www.example.org/about">Example Benefits</a>`, `<a href="tel:+18005550100">`, `<a href="https://www.example.org/privacy">`,
					`<p class="said" lang="` + l.HTML + `" dir="` + l.Direction + `">` + message + `</p>`,
				} {
					if !strings.Contains(p.body, want) {
						t.Errorf("%s lacks %s", s.name, want)
					}
				}
				// What a person must read, under a status that no site replaces.
				if s.name != "missing" && s.name != "method" && !slices.Contains([]int{200, 409, 410, 422, 429}, p.StatusCode) {
					t.Errorf("%s has the status %d", s.name, p.StatusCode)
				}
				wantHeaders(t, s)
			}
		})
	}
}

func wantHeaders(t *testing.T, s state) {
	t.Helper()
	hashes := ""
	for _, style := range regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(s.page.body, -1) {
		sum := sha256.Sum256([]byte(style[1]))
		hashes += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := s.page.Header.Get("Content-Security-Policy")
	if hashes == "" || !strings.Contains(policy, "style-src"+hashes+";") || !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s has the policy %s", s.name, policy)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin", "X-Frame-Options": "DENY",
	} {
		if got := s.page.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q", s.name, name, got)
		}
	}
}

// TestAGETChangesNothing: every GET is the same for everybody, whatever the
// query, the cookies and the headers; touches the store only to read; may be
// cached, and sets no cookie.
func TestAGETChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	code := string(w.invite(e.Ref))
	before, _ := w.entry("ana@example.org")
	token := w.keys.LeaveToken(e.Key, e.Joining)
	w.get("/waiting-room/en/") // the notice is cached from here on
	w.get("/waiting-room/es/")
	w.probe.Reset()

	for _, target := range []string{"/waiting-room/en/", "/waiting-room/es/code", "/waiting-room/en/enter", "/waiting-room/es/leave", "/waiting-room/embed.js", "/waiting-room/en/form.json"} {
		plain := w.get(target).status(200)
		if got := plain.Header.Get("Cache-Control"); got != "public, max-age=0, s-maxage=60" {
			t.Errorf("%s: Cache-Control is %q", target, got)
		}
		for _, query := range []string{"?c=" + code, "?t=" + token, "?to=/apply", "?email=ana@example.org&go=1&language=es", "?" + strings.Repeat("x", 5000)} {
			for _, method := range []string{"GET", "HEAD"} {
				r := mustRequest(t, method, target+query)
				r.Header.Set("Cookie", bypass.CookieName+"=1.0.r.9.9.x.y; other=\x01")
				r.Header.Set("Accept-Language", "es;q=1")
				r.Header.Set("User-Agent", "scanner")
				got := w.do(r).status(200)
				if method == "GET" && got.body != plain.body || method == "HEAD" && got.body != "" {
					t.Errorf("%s %s%s is another page", method, target, query)
				}
				if got.Header.Get("Set-Cookie") != "" || got.Header.Get("Vary") != "" || got.Header.Get("Cache-Control") != plain.Header.Get("Cache-Control") {
					t.Errorf("%s %s%s has the headers %v", method, target, query, got.Header)
				}
			}
		}
	}
	for _, target := range []string{"/waiting-room", "/waiting-room/", "/waiting-room/en/in/x?to=/apply", "/waiting-room/xx/", "/waiting-room/en"} {
		p := w.get(target)
		if p.Header.Get("Cache-Control") != "private, no-store" || p.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s has the headers %v", target, p.Header)
		}
	}
	if n := w.probe.Total(); n != 0 {
		t.Errorf("the store was asked: %v", w.probe.Calls())
	}
	if after, _ := w.entry("ana@example.org"); after.Stage != before.Stage || after.Joined != before.Joined {
		t.Errorf("the entry went from %v to %v", before.Stage, after.Stage)
	}
}

// docs/faults.md, row 15: whatever a browser says of its languages, it comes to a page that
// there is.
func TestLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for accept, want := range map[string]string{
		"": "en", "es": "es", "es-MX,es;q=0.9,en;q=0.8": "es", "EN-us, es;q=0.5": "en", "xx, es;q=0.3": "es", "xx": "en", "xx-XX": "en", "*": "en",
		"en;q=0, es;q=0.1": "es", strings.Repeat("x-", 9000): "en", "es\x00": "en", ",;q=,": "en", "../../etc": "en",
	} {
		r := mustRequest(t, "GET", "/waiting-room?to=%2Fapply")
		r.Header.Set("Accept-Language", accept)
		if p := w.do(r).status(303); p.Header.Get("Location") != "/waiting-room/"+want+"/?to=%2Fapply" {
			t.Errorf("%.40q leads to %s", accept, p.Header.Get("Location"))
		}
	}
	if p := w.get("/waiting-room/xx/code?c=X").status(303); p.Header.Get("Location") != "/waiting-room/en/code?c=X" {
		t.Errorf("another language leads to %s", p.Header.Get("Location"))
	}
	// What anybody wrote is not sent on: nothing but net/http takes line ends out.
	if p := w.get("/waiting-room/xx/in/%0d%0aSet-Cookie:x=1").status(303); p.Header.Get("Location") != "/waiting-room/en/" {
		t.Errorf("a path with line ends leads to %q", p.Header.Get("Location"))
	}
	if p := w.get("/waiting-room/es?to=%2Fapply").status(303); p.Header.Get("Location") != "/waiting-room/es/?to=%2Fapply" {
		t.Errorf("without its slash it leads to %s", p.Header.Get("Location"))
	}
	// Changing the language keeps the query, without JavaScript.
	if p := w.post("/waiting-room/en/code?c=X", url.Values{"language": {"es"}}).status(303); p.Header.Get("Location") != "/waiting-room/es/code?c=X" {
		t.Errorf("Español leads to %s", p.Header.Get("Location"))
	}
	w.get("/waiting-room/../en/").status(404)
	w.get("/waiting-roomx").status(404)
}

// TestWhatRealBrowsersAskFor: the Accept-Language of browsers in use, on a room
// that is offered in all languages.
func TestWhatRealBrowsersAskFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for accept, want := range map[string]string{
		"en-US,en;q=0.9": "en", "es-US,es-419;q=0.9,es;q=0.8": "es", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "zh-CN,zh": "zh", "zh-TW,zh;q=0.9,en-US;q=0.8": "zh-tw",
		"zh-HK": "zh-hk", "zh-Hant-TW,zh-Hant;q=0.9": "zh-hant", "zh-Hans-CN": "zh", "zh-SG": "zh", "zh-MO": "zh-mo", "fil": "fil", "fil-PH,fil;q=0.9,en;q=0.8": "fil", "tl": "tl",
		"pt-PT": "pt", "pt-BR,pt;q=0.9": "pt", "vi-VN,vi;q=0.9": "vi", "ko-KR,ko;q=0.9": "ko", "ru-RU,ru;q=0.9": "ru", "ar-EG,ar;q=0.9": "ar", "ar": "ar", "ht": "ht",
		"fr-CA,fr;q=0.8": "fr", "pl-PL,pl;q=0.9": "pl", "it-IT,it;q=0.9": "it", "de-AT,de;q=0.7": "de", "ja,en-US;q=0.9": "ja", "fa-IR,fa;q=0.9": "fa", "sv-SE,sv;q=0.9": "en",
	} {
		r := mustRequest(t, "GET", "/waiting-room")
		r.Header.Set("Accept-Language", accept)
		if p := w.do(r).status(303); p.Header.Get("Location") != "/waiting-room/"+want+"/" {
			t.Errorf("%q leads to %s, not %s", accept, p.Header.Get("Location"), want)
		}
	}
	// Somebody writes es-us into the address, or a page says so.
	if p := w.get("/waiting-room/es-us/form.json").status(303); p.Header.Get("Location") != "/waiting-room/es/form.json" {
		t.Errorf("es-us leads to %s", p.Header.Get("Location"))
	}
}
