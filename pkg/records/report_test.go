package records_test

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"raincheck/pkg/records"
	"raincheck/pkg/twin/store"
)

// TestTheReportIsCSV: whatever is wrong with a row, a program can read the report,
// and the next run finds its last line, also after a line that was torn off.
func TestTheReportIsCSV(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "report.csv")
	report, err := records.OpenReport(name, noon)
	if err != nil {
		t.Fatal(err)
	}
	rows := []records.Row{
		{Line: 2, Outcome: records.Joined, Digest: "0011223344556677"},
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
	again, err := records.OpenReport(name, noon)
	if err != nil || again.Done.Rows != 1 {
		t.Fatalf("it knows %+v, %v", again.Done, err)
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
	if err != nil || len(all) != 5 || all[1][2] != "2026-11-24T12:00:00Z" || !slices.Equal(all[3], []string{"3", "bad", rows[1].Why, ""}) || all[4][2] != "two lines" {
		t.Errorf("%q, %v", all, err)
	}
}

// TestALaterRun: the list comes back, and its report knows it.
func TestALaterRun(t *testing.T) {
	t.Parallel()
	const list = "address,wanted\nann@example.org,/a\nnobody,/b\nbob@example.org,/c\nbob@example.org,/c\n"
	for name, story := range map[string]struct {
		list string
		// joined is how many join now.
		joined int
		bad    string
		other  bool
	}{
		"the same":                    {list, 0, "address,wanted\nnobody,/b\n", false},
		"saved by a spreadsheet":      {"\ufeffaddress;wanted\r\n\"ann@example.org\";/a\r\nnobody;/b\r\nbob@example.org;/c\r\nbob@example.org;/c\r\n", 0, "address;wanted\nnobody;/b\n", false},
		"the bad row is put right":    {strings.Replace(list, "nobody", "eve@example.org", 1), 1, "", false},
		"the bad row is taken out":    {strings.Replace(list, "nobody,/b\n", "", 1), 0, "", false},
		"two more at its beginning":   {strings.Replace(list, "\n", "\ntom@example.org,/\nmia@example.org,/\n", 1), 2, "address,wanted\nnobody,/b\n", false},
		"sorted":                      {"address,wanted\nbob@example.org,/c\nann@example.org,/a\nbob@example.org,/c\n", 0, "", false},
		"somebody is missing":         {strings.Replace(list, "ann@example.org,/a\n", "", 1), 0, "", true},
		"one of two equal rows":       {strings.TrimSuffix(list, "bob@example.org,/c\n"), 0, "", true},
		"another list":                {"address,wanted\nzoe@example.org,/a\n", 0, "", true},
		"somebody else in that place": {strings.Replace(list, "ann@", "zoe@", 1), 0, "", true},
	} {
		keys, line := keyring(t), &store.Store{}
		file := filepath.Join(t.TempDir(), "report.csv")
		report, err := records.OpenReport(file, noon)
		if err != nil {
			t.Fatal(err)
		}
		tally, err := records.Import{Store: line, Keys: keys, Now: noon, Done: report.Done, Report: report.Write}.Run(t.Context(), strings.NewReader(list), records.CSV)
		if want := (records.Tally{Joined: 2, There: 1, Bad: 1}); err != nil || tally != want {
			t.Fatalf("%+v, %v", tally, err)
		}
		if err := report.Close(); err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} {
			done, err := records.ReadReport(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := done.Check(strings.NewReader(story.list), records.CSV, keys); errors.Is(err, records.ErrOtherList) != story.other || err != nil && !story.other {
				t.Errorf("%s: another list: %v", name, err)
			}
			if story.other {
				continue
			}
			var bad strings.Builder
			tally, err := records.Import{Store: line, Keys: keys, Now: noon, Done: done, Dry: dry, Bad: &bad}.Run(t.Context(), strings.NewReader(story.list), records.CSV)
			if err != nil || tally.Earlier != 3 || tally.Joined-2 != story.joined || strings.TrimPrefix(bad.String(), "\ufeff") != story.bad {
				t.Errorf("%s (dry %v): %+v, %q, %v", name, dry, tally, bad.String(), err)
			}
		}
	}
}

// TestTheBadRowsAreAList: they come out as they stand in the list, under its
// header, in each of the ways in which a list may be written.
func TestTheBadRowsAreAList(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		list   string
		format records.Format
	}{
		{"sep=;\r\naddress;fields\r\nann@example.org;\r\n\"nobody\";\"a=1; b=2\"\r\n\r\nbob@example.org;\r\n", records.CSV},
		{"\ufeffaddress,wanted\nann@example.org,/\nnobody,\"/\nbob@example.org,/\n", records.CSV},
		{"address\n\xe9va@example.org\nann@example.org\nbob@example.org\n" + strings.Repeat("x", 70_000) + "\n", records.CSV},
		{`{"address":"ann@example.org"}` + "\n" + `{"address":"nobody"}` + "\n" + `{"address":"bob@example.org"}` + "\n", records.JSONLines},
	} {
		run := func(list string) (records.Tally, string) {
			var bad strings.Builder
			tally, err := records.Import{Store: &store.Store{}, Keys: keyring(t), Now: noon, Bad: &bad}.Run(t.Context(), strings.NewReader(list), story.format)
			if err != nil {
				t.Fatal(err)
			}
			return tally, bad.String()
		}
		first, bad := run(story.list)
		if first.Joined != 2 || first.Bad == 0 || strings.Contains(bad, "ann@") {
			t.Errorf("%+v of %q, %q", first, story.list, bad)
		}
		again, same := run(bad)
		if again.Bad != again.Rows() || again.Rows() != 1 || same != bad {
			t.Errorf("the bad rows imported: %+v, %q after %q", again, same, bad)
		}
		mended, _ := run(strings.NewReplacer("nobody", "eve@example.org", "\xe9va", "eva", `,"/`, ",/").Replace(bad))
		if mended.Joined != 1 || mended.Rows() != 1 {
			t.Errorf("the mended rows: %+v of %q", mended, bad)
		}
	}
}
