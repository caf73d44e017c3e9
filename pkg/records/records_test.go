package records_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/records"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestOutAndIn exports a line with what strangers can type into it, in both
// formats, and imports it into another: the same people in the same places.
func TestOutAndIn(t *testing.T) {
	t.Parallel()
	keys := keyring(t)
	from := &store.Store{}
	for i, typed := range []string{"=1+1@example.org", "+plus@example.org", "-minus@example.org", "bob@example.org", "o'brien@example.org"} {
		address, err := email.Parse(typed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := from.Join(t.Context(), waitlist.Signup{Key: keys.Mailbox(address.Mailbox()), Address: address, Language: "es", Wanted: "/apply?a=1",
			Fields: map[string]string{"state": "=HYPERLINK(\"x\")", "size": "3; 4"}, At: noon.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []records.Format{records.CSV, records.JSONLines} {
		var out bytes.Buffer
		n, err := records.Export(t.Context(), from, &out, format)
		if err != nil || n != 5 {
			t.Fatalf("%d, %v", n, err)
		}
		into := &store.Store{}
		tally, err := records.Import{Store: into, Keys: keys, Now: noon.Add(time.Hour)}.Run(t.Context(), bytes.NewReader(out.Bytes()), format)
		if err != nil || tally.Joined != 5 || tally.Rows() != 5 {
			t.Fatalf("%s: %v, %v\n%s", format, tally, err, out.String())
		}
		err = from.Each(t.Context(), func(want waitlist.Entry) error {
			got, err := into.Entry(t.Context(), want.Key)
			want.Joining, got.Joining = 0, 0
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", format, got, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoCellIsAFormula opens the export as a spreadsheet would.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	keys := keyring(t)
	store := &store.Store{}
	address, err := email.Parse("=cmd@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Join(t.Context(), waitlist.Signup{Key: "-key", Address: address, Language: "en", Wanted: "/", Fields: map[string]string{"@sum": "1", "+a": "\t=2"}, At: noon}); err != nil {
		t.Fatal(err)
	}
	_ = keys
	var out bytes.Buffer
	if _, err := records.Export(t.Context(), store, &out, records.CSV); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(out.String(), "\ufeff")
	if !marked {
		t.Error("without a byte order mark a spreadsheet takes it for another encoding")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != strings.Join(records.Columns, ",") {
		t.Errorf("header %s", got)
	}
	for _, cell := range rows[1] {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
			t.Errorf("a spreadsheet runs %q", cell)
		}
	}
	if rows[1][0] != "'=cmd@example.org" {
		t.Errorf("address %q", rows[1][0])
	}
}

// TestExportByStage, and a store that fails half-way.
func TestExportByStage(t *testing.T) {
	t.Parallel()
	store := &store.Store{}
	for i := range 4 {
		address, err := email.Parse(fmt.Sprintf("p%d@example.org", i))
		if err != nil {
			t.Fatal(err)
		}
		joined, err := store.Join(t.Context(), waitlist.Signup{Key: fmt.Sprint("k", i), Address: address, Language: "en", At: noon})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := store.Leave(t.Context(), joined.Ref, noon); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if n, err := records.Export(t.Context(), store, &out, records.JSONLines, waitlist.Left); err != nil || n != 1 || strings.Contains(out.String(), "example.org") {
		t.Errorf("%d, %v: %s", n, err, out.String())
	}
	if n, err := records.Export(t.Context(), store, &out, records.JSONLines, waitlist.Waiting, waitlist.Invited); err != nil || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := records.Export(t.Context(), store, io.Discard, "xlsx"); err == nil {
		t.Error("a format that is none")
	}
	broken := errors.New("the pipe is closed")
	if _, err := records.Export(t.Context(), store, failing{broken}, records.CSV); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

// TestBadRows: each has a line in the report with its reason, and none stops
// the others. No line has an address in it.
func TestBadRows(t *testing.T) {
	t.Parallel()
	input := "\ufeffAddress,language,joined,wanted,fields\n" +
		"good@example.org,xx,2026-11-24T11:00:00Z,//evil.example,state=VT\n" +
		",en,,,\n" +
		"Bob <bob@example.org>,en,,,\n" +
		"é@example.org,en,,,\n" +
		"later@example.org,en,2027-01-01T00:00:00Z,,\n" +
		"when@example.org,en,yesterday,,\n" +
		"many@example.org,en,,,a=1; b=2; c=3; d=4\n" +
		"long@example.org,en,,,a=" + strings.Repeat("x", 65) + "\n" +
		"GOOD+tag@example.org,en,,,\n" +
		"quote\"d@example.org,en,,,\n" +
		"short@example.org\n"
	store := &store.Store{}
	keys := keyring(t)
	var report []string
	tally, err := records.Import{Store: store, Keys: keys, Now: noon, Workers: 1, Report: func(r records.Row) error {
		report = append(report, fmt.Sprintf("%d %s %s", r.Line, r.Outcome, r.Why))
		return nil
	}}.Run(t.Context(), strings.NewReader(input), records.CSV)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2 joined ", "3 bad no address", "4 bad not an address", "5 bad letters before the @ that mail cannot carry", "6 bad joined in the future",
		"7 bad joined is not a time such as 2026-11-24T11:04:05Z", "8 bad 4 fields, and at most 3 are kept",
		`9 bad the field "a" is longer than 64 characters`, "10 there already ",
		`11 bad not CSV: bare " in non-quoted-field`, "12 joined ",
	}
	if !reflect.DeepEqual(report, want) {
		t.Errorf("report\n%s\nwant\n%s", strings.Join(report, "\n"), strings.Join(want, "\n"))
	}
	if tally.Joined != 2 || tally.Bad != 8 || tally.There != 1 {
		t.Errorf("%v", tally)
	}
	address, err := email.Parse("good@example.org")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := store.Entry(t.Context(), keys.Mailbox(address.Mailbox()))
	if err != nil || entry.Language != "en" || entry.Wanted != "/" || entry.Fields["state"] != "VT" {
		t.Errorf("%+v, %v", entry, err)
	}
}

// TestOneBadLineIsOneBadRow: a line that is far too long, a line torn off, and a
// quote that nobody closed cost the row that they stand in, and no other.
func TestOneBadLineIsOneBadRow(t *testing.T) {
	t.Parallel()
	for format, tc := range map[records.Format]struct {
		input string
		want  []string
	}{
		records.JSONLines: {
			`{"address":"a@example.org"}` + "\n" + `{"address":"` + strings.Repeat("x", 200_000) + `"}` + "\n\n" + `{"address":"b@example.org"}` + "\n" + `{"addre`,
			[]string{"1 joined ", "2 bad longer than 65536 bytes", "4 joined ", "5 bad not a JSON object with the names of an export"},
		},
		records.CSV: {
			"address\na@example.org\n\"b@example.org\nc@example.org\n" + strings.Repeat("x", 200_000) + "\nd@example.org\n",
			[]string{"2 joined ", `3 bad not CSV: is a quote not closed? (extraneous or missing " in quoted-field)`, "4 joined ", "5 bad longer than 65536 bytes", "6 joined "},
		},
	} {
		var report []string
		_, err := records.Import{Dry: true, Store: &store.Store{}, Keys: keyring(t), Now: noon, Report: func(r records.Row) error {
			report = append(report, fmt.Sprintf("%d %s %s", r.Line, r.Outcome, r.Why))
			return nil
		}}.Run(t.Context(), strings.NewReader(tc.input), format)
		if err != nil || !reflect.DeepEqual(report, tc.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", format, err, strings.Join(report, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

// TestInterruptedImport goes on where the report ended; a dry run changes
// nothing; the order of the file is the order of the line.
func TestInterruptedImport(t *testing.T) {
	t.Parallel()
	const people = 2000
	var input strings.Builder
	input.WriteString("address\n")
	for i := range people {
		fmt.Fprintf(&input, "p%d@example.org\n", i)
	}
	keys := keyring(t)
	store := &store.Store{}
	down := errors.New("the table is down")
	calls := 0
	store.Probe = &twin.Probe{Before: func(_ context.Context, call string) error {
		if call == "Join" {
			calls++
		}
		if calls == 700 {
			calls++
			return down
		}
		return nil
	}}
	if tally, err := (records.Import{Dry: true, Store: store, Keys: keys, Now: noon}).Run(t.Context(), strings.NewReader(input.String()), records.CSV); err != nil || tally.Joined != people {
		t.Fatalf("dry run: %v, %v", tally, err)
	}
	name := filepath.Join(t.TempDir(), "report.csv")
	once := func() (records.Tally, error) {
		report, err := records.OpenReport(name, noon)
		if err != nil {
			t.Fatal(err)
		}
		defer report.Close()
		return records.Import{Store: store, Keys: keys, Now: noon, Workers: 1, Done: report.Done, Report: report.Write}.Run(t.Context(), strings.NewReader(input.String()), records.CSV)
	}
	if tally, err := once(); !errors.Is(err, down) || tally.Joined != 512 {
		t.Fatalf("%+v, %v", tally, err)
	}
	tally, err := once()
	if err != nil || tally.Joined+tally.There != people || tally.Earlier != 512 {
		t.Fatalf("%+v, %v", tally, err)
	}
	if tally, err = once(); err != nil || tally.Earlier != people {
		t.Fatalf("the third time: %+v, %v", tally, err)
	}
	places, err := waitlist.Oldest(people, false, waitlist.Shards, time.Time{}, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		for i, q := range queries {
			if pages[i], err = store.Page(t.Context(), q); err != nil {
				return nil, err
			}
		}
		return pages, nil
	})
	if err != nil || len(places) != people {
		t.Fatalf("%d in the line, %v", len(places), err)
	}
	for i, p := range places {
		entry, err := store.Entry(t.Context(), p.Key)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("p%d@example.org", i); entry.Address.Reveal() != want {
			t.Fatalf("place %d has %s", i, entry.Address.Reveal())
		}
	}
}

// FuzzImport: whatever is in a file, an import ends, and what it lets in is an
// address.
func FuzzImport(f *testing.F) {
	f.Add("address,joined,fields\na@example.org,2026-11-24T11:00:00Z,a=b\n", true)
	f.Add(`{"address":"a@example.org","fields":{"a":"b"}}`, false)
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input string, asCSV bool) {
		format := records.JSONLines
		if asCSV {
			format = records.CSV
		}
		store := &store.Store{}
		tally, err := records.Import{Store: store, Keys: keys, Now: noon, Workers: 1}.Run(t.Context(), strings.NewReader(input), format)
		if errors.Is(err, records.ErrSum) {
			t.Error(err)
		}
		if err != nil {
			return
		}
		n := 0
		if err := store.Each(t.Context(), func(e waitlist.Entry) error {
			n++
			if _, err := email.Parse(e.Address.Reveal()); err != nil {
				t.Errorf("%q was let in", e.Address.Reveal())
			}
			return nil
		}); err != nil || n != tally.Joined {
			t.Errorf("%d in the store, %v, %v", n, tally, err)
		}
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func keyring(t *testing.T) *bypass.Keyring {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
