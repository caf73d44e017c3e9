package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/handover"
	"raincheck/pkg/intake"
	"raincheck/pkg/inviter"
	"raincheck/pkg/metric"
	"raincheck/pkg/records"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// The canary as it is typed: capitals, a tag, a domain with letters beyond ASCII.
const (
	typed       = "Canary7F3A+wait@Bücher-Canary.example"
	typedLocal  = "canary7f3a"
	typedDomain = "xn--bcher-canary-dlb.example"
)

// needles are the ways in which the canary's address could stand somewhere:
// plain, per cent, hexadecimal, base64 at each of its three alignments, and the
// domain in Unicode and in punycode.
func needles() map[string]string {
	found := map[string]string{}
	address, err := email.Parse(typed)
	if err != nil {
		panic(err)
	}
	for name, word := range map[string]string{
		"local part": typedLocal, "domain": strings.SplitN(address.Reveal(), "@", 2)[1], "Unicode domain": "bücher-canary",
		"whole": strings.ToLower(address.Reveal()), "mailbox": address.Mailbox(),
	} {
		for i, needle := range needlesOf(word, address.Reveal()) {
			found[fmt.Sprintf("%s, form %d", name, i)] = needle
		}
	}
	return found
}

// needlesOf are the forms of a word, in lower case; and of whole, in which it may
// be coded.
func needlesOf(word string, whole ...string) []string {
	forms := []string{word, url.QueryEscape(word), hex.EncodeToString([]byte(word))}
	for _, text := range append(whole, word) {
		for shift := range 3 {
			// What the bytes before and after share a group with is cut off.
			coded := base64.StdEncoding.EncodeToString([]byte("xxx"[:shift] + text + "xx"))
			forms = append(forms, coded[4:len(coded)-4])
		}
	}
	for i := range forms {
		forms[i] = strings.ToLower(forms[i])
	}
	return forms
}

// search gives the ways in which the canary stands in a text.
func search(text string) (ways []string) {
	text = strings.ToLower(text)
	for name, needle := range needles() {
		if strings.Contains(text, needle) || strings.Contains(text, strings.NewReplacer("+", "-", "/", "_").Replace(needle)) {
			ways = append(ways, name)
		}
	}
	slices.Sort(ways)
	return ways
}

// TestTheSearchFinds: a search that finds nothing must be able to find.
func TestTheSearchFinds(t *testing.T) {
	t.Parallel()
	address, err := email.Parse(typed)
	if err != nil {
		t.Fatal(err)
	}
	if got := address.Reveal(); !strings.HasSuffix(got, "@"+typedDomain) {
		t.Fatalf("the domain is %s", got)
	}
	for name, text := range map[string]string{
		"plain": "to " + address.Reveal() + ".", "as typed": typed, "query": "?e=" + url.QueryEscape(typed), "base64": base64.StdEncoding.EncodeToString([]byte(`{"to":"` + address.Reveal() + `"}`)),
		"base64 for URLs": base64.RawURLEncoding.EncodeToString([]byte(`{"a":"` + address.Mailbox() + `"}`)), "hexadecimal": fmt.Sprintf("%x", address.Reveal()), "mailbox": address.Mailbox(),
	} {
		if len(search(text)) == 0 {
			t.Errorf("%s: not found in %s", name, text)
		}
	}
	if ways := search("somebody@example.org, redacted"); len(ways) > 0 {
		t.Errorf("found where it is not: %v", ways)
	}
}

// flows is a whole raincheck on the twins, with everything written down that
// leaves a use case.
type flows struct {
	*testing.T
	now      time.Time
	store    *store.Store
	queue    *queue.Queue
	outbox   *outbox.Outbox
	keys     *bypass.Keyring
	kvs      *emulators.KeyValue
	room     http.Handler
	inviter  inviter.Service
	sender   *sender.Service
	feedback *feedback.Service
	fail     string // the call of the store that fails next
	// places are what was written, by where.
	places map[string]*bytes.Buffer
}

