//go:build browser

package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// showsAllOf checks that a field shows the whole of a text, and puts back what
// stood there.
func (b *tab) showsAllOf(selector, text string) {
	b.Helper()
	hidden, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](fmt.Sprintf(`(() => {
		const field = document.querySelector(%q), was = field.value;
		field.value = %q;
		const hidden = field.scrollWidth - field.clientWidth;
		field.value = was;
		return hidden;
	})()`, selector, text)))
	must(b.T, err)
	if hidden > 0 {
		b.Errorf("%s: %s hides %d pixels of %s", b.where(), selector, hidden, text)
	}
}

// TestEveryPage looks at every page of the room in every state, as a phone and a
// laptop show it, by day and by night: axe-core finds nothing, nothing is wider
// than a 320-pixel screen, a page is one request and at most 5 KB compressed.
func TestEveryPage(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range email.Languages() {
		language := l.Tag
		if seen[l.Catalogue] {
			continue // the same words under another name
		}
		seen[l.Catalogue] = true
		t.Run(language, func(t *testing.T) {
			browser := chromium(t, "") // its limit of time is one language's
			r := newRoom(t)
			b := visitor(t, browser, language, "Looker", true)
			base := r.origin + "/waiting-room/" + language
			check := func(name string, status, want int64) {
				t.Helper()
				if status != want {
					t.Errorf("%s has the status %d, not %d", name, status, want)
				}
				// One document, after the redirects of a form; nothing beside it.
				for _, sent := range b.requests()[1:] {
					if !strings.Contains(sent, "/waiting-room/"+language+"/in/") {
						t.Errorf("%s asked for %s as well", name, sent)
					}
				}
				shown := []look{phone}
				if slices.Contains([]string{"en", "es", "ar", "ja"}, language) {
					shown = looks
				}
				for _, l := range shown {
					b.from(l)
					b.accessible(name + ", " + l.name)
					if strings.HasPrefix(name, "enter") {
						b.showsAllOf("#code", "ABCDE-FGHJK-MNPQR-STVWX")
					}
					if l == phone || l == late {
						b.shoot("page-" + language + "-" + name + "-" + l.name)
					}
				}
			}
			join := func(address string) int64 {
				t.Helper()
				b.fill("#email", address)
				return b.press("main form button")
			}

			check("form", b.open(base+"/?to=/apply"), 200)
			must(t, r.store.SaveProgress(t.Context(), waitlist.Progress{Front: r.now().Add(-20 * time.Minute)}))
			r.pass(time.Minute)
			check("form-progress", b.open(base+"/?to=/apply"), 200)
			check("form-empty", join(""), 422)
			check("form-format", join("ana@example"), 422)
			check("slip", join("ana@gmial.com"), 422)
			b.open(base + "/")
			r.pass(3 * time.Hour)
			check("form-stale", join("ana@example.org"), 422)
			r.busy("Join")
			check("form-busy", b.press("main form button"), 429)
			if got := b.value("#email"); got != "ana@example.org" {
				t.Errorf("the address became %q", got)
			}
			r.busy("")
			check("joined", b.press("main form button"), 200)

			code, leave := r.place(t, "ben@example.org")
			check("code", b.open(base+"/code?c="+code), 200)
			check("enter", b.press("main .stub a"), 200)
			b.fill("#code", "ABCDE-FGHJK-MNPQR-STVWX")
			check("enter-wrong", b.press("main form button"), 422)
			check("leave", b.open(base+"/leave?t="+leave), 200)
			r.busy("Leave")
			check("leave-busy", b.press("main form button"), 429)
			r.busy("")
			check("left", b.press("main form button"), 200)
			b.open(base + "/code?c=" + code)
			check("code-given-up", b.press("main form button"), 410)
			b.open(base + "/leave?t=x")
			check("leave-wrong", b.press("main form button"), 422)
			if got := b.press("main .stub p:nth-child(1) a"); got != 200 || b.where() != base+"/enter" {
				t.Errorf("from a link that is not right to %s", b.where())
			}
			check("cookies-off", b.open(base+"/in/x?to=/apply"), 200)

			over := r.invited(t, "cem@example.org")
			r.pass(5 * time.Hour)
			b.open(base + "/code?c=" + over)
			check("code-expired", b.press("main form button"), 410)
			b.open(base + "/")
			r.control(t, func(c *waitlist.Control) { c.SignupsOff = true })
			check("closed-lost", join("dan@example.org"), 409)
			check("closed", b.open(base+"/"), 200)
			r.control(t, func(c *waitlist.Control) { c.SignupsOff, c.Mode = false, gate.Open })
			check("open", b.open(base+"/"), 200)
			b.open(base + "/code?c=" + over)
			check("code-expired-open", b.press("main form button"), 410)
			check("missing", b.open(base+"/nothing"), 404)

			// The other language is one press away, and the way back is kept.
			b.open(base + "/?to=/apply")
			must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".tongue summary"))))
			b.press(".tongue button")
			if got := b.where(); strings.HasPrefix(got, base) || !strings.HasSuffix(got, "/?to=/apply") {
				t.Errorf("the other language is at %s", got)
			}
			for path, n := range r.largest {
				if n > 5<<10 {
					t.Errorf("%s: %d bytes compressed", path, n)
				}
			}
		})
	}
}
