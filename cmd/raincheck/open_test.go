package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/operator"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/test/emulators"
)

// edgeStandIn is a stand-in for the store at the edge, and the adapter on it.
func edgeStandIn(t *testing.T) (*emulators.KeyValue, *edgestore.Store) {
	t.Helper()
	kvs := &emulators.KeyValue{ARN: outputs[outEdge]}
	server := httptest.NewServer(kvs)
	t.Cleanup(server.Close)
	// The SDK puts the account before the host, which no resolver knows: the
	// stand-in is reached as a proxy.
	proxy, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return kvs, edgestore.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://edge.example"), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}},
	}, outputs[outEdge])
}

// TestOpenIsOneWrite throws the switches of a deployed stack at the store's
// stand-in at the edge, with the waitlist up and down: open is one write there
// and nothing else, is in effect with the waitlist down, and no tick of the real
// inviter undoes it when the waitlist comes back.
func TestOpenIsOneWrite(t *testing.T) {
	t.Parallel()
	kvs, edge := edgeStandIn(t)
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	now, down := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), false
	store := &store.Store{Probe: &twin.Probe{Before: func(context.Context, string) error {
		if down {
			return errors.New("the waitlist is down")
		}
		return nil
	}}}
	clock := func() time.Time { return now }
	service := inviter.Service{
		Settings: inviter.Settings{Policy: admission.DefaultPolicy(), Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.5},
		Store:    store, Queue: &queue.Queue{}, Mail: account50{}, Edge: edge, Now: clock,
		Keys: func(context.Context) (*bypass.Keyring, error) { return keys, nil },
	}
	tick := func() error {
		now = now.Add(time.Minute)
		_, err := service.Tick(t.Context(), now)
		return err
	}
	d := &deployment{stack: "raincheck", Plane: operator.Plane{Desk: store, Edge: edge, Now: clock}}
	has := func() (gate.Gate, string) {
		text, _ := kvs.Value(gate.Key)
		g, err := gate.DecodeGate([]byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return g, text
	}
	for name, lost := range map[string]bool{"the waitlist is up": false, "the waitlist is down": true} {
		down = false
		now = now.Add(time.Hour)
		if err := d.change(t.Context(), operator.Change{Mode: gate.Hold}); err != nil {
			t.Fatal(err)
		}
		if err := tick(); err != nil {
			t.Fatal(err)
		}
		if g, _ := has(); g.Mode != gate.Hold {
			t.Fatalf("%s: the edge has %s", name, g.Mode)
		}
		now = now.Add(20 * time.Second)
		down = lost
		before := kvs.Writes()
		err := d.change(t.Context(), operator.Change{Mode: gate.Open})
		if half := errors.Is(err, operator.ErrHalfDone); half != lost || err != nil && !half {
			t.Errorf("%s: opening: %v", name, err)
		}
		if n := kvs.Writes() - before; n != 1 {
			t.Errorf("%s: opening took %d writes at the edge", name, n)
		}
		g, opened := has()
		if g.Mode != gate.Open || !g.Until.IsZero() {
			t.Errorf("%s: the edge has %s", name, opened)
		}
		// Minutes with the waitlist as it is, then with it back.
		for range 3 {
			if err := tick(); (err != nil) != lost {
				t.Errorf("%s: a tick: %v", name, err)
			}
		}
		down = false
		for range 15 {
			if err := tick(); err != nil {
				t.Errorf("%s: a tick after it came back: %v", name, err)
			}
		}
		if g, now := has(); g.Mode != gate.Open || now != opened {
			t.Errorf("%s: it was undone: %s", name, now)
		}
		if c, _, err := store.Notice(t.Context()); err != nil || c.Door() != gate.Open {
			t.Errorf("%s: the waitlist has %s, %v", name, c.Door(), err)
		}
		t.Logf("%s: 1 write to open, %d writes in the 18 minutes after", name, kvs.Writes()-before-1)
	}
}

// account50 is a mail account with room.
type account50 struct{}

// Account answers.
func (account50) Account(context.Context) (email.Account, error) {
	return email.Account{PerSecond: 50, Remaining24h: 50000, Enabled: true}, nil
}
