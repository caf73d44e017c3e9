package waitlist_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestDiagram is the diagram of docs/design.md, decision 16, drawn once more from the stages' side.
func TestDiagram(t *testing.T) {
	t.Parallel()
	want := map[waitlist.Stage]string{
		waitlist.Waiting: "claim→claimed redeem→redeemed leave→left fail→failed",
		waitlist.Claimed: "giveback→waiting begin→sending redeem→redeemed leave→left fail→failed",
		waitlist.Sending: "giveback→waiting begin→sending accept→invited retry→sending return→held redeem→redeemed expire→expired bounce→bounced leave→left fail→failed",
		waitlist.Invited: "return→held redeem→redeemed expire→expired bounce→bounced leave→left fail→failed",
		waitlist.Held:    "requeue→waiting redeem→redeemed bounce→bounced leave→left fail→failed",
		waitlist.Used:    "", waitlist.Expired: "", waitlist.Bounced: "", waitlist.Left: "", waitlist.Failed: "",
	}
	events := []waitlist.Event{
		waitlist.Claim, waitlist.GiveBack, waitlist.Begin, waitlist.Accept, waitlist.Retry, waitlist.Return, waitlist.Requeue, waitlist.Redeem,
		waitlist.Expire, waitlist.Bounce, waitlist.Leave, waitlist.Fail,
	}
	for stage, arrows := range want {
		got := ""
		for _, e := range events {
			to, moves := stage.After(e)
			if moves != slices.Contains(e.From(), stage) {
				t.Errorf("%s at %s: After and From disagree", e, stage)
			}
			if moves {
				got += fmt.Sprintf(" %s→%s", e, to)
			}
		}
		if got = got[min(1, len(got)):]; got != arrows {
			t.Errorf("from %s: %s, want %s", stage, got, arrows)
		}
		if stage.Ended() != (arrows == "") {
			t.Errorf("%s: ended %v", stage, stage.Ended())
		}
	}
}

