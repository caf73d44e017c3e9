package email

import (
	"bytes"
	"flag"
	"html"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jhillyerd/enmime/v2"

	"raincheck/pkg/site"
)

var update = flag.Bool("update", false, "write the golden mails")

// fixed is a zone by hand, so that the test needs no zone database.
func fixed(name string, offset int) site.Zone {
	return site.Zone{Name: name, Changes: []site.Change{{At: 1, Offset: offset, Abbreviation: name}}}
}

func invitation(t *testing.T) Invitation {
	t.Helper()
	to, err := Parse("ana.b@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return Invitation{
		To: to, Language: "en", From: "queue@example.com", ReplyTo: "help@example.com",
		Site: site.Words{
			Name: "Example Benefits", Colour: "#112e51", Contact: "Questions? Call us, 8 am to 8 pm.", Telephone: "+1 800 555 0100", Zone: fixed("EST", -5*3600),
		},
		Room: "https://www.example.com/waiting-room",
		Code: "ABCDE-FGHJK-MNPQR-STVWX", LeaveToken: "dGhpcyBpcyBub3QgYSB0b2tlbg.4711.c2lnbmF0dXJl",
		Joined:  time.Date(2013, 12, 23, 16, 40, 0, 0, time.UTC),
		Expires: time.Date(2013, 12, 24, 0, 5, 0, 0, time.UTC),
		Tags:    map[string]string{"key": "k", "joining": "1", "attempt": "1"},
	}
}

// wire puts a message on the wire and reads it back, as a mail program would.
func wire(t *testing.T, m Message) *enmime.Envelope {
	t.Helper()
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		t.Fatal(err)
	}
	b := enmime.Builder().From(from.Name, from.Address).To("", m.To).Subject(m.Subject).Text([]byte(m.Text)).HTML([]byte(m.HTML))
	for _, h := range m.Headers {
		b = b.Header(h.Name, h.Value)
	}
	part, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := part.Encode(&raw); err != nil {
		t.Fatal(err)
	}
	e, err := enmime.ReadEnvelope(&raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Errors) > 0 {
		t.Errorf("the mail has faults: %v", e.Errors)
	}
	return e
}

func TestInvitationInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, l := range Languages() {
		t.Run(l.Tag, func(t *testing.T) {
			t.Parallel()
			inv := invitation(t)
			inv.Language = l.Tag
			m, err := Compose(inv)
			if err != nil {
				t.Fatal(err)
			}
			e := wire(t, m)
			if slices.Contains([]string{"en", "es", "ar"}, l.Tag) { // the sources, and one from right to left
				golden(t, "invitation."+l.Tag+".txt", "Subject: "+e.GetHeader("Subject")+"\n\n"+strings.ReplaceAll(e.Text, "\r\n", "\n"))
				golden(t, "invitation."+l.Tag+".html", strings.ReplaceAll(e.HTML, "\r\n", "\n"))
			}
			if want := `<html lang="` + l.HTML + `" dir="` + l.Direction + `">`; !strings.Contains(e.HTML, want) {
				t.Errorf("the HTML lacks %s", want)
			}

			to, err := e.AddressList("To")
			if err != nil || len(to) != 1 || to[0].Address != "ana.b@example.org" {
				t.Errorf("it goes to %v, %v", to, err)
			}
			link := "https://www.example.com/waiting-room/" + l.Tag + "/code?c=ABCDEFGHJKMNPQRSTVWX"
			leave := "https://www.example.com/waiting-room/" + l.Tag + "/leave?t=" + inv.LeaveToken
			for part, text := range map[string]string{"text": e.Text, "HTML": e.HTML} {
				text = strings.ReplaceAll(text, "\u200e", "")
				for _, want := range []string{link, leave, inv.Code, "www.example.com/waiting-room/" + l.Tag + "/enter", "EST, UTC−5", inv.Site.Contact + " " + inv.Site.Telephone} {
					if !strings.Contains(text, want) {
						t.Errorf("the %s lacks %q", part, want)
					}
				}
				if !evening.MatchString(text) {
					t.Errorf("the %s does not say that the code ends at five past seven in the evening", part)
				}
				if strings.ContainsAny(text, "{}") {
					t.Errorf("the %s has a place that nothing filled", part)
				}
			}
			if e.GetHeader("List-Unsubscribe") != "<"+leave+">" || e.GetHeader("List-Unsubscribe-Post") != "" {
				t.Errorf("the ways to leave are %q and %q", e.GetHeader("List-Unsubscribe"), e.GetHeader("List-Unsubscribe-Post"))
			}
			if e.GetHeader("Auto-Submitted") != "auto-generated" || !strings.Contains(e.GetHeader("X-Auto-Response-Suppress"), "OOF") || strings.Contains(e.GetHeader("X-Auto-Response-Suppress"), "NDR") {
				t.Error("an answering machine may answer it, or a bounce may not come")
			}
			// The end is in the subject too: it is what a list of mails shows.
			if s := e.GetHeader("Subject"); !strings.Contains(s, "Example Benefits") || !evening.MatchString(s) || !strings.Contains(s, "EST, UTC−5") {
				t.Errorf("the subject is %q", s)
			}
			if n := strings.Count(e.HTML, "<a "); n != 2 {
				t.Errorf("the HTML has %d links, not one to go and one to leave", n)
			}
			sameContent(t, e, l)
			noTracking(t, e.HTML, inv.Room)
		})
	}
}

