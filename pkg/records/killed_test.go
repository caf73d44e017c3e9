package records_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/records"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// TestKilledWhileImporting kills a process that imports a list into a kept
// waitlist, and one that exports it, again and again, and then lets the import end:
// everybody is there, once, in the order of the list, and the report has a line for
// each row. RAINCHECK_KILLS and RAINCHECK_ROWS ask for more.
func TestKilledWhileImporting(t *testing.T) {
	if dir := os.Getenv("RECORDS_TEST_KILLED"); dir != "" {
		if err := importAndExport(t, dir); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	kills, rows := asked(t, "RAINCHECK_KILLS", 5), asked(t, "RAINCHECK_ROWS", 3000)
	dir, interrupted := t.TempDir(), 0
	for kill := 0; kill < kills; {
		// A list of its own for each time that an import gets to its end.
		if _, err := os.Stat(filepath.Join(dir, "list.csv")); err != nil {
			writeList(t, dir, rows)
		}
		run := exec.Command(os.Args[0], "-test.run=^TestKilledWhileImporting$")
		run.Env = append(os.Environ(), "RECORDS_TEST_KILLED="+dir)
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- run.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the process ended by itself: %v", err)
			}
			imported(t, dir, rows)
			dir = t.TempDir()
			continue
		case <-time.After(time.Duration(20+131*kill%1500) * time.Millisecond):
			_ = run.Process.Kill()
			<-ended
			kill++
			interrupted++
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "list.csv")); err != nil {
		writeList(t, dir, rows)
	}
	if err := importAndExport(t, dir); err != nil {
		t.Fatal(err)
	}
	imported(t, dir, rows)
	t.Logf("%d kills while %d rows were imported or exported", interrupted, rows)
}

func asked(t *testing.T, name string, n int) int {
	t.Helper()
	if more := os.Getenv(name); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil {
			t.Fatal(err)
		}
	}
	return n
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
