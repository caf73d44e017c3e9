package store_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
	"raincheck/pkg/waitlist/waitlisttest"
)

// reopen closes the world's store and reads it back from the folder, as a
// restart does.
func (w *world) reopen(dir string) {
	w.Helper()
	w.must(w.store.Close())
	var err error
	w.store, err = store.Open(dir)
	w.must(err)
	w.inviter.Store, w.sender.Store, w.feedback.Store = w.store, w.store, w.store
}

// picture is everything that a restart must bring back.
func (w *world) picture() (all []any) {
	w.Helper()
	w.must(w.store.Each(w.ctx, func(e waitlist.Entry) error {
		all = append(all, e)
		if e.Code != "" {
			t, err := w.store.Ticket(w.ctx, e.Code)
			w.must(err)
			all = append(all, t)
		}
		return nil
	}))
	for s := range waitlist.Shards {
		for _, due := range []bool{false, true} {
			page, err := w.store.Page(w.ctx, waitlist.Query{Part: waitlist.Part{Due: due, Shard: s}, Limit: 100})
			w.must(err)
			all = append(all, page)
		}
	}
	c, p, err := w.store.Notice(w.ctx)
	w.must(err)
	cohorts, err := w.store.Cohorts(w.ctx, time.Time{})
	w.must(err)
	return append(all, c, p, cohorts)
}

func TestJournalBringsTheWaitlistBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	w := newWorld(t)
	w.store = &store.Store{}
	first, err := store.Open(dir)
	w.must(err)
	w.store = first
	w.inviter.Store, w.sender.Store, w.feedback.Store = first, first, first

	refs := w.join("ann", "bob", "cat", "dan", "eve", "fay", "gus")
	w.throttle(5)
	w.minute()
	w.redeem(refs[0], "phone")
	w.must(w.store.Leave(w.ctx, refs[1], w.now))
	w.must(w.store.Bounce(w.ctx, refs[2], w.now))
	w.must(w.store.Bounce(w.ctx, waitlist.Ref{Key: "nobody-is-kept-there", Joining: 1}, w.now))
	w.must(w.store.Forget(w.ctx, refs[6].Key))
	before := w.picture()
	w.reopen(dir)
	if after := w.picture(); !reflect.DeepEqual(before, after) {
		t.Fatalf("before the restart\n%+v\nafter it\n%+v", before, after)
	}
	// A second use of the code that was used, and a suppression without an entry,
	// are remembered too.
	if again := w.redeem(refs[0], "phone"); again.First || len(again.Ticket.Uses) != 1 {
		t.Fatalf("redeemed %+v", again)
	}
	su := w.signup("x")
	su.Key = "nobody-is-kept-there"
	if j, err := w.store.Join(w.ctx, su); err != nil || j.New {
		t.Fatalf("a suppressed mailbox joined: %v", err)
	}
	// And the day goes on: the law has no memory, and the codes are out.
	w.throttle(5)
	w.now = w.now.Add(time.Minute)
	w.minute()
	w.stages(waitlist.Invited, refs[3], refs[4], refs[5])
	for key, n := range w.mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
	w.must(w.store.Close())
	if info, err := os.Stat(filepath.Join(dir, store.JournalFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the journal's mode: %v, %v", info.Mode(), err)
	}
	if _, err := w.store.Join(w.ctx, w.signup("late")); err == nil {
		t.Fatal("a closed journal acknowledged a sign-up")
	}
}

func TestJournalWithATornLastLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := newWorld(t)
	var err error
	w.store, err = store.Open(dir)
	w.must(err)
	w.join("ann", "bob")
	before := w.picture()
	w.must(w.store.Close())
	name := filepath.Join(dir, store.JournalFile)
	whole, err := os.ReadFile(name)
	w.must(err)
	if !strings.Contains(string(whole), "ann@example.org") {
		t.Fatal("the operator's file does not hold the address")
	}
	for _, torn := range []string{`{"entry":{"key":"tor`, `{`, "\x00\x00\x00"} {
		w.must(os.WriteFile(name, append(whole[:len(whole):len(whole)], torn...), 0o600))
		w.store, err = store.Open(dir)
		w.must(err)
		if after := w.picture(); !reflect.DeepEqual(before, after) {
			t.Fatalf("torn at %q: %+v", torn, after)
		}
		w.must(w.store.Close())
		if got, _ := os.ReadFile(name); string(got) != string(whole) {
			t.Fatalf("torn at %q: the file goes on after half a line", torn)
		}
	}
	for _, spoiled := range []string{"{\"entry\":\"ann@example.org\"}\n", "{}\n", "nonsense\n"} {
		w.must(os.WriteFile(name, append([]byte(spoiled), whole...), 0o600))
		if _, err := store.Open(dir); err == nil || !strings.Contains(err.Error(), "line 1") || strings.Contains(err.Error(), "example.org") {
			t.Fatalf("spoiled by %q: %v", spoiled, err)
		}
	}
}

func TestStoreWithAJournalKeepsTheContract(t *testing.T) {
	t.Parallel()
	waitlisttest.Run(t, func(t *testing.T) waitlisttest.Subject {
		s, err := store.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return waitlisttest.Subject{Store: s, Damage: func(ctx context.Context, key string, _ bool) error { return s.Damage(ctx, key) }}
	}, nil)
}