// sameContent: each sentence of the HTML stands in the text, and each of the text,
// but for what leads to the link and the links themselves, in the HTML.
func sameContent(t *testing.T, e *enmime.Envelope, l Language) {
	t.Helper()
	plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(e.HTML, "\n"))
	fold := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	w, text := wordsFor(l.Tag), fold(e.Text)
	_, body, _ := strings.Cut(plain, "Example Benefits\n") // behind the subject
	for line := range strings.Lines(body) {
		if line = fold(line); line != "" && line != "Example Benefits" && line != w.Leave && line != fill(w.Go, map[string]string{"site": "Example Benefits"}) && !strings.Contains(text, line) {
			t.Errorf("the text lacks %q", line)
		}
	}
	for line := range strings.Lines(e.Text) {
		if line = fold(line); line != "" && line != w.Press && !strings.Contains(line, "://") && !strings.Contains(fold(plain), line) {
			t.Errorf("the HTML lacks %q", line)
		}
	}
}

// evening is five past seven in the evening, by a clock of 12 hours or of 24.
var evening = regexp.MustCompile(`\b7\D{1,3}05 ([pP]|م)|(下午|오후 )7:05|\b19\D{1,3}05\b|۱۹:۰۵`)

// noTracking: nothing is loaded when the mail is opened, and no link leaves the
// site's own host.
func noTracking(t *testing.T, html, room string) {
	t.Helper()
	if m := regexp.MustCompile(`(?i)<(img|link|script|iframe|style)|\bsrc=|url\(|@import|background=`).FindString(html); m != "" {
		t.Errorf("the mail loads something: %s", m)
	}
	for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		if !strings.HasPrefix(m[1], room) {
			t.Errorf("a link leads to %s", m[1])
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; to write it: go test ./pkg/email -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; if it should: go test ./pkg/email -update (-want +got)\n%s", name, diff)
	}
}

// What an attacker would put into a field to reach another recipient.
func TestNothingBreaksOutOfAHeader(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{"x\r\nBcc: mallory@example.net", "x\nBcc: mallory@example.net", "x\rBcc: m@example.net", "x\x00", "x\u2028Bcc: m@example.net"} {
		for name, set := range map[string]func(*Invitation){
			"site":  func(inv *Invitation) { inv.Site.Name = evil },
			"ask":   func(inv *Invitation) { inv.Site.Contact = evil },
			"call":  func(inv *Invitation) { inv.Site.Telephone = evil },
			"zone":  func(inv *Invitation) { inv.Site.ZoneName = evil },
			"from":  func(inv *Invitation) { inv.From = evil + "queue@example.com" },
			"reply": func(inv *Invitation) { inv.ReplyTo = evil + "queue@example.com" },
			"room":  func(inv *Invitation) { inv.Room = "https://www.example.com/" + evil },
			"code":  func(inv *Invitation) { inv.Code = evil },
			"token": func(inv *Invitation) { inv.LeaveToken = evil },
		} {
			inv := invitation(t)
			set(&inv)
			if m, err := Compose(inv); err == nil {
				t.Errorf("%s = %q was taken: %q", name, evil, m.Headers)
			}
		}
	}
}

