package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"raincheck/pkg/disk"
	"raincheck/pkg/email"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func signup(t testing.TB, i int) waitlist.Signup {
	t.Helper()
	a, err := email.Parse(fmt.Sprintf("person-%07d@example.org", i))
	if err != nil {
		t.Fatal(err)
	}
	return waitlist.Signup{Key: fmt.Sprintf("key-%024d", i), Address: a, Language: "en", Wanted: "/apply", Fields: map[string]string{"state": "VT"}, At: noon.Add(time.Duration(i) * time.Millisecond)}
}

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d): stop the other raincheck, or name another folder", os.Getpid())) {
		t.Fatalf("the second one hears %v", err)
	}
	if _, err := s.Join(t.Context(), signup(t, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if _, err := s.Entry(t.Context(), signup(t, 1).Key); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The secret is drawn once, is the owner's alone, and must not get lost while
// somebody is on the waitlist.
func TestTheSecretStaysWithTheWaitlist(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	draws := 0
	secret := func(s *store.Store) (string, error) {
		doc, err := s.Secret(func() ([]byte, error) { draws++; return fmt.Appendf(nil, "secret %d", draws), nil })
		return string(doc), err
	}
	for range 2 {
		s := open(t, dir)
		if doc, err := secret(s); err != nil || doc != "secret 1" {
			t.Fatalf("%q, %v", doc, err)
		}
		if _, err := s.Join(t.Context(), signup(t, 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "secret.json")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.Close()
	if _, err := secret(s); err == nil || !strings.Contains(err.Error(), name+" is missing") || !strings.Contains(err.Error(), "put it back") {
		t.Fatalf("without its secret it says %v", err)
	}
	if doc, err := secret(&store.Store{}); err != nil || doc != "secret 2" {
		t.Fatalf("%q, %v", doc, err)
	}
}

// A line that somebody edited is refused with its number, what is wrong and what
// to do, and without a word of what stands in it.
func TestAnEditedLineIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 3 {
		if _, err := s.Join(t.Context(), signup(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, store.JournalFile)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for edit, says := range map[string]string{
		strings.Replace(lines[1], `"stage":"waiting"`, `"stage":"wating"`, 1):            `line 2 has an entry whose "stage" does not exist`,
		strings.Replace(lines[1], "person-0000001@example.org", "person-0000001", 1):     `line 2 has an entry whose "address" is not an address`,
		strings.Replace(lines[1], `"language"`, `"langauge"`, 1):                         `line 2 has a name that this version does not know: "langauge"`,
		strings.Replace(lines[1], `"joining":`, `"joining":"x`, 1):                       `line 2 is not JSON`,
		strings.Replace(lines[1], `"shard":`, `"shard":-`, 1):                            `line 2 has an entry whose "shard" or "attempt" is out of range`,
		strings.Replace(lines[1], `"key":"key-000000000000000000000001"`, `"key":""`, 1): `line 2 has an entry without "key"`,
		strings.Replace(lines[1], `"language":"en"`, `"language":5`, 1):                  `line 2 has a value of the wrong type under "entry.language"`,
		strings.TrimSuffix(lines[1], "\n"):                                               `line 2 has more on it than one JSON object`,
	} {
		if edit == lines[1] {
			t.Fatalf("nothing was edited for %s", says)
		}
		if err := os.WriteFile(name, []byte(lines[0]+edit+lines[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(dir, store.Options{})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "start again") || strings.Contains(err.Error(), "person-") {
			t.Errorf("%v, want %s", err, says)
		}
	}
	// An editor that leaves out the last line's end loses nobody.
	if err := os.WriteFile(name, []byte(strings.TrimSuffix(string(whole), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if _, err := s.Join(t.Context(), signup(t, 3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(name); err != nil || strings.Count(string(text), "\n") != 4 || !strings.HasPrefix(string(text), string(whole)) {
		t.Fatalf("%s, %v", text, err)
	}
}

// A journal that has grown by changes of the same people is rewritten while
// people join, and says the same.
func TestCompactingLosesNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	const people = 3000
	for i := range people {
		if _, err := s.Join(store.Simulated(t.Context()), signup(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range people / 2 {
		e, err := s.Entry(t.Context(), signup(t, i).Key)
		if err == nil {
			err = s.Leave(store.Simulated(t.Context()), e.Ref, noon)
		}
		if err == nil && i%3 == 0 {
			err = s.Forget(store.Simulated(t.Context()), e.Key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := size(t, dir)
	var wait sync.WaitGroup
	var next atomic.Int64
	next.Store(people)
	for range 8 {
		wait.Go(func() {
			for range 200 {
				if _, err := s.Join(store.Simulated(t.Context()), signup(t, int(next.Add(1)-1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		if err := s.Compact(); err != nil {
			t.Fatal(err)
		}
	}
	wait.Wait()
	want := everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if got := everything(t, s); got != want || len(want) == 0 {
		t.Fatal("the compacted journal says something else")
	}
	if err := s.Compact(); err != nil {
		t.Fatal(err)
	}
	if after := size(t, dir); after >= before {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, store.JournalFile+".new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a half-made journal is left: %v", err)
	}
	s = open(t, dir)
	defer s.Close()
	if got := everything(t, s); got != want {
		t.Fatal("the journal compacted at rest says something else")
	}
}

func size(t testing.TB, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, store.JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// everything is all that a store keeps, as text.
func everything(t testing.TB, s *store.Store) string {
	t.Helper()
	var b strings.Builder
	if err := s.Each(t.Context(), func(e waitlist.Entry) error {
		address := e.Address.Reveal()
		e.Address = email.Address{}
		text, err := json.Marshal(e)
		fmt.Fprintln(&b, address, string(text))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAJournalThatIsTakenAway: nobody is told that they are saved in a file that the
// next start does not read. When it is back, all goes on.
func TestAJournalThatIsTakenAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Join(t.Context(), signup(t, 0)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, store.JournalFile)
	if err := os.Rename(name, name+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Trouble(); err == nil || !strings.Contains(err.Error(), "was moved, deleted or replaced") {
		t.Errorf("before anybody joins: %v", err)
	}
	if _, err := s.Join(t.Context(), signup(t, 1)); !errors.Is(err, waitlist.ErrBusy) {
		t.Errorf("who joins is told %v", err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), signup(t, 2)); !errors.Is(err, waitlist.ErrBusy) {
		t.Errorf("who joins while another file is there is told %v", err)
	}
	if err := os.Rename(name+".away", name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), signup(t, 3)); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if err := s.Trouble(); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The first one who was refused was queued already, and is kept now.
	there := 0
	if err := open(t, dir).Each(t.Context(), func(waitlist.Entry) error { there++; return nil }); err != nil || there != 3 {
		t.Errorf("%d of 3 are there, %v", there, err)
	}
}
