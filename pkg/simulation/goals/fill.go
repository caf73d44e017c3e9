package goals

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"raincheck/pkg/simulation"
)

// The results in docs/control.md stand between these marks.
const (
	resultsBegin = "<!-- results: make law -->\n"
	resultsEnd   = "<!-- end of results -->"
)

// sealed are the seeds that the tables are made with. Nothing was tuned on them.
var sealed = []uint64{501, 502, 503}

// FillFile fills a document in place, over every CSV file of a folder too; an
// empty folder's name is no folder.
func FillFile(document, folder string) error {
	var more []simulation.Trace
	files, err := filepath.Glob(filepath.Join(folder, "*.csv"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		if folder == "" || strings.HasPrefix(name, simulation.HealthCare) {
			continue // it is built in
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		t, err := simulation.ReadTrace(name, f, time.Minute)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		more = append(more, t)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	out, err := Fill(string(text), more)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(document, []byte(out), 0o644)
}

// Fill gives a document with the tables between its marks: over the built-in day,
// one generated day of each family, and more days, which are shapes: they are made
// to offer three times the capacity where their name says flash, and twice
// otherwise; and over the families of Rows.
func Fill(document string, more []simulation.Trace) (string, error) {
	before, rest, ok1 := strings.Cut(document, resultsBegin)
	_, after, ok2 := strings.Cut(rest, resultsEnd)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("missing the marks %q and %q", strings.TrimSpace(resultsBegin), resultsEnd)
	}
	hcgov, err := simulation.Builtin(simulation.HealthCare)
	if err != nil {
		return "", err
	}
	days := []simulation.Trace{hcgov}
	for _, family := range simulation.Families() {
		t, err := simulation.Generate(family, 101)
		if err != nil {
			return "", err
		}
		days = append(days, t)
	}
	for _, t := range more {
		multiple := 2.0
		if strings.HasPrefix(t.Name, "flash") {
			multiple = 3
		}
		days = append(days, t.Offering(multiple, simulation.DefaultSite()))
	}
	var results strings.Builder
	if err := Write(&results, days, 3); err != nil {
		return "", err
	}
	fmt.Fprint(&results, "\nThe families of days that the law was not made for, with seeds that nothing was tuned on. Bounds that are not kept are printed **bold**.\n\n")
	var outcomes []Outcome
	for _, row := range Rows() {
		o, err := row.Try(sealed, simulation.Law)
		if err != nil {
			return "", err
		}
		outcomes = append(outcomes, o)
	}
	WriteOutcomes(&results, outcomes)
	return before + resultsBegin + "\n" + results.String() + "\n" + resultsEnd + after, nil
}
