package operator_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	"raincheck/pkg/twin/edge"
)

// TestHoldOfTwoHours throws hold in an outage that lasts two hours. From then on
// throttle.js lets nobody new in by what stands at the edge, with the gate and
// with the base alone, and who was in stays in.
func TestHoldOfTwoHours(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]func(o *outage){
		"no tick":                       func(o *outage) { o.noInviter = true },
		"the table is down":             func(o *outage) { o.tableDown = true },
		"no tick, the table is down":    func(o *outage) { o.noInviter, o.tableDown = true, true },
		"nothing of the stack is there": func(o *outage) { o.noInviter, o.tableDown, o.noMetrics, o.noStack = true, true, true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outage{deployed: newDeployed(t, gate.FailOpen)}
			o.inviter.Metrics = load{o}
			clock := func() time.Time { return o.now }
			store := edge.NewStore(clock, 0)
			e, err := edge.New(edge.Options{Now: clock, Store: store, Failure: gate.FailOpen})
			if err != nil {
				t.Fatal(err)
			}
			// minute passes one, and brings to the edge what is in its store.
			minute := func() {
				t.Helper()
				o.minutes(1)
				for _, key := range []string{gate.Key, gate.BaseKey} {
					doc, _ := o.kv.Value(key)
					_, etag, _ := store.Get(t.Context(), key)
					if _, err := store.Put(t.Context(), key, []byte(doc), etag); err != nil {
						t.Fatal(err)
					}
				}
			}
			visit := func(address int, passes ...string) gate.Verdict {
				t.Helper()
				v, err := e.DecideBoth(gate.Request{
					ID: fmt.Sprint("request-of-", address), IP: fmt.Sprint("192.0.2.", address), UserAgent: "browser",
					Method: "GET", FetchDest: "document", FetchMode: "navigate", Path: "/apply", Passes: passes,
				})
				if err != nil {
					t.Fatal(err)
				}
				return v
			}

			if err := o.throw(operator.Change{Mode: gate.Throttle, Admit: new(0.5)}); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				minute()
			}
			var inside string
			for address := range 20 {
				if v := visit(address); v.Outcome == gate.Admitted {
					inside = v.Pass()
				}
			}
			if inside == "" {
				t.Fatal("nobody came in before the hold")
			}

			down(o)
			if err := o.throw(operator.Change{Mode: gate.Hold}); err != nil && !errors.Is(err, operator.ErrHalfDone) {
				t.Fatal(err)
			}
			for n := range 120 {
				minute()
				for _, lost := range []bool{false, true} {
					e.SetFaults(edge.Faults{GateMissing: lost})
					for address := range 8 {
						if v := visit(address); v.Outcome != gate.TurnedAway {
							t.Fatalf("minute %d, the gate is missing: %v: a new visitor is %s", n, lost, v.Outcome)
						}
					}
					v := visit(1, inside)
					if v.Outcome != gate.Returning {
						t.Fatalf("minute %d, the gate is missing: %v: somebody who was in is %s", n, lost, v.Outcome)
					}
					if v.Cookie != "" {
						inside = v.Pass()
					}
				}
			}
		})
	}
}
