//go:build browser

package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// lies says how the page lies: its direction, that of its text and of the address
// in it, and on which side its first line begins.
const lies = `[document.documentElement.dir, getComputedStyle(document.querySelector('h1')).direction, getComputedStyle(document.querySelector('#email')).direction,
	document.querySelector('.whose span, .whose a').getBoundingClientRect().right < innerWidth - 40 ? 'left' : 'right'].join(' ')`

// TestTheLongWay is a bad day: somebody opens the form in a language that is not
// theirs and changes it with an address half typed, mistypes, is asked about a
// slip, joins, keeps the receipt, misses the turn, gets the old place back, is
// invited again, and reaches the page that was wanted. Without JavaScript from left
// to right, and with it from right to left.
func TestTheLongWay(t *testing.T) {
	browser := chromium(t, "")
	for tag, want := range map[string]struct {
		lies    string
		scripts bool
	}{"es": {"ltr ltr ltr left", false}, "ar": {"rtl rtl ltr right", true}} {
		t.Run(tag, func(t *testing.T) {
			l, _ := email.LanguageOf(tag)
			words := catalogue(t, l)
			r := newRoom(t)
			b := visitor(t, browser, "en", "Somebody", want.scripts)
			b.from(phone)
			base := r.origin + "/waiting-room/" + tag
			press := func(selector string, status int64, says ...string) {
				t.Helper()
				if got := b.press(selector); got != status {
					t.Errorf("%s on %s is answered %d, not %d", selector, b.where(), got, status)
				}
				for _, key := range says {
					b.says(part(words[key]))
				}
			}

			// The language, with an address half typed.
			b.open(r.origin + "/waiting-room/en/?to=/apply")
			b.fill("#email", "ana@exam")
			must(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(".tongue summary"))))
			press(`.tongue button[value="`+tag+`"]`, 200, "form.title")
			if got := b.value("#email"); got != "ana@exam" {
				t.Errorf("the change of the language made the address %q", got)
			}
			got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](lies))
			must(t, err)
			if got != want.lies {
				t.Errorf("the page lies %s, not %s", got, want.lies)
			}

			// The error, the slip, the line.
			press(theButton, 422, "email.format")
			b.fill("#email", "ana@gmial.com")
			press(theButton, 422, "slip.ask")
			b.shoot("way-" + tag + "-1-slip")
			press("main form p:first-of-type button", 200, "joined.title")
			b.says("ana@gmail.com")
			joined := r.now()

			// The receipt, at once and when those of that minute have been invited.
			press("main a[href*='receipt?']", 200, "receipt.wait")
			receipt := b.where()
			code := r.invite(t, "ana@gmail.com")
			must(t, r.store.SaveProgress(t.Context(), waitlist.Progress{Front: r.now()}))
			r.pass(time.Minute)
			b.open(receipt)
			b.says(part(words["receipt.invited"]))
			if strings.Contains(b.text("body"), "ana@") {
				t.Error("the receipt shows an address")
			}

			// The turn is missed, and the old place kept.
			r.pass(5 * time.Hour)
			b.open(base + "/code?c=" + code)
			press(theButton, 410, "keep.lead")
			b.shoot("way-" + tag + "-2-missed")
			b.fill("#email", "Ana@Gmail.com")
			press(theButton, 200, "joined.title")
			e, err := r.store.Entry(t.Context(), r.keys.Mailbox("ana@gmail.com"))
			must(t, err)
			if e.Stage != waitlist.Waiting || joined.Sub(e.Joined).Abs() > time.Minute || e.Language != tag || e.Wanted != "/apply" {
				t.Errorf("joined at %s, and the line has %+v", joined, e)
			}

			// The second invitation, and the site.
			b.open(base + "/code?c=" + r.invite(t, "ana@gmail.com"))
			b.says(part(words["code.lead"]))
			b.press(theButton)
			if got := b.where(); got != r.origin+"/apply" {
				t.Errorf("the button leads to %s", got)
			}
		})
	}
}
