package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"raincheck/functions/internal/httpapi"
	"raincheck/functions/internal/report"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// The world of the sample events: when the form was shown, whose secrets, and
// the mailbox that joins.
var shown = time.Date(2026, 3, 2, 16, 4, 0, 0, time.UTC)

const (
	root   = `{"root":"the root of the sample events, and of nothing else"}`
	origin = "the origin secret of the sample events"
	jordan = "JJUpaw4blWC-JshwPsTbtxqQtpF1"
)

// TestSampleEvents plays the files of events/ to the waiting room, through the
// decoder of the function, in the order of a visitor's way.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	keys, err := bypass.ParseKeyring([]byte(root))
	if err != nil {
		t.Fatal(err)
	}
	store := &store.Store{}
	if err := store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.Mode = gate.Throttle; return nil }); err != nil {
		t.Fatal(err)
	}
	// Every line that is logged names the request that it belongs to.
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "the-request"})
	var lines bytes.Buffer
	log := report.Logger(&lines)
	meter := &report.Meter{Stack: "raincheck", Out: &lines, Now: time.Now}
	room, err := intake.Service{
		Settings: intake.Settings{
			Site: "Example Benefits", Sender: "queue@example.org", Languages: []string{"en", "es"}, PassLife: time.Hour,
			Origins: []string{"https://www.example.org"}, Embedders: []string{"https://news.example.org"},
		},
		Store: store, Viewer: intake.Forwarded(2), Now: func() time.Time { return shown.Add(time.Minute) }, Log: log,
		Keys:    func(context.Context) (*bypass.Keyring, error) { return keys, nil },
		Secrets: func(context.Context, string) ([]string, error) { return []string{origin}, nil },
		Count:   meter.Count,
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	serve := httpapi.Handler(room, log)
	play := func(name string, status int) events.APIGatewayV2HTTPResponse {
		t.Helper()
		got, err := serve(ctx, sample(t, name))
		meter.Flush(ctx)
		if err != nil || got.StatusCode != status {
			t.Fatalf("%s: status %d and %v, not %d\n%s", name, got.StatusCode, err, status, got.Body)
		}
		return got
	}

	form := play("intake-form", http.StatusOK)
	if !strings.Contains(form.Body, `name="email"`) || form.Headers["Cache-Control"] == "" {
		t.Errorf("the form has no field for an address, or nothing says how long it may be kept:\n%s", form.Body)
	}

	joined := play("intake-join", http.StatusOK)
	if !strings.Contains(joined.Body, "Jordan@example.com") {
		t.Errorf("the page after a sign-up does not show the address:\n%s", joined.Body)
	}
	entry, err := store.Entry(t.Context(), jordan)
	if err != nil || entry.Language != "en" || entry.Wanted != "/apply?plan=silver&state=VT" || entry.Joining != waitlist.FirstJoining(shown.Add(time.Minute)) {
		t.Errorf("the entry is %+v, %v", entry, err)
	}

	answered := play("intake-join-json", http.StatusOK)
	var reply struct{ Joined bool }
	if json.Unmarshal([]byte(answered.Body), &reply) != nil || !reply.Joined {
		t.Errorf("the script is answered %s", answered.Body)
	}
	if got := answered.Headers["Access-Control-Allow-Origin"]; got != "https://news.example.org" {
		t.Errorf("the script may be read by %q", got)
	}

	if page := play("intake-code", http.StatusOK); len(page.Cookies) > 0 || !strings.Contains(page.Body, "<button") {
		t.Errorf("the page of a code sets %q, or has no button", page.Cookies)
	}
	in := play("intake-redeem", http.StatusSeeOther)
	if len(in.Cookies) != 1 || !strings.HasPrefix(in.Cookies[0], bypass.CookieName+"=") {
		t.Errorf("who redeems a code gets the cookies %q", in.Cookies)
	}

	play("intake-leave", http.StatusOK)
	if entry, err = store.Entry(t.Context(), jordan); err != nil || entry.Stage != waitlist.Left {
		t.Errorf("who left has the entry %+v, %v", entry, err)
	}
	n := 0
	for line := range strings.Lines(lines.String()) {
		if n++; !strings.Contains(line, `"request":"the-request"`) || strings.Contains(line, "example.com") {
			t.Errorf("a line names no request, or an address: %s", line)
		}
	}
	if n < 4 {
		t.Errorf("%d lines were logged:\n%s", n, lines.String())
	}
}

func sample(t *testing.T, name string) (event httpapi.Event) {
	t.Helper()
	text, err := os.ReadFile("../../events/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(text, &event)
	}
	if err != nil {
		t.Fatal(err)
	}
	return event
}