func TestMarkupStaysText(t *testing.T) {
	t.Parallel()
	inv := invitation(t)
	inv.Site.Name = `Trade & Industry <b onload="x">{time}</b>`
	m, err := Compose(inv)
	if err != nil {
		t.Fatal(err)
	}
	e := wire(t, m)
	if strings.Contains(e.HTML, "<b onload") || !strings.Contains(e.HTML, "Trade &amp; Industry &lt;b onload=") {
		t.Errorf("the name of the site became markup:\n%s", e.HTML)
	}
	if !strings.Contains(e.Text, inv.Site.Name) || !strings.HasPrefix(e.GetHeader("Subject"), "It is your turn: "+inv.Site.Name+", until ") {
		t.Errorf("the name of the site was changed in text:\n%s", e.Text)
	}
}

// TestEveryValueStandsWhereItsEscapingIsRight: in a text, or in an attribute in
// double quotes. Nowhere else (a script, a style, an attribute without quotes) is
// html.EscapeString enough.
func TestEveryValueStandsWhereItsEscapingIsRight(t *testing.T) {
	t.Parallel()
	if strings.Contains(htmlSource, "<script") || strings.Contains(htmlSource, "<style") || strings.Contains(htmlSource, "<!--") {
		t.Fatal("there is a place in which markup is not read as such")
	}
	n := 0
	for i := range htmlSource {
		if !strings.HasPrefix(htmlSource[i:], "{{") {
			continue
		}
		n++
		before := htmlSource[:i]
		tag := before[strings.LastIndexByte(before, '<')+1:]
		if !strings.Contains(tag, ">") && strings.Count(tag, `"`)%2 == 0 {
			t.Errorf("in the tag <%s a value stands outside of quotes", tag)
		}
		// In a style stand colours alone, which are of the form #rrggbb whatever was set.
		name, _, _ := strings.Cut(htmlSource[i+2:], "}}")
		inStyle := !strings.Contains(tag, ">") && strings.LastIndex(tag, `style="`) > strings.LastIndex(tag, `" `)
		if inStyle && name != "fill" && name != "on" || strings.Contains(tag, " on") {
			t.Errorf("<%s: the attribute is read as more than text", tag)
		}
	}
	if n < 20 {
		t.Errorf("only %d values were found", n)
	}
	if _, err := written("a {{b}} {{c}}", map[string]string{"b": "{{c}}"}, strings.ToUpper); err == nil {
		t.Error("a place without a value gave no error")
	}
	if got, err := written("a {{b}}", map[string]string{"b": "{{c}}"}, strings.ToUpper); err != nil || got != "a {{C}}" {
		t.Errorf("a value is looked at again: %q, %v", got, err)
	}
}

func TestAnIncompleteInvitationIsRefused(t *testing.T) {
	t.Parallel()
	for name, break_ := range map[string]func(*Invitation){
		"no address":       func(inv *Invitation) { inv.To = Address{} },
		"no sender":        func(inv *Invitation) { inv.From = "Example Benefits" },
		"two senders":      func(inv *Invitation) { inv.From = "a@example.com, b@example.com" },
		"a sender's name":  func(inv *Invitation) { inv.From = "Benefits <a@example.com>" },
		"two for answers":  func(inv *Invitation) { inv.ReplyTo = "a@example.com, b@example.com" },
		"no name":          func(inv *Invitation) { inv.Site.Name = "" },
		"no code":          func(inv *Invitation) { inv.Code = "" },
		"no token":         func(inv *Invitation) { inv.LeaveToken = "" },
		"no end":           func(inv *Invitation) { inv.Expires = time.Time{} },
		"a relative room":  func(inv *Invitation) { inv.Room = "/waiting-room" },
		"a room with code": func(inv *Invitation) { inv.Room = "javascript:alert(1)" },
	} {
		inv := invitation(t)
		break_(&inv)
		if _, err := Compose(inv); err == nil {
			t.Errorf("%s was taken", name)
		} else if strings.Contains(err.Error(), "example") {
			t.Errorf("%s: the error repeats a value: %v", name, err)
		}
	}
}

