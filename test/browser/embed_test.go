//go:build browser

package browser

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
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
			b.open(r.foreign + "/?lang=" + c.language)
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

// TestTheDocumentedSnippet puts what docs/operating.md tells people to copy into
// a page, under the policy that it gives, and takes the room away.
func TestTheDocumentedSnippet(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	must(t, err)
	r := newRoom(t)
	block := func(kind string) string {
		_, rest, found := strings.Cut(string(doc), "```"+kind+"\n")
		text, _, closed := strings.Cut(rest, "\n```")
		if !found || !closed || !strings.Contains(text, "https://www.example.org") {
			t.Fatalf("docs/operating.md has no block of %s with the host to replace", kind)
		}
		return strings.ReplaceAll(text, "https://www.example.org", r.origin)
	}
	r.snippet = []string{block("html"), strings.TrimPrefix(block("http"), "Content-Security-Policy: ")}
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
