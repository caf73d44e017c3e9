//go:build njs

// Package edge_test puts the two CloudFront Functions through njs, the engine
// from which CloudFront's runtime descends. It needs Debian's package njs.
package edge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	for _, name := range []string{"world.js", "vectors.js", "fuzz.js", "cost.js"} {
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

// TestNoRequestReachesTheCatch puts random requests and documents through
// throttle.js. pkg/twin/edge does the same in goja, against the twin in Go.
func TestNoRequestReachesTheCatch(t *testing.T) {
	seed := 1 + rand.IntN(1<<31-2)
	t.Logf("seed %d", seed)
	var answers map[string]int
	out := njs(t, folder(t, "shipped"), "fuzz.js", fmt.Sprint(seed), "3000")
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err, out)
	}
	t.Log(answers)
	for _, kind := range []string{"the site", "302", "429", "503"} {
		if answers[kind] < 10 {
			t.Errorf("%d answers of 3,000 are %s: too few to show anything", answers[kind], kind)
		}
	}
}

// least measures cost.js's daily or hostile requests and returns the least time
// that so many calls of each took. What else the machine does only adds to a time.
func least(t *testing.T, which string, rounds, calls int) map[string]time.Duration {
	t.Helper()
	times := map[string]time.Duration{}
	for line := range strings.Lines(njs(t, folder(t, "shipped"), "cost.js", which, fmt.Sprint(rounds), fmt.Sprint(calls))) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		took, err := time.ParseDuration(text)
		if err != nil || took <= 0 {
			t.Fatalf("cost.js printed %q", line)
		}
		if before, ok := times[name]; !ok || took < before {
			times[name] = took
		}
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
	took := least(t, "daily", 200, 20)
	for _, g := range goals {
		if took["floor"] == 0 || took[g.kind] == 0 {
			t.Fatalf("cost.js measured %v", took)
		}
		report(t, g.kind, float64(took[g.kind])/float64(took["floor"]), g.goal, "one read and one HMAC")
	}
}

// TestHostileRequestsCostLittle holds the dearest requests that CloudFront lets
// through, 8 KB of URL and 20 KB of headers, to a multiple of a turn-away. A
// function that takes too long is throttled, and then nobody gets the site.
func TestHostileRequestsCostLittle(t *testing.T) {
	took := least(t, "hostile", 20, 5)
	turnAway := took["turned away"]
	delete(took, "turned away")
	names := slices.SortedFunc(maps.Keys(took), func(a, b string) int { return cmp.Compare(took[b], took[a]) })
	inOneWay := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.Contains(name, "all at once") })
	inAll := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(inOneWay, name) })
	if turnAway == 0 || len(inOneWay) < 60 || len(inAll) < 30 {
		t.Fatalf("cost.js measured %d and %d hostile requests, and %v for a turn-away", len(inOneWay), len(inAll), turnAway)
	}
	for _, names := range [][]string{inOneWay, inAll} {
		for _, name := range names[:4] {
			t.Logf("%s: %.2f", name, float64(took[name])/float64(turnAway))
		}
		report(t, fmt.Sprintf("the dearest of %d requests (%s)", len(names), names[0]), float64(took[names[0]])/float64(turnAway), 3, "a turn-away")
	}
}
