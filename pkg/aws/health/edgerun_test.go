package health_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"raincheck/functions/throttle"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/test/emulators"
)

// TestEdgeRuns tries the shipped throttle on the doctor's three visitors, and
// throttles that do something else.
func TestEdgeRuns(t *testing.T) {
	t.Parallel()
	now := time.Now()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"the root of a test, and of nothing else at all"}`))
	if err != nil {
		t.Fatal(err)
	}
	head, tail := throttle.ShippedThrottle()
	shipped := head + "open" + tail
	closed := gate.Gate{Mode: gate.Throttle, Admit: 0.4, Until: now.Add(5 * time.Minute).Truncate(time.Second), Salt: "a-salt-of-a-test", Keys: keys.PassKeys(now),
		Settings: gate.Settings{Languages: []string{"en"}, PassLife: time.Hour, Sample: 10}}
	open, held := closed, closed
	open.Mode, open.Admit, open.Until = gate.Open, 1, time.Time{}
	held.Mode, held.Admit = gate.Hold, 0
	other, err := bypass.ParseKeyring([]byte(`{"root":"the root of another stack, and of nothing else"}`))
	if err != nil {
		t.Fatal(err)
	}
	foreign := closed
	foreign.Keys = other.PassKeys(now)
	for name, c := range map[string]struct {
		code        string
		gate        gate.Gate
		utilisation int
		failed      error
		grade       health.Grade
		says        string
	}{
		"open":                     {shipped, open, 20, nil, health.Fine, "the holder of a pass is let in, a newcomer is let in; it takes up to 20 %"},
		"throttled":                {shipped, closed, 20, nil, health.Fine, "a newcomer is let in, a newcomer above admit is sent to the waiting room"},
		"held":                     {shipped, held, 20, nil, health.Fine, "the holder of a pass is let in, a newcomer above admit is sent to the waiting room"},
		"slow":                     {shipped, closed, 85, nil, health.Warning, "up to 85 %"},
		"it fails":                 {shipped, closed, 0, errors.New("out of memory"), health.Problem, "fails for the holder of a pass: out of memory"},
		"it lets everybody in":     {"function handler(e){delete e.request.cookies['__Host-raincheck'];return e.request}", closed, 20, nil, health.Warning, "a newcomer above admit is let in: true"},
		"it refuses everybody":     {"function handler(e){return {statusCode:403}}", closed, 20, nil, health.Problem, "the status 403"},
		"the keys of another ring": {shipped, foreign, 20, nil, health.Problem, "turns away the holder of a good pass"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &emulators.KeyValue{}
			document, err := c.gate.Encode()
			if err != nil {
				t.Fatal(err)
			}
			store.Set(gate.Key, string(document))
			found, err := health.EdgeRuns(t.Context(), func(_ context.Context, event []byte) ([]byte, int, string, error) {
				if c.failed != nil {
					return nil, 0, c.failed.Error(), nil
				}
				output, err := emulators.TryThrottle(c.code, store, event)
				return output, c.utilisation, "", err
			}, "www.example.org", "/apply", c.gate, keys, now)
			if err != nil {
				t.Fatal(err)
			}
			said := false
			for _, f := range found {
				said = said || f.Grade == c.grade && strings.Contains(f.Says, c.says)
			}
			if !said {
				t.Errorf("no %s says %q: %+v", c.grade, c.says, found)
			}
		})
	}
}
