package twintest_test

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
	"raincheck/pkg/metric"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/twintest"
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
	*twintest.World
	witness *witness
	room    http.Handler
}

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	w := twintest.NewWorld(t)
	c := &canaries{World: w, witness: &witness{Queue: w.Queue}}
	log := slog.New(slog.NewJSONHandler(&c.witness.heard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	count := func(name metric.Name, n float64) { fmt.Fprintf(&c.witness.heard, "%s %g\n", name, n) }
	w.Inviter.Queue, w.Inviter.Log, w.Inviter.Count = c.witness, log, count
	w.Sender.Log, w.Sender.Count = log, count
	w.Feedback.Count = count
	var err error
	c.room, err = intake.Service{
		Settings: intake.Settings{Site: "Example", Sender: "invitations@example.com", PassLife: time.Hour, Fields: []intake.Field{{Name: "state", Labels: map[string]string{"en": "State"}}}},
		Store:    w.Store, Viewer: intake.Forwarded(1), Log: log, Count: count,
		Keys: func(context.Context) (*bypass.Keyring, error) { return w.Ring, nil }, Now: func() time.Time { return w.Now },
	}.Handler()
	w.Must(err)
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
	form := url.Values{"email": {address}, "stamp": {c.Ring.Stamp(c.Now)}, "to": {"/canary-wish"}, "state": {"canary-state"}}
	for _, bad := range []string{"canary7f3a@", "canary7f3a@example.org\r\nBcc: canary7f3a@example.net", "Canary <" + address + ">"} {
		wrong := url.Values{"email": {bad}, "stamp": form["stamp"]}
		if status := c.post("/en/", wrong); status != http.StatusUnprocessableEntity {
			c.Fatalf("a wrong address is answered %d", status)
		}
	}
	c.Store.Probe = twintest.Once("Join", false, fmt.Errorf("no room"))
	if status := c.post("/en/", form); status != http.StatusTooManyRequests {
		c.Fatalf("a sign-up that failed is answered %d", status)
	}
	c.Store.Probe = nil
	if status := c.post("/en/", form); status != http.StatusOK {
		c.Fatalf("a sign-up is answered %d", status)
	}
	a, err := email.Parse(address)
	c.Must(err)
	e, err := c.Store.Entry(c.Ctx, c.Ring.Mailbox(a.Mailbox()))
	c.Must(err)
	return e.Ref
}

// report hands the feedback an event as SES writes it, address and all.
func (c *canaries) report(kind, bounce string, m outbox.Mail) {
	c.Helper()
	tags := map[string][]string{"ses:configuration-set": {twintest.Configuration}}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	raw, err := json.Marshal(map[string]any{"source": "aws.ses", "time": c.Now, "detail": map[string]any{
		"eventType": kind, "mail": map[string]any{"destination": []string{m.To}, "tags": tags},
		"bounce": map[string]any{"bounceType": bounce, "bouncedRecipients": []map[string]string{{"emailAddress": m.To, "status": "5.1.1"}}},
	}})
	c.Must(err)
	c.Must(c.Feedback.Receive(c.Ctx, raw))
	c.Must(c.Feedback.Receive(c.Ctx, bytes.Replace(raw, []byte("joining"), []byte("j"), 1)))
}

// silent fails if a mark was heard, or stands in what the edge or the operator
// can read.
func (c *canaries) silent(when string) {
	c.Helper()
	state, err := c.Store.State(c.Ctx)
	c.Must(err)
	last, err := inviter.LastReport(state)
	c.Must(err)
	control, progress, err := c.Store.Notice(c.Ctx)
	c.Must(err)
	cohorts, err := c.Store.Cohorts(c.Ctx, time.Time{})
	c.Must(err)
	read := fmt.Sprintf("%+v %+v %+v %+v", last, control, progress, cohorts)
	for _, key := range []string{gate.Key, gate.BaseKey} {
		doc, _, err := c.Edge.Get(c.Ctx, key)
		c.Must(err)
		read += string(doc)
	}
	if heard := c.witness.heard.String(); !strings.Contains(heard, string(metric.IntakeSignupsNew)) {
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
	c.Must(c.Store.Each(c.Ctx, func(e waitlist.Entry) error {
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
			c.Minute()
			if status := c.post("/en/code?c="+c.Code(ref).String(), nil); status != http.StatusSeeOther {
				c.Fatalf("redeeming is answered %d", status)
			}
		},
		"left by the link of the mail": func(c *canaries, ref waitlist.Ref) {
			c.Minute()
			if status := c.post("/en/leave?t="+url.QueryEscape(c.Ring.LeaveToken(ref.Key, ref.Joining)), nil); status != http.StatusOK {
				c.Fatalf("leaving is answered %d", status)
			}
		},
		"bounced": func(c *canaries, _ waitlist.Ref) {
			c.Minute()
			c.report("Send", "", c.Outbox.Mails(0)[0])
			c.report("Bounce", "Permanent", c.Outbox.Mails(0)[0])
		},
		"refused by the mail service": func(c *canaries, _ waitlist.Ref) {
			c.Outbox.Probe = twintest.Once("Send", false, email.ErrRecipient)
			c.Minute()
		},
		"the code died": func(c *canaries, _ waitlist.Ref) {
			for end := c.Now.Add(twintest.CodeTTL + 5*time.Minute); c.Now.Before(end); {
				c.Minute()
			}
		},
		"forgotten while waiting": func(c *canaries, ref waitlist.Ref) { c.Must(c.Store.Forget(c.Ctx, ref.Key)) },
		"forgotten with the message under way": func(c *canaries, ref waitlist.Ref) {
			c.Tick()
			c.Must(c.Store.Forget(c.Ctx, ref.Key))
			c.Deliver(c.Now.Add(59 * time.Second))
			if n := len(c.Outbox.Mails(0)); n != 0 {
				c.Fatalf("%d mails went to somebody who was forgotten", n)
			}
		},
		"forgotten with the mail under way": func(c *canaries, ref waitlist.Ref) {
			c.Minute()
			c.Must(c.Store.Forget(c.Ctx, ref.Key))
			for _, kind := range []string{"Send", "Delivery", "Bounce", "Complaint"} {
				c.report(kind, "Permanent", c.Outbox.Mails(0)[0])
			}
			c.Minute()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCanaries(t)
			ref := c.join(address)
			c.Throttle(1)
			end(c, ref)
			c.Minute()
			c.silent(name)
			c.gone(name)
		})
	}
}
