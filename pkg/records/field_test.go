package records_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"raincheck/pkg/records"
	"raincheck/pkg/twin/store"
)

// run imports a text in a dry run, and gives the tally and the bad rows.
func run(t *testing.T, text string, format records.Format) (records.Tally, []string, error) {
	t.Helper()
	var bad []string
	tally, err := records.Import{Dry: true, Store: &store.Store{}, Keys: keyring(t), Now: noon, Report: func(r records.Row) error {
		if r.Outcome == records.Bad {
			bad = append(bad, fmt.Sprint(r.Line, " ", r.Why))
		}
		return nil
	}}.Run(t.Context(), strings.NewReader(text), format)
	return tally, bad, err
}

// TestFilesFromTheField are files as people who do this job hand them in.
func TestFilesFromTheField(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct {
		joined int
		bad    []string
	}{
		"bom.jsonl":          {2, nil},
		"cr-only.csv":        {2, nil},
		"semicolon.csv":      {1, nil},
		"utf16.csv":          {1, nil},
		"saved-in-excel.csv": {0, []string{"2 a letter is not in UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"}},
		"stray-quote.csv":    {58, []string{`11 not CSV: is a quote not closed? (extraneous or missing " in quoted-field)`}},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		format := records.CSV
		if filepath.Ext(file) == ".jsonl" {
			format = records.JSONLines
		}
		tally, bad, err := run(t, string(text), format)
		if err != nil || tally.Joined != want.joined || !slices.Equal(bad, want.bad) {
			t.Errorf("%s: %v, %q, %v", file, tally, bad, err)
		}
	}
}

// TestTheirSiblings are more of each kind.
func TestTheirSiblings(t *testing.T) {
	t.Parallel()
	const address = "ann@example.org"
	wide := func(s string, low, high int) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			pair := [2]byte{}
			pair[low], pair[high] = c, 0
			b.Write(pair[:])
		}
		return b.String()
	}
	for name, story := range map[string]struct {
		text   string
		joined int
		bad    []string
	}{
		"a mark before a quoted header":      {"\ufeff\"address\",\"language\"\r\n\"" + address + "\",\"en\"\r\n", 1, nil},
		"UTF-16, the other way round":        {"\xfe\xff" + wide("address\n"+address+"\n", 1, 0), 1, nil},
		"UTF-16 without a mark":              {wide("address\n"+address+"\n", 0, 1), 1, nil},
		"tabs":                               {"address\tlanguage\n" + address + "\ten\n", 1, nil},
		"sep= and an empty line":             {"sep=;\r\n\r\naddress;language\r\n" + address + ";en\r\n", 1, nil},
		"mixed ends of lines":                {"address\r" + address + "\r\nbob@example.org\neve@example.org", 3, nil},
		"a cell of two lines":                {"address,fields\n" + address + ",\"state=VT;\n size=3\"\nbob@example.org,\n", 2, nil},
		"two stray quotes with rows between": {"address,wanted\n" + address + ",\"/a\nbob@example.org,/b\neve@example.org,/c\"\ntom@example.org,/d\n", 2, []string{"2 not CSV", "4 not CSV"}},
		"a stray quote in the last line":     {"address,wanted\n" + address + ",/a\nbob@example.org,\"/b", 1, []string{"3 not CSV"}},
		"one column and a stray quote":       {"address\n\"" + address + "\nbob@example.org\n", 1, []string{"2 not CSV"}},
	} {
		tally, bad, err := run(t, story.text, records.CSV)
		same := len(bad) == len(story.bad)
		for i := range min(len(bad), len(story.bad)) {
			same = same && strings.HasPrefix(bad[i], story.bad[i])
		}
		if err != nil || tally.Joined != story.joined || !same {
			t.Errorf("%s: %v, %q, %v", name, tally, bad, err)
		}
	}
	if _, _, err := run(t, "address,wanted,Address\n"+address+",/,x\n", records.CSV); err == nil || !strings.Contains(err.Error(), "names address twice") {
		t.Errorf("a doubled column: %v", err)
	}
}

// TestARowHasNoMoreCellsThanTheHeader: what a person types with a comma and without
// quotes is not cut off.
func TestARowHasNoMoreCellsThanTheHeader(t *testing.T) {
	t.Parallel()
	tally, bad, err := run(t, "address,fields\na@example.org,a=1,b=2\nb@example.org,a=1,,\n", records.CSV)
	if err != nil || tally.Joined != 1 || len(bad) != 1 || !strings.Contains(bad[0], "2 3 cells, and the header names 2") {
		t.Errorf("%+v, %q, %v", tally, bad, err)
	}
}

// TestFieldsThatCannotBeShown: a mark that turns the direction of text is a bad row, and
// blanks of other scripts are blanks.
func TestFieldsThatCannotBeShown(t *testing.T) {
	t.Parallel()
	text := "address,fields\nann@example.org,state=\u202eTV\nbob@example.org,state=東京都\u3000港区\ncat@example.org,state=ශ්\u200dරී\n"
	tally, bad, err := run(t, text, records.CSV)
	if err != nil || tally.Joined != 2 || len(bad) != 1 || !strings.HasPrefix(bad[0], `2 the field "state" has a character that cannot be shown`) {
		t.Errorf("%v, %q, %v", tally, bad, err)
	}
	_, bad, err = run(t, `{"address":"ann@example.org","address":"bob@example.org"}`+"\n", records.JSONLines)
	if err != nil || len(bad) != 1 || bad[0] != "1 a name stands twice in the object, and only the last one would count" {
		t.Errorf("a name twice: %q, %v", bad, err)
	}
}
