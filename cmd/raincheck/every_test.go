package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// sample is a command line of each command that acts on a deployed stack, good
// but for what a story breaks; "" for those that know no stack. A command without
// a line here fails TestEveryCommandHasItsStory.
var sample = map[string]string{
	"open": "open", "throttle": "throttle --without-load --apply", "hold": "hold --apply", "observe": "observe --apply", "pause": "pause --apply", "resume": "resume --apply",
	"load": "load 0.9", "invite": "invite 3 --apply", "invite --to": "invite 3 --to people.csv --apply", "drain": "drain --apply",
	"export": "export", "import": "import people.jsonl --apply", "forget": "forget p1@example.org --apply", "restore": "restore raincheck-then --apply",
	"status": "status", "console": "console --port 0", "doctor": "doctor", "smoke": "smoke", "observe --report": "observe --report",
	"attach": "attach --distribution-id E2EXAMPLE --host www.example.org --apply", "rotate": "rotate --apply",
	"detach": "detach --distribution-id E2EXAMPLE --apply", "simulate": "", "decide": "", "local": "",
	"bounced": "bounced came-back.csv --apply", "release": "release --reason bounce --since 2024-01-01T00:00:00Z --apply",
	"version": "", "words check": "", "words set": "words set words.json --apply", "words example": "", "say": "say Hello --apply",
}

// TestEveryCommandHasItsStory holds the list of commands against the samples, of
// which testdata/aws/errors.txtar tries every one, and against the stories.
func TestEveryCommandHasItsStory(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&cli{}, kong.Name("raincheck"))
	if err != nil {
		t.Fatal(err)
	}
	stories := readStories(t)
	for _, leaf := range parser.Model.Leaves(true) {
		name := leaf.Name
		if leaf.Parent.Type == kong.CommandNode {
			name = leaf.Parent.Name + " " + name
		}
		if _, ok := sample[name]; !ok {
			t.Errorf("the command %s has no sample: its errors are not tried", name)
		}
		for what, word := range map[string]string{"goes well": "exec raincheck ", "fails": "(! exec|status [12]) raincheck "} {
			if !regexp.MustCompile(`(?m)^` + word + name + `\b`).MatchString(stories) {
				t.Errorf("no story in which %s %s", name, what)
			}
		}
		if leaf.Help == "" || !strings.HasSuffix(leaf.Help, ".") {
			t.Errorf("the command %s does not say in one line what it does: %q", name, leaf.Help)
		}
	}
}

// everyCommand is the story command `each STATUS PATTERN [but NAME…]`: each
// sample ends with that exit status and says that on standard error, and nothing
// of a stack trace.
func everyCommand(ts *testscript.TestScript, _ bool, args []string) {
	names := []string{}
	for name, line := range sample {
		if line != "" && !slices.Contains(args[2:], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	pattern := regexp.MustCompile("(?m)" + args[1])
	for _, name := range names {
		err := ts.Exec("raincheck", strings.Fields(sample[name])...)
		got := "0"
		if exit, ok := err.(interface{ ExitCode() int }); ok {
			got = string(rune('0' + exit.ExitCode()))
		}
		said := ts.ReadFile("stderr")
		if got != args[0] || !pattern.MatchString(said) || strings.Contains(said, "goroutine ") || strings.Count(said, "\n") > 3 {
			ts.Fatalf("raincheck %s: exit status %s, want %s and %q:\n%s", sample[name], got, args[0], args[1], said)
		}
	}
}

// readStories is the text of all stories.
func readStories(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"aws", "script", "table"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no stories in %s: %v", folder, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	return all.String()
}
