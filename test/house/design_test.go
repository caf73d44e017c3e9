package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// How code and documents cite a numbered thing: "docs/design.md, decision 12",
// "decisions 19 and 20", "docs/faults.md, rows 21 to 28". Within docs/design.md
// itself "decision 12" is enough, and docs/faults.md cites decisions as
// "(decision 50)".
var (
	numbers  = `(\d+(?:(?:,| and| to) \d+)*)`
	cites    = regexp.MustCompile(`docs/(design|faults)\.md, (?:decision|row)s? ` + numbers)
	inside   = regexp.MustCompile(`\bdecisions? ` + numbers)
	oldCites = regexp.MustCompile(`\b(?:DESIGN|CASES)(?: \d|'s|\.md)`)
)

// decision is one numbered section of docs/design.md.
type decision struct {
	planned bool
	text    string
}

func decisions(t *testing.T) map[int]decision {
	t.Helper()
	all := map[int]decision{}
	heading := regexp.MustCompile(`(?m)^### (\d+)\. .*$`)
	text := read(t, "docs/design.md")
	for _, at := range heading.FindAllStringSubmatchIndex(text, -1) {
		n, _ := strconv.Atoi(text[at[2]:at[3]])
		if _, twice := all[n]; twice {
			t.Errorf("docs/design.md has the decision %d twice", n)
		}
		body, _, _ := strings.Cut(text[at[1]:], "\n##")
		all[n] = decision{strings.HasSuffix(text[at[0]:at[1]], "`planned`"), body}
	}
	if len(all) < 59 {
		t.Fatalf("docs/design.md has %d decisions", len(all))
	}
	return all
}

func rows(t *testing.T) map[int]string {
	t.Helper()
	all := map[int]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*)$`).FindAllStringSubmatch(read(t, "docs/faults.md"), -1) {
		n, _ := strconv.Atoi(m[1])
		if _, twice := all[n]; twice {
			t.Errorf("docs/faults.md has the row %d twice", n)
		}
		all[n] = m[2]
	}
	if len(all) < 44 {
		t.Fatalf("docs/faults.md has %d rows", len(all))
	}
	return all
}

// TestEveryCitationExists: a decision or a row that code or a document cites
// stands in docs/design.md or docs/faults.md.
func TestEveryCitationExists(t *testing.T) {
	t.Parallel()
	known := map[string]map[int]bool{"design": {}, "faults": {}}
	for n := range decisions(t) {
		known["design"][n] = true
	}
	for n := range rows(t) {
		known["faults"][n] = true
	}
	cited := 0
	check := func(file, document, list string) {
		for _, n := range expand(list) {
			cited++
			if !known[document][n] {
				t.Errorf("%s cites %d of docs/%s.md, which has no such number", file, n, document)
			}
		}
	}
	eachFile(t, func(file string) {
		switch path.Ext(file) {
		case ".go", ".js", ".mjs", ".yaml", ".md", ".toml", ".sh", ".py":
		default:
			return
		}
		text := read(t, file)
		for _, m := range cites.FindAllStringSubmatch(text, -1) {
			check(file, m[1], m[2])
		}
		if file == "docs/design.md" || file == "docs/faults.md" {
			for _, m := range inside.FindAllStringSubmatch(text, -1) {
				check(file, "design", m[1])
			}
		}
		if m := oldCites.FindString(text); m != "" && file != "test/house/design_test.go" {
			t.Errorf("%s says %q: cite \"docs/design.md, decision 12\" or \"docs/faults.md, row 12\"", file, m)
		}
	})
	if cited < 50 {
		t.Errorf("only %d citations were found: the search has lost its form", cited)
	}
}

// expand lists the numbers of "19", "19 and 20", "16, 18" and "21 to 28".
func expand(list string) []int {
	var all []int
	through := false
	for _, part := range regexp.MustCompile(`\d+|to`).FindAllString(list, -1) {
		n, err := strconv.Atoi(part)
		if err != nil {
			through = true
			continue
		}
		for m := n - 1; through && m > all[len(all)-1]; m-- {
			all = append(all, m)
		}
		through = false
		all = append(all, n)
	}
	return all
}

// TestPlannedIsNotProved: what is only planned cites no test, and every row of
// docs/faults.md cites one or is planned as a whole.
func TestPlannedIsNotProved(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile("`(?:Test|Fuzz)[A-Z]\\w*`")
	for n, d := range decisions(t) {
		if d.planned && names.MatchString(d.text) {
			t.Errorf("docs/design.md: decision %d is planned and cites %s", n, names.FindString(d.text))
		}
	}
	for n, row := range rows(t) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimSpace(row), "|"), " | ")
		shown := cells[len(cells)-1]
		if proved, planned := names.MatchString(shown), strings.Contains(shown, "`planned`"); proved == planned {
			t.Errorf("docs/faults.md: row %d is shown by %q: it names a test, or is `planned`", n, shown)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
