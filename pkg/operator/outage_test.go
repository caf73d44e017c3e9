package operator_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

var update = flag.Bool("update", false, "write the matrix into docs/operating.md")

// load is the site's load from CloudWatch, which can be down.
type load struct{ d *outage }

// Load answers as busy as ever.
func (l load) Load(_ context.Context, since, until time.Time) ([]admission.Sample, error) {
	if l.d.noMetrics {
		return nil, errors.New("the metrics are down")
	}
	var out []admission.Sample
	for at := since.Truncate(time.Minute).Add(time.Minute); at.Before(until.Add(-time.Minute)); at = at.Add(time.Minute) {
		out = append(out, admission.Sample{At: at, Value: busy})
	}
	return out, nil
}

// Edge has counted nobody.
func (l load) Edge(context.Context, time.Time, time.Time) ([]admission.EdgeCount, error) {
	if l.d.noMetrics {
		return nil, errors.New("the metrics are down")
	}
	return nil, nil
}

// outage is a stack whose neighbours can be down.
type outage struct {
	*deployed
	noMetrics, noInviter, noStack bool
}

// minutes passes some, with ticks that may fail, as they do in an outage.
func (o *outage) minutes(n int) {
	for range n {
		if o.noInviter {
			o.now = o.now.Add(time.Minute)
			continue
		}
		_ = o.minute() // what came of it is read at the edge
	}
}

// throw throws a switch, without the stack when CloudFormation is down and
// nothing of the stack is remembered: on the store at the edge alone.
func (o *outage) throw(c operator.Change) error {
	p := o.Plane
	if o.noStack {
		p.Desk = operator.NoDesk{Why: errors.New("CloudFormation does not answer")}
	}
	return p.Change(context.Background(), c)
}

// has says whether the edge does what the switch asks for, and whether only for a
// time.
func (o *outage) has(c operator.Change) (done, ended bool) {
	text, _ := o.kv.Value(gate.Key)
	g, err := gate.DecodeGate([]byte(text))
	if err != nil || g.Mode != c.Mode || c.Admit != nil && (!g.Fixed || g.Admit != *c.Admit) || c.Admit == nil && g.Fixed {
		return false, false
	}
	return true, !g.InForce(o.now)
}

// after is how a switch fares in an outage: whatever it takes a sentence to say.
func (o *outage) after(c operator.Change) string {
	err := o.throw(c)
	o.now = o.now.Add(time.Second)
	at, _ := o.has(c)
	o.minutes(15)
	during, ended := o.has(c)
	o.tableDown, o.edgeDown, o.noMetrics, o.noInviter, o.noStack = false, false, false, false, false
	o.minutes(10)
	end, endedStill := o.has(c)
	s, lost := o.see()
	adopted := lost == nil && s.Control.EffectiveMode() == c.Mode && (c.Admit == nil) == (s.Control.Admit == nil)
	switch refused := err != nil && !errors.Is(err, operator.ErrHalfDone); {
	case !end && !adopted && refused && strings.Contains(err.Error(), "nothing was changed"):
		return "refused, and says so"
	case !end || !adopted || endedStill:
		return "LOST"
	case at && during && ended:
		return "at once; after 10 minutes the stale share, until it is back"
	case at && during:
		return "at once"
	case refused && !at && during:
		return "within a minute"
	case refused && !at && !during:
		return "recorded, and says so; in effect when it is back"
	}
	return "NOT EXPECTED: " + err.Error()
}

// TestSwitchesInAnOutage throws every switch while one neighbour is down, goes on
// for a quarter of an hour, and lets it come back. The matrix stands in
// docs/operating.md; -update writes it there.
func TestSwitchesInAnOutage(t *testing.T) {
	t.Parallel()
	outages := []struct {
		name string
		down func(o *outage)
	}{
		{"DynamoDB", func(o *outage) { o.tableDown = true }},
		{"CloudFormation, nothing remembered: with `--edge-store ARN`", func(o *outage) { o.noStack = true }},
		{"the inviter", func(o *outage) { o.noInviter = true }},
		{"CloudWatch", func(o *outage) { o.noMetrics = true }},
		{"the KeyValueStore's API", func(o *outage) { o.edgeDown = true }},
	}
	switches := []struct {
		name  string
		throw operator.Change
	}{
		{"`open`", operator.Change{Mode: gate.Open}},
		{"`hold`", operator.Change{Mode: gate.Hold}},
		{"`throttle --admit 0.3`", operator.Change{Mode: gate.Throttle, Admit: new(0.3)}},
		{"`throttle`", operator.Change{Mode: gate.Throttle, Law: "ramp"}},
		{"`observe`", operator.Change{Mode: gate.Observe}},
	}
	var b strings.Builder
	b.WriteString("| down is |")
	for _, s := range switches {
		b.WriteString(" " + s.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(switches)) + "\n")
	for _, down := range outages {
		b.WriteString("| " + down.name + " |")
		for _, s := range switches {
			o := &outage{deployed: newDeployed(t, gate.FailOpen)}
			o.inviter.Metrics = load{o}
			// From a throttle that turns people away, or to it from hold.
			from := operator.Change{Mode: gate.Throttle, Law: "ramp"}
			if s.throw.Mode == gate.Throttle && s.throw.Admit == nil {
				from = operator.Change{Mode: gate.Hold}
			}
			if err := o.throw(from); err != nil {
				t.Fatal(err)
			}
			o.minutes(5)
			down.down(o)
			b.WriteString(" " + o.after(s.throw) + " |")
		}
		b.WriteString("\n")
	}
	matrix := b.String()
	t.Log("\n" + matrix)
	if strings.Contains(matrix, "LOST") || strings.Contains(matrix, "NOT EXPECTED") {
		t.Error("a switch was lost")
	}
	const file, begin, end = "../../docs/operating.md", "<!-- outages: go test ./pkg/operator -run TestSwitchesInAnOutage -update -->\n", "<!-- outages end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the matrix", file)
	}
	switch {
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+matrix+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != matrix:
		t.Errorf("%s has another matrix; -update writes this one:\n%s", file, matrix)
	}
}
