package operator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/bypass"
	"raincheck/pkg/console"
	"raincheck/pkg/demo"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/operator"
	"raincheck/pkg/simulation"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// raincheck is one that can be switched: the one-machine demo, or the control
// plane of a deployed stack with the real inviter beside it.
type raincheck interface {
	change(c operator.Change) error
	see() (operator.Snapshot, error)
	// minute passes a minute, with the inviter's tick at its end.
	minute() error
}

// deployed is the control plane of a stack: the adapter of the store at the edge
// on its stand-in, and the twin of the table, which the conformance suite holds
// to it.
type deployed struct {
	operator.Plane
	kv      *emulators.KeyValue
	inviter inviter.Service
	store   *store.Store
	now     time.Time
	// tableDown and edgeDown are outages of what the operator and the inviter share.
	tableDown, edgeDown bool
}

func newDeployed(t *testing.T, failure gate.Failure) *deployed {
	t.Helper()
	d := &deployed{kv: &emulators.KeyValue{}, now: noon}
	edge := edgeOf(t, func(w http.ResponseWriter, r *http.Request) {
		if d.edgeDown {
			http.Error(w, `{"Message":"the stand-in is down"}`, http.StatusServiceUnavailable)
			return
		}
		d.kv.ServeHTTP(w, r)
	})
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	d.store = &store.Store{Probe: &twin.Probe{Before: func(context.Context, string) error {
		if d.tableDown {
			return errors.New("the table is down")
		}
		return nil
	}}}
	clock := func() time.Time { return d.now }
	d.Plane = operator.Plane{Desk: d.store, Edge: edge, Now: clock}
	d.inviter = inviter.Service{
		Settings: inviter.Settings{Policy: policy(), Gate: gate.DefaultSettings(), Failure: failure, Stale: 0.2},
		Store:    d.store, Queue: &queue.Queue{}, Mail: account{}, Edge: d.Edge, Now: clock,
		Keys: func(context.Context) (*bypass.Keyring, error) { return keys, nil },
	}
	// It begins as the demo does.
	err = d.store.UpdateControl(t.Context(), func(c *waitlist.Control) error {
		c.Mode, c.Switched = gate.Throttle, noon
		return nil
	})
	if err == nil {
		_, err = d.inviter.Tick(t.Context(), noon)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// edgeOf is the adapter of the store at the edge on a stand-in.
func edgeOf(t *testing.T, standIn http.HandlerFunc) *edgestore.Store {
	t.Helper()
	cfg := emulators.EdgeConfig(t, standIn)
	cfg.RetryMaxAttempts = 1
	return edgestore.New(cfg, emulators.EdgeARN)
}

func (d *deployed) change(c operator.Change) error  { return d.Change(context.Background(), c) }
func (d *deployed) see() (operator.Snapshot, error) { return d.Snapshot(context.Background()) }
func (d *deployed) minute() error {
	d.now = d.now.Add(time.Minute)
	_, err := d.inviter.Tick(context.Background(), d.now)
	return err
}

func policy() admission.Policy {
	p := admission.DefaultPolicy()
	p.Capacity = 600
	return p
}

type account struct{}

// Account answers.
func (account) Account(context.Context) (email.Account, error) {
	return email.Account{PerSecond: 50, Remaining24h: 50000, Enabled: true}, nil
}

// town is the one-machine demo, with nobody in it. Its clock stands while it is
// looked at.
type town struct {
	*demo.Instance
	ticked, proceed chan struct{}
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{ticked: make(chan struct{}), proceed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	in, err := demo.New(demo.Config{
		Story: demo.Story{Name: "an empty town", Start: noon, Demand: func(int) float64 { return 0 }, Sample: 10,
			Site: simulation.Site{Capacity: 600, Visit: time.Hour}, People: simulation.DefaultPeople(), Policy: policy()},
		Origin: "http://localhost:8080", Repeatable: true, Now: func() time.Time { return noon },
		Minute: func(time.Time, demo.Totals) {
			select {
			case w.ticked <- struct{}{}:
			case <-ctx.Done():
			}
			select {
			case <-w.proceed:
			case <-ctx.Done():
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Instance = in
	done := make(chan error)
	go func() {
		_, err := in.Run(ctx)
		done <- err
	}()
	<-w.ticked
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, in.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *town) change(c operator.Change) error {
	return w.Change(context.Background(), console.Change{Change: c})
}
func (w *town) see() (operator.Snapshot, error) {
	s, err := w.Snapshot(context.Background())
	return s.Snapshot, err
}
func (w *town) minute() error {
	w.proceed <- struct{}{}
	<-w.ticked
	return nil
}
