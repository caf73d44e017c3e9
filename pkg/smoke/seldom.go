package smoke

import (
	"context"
	"time"

	"raincheck/pkg/gate"
)

// GateEvery is how often the canaries of one copy read the gate, of which each
// read is paid. That nobody renews it is heard within minutes by the alarm NoTicks.
const GateEvery = 30 * time.Minute

// Seldom gives each canary its Gate: nil, which does not look, while the last one
// that saw a gate in force is young.
func Seldom(read func(context.Context) (gate.Gate, string, error), now func() time.Time) func() func(context.Context) (gate.Gate, error) {
	var good time.Time
	return func() func(context.Context) (gate.Gate, error) {
		if now().Sub(good) < GateEvery {
			return nil
		}
		return func(ctx context.Context) (gate.Gate, error) {
			g, _, err := read(ctx)
			if at := now(); err == nil && g.InForce(at) {
				good = at
			}
			return g, err
		}
	}
}
