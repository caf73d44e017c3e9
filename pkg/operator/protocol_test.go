package operator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	"raincheck/pkg/twin/store"
	"raincheck/test/emulators"
)

// TestOpenIsOneWrite throws open at the edge, with the table up and down: it is
// one write there and nothing else, is in effect with the table down, and no tick
// of the inviter undoes it when the table comes back.
func TestOpenIsOneWrite(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"the table is up": false, "the table is down": true} {
		d := newDeployed(t, gate.FailHold)
		if err := errors.Join(d.change(operator.Change{Mode: gate.Hold}), d.minute()); err != nil {
			t.Fatal(err)
		}
		d.now = d.now.Add(20 * time.Second)
		d.tableDown = lost
		before := d.kv.Writes()
		if err := d.change(operator.Change{Mode: gate.Open}); errors.Is(err, operator.ErrHalfDone) != lost || err != nil && !lost {
			t.Errorf("%s: opening: %v", name, err)
		}
		if n := d.kv.Writes() - before; n != 1 {
			t.Errorf("%s: opening took %d writes at the edge", name, n)
		}
		opened, _ := d.kv.Value(gate.Key)
		if g, err := gate.DecodeGate([]byte(opened)); err != nil || g.Mode != gate.Open || !g.Until.IsZero() {
			t.Errorf("%s: the edge has %s, %v", name, opened, err)
		}
		// Minutes with the table as it is, then with it back.
		for range 3 {
			if err := d.minute(); (err != nil) != lost {
				t.Errorf("%s: a tick: %v", name, err)
			}
		}
		d.tableDown = false
		for range 15 {
			if err := d.minute(); err != nil {
				t.Errorf("%s: a tick after it came back: %v", name, err)
			}
		}
		if now, _ := d.kv.Value(gate.Key); now != opened {
			t.Errorf("%s: it was undone: %s", name, now)
		}
		if s, err := d.see(); err != nil || s.Control.EffectiveMode() != gate.Open {
			t.Errorf("%s: the control item has %s, %v", name, s.Control.EffectiveMode(), err)
		}
		if n := d.kv.Writes() - before; n > 2 {
			t.Errorf("%s: %d writes in the 18 minutes after", name, n-1)
		}
	}
}

// TestClockThatIsBehind: the operator's clock is ten minutes behind that of the
// switch before, and the table is down. The later switch stands all the same.
func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, gate.FailOpen)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.change(operator.Change{Mode: gate.Throttle, Admit: new(0.3)}))
	must(d.minute())
	real := d.Now
	d.Now = func() time.Time { return real().Add(-10 * time.Minute) }
	d.tableDown = true
	if err := d.change(operator.Change{Mode: gate.Hold}); !errors.Is(err, operator.ErrHalfDone) {
		t.Fatalf("with the table down: %v", err)
	}
	if err := d.minute(); err == nil {
		t.Fatal("a tick without the table worked")
	}
	d.tableDown = false
	must(d.minute())
	if s, err := d.see(); err != nil || s.Control.EffectiveMode() != gate.Hold || *s.Admit != 0 || len(s.Warnings) > 0 {
		t.Fatalf("the control item has %s, the edge lets in %g, %q, %v", s.Control.EffectiveMode(), *s.Admit, s.Warnings, err)
	}
	// And the other way round: the switch is recorded, and an older gate does not
	// undo it.
	d.edgeDown = true
	if err := d.change(operator.Change{Mode: gate.Open}); err == nil || errors.Is(err, operator.ErrHalfDone) || !strings.Contains(err.Error(), "the switch is recorded") {
		t.Fatalf("with the edge down: %v", err)
	}
	d.edgeDown = false
	must(d.minute())
	if s, err := d.see(); err != nil || s.Control.EffectiveMode() != gate.Open || *s.Admit != 1 {
		t.Fatalf("the control item has %s, the edge lets in %g, %v", s.Control.EffectiveMode(), *s.Admit, err)
	}
}

// TestOthersWriteMeanwhile: a switch begins again when the gate has moved on, and
// gives up after five times without having recorded what it could not do.
func TestOthersWriteMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, gate.FailOpen)
	busy := &meddled{Edge: d.Edge, times: 3}
	d.Plane.Edge = busy
	if err := d.change(operator.Change{Mode: gate.Hold}); err != nil || busy.times != 0 {
		t.Fatalf("after three others: %v", err)
	}
	if s, err := d.see(); err != nil || *s.Admit != 0 {
		t.Fatalf("the edge lets in %g, %v", *s.Admit, err)
	}
	busy.times = 100
	d.tableDown = true
	if err := d.change(operator.Change{Mode: gate.Open}); !errors.Is(err, gate.ErrChanged) || !strings.Contains(err.Error(), "nothing was changed") || busy.times != 95 {
		t.Fatalf("with others that never end, after %d: %v", 100-busy.times, err)
	}
}

