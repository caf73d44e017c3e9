package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
	"raincheck/test/killed"
)

// TestKilledAtRandomNothingIsLost kills a process that opens a journal, signs people
// up, ends some of them and compacts all the while, again and again: whoever stood
// there before and whoever was acknowledged since is there, once, at their stage.
func TestKilledAtRandomNothingIsLost(t *testing.T) {
	if dir := killed.Folder(); dir != "" {
		untilKilled(t, dir)
		return
	}
	t.Parallel()
	dir, random := t.TempDir(), killed.Random(t)
	kills, rows := killed.Kills(t, 6), killed.Rows(t, 1000)
	s := open(t, dir)
	for i := range rows {
		if _, err := s.Join(store.Simulated(t.Context()), signup(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The fastest opening: what the machine does beside is not what is killed.
	opening, slowest, told := opened(t, dir), time.Duration(0), 0
	for kill := range kills {
		// A third of the kills or more fall into the opening.
		after := 20*time.Millisecond + time.Duration(random.Float64()*float64(2*opening+time.Second))
		if !killed.Process(t, dir, after, fmt.Sprint("STORE_TEST_FIRST=", rows+kill*1_000_000)) {
			t.Fatal("the process ended by itself")
		}
		began := time.Now()
		s := open(t, dir)
		opening, slowest = min(opening, time.Since(began)), max(slowest, time.Since(began))
		told = checkTold(t, s, dir, rows)
		if _, err := os.Stat(filepath.Join(dir, store.JournalFile+".new")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("half a journal is left: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", kill+1)
		}
	}
	t.Logf("%d kills of a waitlist of %d people: they and %d acknowledged since are all there, once; the slowest opening afterwards took %s", kills, rows, told, slowest.Round(time.Millisecond))
	if told < kills {
		t.Fatal("too few to prove anything")
	}
}

// checkTold holds a store to the people of the beginning and to what was told to
// those who came later, and gives the number of these words.
func checkTold(t *testing.T, s *store.Store, dir string, rows int) (n int) {
	t.Helper()
	there := map[string]waitlist.Stage{}
	if err := s.Each(t.Context(), func(e waitlist.Entry) error {
		if _, twice := there[e.Key]; twice || e.Joining != waitlist.FirstJoining(e.Joined) {
			t.Errorf("%s is there twice, or joined twice", e.Key)
		}
		there[e.Key] = e.Stage
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if key := signup(t, i).Key; there[key] != waitlist.Waiting {
			t.Errorf("%s was there from the beginning, and is %q", key, there[key])
		}
	}
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(told)) {
		var key string
		var stage waitlist.Stage
		if c, _ := fmt.Sscan(line, &key, &stage); c != 2 || !strings.HasSuffix(line, "\n") {
			continue // the word itself was torn
		}
		n++
		if got, ok := there[key]; !ok || stage == waitlist.Left && got != stage {
			t.Errorf("%s was told %s, and is %q", key, stage, got)
		}
	}
	return n
}

// opened is how long it takes to open a store.
func opened(t *testing.T, dir string) time.Duration {
	t.Helper()
	began := time.Now()
	s := open(t, dir)
	took := time.Since(began)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

func untilKilled(t *testing.T, dir string) {
	s := open(t, dir)
	told, err := os.OpenFile(filepath.Join(dir, "told"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if err := s.Compact(); err != nil {
				t.Error(err)
			}
		}
	}()
	var first int
	if _, err := fmt.Sscan(os.Getenv("STORE_TEST_FIRST"), &first); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for i := first; ; i++ {
		su := signup(t, i)
		j, err := s.Join(ctx, su)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(told, su.Key, waitlist.Waiting)
		if i%2 == 0 {
			if err := s.Leave(ctx, j.Ref, noon); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(told, su.Key, waitlist.Left)
		}
	}
}
