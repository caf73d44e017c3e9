package intake_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// invited has somebody join and be invited.
func (w *world) invited(name string) (waitlist.Ref, bypass.Code) {
	w.Helper()
	w.join(name + "@example.org").status(200)
	e, ok := w.entry(name + "@example.org")
	if !ok {
		w.Fatalf("%s is not in the line", name)
	}
	return e.Ref, w.invite(e.Ref)
}

// use posts the button of a code's page, from a browser behind an address.
func (w *world) use(code, viewer string, cookies ...*http.Cookie) *page {
	w.Helper()
	r := w.request("/waiting-room/en/code?c="+url.QueryEscape(code), nil)
	r.Header.Set("X-Test-Viewer", viewer)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return w.do(r)
}

// The link of the mail, the button, the cookie, the site.
func TestSomebodyComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref, code := w.invited("ana")

	// A scanner opens the link a thousand times, and presses nothing. docs/faults.md, row 37.
	for range 1000 {
		for _, method := range []string{"GET", "HEAD"} {
			w.do(mustRequest(t, method, "/waiting-room/en/code?c="+string(code))).status(200)
		}
	}
	if n := w.probe.Total(); n != 0 {
		t.Errorf("the scanner reached the store: %v", w.probe.Calls())
	}

	p := w.use(string(code), "198.51.100.1").status(303)
	cookies := p.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	c := cookies[0]
	if c.Name != "__Host-raincheck" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 3600 || !c.Expires.IsZero() || c.Domain != "" {
		t.Errorf("the cookie is %s", p.Header.Get("Set-Cookie"))
	}
	pass, err := w.keys.VerifyPass(c.Value, w.clock())
	if err != nil || pass.Kind != bypass.Redeemed || !pass.Expires.Equal(w.clock().Add(time.Hour)) {
		t.Errorf("the pass is %+v, %v", pass, err)
	}
	to := p.Header.Get("Location")
	if to != "/waiting-room/en/in/"+pass.ID+"?to=%2Fapply%3Fstep%3D2" {
		t.Fatalf("it leads to %s", to)
	}

	// The cookie came back: on to where the person wanted to go.
	r := mustRequest(t, "GET", to)
	r.Header.Set("Cookie", "other=1; "+bypass.CookieName+"=x; "+bypass.CookieName+"="+c.Value+"; broken")
	if p := w.do(r).status(303); p.Header.Get("Location") != "/apply?step=2" || p.Header.Get("Set-Cookie") != "" {
		t.Errorf("then to %s, with %v", p.Header.Get("Location"), p.Header)
	}
	// It did not: no loop, and no use lost by trying again.
	w.get(to).status(200).says("your browser did not keep your pass", "Allow cookies")
	w.use(string(code), "198.51.100.1").status(303)
	if ticket, err := w.store.Ticket(t.Context(), code); err != nil || len(ticket.Uses) != 1 {
		t.Errorf("uses %v, %v", ticket.Uses, err)
	}
	if e, _ := w.store.Entry(t.Context(), ref.Key); e.Stage != waitlist.Used {
		t.Errorf("the entry is %s", e.Stage)
	}
	if strings.Contains(w.log.String(), string(code)) || strings.Contains(w.log.String(), code.String()) || strings.Contains(w.log.String(), c.Value) {
		t.Errorf("the log knows the code: %s", w.log)
	}
}

