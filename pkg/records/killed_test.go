package records_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/records"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
	"raincheck/test/killed"
)

// TestKilledWhileImporting kills a process that imports a list into a kept
// waitlist, and then exports it, again and again, and lets the import end: everybody
// is there, once, in the order of the list, and the report has a line for each row.
func TestKilledWhileImporting(t *testing.T) {
	if dir := killed.Folder(); dir != "" {
		if err := importAndExport(t, dir); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	kills, rows, random := killed.Kills(t, 5), killed.Rows(t, 3000), killed.Random(t)
	// The kills come later until a list gets to its end, however slow the machine is.
	begin := 300*time.Millisecond + time.Duration(rows)*75*time.Microsecond
	longest, lists := begin, 1
	dir := newList(t, rows)
	for left := kills; left > 0; {
		if killed.Process(t, dir, 20*time.Millisecond+time.Duration(random.Float64()*float64(longest))) {
			left--
			longest += begin / 10
			continue
		}
		imported(t, dir, rows)
		dir, longest = newList(t, rows), begin
		lists++
	}
	began := time.Now()
	if err := importAndExport(t, dir); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	imported(t, dir, rows)
	t.Logf("%d kills while %d lists of %d rows were imported and exported: everybody is there, once, in order; the rest of the last one took %s", kills, lists, rows, took.Round(time.Millisecond))
}

// newList makes a folder with a list.
func newList(t *testing.T, rows int) string {
	t.Helper()
	dir := t.TempDir()
	writeList(t, dir, rows)
	return dir
}

// writeList writes a list in which each hundredth row is bad.
func writeList(t *testing.T, dir string, rows int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("address,wanted\n")
	for i := range rows {
		if i%100 == 99 {
			fmt.Fprintf(&b, "nobody %d,/\n", i)
		} else {
			fmt.Fprintf(&b, "p%06d@example.org,/apply\n", i)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "list.csv"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func importAndExport(t *testing.T, dir string) error {
	line, err := store.Open(filepath.Join(dir, "kept"), store.Options{})
	if err != nil {
		return err
	}
	defer line.Close()
	if _, _, err := (records.List{Name: filepath.Join(dir, "list.csv")}).Import(t.Context(), records.Import{Store: line, Keys: keyring(t), Now: time.Now()}); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, "export.csv"))
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = records.Export(t.Context(), line, out, records.CSV)
	return err
}

// imported sees that everything is as if nothing had happened.
func imported(t *testing.T, dir string, rows int) {
	t.Helper()
	line, err := store.Open(filepath.Join(dir, "kept"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	keys := keyring(t)
	var last time.Time
	for i := range rows {
		if i%100 == 99 {
			continue
		}
		address, err := email.Parse(fmt.Sprintf("p%06d@example.org", i))
		if err != nil {
			t.Fatal(err)
		}
		e, err := line.Entry(t.Context(), keys.Mailbox(address.Mailbox()))
		if err != nil || e.Stage != waitlist.Waiting || e.Joining != waitlist.FirstJoining(e.Joined) || e.Joined.Before(last) {
			t.Fatalf("person %d: %s, joining %d, at %s after %s, %v", i, e.Stage, e.Joining, e.Joined, last, err)
		}
		last = e.Joined
	}
	for name, want := range map[string]int{"list.csv.report.csv": rows + 2, "list.bad.csv": rows/100 + 1, "export.csv": rows - rows/100 + 1} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
		if err != nil || len(all) != want {
			t.Errorf("%s has %d lines, want %d, %v", name, len(all), want, err)
		}
	}
}