// TestTheHTMLIsSmall: at most 6 KB, with everything that an operator says at its
// longest.
func TestTheHTMLIsSmall(t *testing.T) {
	t.Parallel()
	inv := invitation(t)
	inv.Site = site.Words{
		Name: strings.Repeat("Ämter ", site.MaxName/6), Contact: strings.Repeat("Frage ", site.MaxContact/6), Telephone: "+1 800 555 0100 0100 0100 0100", ZoneName: strings.Repeat("Zone ", site.MaxZoneName/5),
	}
	inv.Site.Name, inv.Site.Contact, inv.Site.ZoneName = inv.Site.Name[:len(inv.Site.Name)-1]+"!", inv.Site.Contact[:len(inv.Site.Contact)-1]+"!", inv.Site.ZoneName[:len(inv.Site.ZoneName)-1]+"!"
	if err := inv.Site.Validate(); err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, l := range Languages() {
		inv.Language = l.Tag
		m, err := Compose(inv)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(m.HTML))
		if len(m.HTML) > 6<<10 {
			t.Errorf("%s: the HTML has %d bytes", l.Tag, len(m.HTML))
		}
	}
	t.Logf("the largest HTML has %d bytes (goal 6144)", most)
}

func TestUnknownLanguageFallsBack(t *testing.T) {
	t.Parallel()
	inv := invitation(t)
	inv.Language = "xx"
	m, err := Compose(inv)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Subject, "It is your turn: Example Benefits,") || !strings.Contains(m.Text, "/waiting-room/en/code?") {
		t.Errorf("it reads %q", m.Subject)
	}
}

func TestTheEndIsAbsoluteAndNamesItsZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		site site.Words
		en   string
		es   string
	}{
		{site.Words{}, "Wednesday, July 1, 2026, 4:00 am (UTC)", "miércoles, 1 de julio de 2026, 4:00 a. m. (UTC)"},
		{site.Words{Zone: fixed("EDT", -4*3600)}, "Wednesday, July 1, 2026, 12:00 am (EDT, UTC−4)", "miércoles, 1 de julio de 2026, 12:00 a. m. (EDT, UTC−4)"},
		{site.Words{Zone: fixed("IST", 5*3600+1800)}, "Wednesday, July 1, 2026, 9:30 am (IST, UTC+5:30)", "miércoles, 1 de julio de 2026, 9:30 a. m. (IST, UTC+5:30)"},
		{site.Words{Zone: fixed("-03", -3*3600)}, "Wednesday, July 1, 2026, 1:00 am (UTC−3)", "miércoles, 1 de julio de 2026, 1:00 a. m. (UTC−3)"},
		{site.Words{Zone: fixed("NZST", 12*3600)}, "Wednesday, July 1, 2026, 4:00 pm (NZST, UTC+12)", "miércoles, 1 de julio de 2026, 4:00 p. m. (NZST, UTC+12)"},
		{site.Words{Zone: fixed("EDT", -4*3600), ZoneName: "Eastern time"}, "Wednesday, July 1, 2026, 12:00 am (Eastern time)", "miércoles, 1 de julio de 2026, 12:00 a. m. (Eastern time)"},
	} {
		if got := wordsFor("en").date(at, c.site); got != c.en {
			t.Errorf("%s, not %s", got, c.en)
		}
		if got := wordsFor("es").date(at, c.site); got != c.es {
			t.Errorf("%s, not %s", got, c.es)
		}
	}
}
