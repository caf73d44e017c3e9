package records_test

import (
	"encoding/csv"
	"errors"
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
	report, err := records.OpenReport(name)
	if err != nil {
		t.Fatal(err)
	}
	rows := []records.Row{
		{Line: 2, Outcome: records.Joined},
		{Line: 3, Outcome: records.Bad, Why: `not CSV: bare " in non-quoted-field, says "it"`},
		{Line: 7, Outcome: records.Bad, Why: "two\nlines"},
	}
	for _, row := range rows {
		if err := report.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	torn, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = torn.WriteString("9,jo")
	}
	if err := errors.Join(err, torn.Close(), report.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := records.OpenReport(name)
	if err != nil || again.After != 7 {
		t.Fatalf("it goes on after line %d, %v", again.After, err)
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
