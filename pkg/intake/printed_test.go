package intake_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/waitlist"
)

// TestPrintedPageIsThePage: the page after a sign-up is put together from what was
// rendered for somebody before, and nobody can tell. While the edge is open it is
// rendered for each; the receipt alone may differ.
func TestPrintedPageIsThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt := regexp.MustCompile(`/receipt\?r=[A-Za-z0-9_-]{60,}"`)
	join := func(lang, address, to string) string {
		t.Helper()
		stamp := w.keys.Stamp(w.clock())
		page := w.post("/waiting-room/"+lang+"/", url.Values{"email": {address}, "to": {to}, "stamp": {stamp}}).status(200).body
		if !strings.Contains(page, html.EscapeString(address)) || !receipt.MatchString(page) {
			t.Errorf("%s: the page does not show %s, or has no receipt", lang, address)
		}
		return receipt.ReplaceAllString(page, "r=")
	}
	tos := []string{"", "/", "/apply?plan=silver&state=VT", `/a"b'c<d>&amp;0blank0a?é=%2F`}
	addresses := []string{"ana@example.org", "o'neil&co@example.org", "0blank0t@example.org"}
	for _, lang := range []string{"en", "ar"} {
		for range 2 {
			for _, to := range tos {
				printed := map[string]string{}
				for _, a := range addresses {
					printed[a] = join(lang, a, to)
				}
				first := strings.ReplaceAll(printed[addresses[0]], addresses[0], "A")
				for _, a := range addresses[1:] {
					if strings.ReplaceAll(printed[a], html.EscapeString(a), "A") != first {
						t.Errorf("%s: the pages for %s and %s differ in more than the address", to, addresses[0], a)
					}
				}
				if back := "?to=" + url.QueryEscape(to); len(to) > 1 && !strings.Contains(to, "<") && !strings.Contains(printed[addresses[0]], back) {
					t.Errorf("%q is not taken back to the form", to)
				}
			}
		}
	}
	// What the operator says and how far the line is stand on the very next page.
	before := join("en", "ben@example.org", "/")
	w.control(func(c *waitlist.Control) {
		c.Said = &waitlist.Said{Text: "Phones are down.", At: w.clock(), Until: w.clock().Add(time.Hour)}
	})
	if after := join("en", "ben@example.org", "/"); after == before || !strings.Contains(after, "Phones are down.") {
		t.Errorf("the operator's message is not on the page")
	}
	// A message that looks like a blank is a message.
	w.control(func(c *waitlist.Control) { c.Said.Text = "Call 0blank0" })
	if after := join("en", "ben@example.org", "/"); !strings.Contains(after, "Call 0blank0<") {
		t.Errorf("the operator's message is not on the page as it was written")
	}
	w.progress(waitlist.Progress{Front: noon})
	w.pass(time.Minute)
	if after := join("en", "ben@example.org", "/"); !strings.Contains(after, `class="now"`) {
		t.Errorf("how far the line is does not stand on the page")
	}
}
