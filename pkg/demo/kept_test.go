package demo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
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

// TestARestartWithinAMinuteKeepsTheOrder: an instance that is started again in the
// minute in which somebody joined puts the next person behind them.
func TestARestartWithinAMinuteKeepsTheOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var joined []time.Time
	for i, now := range []time.Time{noon.Add(40 * time.Second), noon.Add(50 * time.Second)} {
		in, err := New(Config{Story: Alone(now), Origin: "http://localhost:8080", Now: func() time.Time { return now }, Data: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		a, err := email.Parse(fmt.Sprintf("p%d@example.org", i))
		if err != nil {
			t.Fatal(err)
		}
		key := in.keys.Mailbox(a.Mailbox())
		if _, err := in.guests.store.Join(t.Context(), waitlist.Signup{Key: key, Address: a, Language: "en"}); err != nil {
			t.Fatal(err)
		}
		e, err := in.store.Entry(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		joined = append(joined, e.Joined)
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := noon.Add(40 * time.Second); !joined[0].Equal(want) || joined[1].Sub(want) != 10*time.Second {
		t.Errorf("joined at %s, and the next one at %s", joined[0], joined[1])
	}
}
