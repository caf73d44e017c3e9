//go:build njs

// Package edge_test puts the two CloudFront Functions through njs, the engine
// from which CloudFront's runtime descends. It needs Debian's package njs.
package edge_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/functions/throttle"
)

// folder lays a form of the functions beside the scripts of this package, as the
// modules that njs finds.
func folder(t *testing.T, form string) string {
	t.Helper()
	if _, err := exec.LookPath("njs"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("njs is not installed, and CI runs every check")
		}
		t.Skip("SKIPPED, nothing was shown: njs is not installed (Debian's package njs)")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"world.js", "vectors.js", "cost.js"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(name, string(text))
	}
	// The functions find their store under this name.
	write("cloudfront", "import world from 'world.js'; export default world;")
	const export = "\n;export default handler;\n"
	for _, failure := range []string{"open", "hold"} {
		source := throttle.Throttle(failure)
		if form == "shipped" {
			before, after := throttle.ShippedThrottle()
			source = before + failure + after
		}
		write("throttle."+failure+".js", source+export)
	}
	if form == "shipped" {
		write("remember.js", throttle.ShippedRemember()+export)
	} else {
		write("remember.js", throttle.Remember()+export)
	}
	return dir
}

// njs runs a script and returns what it printed, and the processor time that it
// took.
func njs(t *testing.T, dir, script string, args ...string) (string, time.Duration) {
	t.Helper()
	cmd := exec.Command("njs", append([]string{"-p", dir, filepath.Join(dir, script)}, args...)...)
	out, err := cmd.CombinedOutput()
	// njs ends well after an error in a promise, too.
	if err != nil || strings.Contains(string(out), "Error") {
		t.Fatalf("njs %s %q: %v\n%s", script, args, err, out)
	}
	return string(out), cmd.ProcessState.UserTime()
}

// TestVectors is test/vectors/edge.json in njs.
func TestVectors(t *testing.T) {
	vectors, err := filepath.Abs(filepath.FromSlash("../vectors/edge.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"written", "shipped"} {
		out, _ := njs(t, folder(t, form), "vectors.js", vectors, form)
		t.Log(strings.TrimSpace(out))
	}
}

// call is one call as cost.js has it: the function, the mode and the kind of
// request.
type call struct{ function, mode, kind string }

// average is the processor time of a call over some rounds. The calls take turns,
// so that what else the machine does meets all of them. Not the least: processor
// time is often counted by sampling, and the least of it is luck.
func average(t *testing.T, dir string, times, rounds int, calls ...call) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(calls))
	for range rounds {
		for i, c := range calls {
			_, all := njs(t, dir, "cost.js", c.function, c.mode, c.kind, fmt.Sprint(times))
			// What it takes to start njs and to make the events.
			_, rest := njs(t, dir, "cost.js", "nothing", c.mode, c.kind, fmt.Sprint(times))
			took[i] += all - rest
		}
	}
	for i := range calls {
		took[i] /= time.Duration(times * rounds)
	}
	return took
}

// report prints a ratio and its goal, and fails at twice the goal.
func report(t *testing.T, what string, ratio, goal float64, unit string) {
	t.Helper()
	t.Logf("%s: %.2f times %s (goal %.1f)", what, ratio, unit, goal)
	if !(ratio > 0 && ratio <= 2*goal) {
		t.Errorf("%s costs %.2f times %s, more than twice its goal of %.1f", what, ratio, unit, goal)
	}
}

// TestCost holds throttle.js to a multiple of one read and one HMAC.
func TestCost(t *testing.T) {
	dir := folder(t, "shipped")
	goals := []struct {
		kind string
		goal float64
	}{{"returning", 1.5}, {"renewed", 2}, {"admitted", 1.7}, {"turned away", 1.7}}
	calls := []call{{"floor", "throttle", "turned away"}}
	for _, g := range goals {
		calls = append(calls, call{"throttle", "throttle", g.kind})
	}
	took := average(t, dir, 2000, 12, calls...)
	for i, g := range goals {
		report(t, g.kind, float64(took[i+1])/float64(took[0]), g.goal, "one read and one HMAC")
	}
}

// TestHostileRequestsCostLittle holds the dearest requests that CloudFront lets
// through, 8 KB of URL and 20 KB of headers, to a multiple of a turn-away. A
// function that takes too long is throttled, and then nobody gets the site.
func TestHostileRequestsCostLittle(t *testing.T) {
	dir := folder(t, "shipped")
	out, _ := njs(t, dir, "cost.js", "list")
	var kinds []string
	if err := json.Unmarshal([]byte(out), &kinds); err != nil || len(kinds) < 20 {
		t.Fatal(err, kinds)
	}
	const times = 300
	turnAway := average(t, dir, 2000, 12, call{"throttle", "throttle", "turned away"})[0]
	dearest, name := 0.0, ""
	for _, mode := range []string{"throttle", "strict", "open"} {
		for _, kind := range kinds {
			ratio := math.Inf(1)
			// The first try says little: more rounds where it is over the goal.
			for rounds := 1; rounds <= 16 && ratio > 3; rounds *= 4 {
				ratio = float64(average(t, dir, times, rounds, call{"throttle", mode, kind})[0]) / float64(turnAway)
			}
			if ratio > dearest {
				dearest, name = ratio, mode+", "+kind
			}
		}
	}
	report(t, "the dearest of "+fmt.Sprint(3*len(kinds))+" requests ("+name+")", dearest, 3, "a turn-away")
}
