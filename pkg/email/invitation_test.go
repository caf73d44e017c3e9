package email

import (
	"bytes"
	"flag"
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
)

var update = flag.Bool("update", false, "write the golden mails")

// eastern is a zone by hand, so that the test needs no zone database.
var eastern = time.FixedZone("EST", -5*3600)

func invitation(t *testing.T) Invitation {
	t.Helper()
	to, err := Parse("ana.b@example.org")
	if err != nil {
		t.Fatal(err)
	}
	return Invitation{
		To: to, Language: "en", Site: "Example Benefits", From: "Example Benefits <queue@example.com>",
		Room: "https://www.example.com/waiting-room",
		Code: "ABCDE-FGHJK-MNPQR-STVWX", LeaveToken: "dGhpcyBpcyBub3QgYSB0b2tlbg.4711.c2lnbmF0dXJl",
		Joined:  time.Date(2013, 12, 23, 16, 40, 0, 0, time.UTC),
		Expires: time.Date(2013, 12, 24, 0, 5, 0, 0, time.UTC),
		Zone:    eastern,
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
				for _, want := range []string{link, leave, inv.Code, inv.Room + "/" + l.Tag + "/enter", "EST, UTC−5"} {
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
			if e.GetHeader("Auto-Submitted") != "auto-generated" {
				t.Error("an answering machine may answer it")
			}
			noTracking(t, e.HTML, inv.Room)
		})
	}
}

// evening is five past seven in the evening, by a clock of 12 hours or of 24.
var evening = regexp.MustCompile(`\b7\D{1,3}05 ([pP]|م)|(下午|오후 )7:05|\b19\D{1,3}05\b`)

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
			"site":  func(inv *Invitation) { inv.Site = evil },
			"from":  func(inv *Invitation) { inv.From = evil + " <queue@example.com>" },
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
	inv.Site = `Trade & Industry <b onload="x">{time}</b>`
	m, err := Compose(inv)
	if err != nil {
		t.Fatal(err)
	}
	e := wire(t, m)
	if strings.Contains(e.HTML, "<b onload") || !strings.Contains(e.HTML, "Trade &amp; Industry &lt;b onload=") {
		t.Errorf("the name of the site became markup:\n%s", e.HTML)
	}
	if !strings.Contains(e.Text, inv.Site) || e.GetHeader("Subject") != "It is your turn: "+inv.Site {
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
		if strings.HasSuffix(before, `style="`) || strings.Contains(tag, " on") {
			t.Errorf("<%s: the attribute is read as more than text", tag)
		}
	}
	if n < 20 {
		t.Errorf("only %d values were found", n)
	}
	if _, err := written("a {{b}} {{c}}", map[string]string{"b": "{{c}}"}, strings.ToUpper); err == nil {
		t.Error("a place without a value is no error")
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

func TestUnknownLanguageFallsBack(t *testing.T) {
	t.Parallel()
	inv := invitation(t)
	inv.Language = "xx"
	m, err := Compose(inv)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "It is your turn: Example Benefits" || !strings.Contains(m.Text, "/waiting-room/en/code?") {
		t.Errorf("it reads %q", m.Subject)
	}
}

func TestTheEndIsAbsoluteAndNamesItsZone(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		zone *time.Location
		en   string
		es   string
	}{
		{time.UTC, "Wednesday, July 1, 2026, 4:00 am (UTC)", "miércoles, 1 de julio de 2026, 4:00 a. m. (UTC)"},
		{time.FixedZone("EDT", -4*3600), "Wednesday, July 1, 2026, 12:00 am (EDT, UTC−4)", "miércoles, 1 de julio de 2026, 12:00 a. m. (EDT, UTC−4)"},
		{time.FixedZone("IST", 5*3600+1800), "Wednesday, July 1, 2026, 9:30 am (IST, UTC+5:30)", "miércoles, 1 de julio de 2026, 9:30 a. m. (IST, UTC+5:30)"},
		{time.FixedZone("-03", -3*3600), "Wednesday, July 1, 2026, 1:00 am (UTC−3)", "miércoles, 1 de julio de 2026, 1:00 a. m. (UTC−3)"},
		{time.FixedZone("NZST", 12*3600), "Wednesday, July 1, 2026, 4:00 pm (NZST, UTC+12)", "miércoles, 1 de julio de 2026, 4:00 p. m. (NZST, UTC+12)"},
	} {
		if got := wordsFor("en").date(at, c.zone); got != c.en {
			t.Errorf("%s, not %s", got, c.en)
		}
		if got := wordsFor("es").date(at, c.zone); got != c.es {
			t.Errorf("%s, not %s", got, c.es)
		}
	}
}
