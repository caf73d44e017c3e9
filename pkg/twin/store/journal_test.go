package store_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/site"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
	"raincheck/pkg/waitlist/waitlisttest"
)

// reopen closes the world's store and reads it back from the folder, as a
// restart does.
func reopen(w *twintest.World, dir string) {
	w.Helper()
	w.Must(w.Store.Close())
	var err error
	w.Store, err = store.Open(dir, store.Options{})
	w.Must(err)
	w.Inviter.Store, w.Sender.Store, w.Feedback.Store = w.Store, w.Store, w.Store
}

// picture is everything that a restart must bring back.
func picture(w *twintest.World) (all []any) {
	w.Helper()
	w.Must(w.Store.Each(w.Ctx, func(e waitlist.Entry) error {
		all = append(all, e)
		if e.Code != "" {
			t, err := w.Store.Ticket(w.Ctx, e.Code)
			w.Must(err)
			all = append(all, t)
		}
		return nil
	}))
	for s := range waitlist.Shards {
		for _, due := range []bool{false, true} {
			page, err := w.Store.Page(w.Ctx, waitlist.Query{Part: waitlist.Part{Due: due, Shard: s}, Limit: 100})
			w.Must(err)
			all = append(all, page)
		}
	}
	c, p, err := w.Store.Notice(w.Ctx)
	w.Must(err)
	cohorts, err := w.Store.Cohorts(w.Ctx, time.Time{})
	w.Must(err)
	words, err := w.Store.Words(w.Ctx, "es")
	w.Must(err)
	return append(all, c, p, cohorts, words)
}

func TestJournalBringsTheWaitlistBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	w := twintest.NewWorld(t)
	w.Store = &store.Store{}
	first, err := store.Open(dir, store.Options{})
	w.Must(err)
	w.Store = first
	w.Inviter.Store, w.Sender.Store, w.Feedback.Store = first, first, first

	refs := w.Join("ann", "bob", "cat", "dan", "eve", "fay", "gus")
	w.Throttle(5)
	w.Minute()
	w.Redeem(refs[0], "phone")
	w.Must(w.Store.SaveWords(w.Ctx, "es", site.Words{Name: "Beneficios del Estado"}))
	w.Must(w.Store.Leave(w.Ctx, refs[1], w.Now))
	w.Must(w.Store.Bounce(w.Ctx, refs[2], w.Now))
	w.Must(w.Store.Bounce(w.Ctx, waitlist.Ref{Key: "nobody-is-kept-there", Joining: 1}, w.Now))
	w.Must(w.Store.Forget(w.Ctx, refs[6].Key))
	before := picture(w)
	reopen(w, dir)
	if after := picture(w); !reflect.DeepEqual(before, after) {
		t.Fatalf("before the restart\n%+v\nafter it\n%+v", before, after)
	}
	// A second use of the code that was used, and a suppression without an entry,
	// are remembered too.
	if again := w.Redeem(refs[0], "phone"); again.First || len(again.Ticket.Uses) != 1 {
		t.Fatalf("redeemed %+v", again)
	}
	su := w.Signup("x")
	su.Key = "nobody-is-kept-there"
	if j, err := w.Store.Join(w.Ctx, su); err != nil || j.New {
		t.Fatalf("a suppressed mailbox joined: %v", err)
	}
	// And the day goes on: the law has no memory, and the codes are out.
	w.Throttle(5)
	w.Now = w.Now.Add(time.Minute)
	w.Minute()
	w.WantStage(waitlist.Invited, refs[3], refs[4], refs[5])
	for key, n := range w.Mails() {
		if n != 1 {
			t.Fatalf("%s got %d mails", key, n)
		}
	}
	w.Must(w.Store.Close())
	if info, err := os.Stat(filepath.Join(dir, store.JournalFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the journal's mode: %v, %v", info.Mode(), err)
	}
	if _, err := w.Store.Join(w.Ctx, w.Signup("late")); err == nil {
		t.Fatal("a closed journal acknowledged a sign-up")
	}
}

func TestJournalWithATornLastLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := twintest.NewWorld(t)
	var err error
	w.Store, err = store.Open(dir, store.Options{})
	w.Must(err)
	w.Join("ann", "bob")
	before := picture(w)
	w.Must(w.Store.Close())
	name := filepath.Join(dir, store.JournalFile)
	whole, err := os.ReadFile(name)
	w.Must(err)
	if !strings.Contains(string(whole), "ann@example.org") {
		t.Fatal("the operator's file does not hold the address")
	}
	for _, torn := range []string{`{"entry":{"key":"tor`, `{`, "\x00\x00\x00"} {
		w.Must(os.WriteFile(name, append(whole[:len(whole):len(whole)], torn...), 0o600))
		w.Store, err = store.Open(dir, store.Options{})
		w.Must(err)
		if after := picture(w); !reflect.DeepEqual(before, after) {
			t.Fatalf("torn at %q: %+v", torn, after)
		}
		w.Must(w.Store.Close())
		if got, _ := os.ReadFile(name); string(got) != string(whole) {
			t.Fatalf("torn at %q: the file goes on after half a line", torn)
		}
	}
	for _, spoiled := range []string{"{\"entry\":\"ann@example.org\"}\n", "{}\n", "nonsense\n"} {
		w.Must(os.WriteFile(name, append([]byte(spoiled), whole...), 0o600))
		if _, err := store.Open(dir, store.Options{}); err == nil || !strings.Contains(err.Error(), "line 1") || strings.Contains(err.Error(), "example.org") {
			t.Fatalf("spoiled by %q: %v", spoiled, err)
		}
	}
}

func TestStoreWithAJournalKeepsTheContract(t *testing.T) {
	t.Parallel()
	waitlisttest.Run(t, func(t *testing.T) waitlisttest.Subject {
		s, err := store.Open(t.TempDir(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return waitlisttest.Subject{Store: s, Damage: func(ctx context.Context, key string, _ bool) error { return s.Damage(ctx, key) }}
	}, nil)
}