// meddled is an edge where somebody else writes before each of our writes.
type meddled struct {
	operator.Edge
	times int
}

// Update writes what somebody else writes, and then tries.
func (m *meddled) Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error) {
	if m.times > 0 {
		m.times--
		was, tag, err := m.Gate(ctx)
		if err == nil {
			_, err = m.Edge.Update(ctx, &was, nil, tag)
		}
		if err != nil {
			return "", err
		}
	}
	return m.Edge.Update(ctx, g, b, etag)
}

// TestUnknownIsNotZero: a fresh stack, a missing gate and an unreadable one are
// told apart, and what is let in is said only where it is known.
func TestUnknownIsNotZero(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, gate.FailHold)
	fresh := newDeployed(t, gate.FailHold)
	fresh.Edge = edgeOf(t, new(emulators.KeyValue).ServeHTTP)
	fresh.Desk = &store.Store{}
	for _, c := range []struct {
		name  string
		plane *operator.Plane
		with  []gate.Document
		in    *float64
		says  string
	}{
		{"fresh", &fresh.Plane, nil, nil, "the edge has no gate yet"},
		{"unreadable", &d.Plane, []gate.Document{{Key: gate.Key, Value: "{not"}}, new(0.2), "the gate at the edge is unreadable"},
		{"neither", &d.Plane, []gate.Document{{Key: gate.Key, Value: "{not"}, {Key: gate.BaseKey, Value: "nor this"}}, nil, "and the base is unreadable"},
	} {
		for _, doc := range c.with {
			d.kv.Set(doc.Key, doc.Value)
		}
		s, err := c.plane.Snapshot(t.Context())
		if err != nil || !strings.Contains(strings.Join(s.Warnings, "\n"), c.says) {
			t.Errorf("%s: %q, %v", c.name, s.Warnings, err)
		}
		if (s.Admit == nil) != (c.in == nil) || s.Admit != nil && *s.Admit != *c.in {
			t.Errorf("%s: lets in %v, want %v", c.name, s.Admit, c.in)
		}
	}
}

// TestASwitchThatTheEdgeCannotTakeYet: without pass keys at the edge nobody can be
// turned away, and the answer does not say that it is done.
func TestASwitchThatTheEdgeCannotTakeYet(t *testing.T) {
	t.Parallel()
	for _, opened := range []bool{false, true} {
		for _, change := range []operator.Change{{Mode: gate.Hold}, {Mode: gate.Throttle, Admit: new(0.0)}, {Mode: gate.Throttle}} {
			d := newDeployed(t, gate.FailOpen)
			d.kv = &emulators.KeyValue{}
			if opened {
				// By the emergency line, on a machine whose clock is three minutes ahead; the
				// store is not at the version that the inviter wrote.
				d.kv.Set("other", "")
				d.kv.Set("other", "x")
				d.kv.Set(gate.Key, fmt.Sprintf(`{"mode":"open","switched":%d}`, d.now.Add(3*time.Minute).Unix()))
			}
			if err := d.change(change); !errors.Is(err, operator.ErrNotYet) || !strings.Contains(err.Error(), "no pass keys") {
				t.Errorf("%s: %v", change.Mode, err)
			}
			if err := d.minute(); err != nil {
				t.Fatal(err)
			}
			if s, err := d.see(); err != nil || s.Control.EffectiveMode() != change.Mode || *s.Admit == 1 && change.Mode == gate.Hold {
				t.Errorf("after a tick the control item has %s, the edge lets in %g, %v", s.Control.EffectiveMode(), *s.Admit, err)
			}
		}
	}
	d := newDeployed(t, gate.FailOpen)
	d.kv, d.tableDown = &emulators.KeyValue{}, true
	if err := d.change(operator.Change{Mode: gate.Hold}); err == nil || errors.Is(err, operator.ErrNotYet) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("with the table down as well: %v", err)
	}
}

// TestATickThatFailedIsSeen: status says so until one works.
func TestATickThatFailedIsSeen(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, gate.FailOpen)
	if err := d.change(operator.Change{Mode: gate.Throttle}); err != nil && !errors.Is(err, operator.ErrNotYet) {
		t.Fatal(err)
	}
	said := func() bool {
		s, err := d.see()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(strings.Join(s.Warnings, "\n"), "the last tick ended with an error: publishing the gate")
	}
	d.edgeDown = true
	if err := d.minute(); err == nil {
		t.Fatal("a tick without the edge worked")
	}
	d.edgeDown = false
	if !said() {
		t.Error("nothing is said of the tick that failed")
	}
	if err := d.minute(); err != nil || said() {
		t.Errorf("a tick works again (%v), and the one before is still complained of", err)
	}
}