// docs/faults.md, row 39: how people type, and what is not theirs. Every wrong code gets the
// same page after the same steps; that bypass takes the same work for each is
// shown there (TestWrongCodesTakeTheSameWork).
func TestCodesAsTheyAreTyped(t *testing.T) {
	t.Parallel()
	asked := 0 // for the keys
	w := newWorld(t, func(s *intake.Service) {
		keys := s.Keys
		s.Keys = func(ctx context.Context) (*bypass.Keyring, error) { asked++; return keys(ctx) }
	})
	_, code := w.invited("ana")
	canonical := string(code)
	other, err := bypass.ParseKeyring([]byte(`{"root":"the root of another stack, of which nobody knows"}`))
	w.must(err)
	foreign, err := other.IssueCode(noon, noon.Add(time.Hour), rand.Reader)
	w.must(err)

	for name, typed := range map[string]string{
		"as mailed": code.String(), "lower case": strings.ToLower(canonical), "spaces": strings.Join(strings.Split(canonical, ""), " "),
		"O for 0, l for 1": strings.NewReplacer("0", "O", "1", "l").Replace(canonical), "long dashes": strings.ReplaceAll(code.String(), "-", "–"), "a paste": " \u00a0" + code.String() + "\r\n",
	} {
		if p := w.post("/waiting-room/en/enter", url.Values{"code": {typed}}); p.StatusCode != 303 && p.StatusCode != 410 {
			t.Errorf("%s: %d", name, p.StatusCode)
		}
	}

	w.probe.Reset()
	wrong := "Z" + canonical[1:]
	if wrong == canonical {
		wrong = "Y" + canonical[1:]
	}
	value := regexp.MustCompile(` value="[^"]*"`)
	same := ""
	for name, typed := range map[string]string{
		"one symbol": canonical[:19] + string(next(canonical[19])), "the first symbol": wrong, "cut off": canonical[:19], "too long": canonical + "0", "another stack's": string(foreign),
		"a leave token": w.keys.LeaveToken("k", 1), "a pass": "1.0.r.1.1.x.y", "U": strings.Repeat("U", 20), "endless": strings.Repeat("A", 5000), "markup": `"><script>`,
	} {
		asked = 0
		p := w.post("/waiting-room/en/enter", url.Values{"code": {typed}}).status(422)
		page := value.ReplaceAllString(p.body, "")
		if same == "" {
			same = page
		}
		if page != same || asked != 1 {
			t.Errorf("%s: another page, or the keys were asked for %d times", name, asked)
		}
		p.says("That code does not work as it is typed. Copy it from the email once more", `href="#code"`, `href="/waiting-room/en/"`).lacks("<script")
		if p.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s gets a pass", name)
		}
	}
	w.post("/waiting-room/en/enter", url.Values{"code": {"abc"}}).says(`value="abc"`)
	w.post("/waiting-room/en/enter", url.Values{"code": {""}}).status(422).says("Enter your code")
	w.post("/waiting-room/en/code", nil).status(422).says("Enter your code")
	// docs/faults.md, row 41: none of them reached the store.
	if n := w.probe.Total(); n != 0 {
		t.Errorf("the store was asked: %v", w.probe.Calls())
	}
	if w.counts[metric.IntakeCodesWrong] != 11 {
		t.Errorf("counted %v", w.counts)
	}
}

// next is another symbol of the alphabet.
func next(c byte) byte {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	return alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)]
}

// docs/faults.md, rows 38, 40: three uses, so that a scanner that presses buttons leaves two;
// and each way for a code to be over has its own words and a way back.
func TestCodesThatAreOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, used := w.invited("ana")
	w.use(string(used), "scanner").status(303)
	phone := w.use(string(used), "phone").status(303).Cookies()[0]
	w.use(string(used), "laptop").status(303)
	w.use(string(used), "a friend").status(410).says("This code has been used on three devices", `href="/waiting-room/en/?to=%2Fapply%3Fstep%3D2"`)
	// The phone comes again, from another network: its pass tells.
	w.use(string(used), "another network", phone).status(303)

	ref, given := w.invited("ben")
	w.post("/waiting-room/en/leave?t="+w.keys.LeaveToken(ref.Key, ref.Joining), nil).status(200)
	w.use(string(given), "b").status(410).says("This turn was given up", "Join the line")

	_, late := w.invited("cem")
	w.pass(4*time.Hour + bypass.ClockGrace - time.Second)
	w.use(string(late), "c").status(303) // two clocks may differ
	w.pass(2 * time.Minute)
	w.use(string(late), "d").status(410).says("This code was good until", "Join the line")

	// The door is open: no need for a code.
	w.control(func(c *waitlist.Control) { c.Mode = gate.Open })
	w.use(string(late), "d").status(410).says("This code was good until", "There is no wait for Example Benefits now", `href="/apply?step=2"`).lacks("Join the line")
	w.use(string(used), "e").status(410).says("This code was good until")
	if w.counts[metric.IntakeCodesOver] != 5 {
		t.Errorf("counted %v", w.counts)
	}
}

// docs/faults.md, row 36.
func TestLeaving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	link := "/waiting-room/es/leave?t=" + w.keys.LeaveToken(e.Key, e.Joining)

	w.get(link).status(200).says("¿Renunciar a su turno para Example Benefits?")
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Waiting {
		t.Errorf("a GET made it %s", e.Stage)
	}
	for _, token := range []string{"", "x", "x.1.y", w.keys.LeaveToken(e.Key, e.Joining) + "x", w.stamp()} {
		w.post("/waiting-room/es/leave?t="+url.QueryEscape(token), nil).status(422).says("Ese enlace no está completo",
			`href="/waiting-room/es/"`, `href="/waiting-room/es/enter"`, `href="/"`)
	}

	w.post(link, nil).status(200).says("Ya no está en la fila")
	e, _ = w.entry("ana@example.org")
	if e.Stage != waitlist.Left || !e.Address.IsZero() {
		t.Errorf("the entry is %s, and has an address: %v", e.Stage, !e.Address.IsZero())
	}

	// Joining again is a new place, which the old link does not end.
	w.pass(time.Hour)
	w.join("ana@example.org")
	w.post(link, nil).status(200)
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Waiting {
		t.Errorf("the old link made it %s", e.Stage)
	}
}

