//go:build browser

package browser

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// TestEmbedded: the form inside another site's page, whose policy allows the
// script and its connections and nothing else. What was typed outlives every
// failure.
func TestEmbedded(t *testing.T) {
	browser := chromium(t, "")
	for _, c := range []struct{ language, failed, joined string }{
		{"en", "We could not save your address. Try again", "You are in the line"},
		{"es", "No pudimos guardar su dirección. Inténtelo de nuevo", "Ya está en la fila"},
	} {
		t.Run(c.language, func(t *testing.T) {
			r := newRoom(t)
			b := visitor(t, browser, c.language, "Reader", true)
			b.from(night)
			r.carrier = r.script("en", `data-to="/apply" data-lang="`+c.language+`"`)
			b.open(r.foreign + "/")
			must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS("#raincheck-email"))))
			b.accessible("embedded")
			b.shoot("embed-" + c.language + "-1-form")

			b.submits("ana@example", "example.com")
			r.busy("Join")
			b.submits("ana@example.org", c.failed)
			r.busy("")
			r.cutOff(http.MethodPost)
			b.submits("ana@example.org", c.failed)
			if got := b.value("#raincheck-email"); got != "ana@example.org" {
				t.Errorf("the address became %q", got)
			}
			b.accessible("embedded, failed")
			b.shoot("embed-" + c.language + "-2-failed")
			r.cutOff("")
			must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".raincheck button")), chromedp.WaitNotPresent(chromedp.CSS("#raincheck-email"))))
			if got := b.text(".raincheck"); !strings.Contains(got, c.joined) || !strings.Contains(got, "ana@example.org") {
				t.Errorf("it says %q", got)
			}
			b.accessible("embedded, joined")
			b.shoot("embed-" + c.language + "-3-joined")
			if e, err := r.store.Entry(t.Context(), r.keys.Mailbox("ana@example.org")); err != nil || e.Wanted != "/apply" || e.Language != c.language {
				t.Errorf("the line keeps %+v, %v", e, err)
			}
		})
	}
}

// TestEmbeddedSlip: an address that may be a slip is asked about, and either answer
// is one press.
func TestEmbeddedSlip(t *testing.T) {
	browser := chromium(t, "")
	for label, kept := range map[string]string{"Yes, join with ana@gmail.com": "ana@gmail.com", "No, join with ana@gmial.com": "ana@gmial.com"} {
		r := newRoom(t)
		b := visitor(t, browser, "en", "Slipper", true)
		r.carrier = r.script("en", "")
		b.open(r.foreign + "/")
		must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS("#raincheck-email"))))
		b.submits("ana@gmial.com", "You are not in the line yet. Did you mean ana@gmail.com?")
		b.accessible("embedded, slip")
		press := chromedp.Click(chromedp.Search(`//p[@id="raincheck-error"]/button[text()="` + label + `"]`))
		must(t, chromedp.Do(b.ctx, press, chromedp.WaitNotPresent(chromedp.CSS("#raincheck-email"))))
		if _, err := r.store.Entry(t.Context(), r.keys.Mailbox(kept)); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

// TestTheDocumentedSnippet puts what docs/deploying.md tells people to copy into
// a page, under the policy that it gives, and takes the room away.
func TestTheDocumentedSnippet(t *testing.T) {
	doc, err := os.ReadFile("../../docs/deploying.md")
	must(t, err)
	r := newRoom(t)
	block := func(kind string) string {
		_, rest, found := strings.Cut(string(doc), "```"+kind+"\n")
		text, _, closed := strings.Cut(rest, "\n```")
		if !found || !closed || !strings.Contains(text, "https://www.example.org") {
			t.Fatalf("docs/deploying.md has no block of %s with the host to replace", kind)
		}
		return strings.ReplaceAll(text, "https://www.example.org", r.origin)
	}
	r.carrier = carrier{lang: "en", body: block("html"), policy: strings.TrimPrefix(block("http"), "Content-Security-Policy: ")}
	b := visitor(t, chromium(t, ""), "en", "Copier", true)

	b.open(r.foreign + "/")
	must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS("#raincheck-state")))) // a field of the operator's
	b.fill("#raincheck-state", "Vermont")
	b.fill("#raincheck-email", "ana@example.org")
	must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".raincheck button")), chromedp.WaitNotPresent(chromedp.CSS("#raincheck-email"))))
	e, err := r.store.Entry(t.Context(), r.keys.Mailbox("ana@example.org"))
	if err != nil || e.Wanted != "/apply" || e.Language != "en" || e.Fields["state"] != "Vermont" {
		t.Errorf("the line keeps %+v, %v", e, err)
	}

	// The script is there, from a cache say, and the room is not.
	r.cutOff("/waiting-room/en/form.json")
	b.open(r.foreign + "/")
	must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS(".raincheck a"))))
	if got := b.text(".raincheck"); got != "Leave your e-mail address" {
		t.Errorf("the link says %q", got)
	}
}

