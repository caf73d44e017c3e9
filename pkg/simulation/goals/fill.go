// Package goals holds the admission law to what is asked of it: the goal table of
// docs/control.md, on days like those the law was made for and on families of
// days that it was not.
package goals

import (
	"fmt"
	"os"
	"strings"

	"raincheck/pkg/simulation"
)

// The results in docs/control.md stand between these marks.
const (
	resultsBegin = "<!-- results: make law -->\n"
	resultsEnd   = "<!-- end of results -->"
)

// sealed are the seeds that the tables are made with. Nothing was tuned on them.
var sealed = []uint64{501, 502, 503}

// FillFile fills a document in place.
func FillFile(document string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	out, err := Fill(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(document, []byte(out), 0o644)
}

// Fill gives a document with the table of Rows between its marks.
func Fill(document string) (string, error) {
	before, rest, ok1 := strings.Cut(document, resultsBegin)
	_, after, ok2 := strings.Cut(rest, resultsEnd)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("missing the marks %q and %q", strings.TrimSpace(resultsBegin), resultsEnd)
	}
	var outcomes []Outcome
	for _, row := range Rows() {
		o, err := row.Try(sealed, simulation.Law)
		if err != nil {
			return "", err
		}
		outcomes = append(outcomes, o)
	}
	var results strings.Builder
	WriteOutcomes(&results, outcomes)
	return before + resultsBegin + "\n" + results.String() + "\n" + resultsEnd + after, nil
}
