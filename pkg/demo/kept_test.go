package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/twin/store"
)

// TestAnEditedAddressIsRefused: an address that was changed by hand keeps the key of
// the old one, under which nobody would ever be found again.
func TestAnEditedAddressIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*Instance, error) {
		return New(Config{Story: Alone(noon), Origin: "http://localhost:8080", Now: func() time.Time { return noon }, Data: dir})
	}
	in, err := open()
	if err != nil {
		t.Fatal(err)
	}
	people(t, in, "ann@example.org", "bob+queue@example.org")
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if in, err = open(); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, store.JournalFile)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line := 1 + bytes.Count(text[:bytes.Index(text, []byte("bob+queue@"))], []byte("\n"))
	if err := os.WriteFile(name, bytes.ReplaceAll(text, []byte("bob+queue@"), []byte("bill@")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = open()
	if err == nil || !strings.Contains(err.Error(), "line "+string(rune('0'+line))+` has an entry whose "key" is that of another address; an address is changed by`) || strings.Contains(err.Error(), "bill") {
		t.Fatalf("line %d: %v", line, err)
	}
}
