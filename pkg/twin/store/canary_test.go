package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/inviter"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/waitlist"
)

// witness writes down all that leaves a use case for a place that keeps it: log
// lines, names of metrics, messages of the queue.
type witness struct {
	*queue.Queue
	heard bytes.Buffer
}

func (w *witness) Enqueue(ctx context.Context, messages []waitlist.Message) error {
	text, err := json.Marshal(messages)
	w.heard.Write(append(text, '\n'))
	if err != nil {
		return err
	}
	return w.Queue.Enqueue(ctx, messages)
}

// canaries is a world with a waiting room in front, whose every word is heard.
type canaries struct {
	*world
	witness *witness
	room    http.Handler
}

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	w := newWorld(t)
	c := &canaries{world: w, witness: &witness{Queue: w.queue}}
	log := slog.New(slog.NewJSONHandler(&c.witness.heard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	count := func(name string, n float64) { fmt.Fprintf(&c.witness.heard, "%s %g\n", name, n) }
	w.inviter.Queue, w.inviter.Log, w.inviter.Count = c.witness, log, count
	w.sender.Log, w.sender.Count = log, count
	w.feedback.Count = count
	var err error
	c.room, err = intake.Service{
		Settings: intake.Settings{Site: "Example", Sender: "invitations@example.com", PassLife: time.Hour, Fields: []intake.Field{{Name: "state", Labels: map[string]string{"en": "State"}}}},
		Store:    w.store, Viewer: intake.Forwarded(1), Log: log, Count: func(name string, n int) { count(name, float64(n)) },
		Keys: func(context.Context) (*bypass.Keyring, error) { return w.ring, nil }, Now: func() time.Time { return w.now },
	}.Handler()
	w.must(err)
	return c
}

// The marks of a person that nothing may keep: who they are, where they came
// from, what they wanted, what they answered.
var marks = []string{"canary7f3a", "203.0.113.77", "canary-browser", "canary-wish", "canary-state"}

// post sends a form as that person's browser does.
func (c *canaries) post(path string, form url.Values) int {
	r := httptest.NewRequest(http.MethodPost, "http://www.example.com"+gate.Room+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", "203.0.113.77")
	r.Header.Set("User-Agent", "canary-browser")
	answer := httptest.NewRecorder()
	c.room.ServeHTTP(answer, r)
	return answer.Code
}

// join signs up through the form, after some tries that go wrong.
func (c *canaries) join(address string) waitlist.Ref {
	c.Helper()
	form := url.Values{"email": {address}, "stamp": {c.ring.Stamp(c.now)}, "to": {"/canary-wish"}, "state": {"canary-state"}}
	for _, bad := range []string{"canary7f3a@", "canary7f3a@example.org\r\nBcc: canary7f3a@example.net", "Canary <" + address + ">"} {
		wrong := url.Values{"email": {bad}, "stamp": form["stamp"]}
		if status := c.post("/en/", wrong); status != http.StatusUnprocessableEntity {
			c.Fatalf("a wrong address is answered %d", status)
		}
	}
	c.store.Probe = once("Join", false, fmt.Errorf("no room"))
	if status := c.post("/en/", form); status != http.StatusTooManyRequests {
		c.Fatalf("a sign-up that failed is answered %d", status)
	}
	c.store.Probe = nil
	if status := c.post("/en/", form); status != http.StatusOK {
		c.Fatalf("a sign-up is answered %d", status)
	}
	a, err := email.Parse(address)
	c.must(err)
	e, err := c.store.Entry(c.ctx, c.ring.Mailbox(a.Mailbox()))
	c.must(err)
	return e.Ref
}

// report hands the feedback an event as SES writes it, address and all.
func (c *canaries) report(kind, bounce string, m outbox.Mail) {
	c.Helper()
	tags := map[string][]string{"ses:configuration-set": {configuration}}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	raw, err := json.Marshal(map[string]any{"source": "aws.ses", "time": c.now, "detail": map[string]any{
		"eventType": kind, "mail": map[string]any{"destination": []string{m.To}, "tags": tags},
		"bounce": map[string]any{"bounceType": bounce, "bouncedRecipients": []map[string]string{{"emailAddress": m.To}}},
	}})
	c.must(err)
	c.must(c.feedback.Receive(c.ctx, raw))
	c.must(c.feedback.Receive(c.ctx, bytes.Replace(raw, []byte("joining"), []byte("j"), 1)))
}

// silent fails if a mark was heard, or stands in what the edge or the operator
// can read.
func (c *canaries) silent(when string) {
	c.Helper()
	state, err := c.store.State(c.ctx)
	c.must(err)
	last, err := inviter.LastReport(state)
	c.must(err)
	control, progress, err := c.store.Notice(c.ctx)
	c.must(err)
	cohorts, err := c.store.Cohorts(c.ctx, time.Time{})
	c.must(err)
	read := fmt.Sprintf("%+v %+v %+v %+v", last, control, progress, cohorts)
	for _, key := range []string{gate.Key, gate.BaseKey} {
		doc, _, err := c.edge.Get(c.ctx, key)
		c.must(err)
		read += string(doc)
	}
	if heard := c.witness.heard.String(); !strings.Contains(heard, `"msg":"sign-up"`) {
		c.Fatalf("%s: nothing was heard: %s", when, heard)
	}
	for _, mark := range marks {
		if i := strings.Index(c.witness.heard.String(), mark); i >= 0 {
			c.Fatalf("%s: %s was heard: %.300s", when, mark, c.witness.heard.String()[max(0, i-200):])
		}
		if strings.Contains(read, mark) {
			c.Fatalf("%s: %s stands in %s", when, mark, read)
		}
	}
}

// gone fails if an entry still says whose it is.
func (c *canaries) gone(when string) {
	c.Helper()
	c.must(c.store.Each(c.ctx, func(e waitlist.Entry) error {
		if !e.Address.IsZero() || e.Wanted != "" || len(e.Fields) > 0 {
			c.Fatalf("%s: the entry at stage %s still has %s %q %v", when, e.Stage, e.Address.Reveal(), e.Wanted, e.Fields)
		}
		return nil
	}))
}

// A canary goes every way that there is, and afterwards every place is searched.
// The mail itself, the recipient's copy and what AWS keeps are in
// docs/security.md.
func TestNothingKeepsAnAddressThatHasEndedOrIsForgotten(t *testing.T) {
	t.Parallel()
	const address = "canary7f3a@example.org"
	ends := map[string]func(c *canaries, ref waitlist.Ref){
		"redeemed": func(c *canaries, ref waitlist.Ref) {
			c.minute()
			if status := c.post("/en/code?c="+c.code(ref).String(), nil); status != http.StatusSeeOther {
				c.Fatalf("redeeming is answered %d", status)
			}
		},
		"left by the link of the mail": func(c *canaries, ref waitlist.Ref) {
			c.minute()
			if status := c.post("/en/leave?t="+url.QueryEscape(c.ring.LeaveToken(ref.Key, ref.Joining)), nil); status != http.StatusOK {
				c.Fatalf("leaving is answered %d", status)
			}
		},
		"bounced": func(c *canaries, _ waitlist.Ref) {
			c.minute()
			c.report("Send", "", c.outbox.Mails(0)[0])
			c.report("Bounce", "Permanent", c.outbox.Mails(0)[0])
		},
		"refused by the mail service": func(c *canaries, _ waitlist.Ref) {
			c.outbox.Probe = once("Send", false, email.ErrRefused)
			c.minute()
		},
		"the code died": func(c *canaries, _ waitlist.Ref) {
			for end := c.now.Add(codeTTL + 5*time.Minute); c.now.Before(end); {
				c.minute()
			}
		},
		"forgotten while waiting": func(c *canaries, ref waitlist.Ref) { c.must(c.store.Forget(c.ctx, ref.Key)) },
		"forgotten with the message under way": func(c *canaries, ref waitlist.Ref) {
			c.tick()
			c.must(c.store.Forget(c.ctx, ref.Key))
			c.deliver(c.now.Add(59 * time.Second))
			if n := len(c.outbox.Mails(0)); n != 0 {
				c.Fatalf("%d mails went to somebody who was forgotten", n)
			}
		},
		"forgotten with the mail under way": func(c *canaries, ref waitlist.Ref) {
			c.minute()
			c.must(c.store.Forget(c.ctx, ref.Key))
			for _, kind := range []string{"Send", "Delivery", "Bounce", "Complaint"} {
				c.report(kind, "Permanent", c.outbox.Mails(0)[0])
			}
			c.minute()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCanaries(t)
			ref := c.join(address)
			c.throttle(1)
			end(c, ref)
			c.minute()
			c.silent(name)
			c.gone(name)
		})
	}
}
