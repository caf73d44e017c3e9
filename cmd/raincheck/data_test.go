package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"raincheck/pkg/records"
)

// TestTheReportIsCSV: whatever is wrong with a row, a program can read the report,
// and the next run finds its last line, also after a line that was torn off.
func TestTheReportIsCSV(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "report.csv")
	report, err := openReport(name)
	if err != nil {
		t.Fatal(err)
	}
	rows := []records.Row{
		{Line: 2, Outcome: records.Joined},
		{Line: 3, Outcome: records.Bad, Why: `not CSV: bare " in non-quoted-field, says "it"`},
		{Line: 7, Outcome: records.Bad, Why: "two\nlines"},
	}
	for _, row := range rows {
		if err := report.write(row); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := report.file.WriteString("9,jo"); err != nil {
		t.Fatal(err)
	}
	if err := report.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openReport(name)
	if err != nil || again.after != 7 {
		t.Fatalf("it goes on after line %d, %v", again.after, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil || len(all) != 4 || !slices.Equal(all[2], []string{"3", "bad", rows[1].Why}) || all[3][2] != "two lines" {
		t.Errorf("%q, %v", all, err)
	}
}
