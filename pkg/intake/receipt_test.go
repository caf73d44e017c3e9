package intake_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// receiptOf is the path of the receipt that a page after a sign-up offers.
func receiptOf(p *page) string {
	p.Helper()
	token := receiptToken.FindString(p.status(200).body)
	if token == "" {
		p.Fatalf("the page offers no receipt:\n%s", p.body)
	}
	return "/waiting-room/en/receipt?" + token
}

// Ana leaves her address, keeps the link, sees how far the line is, and gives her
// place up by it.
func TestAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.words(site.Words{Zone: eastern, ZoneName: "Eastern time"})
	link := receiptOf(w.join("ana@example.org"))
	joined := w.clock()
	w.pass(20 * time.Minute)
	w.get("/waiting-room/en/") // the notice is cached from here on
	w.probe.Reset()
	p := w.get(link).says("You left your address for Example Benefits on Monday, March 2, 2026, 7:02 am (Eastern time)",
		"have not been invited yet", "Give up my turn").lacks("ana@example.org", "ana@")
	if p.Header.Get("Cache-Control") != "private, no-store" || w.probe.Total() != 0 {
		t.Errorf("it is kept, or cost a request: %s, %v", p.Header.Get("Cache-Control"), w.probe.Calls())
	}
	w.progress(waitlist.Progress{Front: joined.Add(-time.Second)})
	w.get(link).says("have not been invited yet", "We are now inviting those who joined at 7:01 am (Eastern time).")
	w.progress(waitlist.Progress{Front: joined})
	w.get(link).says("have been invited. Look for our email, also in the spam folder: it comes from queue@example.org")

	// Scanners open links: only the button acts, and twice is once.
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Waiting {
		t.Errorf("a GET made it %s", e.Stage)
	}
	for range 2 {
		w.post(link, nil).status(200).says("You are no longer in the line")
	}
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Left {
		t.Errorf("the entry is %s", e.Stage)
	}
	// The old receipt does not end a later place.
	w.join("ana@example.org")
	w.post(link, nil).status(200)
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Waiting {
		t.Errorf("the old receipt made it %s", e.Stage)
	}
	// The page in another language is at another path, and the token comes along.
	if p := w.post(link, url.Values{"language": {"es"}}).status(303); p.Header.Get("Location") != strings.Replace(link, "/en/", "/es/", 1) {
		t.Errorf("Español leads to %s", p.Header.Get("Location"))
	}

	w.pass(8 * 24 * time.Hour)
	w.get(link).status(410).says("This link is no longer in use")
	w.post(link, nil).status(200)
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Waiting {
		t.Errorf("a receipt that was over made it %s", e.Stage)
	}
	for _, bad := range []string{"", "x", w.keys.LeaveToken("k", 1)} {
		w.get("/waiting-room/en/receipt?r=" + bad).status(422).says("The link is not complete")
		w.post("/waiting-room/en/receipt?r="+bad, nil).status(422)
	}
}

// TestAReceiptTellsNobodyWhoIsInTheLine: for mailboxes that are new, waiting,
// invited, ended, suppressed and trapped, every answer at every later minute is
// the same but for the token.
func TestAReceiptTellsNobodyWhoIsInTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := func(name string) waitlist.Ref {
		w.join(name + "@example.org").status(200)
		e, _ := w.entry(name + "@example.org")
		return e.Ref
	}
	begin("waiting")
	w.invite(begin("invited"))
	w.must(w.store.Leave(w.Context(), begin("ended"), w.clock()))
	bounced := begin("suppressed")
	w.must(w.store.Bounce(w.Context(), bounced, w.clock()))
	w.must(w.store.Leave(w.Context(), bounced, w.clock()))
	w.pass(time.Minute)

	names := []string{"new", "waiting", "invited", "ended", "suppressed", "trapped"}
	pages, links := map[string]string{}, map[string]string{}
	for _, name := range names {
		form := url.Values{"email": {name + "@example.org"}, "stamp": {w.stamp()}}
		if name == "trapped" {
			form.Set("note", "buy")
		}
		p := w.post("/waiting-room/en/", form)
		links[name] = receiptOf(p)
		pages[name] = receiptToken.ReplaceAllString(strings.ReplaceAll(p.body, name+"@", "…@"), "")
	}
	same := func(when string) {
		t.Helper()
		for _, name := range names[1:] {
			if pages[name] != pages[names[0]] {
				t.Fatalf("%s: %s gets another answer than %s:\n%s\n%s", when, name, names[0], pages[name], pages[names[0]])
			}
		}
	}
	same("after joining")
	for minute := range 60 {
		switch minute {
		case 10:
			w.progress(waitlist.Progress{Front: noon})
		case 30:
			w.progress(waitlist.Progress{Front: w.clock()})
		case 50:
			w.progress(waitlist.Progress{Open: true})
		}
		for _, name := range names {
			p := w.get(links[name])
			pages[name] = fmt.Sprint(p.StatusCode, p.Header, p.body)
		}
		same(fmt.Sprint("minute ", minute))
		w.pass(time.Minute)
	}
	// Leaving: the same page for all, and only what the sign-up began ends.
	for _, name := range names {
		p := w.post(links[name], nil)
		pages[name] = fmt.Sprint(p.StatusCode, p.Header, p.body)
	}
	same("leaving")
	for name, want := range map[string]waitlist.Stage{"new": waitlist.Left, "waiting": waitlist.Waiting, "invited": waitlist.Invited, "ended": waitlist.Left} {
		if e, _ := w.entry(name + "@example.org"); e.Stage != want {
			t.Errorf("%s is %s, not %s", name, e.Stage, want)
		}
	}
	// Nor does a store that is down tell them apart.
	w.probe.Before = busyOn("Leave")
	for _, name := range names {
		pages[name] = w.post(links[name], nil).status(429).body
	}
	same("busy")
}