// docs/faults.md, row 36: a mail program's own button (RFC 8058) says that no
// further mail is wanted. The code works on, and nothing more is mailed.
func TestOneClickKeepsTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	code := w.send(e.Ref)
	link := "/waiting-room/es/leave?t=" + w.keys.LeaveToken(e.Key, e.Joining)
	// No browser, another origin, either type.
	for _, c := range []struct{ kind, body string }{
		{"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		{"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click\r\n"},
		{"application/x-www-form-urlencoded", "list-unsubscribe=one-click"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", origin+link, strings.NewReader(c.body))
		w.must(err)
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Origin", "https://mail.example")
		w.do(r).status(200).says("¿Renunciar a su turno para Example Benefits?")
	}
	if e, _ := w.entry("ana@example.org"); !e.Quiet || e.Stage != waitlist.Invited || e.Code != code {
		t.Errorf("after one press the entry is %s, quiet %v", e.Stage, e.Quiet)
	}
	w.must(w.store.Return(t.Context(), e.Ref, 1, waitlist.Back{At: w.clock(), Until: w.clock(), Sent: true}))
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Failed {
		t.Errorf("a mail that came back began a new round: %s", e.Stage)
	}
	w.use(string(code), "a").status(303)
}

// docs/faults.md, row 36: somebody leaves while the mail is on its way. The mail may arrive, and
// then neither its code nor what SES says of it brings the place back.
func TestLeavingWhileTheMailIsOnItsWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("ana@example.org")
	e, _ := w.entry("ana@example.org")
	code := w.send(e.Ref)
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Sending {
		t.Fatalf("the entry is %s", e.Stage)
	}
	link := "/waiting-room/en/leave?t=" + w.keys.LeaveToken(e.Key, e.Joining)
	for range 2 {
		w.post(link, nil).status(200).says("You are no longer in the line")
	}
	if err := w.store.Accept(t.Context(), e.Ref, 1, w.clock()); !errors.Is(err, waitlist.ErrStale) {
		t.Errorf("SES says that it took the mail: %v", err)
	}
	w.use(string(code), "a").status(410).says("This turn was given up")
	if e, _ := w.entry("ana@example.org"); e.Stage != waitlist.Left {
		t.Errorf("the entry is %s", e.Stage)
	}
}

// A key that was replaced in the middle of a wave: its codes stay good.
func TestAReplacedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, code := w.invited("ana")
	doc, err := w.keys.Rotate(w.clock(), rand.Reader)
	w.must(err)
	next, err := bypass.ParseKeyring(doc)
	w.must(err)
	*w.keys = *next
	w.pass(bypass.RotationLead + time.Hour)
	w.use(string(code), "a").status(303)
	w.join("ben@example.org").status(200)
}

// FuzzTheWayBack: wherever a query says that somebody wanted to go, the room
// sends nobody off this site.
func FuzzTheWayBack(f *testing.F) {
	for _, to := range []string{"/apply?step=2", "//evil.example", "/\\evil.example", "https://evil.example", "/%2F/evil.example", "/\t/evil.example", "javascript:alert(1)", "/a//b", "/ü", "/" + strings.Repeat("a", 600)} {
		f.Add(to)
	}
	w := &world{}
	f.Fuzz(func(t *testing.T, to string) {
		if w.handler == nil {
			w = newWorld(t)
		}
		w.T = t
		for _, p := range []*page{
			w.post("/waiting-room/en/?to="+url.QueryEscape(to), url.Values{"go": {"1"}}),
			w.post("/waiting-room/en/", url.Values{"go": {"1"}, "to": {to}}),
		} {
			if p.StatusCode == 422 || p.StatusCode == 413 {
				continue // bytes that are not text, or more of them than a form has
			}
			location := p.status(303).Header.Get("Location")
			// A browser leaves the site for "//" or "/\\" at the start, and drops blanks
			// and what cannot be printed before it looks.
			if !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || len(location) > gate.MaxPath ||
				strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
				t.Fatalf("%q leads to %q", to, location)
			}
		}
	})
}
