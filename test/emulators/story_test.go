//go:build emulators

package emulators_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// TestTheFunctions tries the functions as they are deployed.
func TestTheFunctions(t *testing.T) {
	c := newCloud(t)
	t.Run("a person's story", c.aPersonsStory)
	t.Run("a person's story with the other table", func(t *testing.T) {
		other := *c
		other.dynamo = c.moto
		other.aPersonsStory(t)
	})
	t.Run("least privilege", c.leastPrivilege)
	t.Run("a sign-up is one request", c.aSignUpIsOneRequest)
	t.Run("a resting tick's requests", c.aRestingTicksRequests)
	t.Run("faults", c.faults)
	t.Run("refusals", c.refusals)
	t.Run("a tick's requests", c.aTicksRequests)
	t.Run("the canary", c.theCanary)
}

// aPersonsStory is one joining from end to end.
func (c *cloud) aPersonsStory(t *testing.T) {
	w := c.newWorld(t)
	w.join()
	if e := w.entry(); e.Stage != waitlist.Waiting || e.Wanted != "/apply?plan=silver" || e.Fields["state"] != "VT" {
		t.Fatalf("after joining the table has %+v", e)
	}
	if r := w.minute(); r.Claimed != 1 {
		t.Fatalf("the tick claimed %d\n%s", r.Claimed, w.functions["inviter"].Output())
	}
	if e := w.entry(); e.Stage != waitlist.Claimed {
		t.Fatalf("after the tick the entry is %s", e.Stage)
	}
	w.gate()
	w.work()
	if e := w.entry(); e.Stage != waitlist.Invited || e.Attempt != 1 {
		t.Fatalf("after the sender the entry is %s, attempt %d\n%s", e.Stage, e.Attempt, w.functions["sender"].Output())
	}
	got := w.mails()
	if len(got) != 1 {
		t.Fatalf("%d mails", len(got))
	}
	w.letter(got[0])
	w.hear(got[0], "Send", "{}")
	w.hear(got[0], "Delivery", `{"smtpResponse":"250 ok"}`)
	w.redeem(got[0])
	w.ended(1)
}

// gate checks what the edge has been told.
func (w *world) gate() {
	w.Helper()
	doc, ok := w.edge.Value(gate.Key)
	if !ok {
		w.Fatalf("no gate\n%s", w.functions["inviter"].Output())
	}
	g, err := gate.DecodeGate([]byte(doc))
	w.must(err)
	if g.Mode != gate.Throttle || !g.InForce(time.Now()) || g.Until.IsZero() || len(g.Keys) == 0 {
		w.Fatalf("the gate is %v", g)
	}
	doc, _ = w.edge.Value(gate.BaseKey)
	b, err := gate.DecodeBase([]byte(doc))
	w.must(err)
	if b.Failure != gate.Failure("open") || b.Salt != g.Salt {
		w.Fatalf("the base is %v", b)
	}
}

// letter checks a mail as the person's mail program sees it.
func (w *world) letter(m mail) {
	w.Helper()
	if m.From != `"Example Benefits" <`+from+`>` || !slices.Equal(m.Destination.To, []string{w.address}) || len(m.Destination.Cc)+len(m.Destination.Bcc) > 0 {
		w.Errorf("the mail is from %s to %+v", m.From, m.Destination)
	}
	if h := m.header("List-Unsubscribe"); !strings.HasPrefix(h, "<https://"+siteHost+"/waiting-room/en/leave?t=") || !strings.HasSuffix(h, ">") {
		w.Errorf("List-Unsubscribe is %q", h)
	}
	for name, want := range map[string]string{"List-Unsubscribe-Post": "", "Auto-Submitted": "auto-generated", "Content-Language": "en"} {
		if h := m.header(name); h != want {
			w.Errorf("%s is %q, want %q", name, h, want)
		}
	}
	e := w.entry()
	if m.Tags["key"] != e.Key || m.Tags["attempt"] != "1" || m.Tags["provider"] != "other" || m.Tags["ses:feedback-id-a"] == "" || len(m.Tags) != 5 {
		w.Errorf("the tags are %v", m.Tags)
	}
	if link := codeLink.FindStringSubmatch(m.Body.Text); link == nil || !strings.Contains(link[1], "c="+string(e.Code)) || !strings.Contains(m.Body.HTML, link[1]) {
		w.Errorf("the link is %q and the code %s", link, e.Code)
	}
}

// ended checks how every story ends: the person was let in by the code, once, by
// that many mails; nothing is left over, and no address went where none may go.
func (w *world) ended(mails int) {
	w.Helper()
	e := w.entry()
	if e.Stage != waitlist.Used || !e.Address.IsZero() || e.Code != "" || e.Delete.IsZero() {
		w.Errorf("the entry ended as %+v", e)
	}
	got := w.mails()
	if len(got) != mails {
		w.Errorf("%d mails, want %d", len(got), mails)
	}
	for _, m := range got[1:] {
		if a, b := codeLink.FindString(m.Body.Text), codeLink.FindString(got[0].Body.Text); a != b {
			w.Errorf("two mails with two codes: %s, %s", a, b)
		}
	}
	link := codeLink.FindString(got[0].Body.Text)
	ticket, err := w.table.Ticket(w.Context(), bypass.Code(link[strings.LastIndexByte(link, '=')+1:]))
	w.must(err)
	if len(ticket.Uses) != 1 || ticket.Key != e.Key {
		w.Errorf("the code's item is %+v", ticket)
	}
	cohorts, err := w.table.Cohorts(w.Context(), time.Now().Add(-time.Hour))
	w.must(err)
	var sent, redeemed int
	for _, c := range cohorts {
		sent, redeemed = sent+c.Sent, redeemed+c.Redeemed
	}
	if w.twice && sent+redeemed == 3 {
		sent, redeemed = 1, 1
	}
	if sent != 1 || redeemed != 1 {
		w.Errorf("the cohorts count %d sent and %d redeemed", sent, redeemed)
	}
	value := strings.TrimPrefix(w.cookie, bypass.CookieName+"=")
	doc, _ := w.edge.Value(gate.Key)
	g, err := gate.DecodeGate([]byte(doc))
	w.must(err)
	if _, err := g.Keys.Verify(value, time.Now()); err != nil {
		w.Errorf("the edge does not take the pass: %v", err)
	}
	if n := w.queued(); n != 0 {
		w.Errorf("%d messages are left in the queue", n)
	}
	for _, body := range w.bodies {
		if strings.Contains(body, "@") || strings.Contains(body, "jordan") {
			w.Errorf("a message tells of somebody: %s", body)
		}
	}
	for name, f := range w.functions {
		if said := f.Output(); strings.Contains(said, "jordan") || strings.Contains(said, link) {
			w.Errorf("%s logged an address or a code:\n%s", name, said)
		}
	}
}
