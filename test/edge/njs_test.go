//go:build njs

// Package edge_test puts the two CloudFront Functions through njs, the engine
// from which CloudFront's runtime descends. It needs Debian's package njs.
package edge_test

import (
	"encoding/json"
	"fmt"
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

// njs runs a script and returns what it printed.
func njs(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	out, err := exec.Command("njs", append([]string{"-p", dir, filepath.Join(dir, script)}, args...)...).CombinedOutput()
	// njs ends well after an error in a promise, too.
	if err != nil || strings.Contains(string(out), "Error") {
		t.Fatalf("njs %s %q: %v\n%s", script, args, err, out)
	}
	return string(out)
}

// TestVectors is test/vectors/edge.json in njs.
func TestVectors(t *testing.T) {
	vectors, err := filepath.Abs(filepath.FromSlash("../vectors/edge.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"written", "shipped"} {
		out := njs(t, folder(t, form), "vectors.js", vectors, form)
		t.Log(strings.TrimSpace(out))
	}
}

// least measures kinds of requests in one mode, in turn, and returns the least
// time that so many calls of each took. What else the machine does only adds to a
// time.
func least(t *testing.T, dir, mode string, rounds, calls int, kinds ...string) map[string]time.Duration {
	t.Helper()
	out := njs(t, dir, "cost.js", append([]string{mode, fmt.Sprint(rounds), fmt.Sprint(calls)}, kinds...)...)
	times := map[string]time.Duration{}
	for line := range strings.Lines(out) {
		kind, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		took, err := time.ParseDuration(text)
		if err != nil || took <= 0 {
			t.Fatalf("cost.js printed %q", line)
		}
		if before, ok := times[kind]; !ok || took < before {
			times[kind] = took
		}
	}
	if len(times) != len(kinds) {
		t.Fatalf("cost.js measured %d kinds of %d", len(times), len(kinds))
	}
	return times
}

// report prints a ratio and its goal, and fails at twice the goal.
func report(t *testing.T, what string, ratio, goal float64, unit string) {
	t.Helper()
	t.Logf("%s: %.2f times %s (goal %.1f)", what, ratio, unit, goal)
	if ratio > 2*goal {
		t.Errorf("%s costs %.2f times %s, more than twice its goal of %.1f", what, ratio, unit, goal)
	}
}

// TestCost holds throttle.js to a multiple of one read and one HMAC.
func TestCost(t *testing.T) {
	goals := []struct {
		kind string
		goal float64
	}{{"returning", 1.5}, {"renewed", 2}, {"admitted", 1.7}, {"turned away", 1.7}}
	took := least(t, folder(t, "shipped"), "throttle", 200, 20, "floor", "returning", "renewed", "admitted", "turned away")
	for _, g := range goals {
		report(t, g.kind, float64(took[g.kind])/float64(took["floor"]), g.goal, "one read and one HMAC")
	}
}

// TestHostileRequestsCostLittle holds the dearest requests that CloudFront lets
// through, 8 KB of URL and 20 KB of headers, to a multiple of a turn-away. A
// function that takes too long is throttled, and then nobody gets the site.
func TestHostileRequestsCostLittle(t *testing.T) {
	dir := folder(t, "shipped")
	var kinds []string
	if err := json.Unmarshal([]byte(njs(t, dir, "cost.js", "list")), &kinds); err != nil || len(kinds) < 20 {
		t.Fatal(err, kinds)
	}
	// In the mode throttle, whatever the hostile requests are in.
	turnAway := least(t, dir, "throttle", 100, 10, "turned away")["turned away"]
	dearest, name := 0.0, ""
	for _, mode := range []string{"throttle", "strict", "open"} {
		for kind, took := range least(t, dir, mode, 20, 10, kinds...) {
			ratio := float64(took) / float64(turnAway)
			if ratio > dearest {
				dearest, name = ratio, mode+", "+kind
			}
		}
	}
	report(t, "the dearest of "+fmt.Sprint(3*len(kinds))+" requests ("+name+")", dearest, 3, "a turn-away")
}
