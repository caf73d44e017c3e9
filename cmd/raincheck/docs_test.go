package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"raincheck/pkg/diagnosis"
	"raincheck/test/template"
)

// sixSteps are the commands of the README's section "The hour, in six steps",
// without their comments.
func sixSteps(readme string) (steps []string) {
	_, section, _ := strings.Cut(readme, "### The hour, in six steps\n")
	section, _, _ = strings.Cut(section, "\n#")
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			command, _, _ = strings.Cut(command, " #")
			steps = append(steps, strings.TrimSpace(command))
		}
	}
	return steps
}

// cloneSteps are the commands that stand in the place of the archives for who
// has a clone: those between backticks in that section.
func cloneSteps(readme string) (steps []string) {
	_, section, _ := strings.Cut(readme, "From a clone, ")
	section, _, _ = strings.Cut(section, "\n\n")
	for i, part := range strings.Split(section, "`") {
		if i%2 == 1 {
			steps = append(steps, part)
		}
	}
	return steps
}

// TestTheHourHasSixSteps: no more, from the archives to the law at the throttle,
// and few enough words to type in five minutes.
// testdata/table/hour.txtar runs them.
func TestTheHourHasSixSteps(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := sixSteps(string(readme))
	if len(steps) == 0 || len(steps) > 6 || steps[0] != "sam deploy --guided" || steps[len(steps)-1] != "raincheck throttle --apply" {
		t.Fatalf("the hour: %q", steps)
	}
	if typed := len(strings.Join(steps, "\n")); typed > 450 {
		t.Errorf("%d characters to type", typed)
	}
}

// TestEveryLineOfTheDocsIsACommand parses each command of ours that the docs
// show: a flag that is gone, or never was, is found before somebody types it on
// their worst day.
func TestEveryLineOfTheDocsIsACommand(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no docs: %v", err)
	}
	// In a block, or between backticks.
	shown := regexp.MustCompile("(?m)^ {4,}raincheck ([^\n]*)$|`raincheck ([^`]*)`")
	placeholders := strings.NewReplacer("N", "3", "LOAD", "0.9")
	n := 0
	for _, name := range append(files, filepath.Join(repository, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			line, _, _ := strings.Cut(m[1]+m[2], " #")
			line, _, _ = strings.Cut(line, " | ")
			line, _, _ = strings.Cut(line, " && ")
			line = regexp.MustCompile(` [<>]\S+| >>? *\S+`).ReplaceAllString(line, "")
			var args []string
			for _, word := range strings.Fields(line) {
				if word == "…" {
					continue
				}
				if word == "N" || word == "LOAD" {
					word = placeholders.Replace(word)
				}
				args = append(args, strings.Trim(word, `'"`))
			}
			if len(args) == 0 || args[0] == "COMMAND" || args[len(args)-1] == "--help" {
				continue
			}
			parser, err := kong.New(&cli{}, kong.Name("raincheck"))
			if err != nil {
				t.Fatal(err)
			}
			// In a sentence a command may stand without its last value.
			unfinished := regexp.MustCompile(`^expected "<|but got "EOL"`)
			if _, err := parser.Parse(args); err != nil && (m[1] != "" || !unfinished.MatchString(err.Error())) {
				t.Errorf("%s: raincheck %s: %v", filepath.Base(name), strings.Join(args, " "), err)
			}
			n++
		}
	}
	if n < 30 {
		t.Errorf("only %d commands were found: has the form of the docs changed?", n)
	}
}

// TestTheEmergencyLineIsTheSame in the runbook and in what doctor prints.
func TestTheEmergencyLineIsTheSame(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n    "+diagnosis.EmergencyLine("STORE")+"\n") {
		t.Errorf("docs/operating.md does not have the line %s", diagnosis.EmergencyLine("STORE"))
	}
}

// TestChangedDefaultsAreTold: each default that has changed is in the template as
// it is now, and marked in the changelog, and no other is.
func TestChangedDefaultsAreTold(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Read(template.Main)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(repository, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	var marked []string
	for _, m := range regexp.MustCompile(`(?m)^- \*\*New default\*\*: (\w+) is (\S+), not (\S+)[,.;:]`).FindAllStringSubmatch(string(text), -1) {
		marked = append(marked, strings.Join(m[1:], " "))
	}
	var known []string
	for _, d := range diagnosis.ChangedDefaults {
		known = append(known, d.Name+" "+d.Is+" "+d.Was)
		if now := tmpl.Get("Parameters", d.Name, "Default").Value; now != d.Is {
			t.Errorf("the default of %s is %s, not %s", d.Name, now, d.Is)
		}
	}
	slices.Sort(marked)
	slices.Sort(known)
	if !slices.Equal(marked, known) {
		t.Errorf("CHANGELOG.md marks %q, and doctor knows %q", marked, known)
	}
}
