package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"raincheck/pkg/waitlist"
)

// TestAFullDiskRefusesAndGoesOn runs the store in a process whose files may not
// grow (RLIMIT_FSIZE stands in for a full disk), and lets them grow again.
func TestAFullDiskRefusesAndGoesOn(t *testing.T) {
	if dir := os.Getenv("STORE_TEST_FULL"); dir != "" {
		fillUp(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	again := exec.Command(os.Args[0], "-test.run=^TestAFullDiskRefusesAndGoesOn$", "-test.v")
	again.Env = append(os.Environ(), "STORE_TEST_FULL="+dir)
	if out, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := open(t, dir)
	defer s.Close()
	acknowledged, err := os.ReadFile(filepath.Join(dir, "acknowledged"))
	if err != nil {
		t.Fatal(err)
	}
	for key := range strings.FieldsSeq(string(acknowledged)) {
		if _, err := s.Entry(t.Context(), key); err != nil {
			t.Fatalf("%s was acknowledged: %v", key, err)
		}
	}
}

func fillUp(t *testing.T, dir string) {
	s := open(t, dir)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(n uint64) {
		t.Helper()
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
	}
	var acknowledged []string
	refused := 0
	join := func(i int) error {
		su := signup(t, i)
		j, err := s.Join(t.Context(), su)
		if err == nil {
			acknowledged = append(acknowledged, su.Key)
			if !j.New && refused == 0 {
				t.Fatal("somebody was there already")
			}
		}
		return err
	}
	limit(10_000)
	for i := range 200 {
		if err := join(i); err != nil {
			if !errors.Is(err, waitlist.ErrBusy) || !strings.Contains(err.Error(), "writing the journal") {
				t.Fatalf("a full disk says %v", err)
			}
			refused++
		}
	}
	if refused < 100 || len(acknowledged) < 10 {
		t.Fatalf("%d acknowledged, %d refused", len(acknowledged), refused)
	}
	if err := s.Trouble(); err == nil || !strings.Contains(err.Error(), "writing the journal") {
		t.Fatalf("the trouble is %v", err)
	}
	// Who waits can be read all the same.
	if _, err := s.Entry(t.Context(), acknowledged[0]); err != nil {
		t.Fatal(err)
	}
	limit(before.Cur)
	if err := s.Trouble(); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	for i := range 200 { // those who were refused try again
		if err := join(i); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "acknowledged"), []byte(strings.Join(acknowledged, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}