// TestOldestAsksFewAndMissesNobody merges shards that are even, empty, and
// all in one.
func TestOldestAsksFewAndMissesNobody(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, story := range []struct {
		name           string
		waiting, n     int
		shard          func(i int) int
		requestsAtMost int
	}{
		{"even", 50_000, 3000, func(int) int { return random.IntN(32) }, 32 + 4},
		{"few of many", 50_000, 1, func(int) int { return random.IntN(32) }, 32},
		{"more than wait", 100, 5000, func(int) int { return random.IntN(32) }, 32},
		{"nobody", 0, 100, nil, 32},
		{"all in one shard", 5000, 1000, func(int) int { return 7 }, 32 + 10},
		{"one shard is the oldest", 5000, 500, func(i int) int { return i / 1000 }, 32 + 25},
	} {
		t.Run(story.name, func(t *testing.T) { // one after another: they share the source of chance
			shards := make([][]waitlist.Place, 32)
			var all []waitlist.Place
			for i := range story.waiting {
				p := waitlist.Place{Ref: waitlist.Ref{Key: fmt.Sprintf("k%06d", i)}, Shard: story.shard(i), When: noon.Add(time.Duration(i/3) * time.Millisecond)}
				shards[p.Shard] = append(shards[p.Shard], p)
				all = append(all, p)
			}
			requests := 0
			got, err := waitlist.Oldest(story.n, false, 32, time.Time{}, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
				var pages [][]waitlist.Place
				for _, q := range queries {
					requests++
					part := shards[q.Shard]
					from := 0
					if q.After.Key != "" {
						from, _ = slices.BinarySearchFunc(part, q.After, func(p waitlist.Place, m waitlist.Mark) int {
							return cmp.Or(p.When.Compare(m.When), cmp.Compare(p.Key, m.Key))
						})
						from++
					}
					pages = append(pages, part[from:min(len(part), from+q.Limit)])
				}
				return pages, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := all[:min(len(all), story.n)]
			if !slices.Equal(got, want) {
				t.Fatalf("got %d places, want the %d oldest", len(got), len(want))
			}
			if requests > story.requestsAtMost {
				t.Fatalf("%d requests", requests)
			}
		})
	}
}

func TestShardsAreEven(t *testing.T) {
	t.Parallel()
	var n [waitlist.Shards]int
	for i := range 32_000 {
		n[waitlist.ShardOf(fmt.Sprintf("key-%d", i), 0)]++
	}
	if least, most := slices.Min(n[:]), slices.Max(n[:]); least < 850 || most > 1150 {
		t.Fatalf("between %d and %d of 1,000", least, most)
	}
}

func TestTallyRecountsWhileItIsCheapAndGoesOnWhenItIsNot(t *testing.T) {
	t.Parallel()
	var tally waitlist.Tally
	queries, recount := tally.Plan(noon, 4)
	if !recount || len(queries) != 4 || !queries[3].Until.IsZero() || queries[3].Shard != 3 {
		t.Fatalf("the first plan is %+v", queries)
	}
	tally = tally.Recount(noon, 100, false)
	if _, recount = tally.Plan(noon.Add(time.Minute), 4); !recount {
		t.Fatal("one page a shard is counted again each time")
	}
	tally = tally.Recount(noon.Add(time.Minute), 300_000, true)
	queries, recount = tally.Plan(noon.Add(2*time.Minute), 4)
	if recount || !queries[0].After.When.Equal(noon.Add(time.Minute)) || !queries[0].Until.Equal(noon.Add(2*time.Minute-waitlist.Watermark)) {
		t.Fatalf("the plan goes on with %+v", queries[0])
	}
	if tally = tally.Advance(noon.Add(2*time.Minute), 500, 20, 3).Take(300); tally.Waiting != 300_217 {
		t.Fatalf("%d wait", tally.Waiting)
	}
	queries, _ = tally.Plan(noon.Add(3*time.Minute), 4)
	if !queries[0].After.When.Equal(noon.Add(2*time.Minute - waitlist.Watermark)) {
		t.Fatalf("the watermark is %v", queries[0].After.When)
	}
	if _, recount = tally.Plan(noon.Add(11*time.Minute), 4); !recount {
		t.Fatal("no recount after ten minutes")
	}
	if _, recount = tally.Plan(noon.Add(-time.Hour), 4); !recount {
		t.Fatal("no recount after the clock went back")
	}
}

func TestSlotsGoOnWhereTheLastEnded(t *testing.T) {
	t.Parallel()
	s := waitlist.NewSlots(noon, noon.Add(-time.Minute), 10)
	if n := s.Free(noon.Add(time.Minute)); n != 600 {
		t.Fatalf("%d slots in a minute at 10 a second", n)
	}
	if a, b := s.Next(), s.Next(); !a.Equal(noon) || b.Sub(a) != 100*time.Millisecond || !s.Until().Equal(noon.Add(200*time.Millisecond)) {
		t.Fatalf("slots %v, %v, until %v", a, b, s.Until())
	}
	if n := s.Free(noon.Add(time.Minute)); n != 598 {
		t.Fatalf("%d left", n)
	}
	s = waitlist.NewSlots(noon, noon.Add(50*time.Second), 10)
	if n := s.Free(noon.Add(time.Minute)); n != 100 || !s.Next().Equal(noon.Add(50*time.Second)) {
		t.Fatalf("%d slots behind those of the last tick", n)
	}
	s = waitlist.NewSlots(noon, noon, 0)
	if s.Free(noon.Add(time.Hour)) != 0 || !s.Until().Equal(noon) {
		t.Fatalf("a paused sender has %d slots, until %v", s.Free(noon.Add(time.Hour)), s.Until())
	}
}

func TestRestingEndsWithASwitchOrAfterAWhile(t *testing.T) {
	t.Parallel()
	idle := waitlist.Control{Idle: noon}
	for name, story := range map[string]struct {
		c    waitlist.Control
		at   time.Time
		want bool
	}{
		"open and looked":       {idle, noon.Add(time.Minute), true},
		"looked long ago":       {idle, noon.Add(waitlist.IdleLook), false},
		"never looked":          {waitlist.Control{}, noon, false},
		"throttle":              {waitlist.Control{Idle: noon, Mode: gate.Throttle}, noon, false},
		"switched since":        {waitlist.Control{Idle: noon, Switched: noon.Add(time.Second)}, noon.Add(time.Minute), false},
		"asked to invite":       {waitlist.Control{Idle: noon, InviteNow: 3}, noon, false},
		"paused (may end)":      {waitlist.Control{Idle: noon, Paused: true}, noon, false},
		"the clock went back":   {idle, noon.Add(-time.Minute), false},
		"switched before, open": {waitlist.Control{Idle: noon, Mode: gate.Open, Switched: noon.Add(-time.Hour)}, noon, true},
	} {
		if got := story.c.Resting(story.at); got != story.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPauseOfOursLeavesTheOperatorsAlone(t *testing.T) {
	t.Parallel()
	c := waitlist.Control{Paused: true}
	c.Pause("quota", noon)
	if c.PausedBecause != "" {
		t.Fatal("the operator's pause became ours")
	}
	c.Resume()
	c.Pause("quota", noon)
	c.Pause("quota", noon.Add(-time.Minute))
	if !c.ResumeAt.Equal(noon) {
		t.Fatal("a pause was shortened")
	}
	c.Pause("suspended", time.Time{})
	c.Pause("quota", noon.Add(time.Hour))
	if c.PausedBecause != "suspended" || !c.ResumeAt.IsZero() {
		t.Fatalf("a pause that waits for a person became %+v", c)
	}
}

func TestForgottenMailboxJoinsWithAHigherNumber(t *testing.T) {
	t.Parallel()
	if a, b := waitlist.FirstJoining(noon), waitlist.FirstJoining(noon.Add(waitlist.Kept)); b-a != 720 || a < 1 {
		t.Fatalf("%d, then %d", a, b)
	}
	if waitlist.FirstJoining(time.Time{}) != 1 {
		t.Fatal("a joining starts at 1")
	}
}

// TestRounds: two mails a round, three rounds, and the number of a mail tells
// both.
func TestRounds(t *testing.T) {
	t.Parallel()
	for attempt, want := range []struct {
		round int
		opens bool
	}{{0, false}, {1, true}, {1, false}, {2, true}, {2, false}, {3, true}, {3, false}} {
		if waitlist.Round(attempt) != want.round || waitlist.Opens(attempt) != want.opens {
			t.Errorf("mail %d: round %d, opens %v", attempt, waitlist.Round(attempt), waitlist.Opens(attempt))
		}
	}
	if waitlist.LastOf(waitlist.MaxRounds) != 6 {
		t.Errorf("the last mail is %d", waitlist.LastOf(waitlist.MaxRounds))
	}
}