// TestTheScriptByItself leaves out data-lang and data-to, on the site's own page
// and on another site's: the form speaks the page's language, or the room's
// default, and leads back to the page, or to the site.
func TestTheScriptByItself(t *testing.T) {
	browser := chromium(t, "")
	for _, c := range []struct {
		name, lang, attributes string
		foreign                bool
		title, wanted, kept    string
	}{
		{"the page's language", "es-MX", "", false, "Hay una fila para Example Benefits", "/news?page=2", "es"},
		{"as others write it", "es_MX", "", false, "Hay una fila para Example Benefits", "/news?page=2", "es"},
		{"in capitals", "ES", "", false, "Hay una fila para Example Benefits", "/news?page=2", "es"},
		{"a page that names none", "", "", false, "There is a line for Example Benefits", "/news?page=2", "en"},
		{"a language that the room has not", "xx", "", false, "There is a line for Example Benefits", "/news?page=2", "en"},
		{"the same, on another site", "xx", "", true, "There is a line for Example Benefits", "/", "en"},
		{"another site", "es", "", true, "Hay una fila para Example Benefits", "/", "es"},
		{"attributes come first", "es", `data-lang="en" data-to="/apply?a=1"`, false, "There is a line for Example Benefits", "/apply?a=1", "en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRoom(t)
			r.carrier = r.script(c.lang, c.attributes)
			b := visitor(t, browser, "xx", "Reader", true) // what the browser wants does not matter
			b.open(map[bool]string{true: r.foreign, false: r.origin}[c.foreign] + "/news?page=2")
			must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS(".raincheck :is(input, a)"))))
			if got := b.text(".raincheck"); !strings.Contains(got, c.title) {
				t.Fatalf("it says %q, not %q", got, c.title)
			}
			b.fill("#raincheck-email", "ana@example.org")
			must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".raincheck button")), chromedp.WaitNotPresent(chromedp.CSS("#raincheck-email"))))
			if e, err := r.store.Entry(t.Context(), r.keys.Mailbox("ana@example.org")); err != nil || e.Wanted != c.wanted || e.Language != c.kept {
				t.Errorf("the line keeps %+v, %v", e, err)
			}
		})
	}
}

// TestTheScriptLeadsToThisSiteOnly: a site that answers every path has pages whose
// path a browser reads as another host.
func TestTheScriptLeadsToThisSiteOnly(t *testing.T) {
	r := newRoom(t)
	r.control(t, func(c *waitlist.Control) { c.Mode = gate.Open })
	r.carrier = r.script("en", "")
	b := visitor(t, chromium(t, ""), "en", "Reader", true)
	b.open(r.origin + "//evil.example/news")
	must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS(".raincheck a"))))
	to, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector(".raincheck a").href`))
	must(t, err)
	if to != r.origin+"/" {
		t.Errorf("the link leads to %s", to)
	}
}

// TestWhatTheAPIRefusesByItself is docs/faults.md, row 20: over its rate, or over Lambda's, the
// API answers a POST with a body of its own, which no page of ours can replace.
// Whoever used the script is told that nothing was saved; whoever used the form
// sees no success, and finds on the way back what they typed.
func TestWhatTheAPIRefusesByItself(t *testing.T) {
	browser := chromium(t, "")
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		r := newRoom(t)
		for place, origin := range map[string]string{"own": r.origin, "other": r.foreign} {
			r.carrier = r.script("en", `data-to="/apply"`)
			address := place + "@example.org"
			b := visitor(t, browser, "en", "Reader", true)
			b.open(origin + "/")
			must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS("#raincheck-email"))))
			r.refuse(status)
			b.submits(address, "We could not save your address. Try again")
			r.refuse(0)
			must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".raincheck button")), chromedp.WaitNotPresent(chromedp.CSS("#raincheck-email"))))
			if got := b.text(".raincheck"); !strings.Contains(got, "You are in the line") || !strings.Contains(got, address) {
				t.Errorf("%d, %s: then it says %q", status, place, got)
			}
		}

		for _, scripts := range []bool{true, false} {
			b := visitor(t, browser, "en", "Reader", scripts)
			b.open(r.origin + "/waiting-room/en/?to=/apply")
			b.fill("#email", "form@example.org")
			r.refuse(status)
			if got := b.press("main form button"); got != int64(status) {
				t.Errorf("the form is answered %d, not %d", got, status)
			}
			if got := b.text("body"); strings.Contains(got, "You are in the line") {
				t.Errorf("%d: it says %q", status, got)
			}
			r.refuse(0)
			must(t, chromedp.Do(b.ctx, chromedp.NavigateBack(), chromedp.WaitVisible(chromedp.CSS("#email"))))
			if got := b.value("#email"); got != "form@example.org" {
				t.Errorf("%d: on the way back the address is %q", status, got)
			}
			if got := b.press("main form button"); got != http.StatusOK {
				t.Errorf("%d: then the form is answered %d", status, got)
			}
			b.says("You are in the line", "form@example.org")
		}
	}
}

// submits fills in the embedded form, presses its button, and waits for what is
// wrong to be said.
func (b *tab) submits(address, wrong string) {
	b.Helper()
	b.fill("#raincheck-email", address)
	must(b.T, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".raincheck button"))))
	_, err := chromedp.Run(b.ctx, chromedp.PollFunction[bool](`text => document.getElementById('raincheck-error').textContent.includes(text)`, chromedp.WithPollingArgs(wrong), chromedp.WithPollingTimeout(5*time.Second)))
	if err != nil {
		b.Fatalf("wait for %q: %v\n%s\n%v", wrong, err, b.text("main"), b.requests())
	}
	if got := b.value("#raincheck-email"); got != address {
		b.Errorf("%q became %q", address, got)
	}
}