func newFlows(t *testing.T, dir string) *flows {
	t.Helper()
	store, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &flows{T: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), store: store, queue: &queue.Queue{}, places: map[string]*bytes.Buffer{}}
	for _, place := range []string{"logs", "metrics", "queue", "pages", "tool", "import report"} {
		f.places[place] = &bytes.Buffer{}
	}
	store.Probe = &twin.Probe{Before: func(_ context.Context, call string) error {
		if call == f.fail {
			f.fail = ""
			return errors.New("the table is down")
		}
		return nil
	}}
	if f.keys, err = bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`)); err != nil {
		t.Fatal(err)
	}
	clock, ring := func() time.Time { return f.now }, func(context.Context) (*bypass.Keyring, error) { return f.keys, nil }
	log := slog.New(slog.NewJSONHandler(f.places["logs"], &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
	count := func(name metric.Name, n float64) { fmt.Fprintf(f.places["metrics"], "%s %g\n", name, n) }
	f.room, err = intake.Service{
		Settings: intake.Settings{Site: "the site", Sender: "no-reply@example.org", PassLife: time.Hour, Origins: []string{"http://www.example.org"}},
		Store:    store, Keys: ring, Now: clock, Log: log, Viewer: func(*http.Request) string { return "192.0.2.1" }, Count: count,
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	kvs, edge := edgeStandIn(t)
	f.kvs, f.outbox = kvs, &outbox.Outbox{Now: clock}
	f.inviter = inviter.Service{
		Settings: inviter.Settings{Policy: admission.DefaultPolicy(), Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.5},
		Store:    store, Queue: f, Mail: account50{}, Edge: edge, Now: clock, Keys: ring, Count: count, Log: log,
	}
	f.sender = &sender.Service{
		Settings: sender.Settings{Site: "the site", From: "no-reply@example.org", Room: "http://www.example.org" + gate.Room, CodeTTL: time.Hour},
		Store:    store, Mail: f.outbox, Keys: ring, Now: clock, Random: rand.Reader, Wait: func(context.Context, time.Time) error { return nil }, Count: count, Log: log,
	}
	f.feedback = &feedback.Service{Store: store, Configuration: "set", Now: clock, Count: count}
	return f
}

// Enqueue writes the messages down and passes them on.
func (f *flows) Enqueue(ctx context.Context, messages []waitlist.Message) error {
	if err := json.NewEncoder(f.places["queue"]).Encode(messages); err != nil {
		return err
	}
	return f.queue.Enqueue(ctx, messages)
}

func (f *flows) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// ask sends a request to the room. The answer to the person's own sign-up shows
// them what they typed, and is kept by nobody; every other one is a page.
func (f *flows) ask(method, path, kind, body string, status int, own bool) string {
	f.Helper()
	r := httptest.NewRequest(method, "http://www.example.org"+gate.Room+path, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer := httptest.NewRecorder()
	f.room.ServeHTTP(answer, r)
	if answer.Code != status {
		f.Fatalf("%s %s: %d, want %d: %s", method, path, answer.Code, status, answer.Body)
	}
	if !own {
		fmt.Fprintln(f.places["pages"], path, answer.Header(), answer.Body)
	} else if cache := answer.Header().Get("Cache-Control"); !strings.Contains(cache, "no-store") {
		f.Errorf("%s %s: an answer with an address may be kept: %q", method, path, cache)
	}
	return answer.Body.String()
}

const form = "application/x-www-form-urlencoded"

// join leaves the address, after tries that go wrong.
func (f *flows) join(asJSON bool) waitlist.Entry {
	f.Helper()
	values := url.Values{"email": {typed}, "stamp": {f.keys.Stamp(f.now)}, "to": {"/apply"}}
	kind, body := form, values.Encode()
	if asJSON {
		kind = "application/json"
		text, err := json.Marshal(map[string]string{"email": typed, "stamp": f.keys.Stamp(f.now), "to": "/apply"})
		f.must(err)
		body = string(text)
	}
	f.ask("POST", "/en/", form, url.Values{"email": {typed + ", " + typed}, "stamp": values["stamp"]}.Encode(), http.StatusUnprocessableEntity, true)
	f.ask("POST", "/en/", form, url.Values{"email": {typed}, "stamp": {"stale"}}.Encode(), http.StatusUnprocessableEntity, true)
	f.fail = "Join"
	f.ask("POST", "/en/", kind, body, http.StatusTooManyRequests, true)
	f.ask("POST", "/en/", kind, body, http.StatusOK, true)
	f.ask("POST", "/en/", kind, body, http.StatusOK, true) // twice
	return f.entry()
}

func (f *flows) key() string {
	address, err := email.Parse(typed)
	f.must(err)
	return f.keys.Mailbox(address.Mailbox())
}

func (f *flows) entry() waitlist.Entry {
	f.Helper()
	e, err := f.store.Entry(f.Context(), f.key())
	f.must(err)
	return e
}

// mail has the canary invited and the mail sent; the first try meets a table
// that is down.
func (f *flows) mail() (waitlist.Entry, outbox.Mail) {
	f.Helper()
	f.must(f.store.UpdateControl(f.Context(), func(c *waitlist.Control) error { c.InviteNow++; return nil }))
	f.now = f.now.Truncate(time.Minute).Add(time.Minute)
	_, err := f.inviter.Tick(f.Context(), f.now)
	f.must(err)
	f.now = f.now.Add(10 * time.Second)
	messages := f.queue.Receive(f.now, 10)
	f.fail = "Begin"
	if failed := f.sender.Handle(f.Context(), messages); len(failed) != len(messages) || len(messages) != 1 {
		f.Fatalf("%d of %d messages failed", len(failed), len(messages))
	}
	f.sender.Handle(f.Context(), messages)
	mails := f.outbox.Mails(0)
	if len(mails) == 0 || f.entry().Stage != waitlist.Invited {
		f.Fatalf("no mail: %s", f.entry().Stage)
	}
	return f.entry(), mails[0]
}

// event is what SES says of a mail, address and all.
func (f *flows) event(m outbox.Mail, kind, bounce string) {
	f.Helper()
	tags := map[string][]string{"ses:configuration-set": {"set"}}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	raw, err := json.Marshal(map[string]any{"source": "aws.ses", "time": f.now, "detail": map[string]any{
		"eventType": kind, "mail": map[string]any{"destination": []string{typed}, "tags": tags},
		"bounce": map[string]any{"bounceType": bounce, "bouncedRecipients": []map[string]string{{"emailAddress": typed, "status": "5.1.1", "diagnosticCode": typed + " is unknown"}}},
	}})
	f.must(err)
	f.must(f.feedback.Receive(f.Context(), bytes.Replace(raw, []byte(`"attempt"`), []byte(`"tempt"`), 1))) // malformed
	f.fail = "Accept"
	if kind == "Bounce" || kind == "Complaint" {
		f.fail = "Bounce"
	}
	if err := f.feedback.Receive(f.Context(), raw); err != nil {
		fmt.Fprintln(f.places["logs"], err) // as Lambda logs it
	}
	f.must(f.feedback.Receive(f.Context(), raw))
}

// forget runs the command's own words.
func (f *flows) forget() {
	f.Helper()
	address, err := email.Parse(typed)
	f.must(err)
	e := &env{ctx: f.Context(), stdout: f.places["tool"], stderr: f.places["tool"], now: func() time.Time { return f.now }}
	p := people{name: "raincheck", store: f.store, keys: f.keys}
	f.must(p.forget(e, address, false))
	f.must(p.forget(e, address, true))
	if _, err := f.store.Entry(f.Context(), f.key()); !errors.Is(err, waitlist.ErrUnknown) {
		f.Errorf("forgotten, and there is an entry: %v", err)
	}
}

// TestForgetLeavesNothing: a canary goes through every flow, and is forgotten.
// Then every place is searched for it, in every form. What keeps something all
// the same must be named in docs/security.md.
func TestForgetLeavesNothing(t *testing.T) {
	t.Parallel()
	dir, files := t.TempDir(), t.TempDir()
	f := newFlows(t, dir)

	// Joins by the form, is invited, comes back.
	f.join(false)
	e, mail := f.mail()
	f.event(mail, "Delivery", "")
	f.ask("GET", "/en/code?c="+string(e.Code), "", "", http.StatusOK, false)
	f.ask("POST", "/en/code?c=WRONG", form, "", http.StatusUnprocessableEntity, false)
	f.fail = "Redeem"
	f.ask("POST", "/en/code?c="+string(e.Code), form, "", http.StatusSeeOther, false)
	f.ask("POST", "/en/code?c="+string(e.Code), form, "", http.StatusSeeOther, false)
	// Joins again, by JSON, and leaves.
	f.now = f.now.Add(2 * time.Hour)
	f.join(true)
	e, _ = f.mail()
	leave := "/en/leave?t=" + url.QueryEscape(f.keys.LeaveToken(e.Key, e.Joining))
	f.ask("GET", leave, "", "", http.StatusOK, false)
	f.ask("POST", leave, form, "List-Unsubscribe=One-Click", http.StatusOK, false)
	// One press in a mail program ends the mails and keeps the code.
	f.ask("POST", "/en/code?c="+string(e.Code), form, "", http.StatusSeeOther, false)
	// Comes by an import, beside rows that are wrong; is exported, and handed over.
	f.now = f.now.Add(2 * time.Hour)
	rows := "address,language,joined\n" + typed + ",en,\n" + typed + ";x,en,\n" + typed + ",,yesterday\n" + typed + ",en,\n"
	im := records.Import{Keys: f.keys, Now: f.now, Store: f.store, Report: func(r records.Row) error {
		_, err := fmt.Fprintf(f.places["import report"], "%d,%s,%q\n", r.Line, r.Outcome, r.Why)
		return err
	}}
	tally, err := im.Run(t.Context(), strings.NewReader(rows), records.CSV)
	f.must(err)
	if tally.Joined != 1 || tally.Bad != 2 {
		t.Errorf("the import: %v", tally)
	}
	var exported bytes.Buffer
	_, err = records.Export(t.Context(), f.store, &exported, records.CSV)
	f.must(err)
	list := filepath.Join(files, "people.jsonl")
	h := handover.Handover{Store: f.store, Disk: handover.Disk{}, Keys: f.keys, Now: func() time.Time { return f.now }, Random: rand.Reader, Room: "https://www.example.org/waiting-room", Life: time.Hour}
	f.fail = "Accept"
	if _, err := h.Run(t.Context(), 5, list); err == nil {
		t.Error("the handover was to be interrupted")
	} else {
		fmt.Fprintln(f.places["tool"], err)
	}
	result, err := h.Run(t.Context(), 5, list)
	if f.must(err); result.Written != 1 {
		t.Errorf("handed over: %+v", result)
	}
	handed, err := os.ReadFile(list)
	f.must(err)
	f.forget()
	// Joins again, bounces, is not let in again, and is forgotten.
	f.now = f.now.Add(2 * time.Hour)
	f.join(false)
	_, mail = f.mail()
	f.event(mail, "Bounce", "Permanent")
	f.now = f.now.Add(time.Hour)
	f.ask("POST", "/en/", form, url.Values{"email": {typed}, "stamp": {f.keys.Stamp(f.now)}}.Encode(), http.StatusOK, true)
	if !f.entry().Suppressed {
		t.Error("a bounce suppresses nothing")
	}
	f.forget()
	// Joins, complains, and is forgotten.
	f.now = f.now.Add(2 * time.Hour)
	f.join(true)
	_, mail = f.mail()
	f.event(mail, "Complaint", "")
	f.forget()
	f.event(mail, "Complaint", "") // late
	f.forget()
	// Is forgotten with a message on its way; ticks and late events come after.
	f.now = f.now.Add(2 * time.Hour)
	f.join(false)
	f.must(f.store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.InviteNow++; return nil }))
	f.now = f.now.Truncate(time.Minute).Add(time.Minute)
	_, err = f.inviter.Tick(t.Context(), f.now)
	f.must(err)
	f.forget()
	f.sender.Handle(t.Context(), f.queue.Receive(f.now.Add(time.Minute), 10))
	for range 3 {
		f.now = f.now.Truncate(time.Minute).Add(time.Minute)
		_, err = f.inviter.Tick(t.Context(), f.now)
		f.must(err)
	}
	for _, page := range []string{"/en/", "/en/code", "/en/enter", "/en/leave", "/en/form.json", "/embed.js"} {
		f.ask("GET", page, "", "", http.StatusOK, false)
	}

	// The table: everything in it, by the store's own words.
	table := &bytes.Buffer{}
	f.places["table"] = table
	f.must(f.store.Each(t.Context(), func(e waitlist.Entry) error {
		_, err := fmt.Fprintf(table, "%+v %s\n", e, e.Address.Reveal())
		return err
	}))
	control, progress, err := f.store.Notice(t.Context())
	f.must(err)
	state, err := f.store.State(t.Context())
	f.must(err)
	report, err := inviter.LastReport(state)
	f.must(err)
	cohorts, err := f.store.Cohorts(t.Context(), time.Time{})
	f.must(err)
	fmt.Fprintf(table, "%+v %+v %+v %+v\n", control, progress, report, cohorts)
	f.places["edge"] = &bytes.Buffer{}
	for _, key := range []string{gate.Key, gate.BaseKey} {
		doc, ok := f.kvs.Value(key)
		if !ok {
			t.Errorf("the edge has no %s", key)
		}
		f.places["edge"].WriteString(doc)
	}
	for place, text := range f.places {
		if text.Len() == 0 {
			t.Errorf("nothing was written to the place %q: the search shows nothing", place)
		}
		if ways := search(text.String()); len(ways) > 0 {
			t.Errorf("%s: found as %v in\n%.2000s", place, ways, text)
		}
	}

	// What keeps it, on purpose or because it cannot be otherwise.
	f.must(f.store.Close())
	journal, err := os.ReadFile(filepath.Join(dir, store.JournalFile))
	f.must(err)
	security, err := os.ReadFile(filepath.Join(repository, "docs", "security.md"))
	f.must(err)
	for place, kept := range map[string]struct{ text, named string }{
		"the journal of raincheck local": {string(journal), "`raincheck local --data`"},
		"an export":                      {exported.String(), "Files: exports, `invite --to`"},
		"the file of invite --to":        {string(handed), "Files: exports, `invite --to`"},
		"the mail":                       {mail.To, "The recipient's mailbox"},
	} {
		if len(search(kept.text)) == 0 {
			t.Errorf("%s does not keep it: then docs/security.md says too much", place)
		}
		if !strings.Contains(string(security), "| "+kept.named) {
			t.Errorf("%s keeps it, and docs/security.md has no row that begins with %q", place, kept.named)
		}
	}
}
