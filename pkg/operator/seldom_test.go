package operator_test

import (
	"context"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// counting counts what the store at the edge is asked.
type counting struct {
	operator.Edge
	reads int
}

func (c *counting) Gate(ctx context.Context) (gate.Gate, string, error) {
	c.reads++
	return c.Edge.Gate(ctx)
}

func (c *counting) Base(ctx context.Context) (gate.Base, string, error) {
	c.reads++
	return c.Edge.Base(ctx)
}

// TestWatchAsksTheEdgeSeldom: once a minute, and at once after a switch, so that
// it never shows the gate from before it.
func TestWatchAsksTheEdgeSeldom(t *testing.T) {
	t.Parallel()
	d := newDeployed(t, gate.FailOpen)
	counted := &counting{Edge: d.Edge}
	plane := d.Plane
	plane.Edge = counted
	watch := operator.NewWatch(plane, time.Minute)
	see := func() operator.Snapshot {
		t.Helper()
		s, err := watch.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for range 12 * 10 { // ten minutes, every five seconds
		see()
		d.now = d.now.Add(5 * time.Second)
	}
	if want := 10 * 2; counted.reads != want {
		t.Errorf("%d reads in ten minutes, want %d", counted.reads, want)
	}
	if err := d.change(operator.Change{Mode: gate.Hold}); err != nil {
		t.Fatal(err)
	}
	if s := see(); s.Admit == nil || *s.Admit != 0 || len(s.Warnings) > 0 && s.Control.Mode != gate.Hold {
		t.Errorf("after hold: admit %v, %q", s.Admit, s.Warnings)
	}
	// A switch at the edge alone, by the aws command: within a minute.
	d.kv.Set(gate.Key, `{"mode":"open","switched":1772626800}`)
	d.now = d.now.Add(time.Minute)
	if s := see(); s.Admit == nil || *s.Admit != 1 {
		t.Errorf("after open at the edge alone: admit %v", s.Admit)
	}
}
