//go:build emulators

package emulators_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
	"raincheck/test/template"
)

// requests is how many of each action a function has sent to DynamoDB, and
// begins again.
func (w *world) requests(function string) (byAction map[string]int, all int) {
	byAction = map[string]int{}
	for _, c := range w.wires[function].Calls() {
		if name, ok := strings.CutPrefix(c.Action, "dynamodb:"); ok {
			byAction[name]++
			all++
		}
	}
	w.wires[function].Reset()
	return byAction, all
}

// aSignUpIsOneRequest counts sign-ups, doubled ones and all.
func (c *cloud) aSignUpIsOneRequest(t *testing.T) {
	w := c.newWorld(t)
	const people = 50
	w.join() // reads the notice, which is kept for half a minute
	begun := time.Now()
	w.requests("intake")
	for i := range people {
		w.address = fmt.Sprintf("jordan.%d@example.com", i%(people-5)) // five of them once more
		w.join()
	}
	got, all := w.requests("intake")
	notices := int(time.Since(begun)/(30*time.Second)) + 1
	if got["UpdateItem"] != people || got["BatchGetItem"] > notices || got["GetItem"] > notices || got["UpdateItem"]+got["BatchGetItem"]+got["GetItem"] != all {
		t.Errorf("%d sign-ups took %v", people, got)
	}
	w.address = "jordan.0@example.com"
	w.minute()
	w.work()
	sent, first := len(w.bodies), w.mails()[0]
	mails, _ := w.requests("sender")
	// The words of the site are read once a minute.
	if mails["GetItem"] < sent || mails["GetItem"] > sent+notices || mails["UpdateItem"] != 4*sent || mails["BatchGetItem"] > notices {
		t.Errorf("%d mails took %v", sent, mails)
	}
	w.hear(first, "Send", "{}")
	w.hear(first, "Delivery", "{}")
	heard, _ := w.requests("feedback")
	w.requests("intake")
	w.redeem(first)
	used, _ := w.requests("intake")
	w.cookie = "" // another browser
	w.redeem(first)
	more, _ := w.requests("intake")
	if heard["UpdateItem"] != 2 || len(heard) != 1 || used["GetItem"]+more["GetItem"] != 0 {
		t.Errorf("two events took %v, a redemption %v, a further one %v", heard, used, more)
	}
	reads, writes := mails["GetItem"]/sent, 1+mails["UpdateItem"]/sent+heard["UpdateItem"]+used["UpdateItem"]
	for _, words := range []string{
		fmt.Sprintf("| a sign-up, new or doubled | %d `UpdateItem` |", got["UpdateItem"]/people),
		fmt.Sprintf("| a mail | %d `GetItem`, %d `UpdateItem` |", reads, mails["UpdateItem"]/sent),
		fmt.Sprintf("| an event of SES about a mail (a send and a delivery for most) | %d `UpdateItem` |", heard["UpdateItem"]/2),
		fmt.Sprintf("| the first use of a code; a further one | %d `UpdateItem`; %d |", used["UpdateItem"], more["UpdateItem"]),
		// And one more for the claim.
		fmt.Sprintf("%d requests, %d of them writes", reads+writes+1, writes+1),
	} {
		written(t, words)
	}
}

// A tick's own requests to DynamoDB, whatever happens in it: the control item and
// the state (GetItem), the counters (two BatchGetItem, since codes live a day), the
// lease, the state and the
// lease given back (UpdateItem), and a count and a page of the due for each shard
// (Query). A tick that invites reads a page of the waiting of each shard, reserves
// its slots and tells how far it has got; and then one request for each claim.
const (
	tickAtRest  = 2 + 2 + 3 + 2*waitlist.Shards
	tickInvites = waitlist.Shards + 2
	// asked is what `raincheck invite N` adds, here for the sake of an exact n.
	asked = 2
	// noted is what it adds to see that nobody stands among the due, for later
	// either, and to note that down.
	noted = waitlist.Shards + 2
)

// aRestingTicksRequests counts with the door open, nobody waiting and nothing due.
func (c *cloud) aRestingTicksRequests(t *testing.T) {
	w := c.newWorld(t)
	w.operate(func(c *waitlist.Control) { c.Mode = gate.Open; c.Switched = time.Now() })
	w.count(0)
	if got, all := w.count(0); all != 1 || got["GetItem"] != 1 {
		t.Errorf("a tick at rest makes %v", got)
	}
	w.operate(func(c *waitlist.Control) {
		c.Idle = c.Idle.Add(-waitlist.IdleLook)
		c.Switched = c.Idle.Add(-time.Minute)
	})
	if got, all := w.count(0); all != tickAtRest+noted {
		t.Errorf("a tick that looks again makes %d requests, not %d: %v", all, tickAtRest+noted, got)
	}
	written(t, fmt.Sprintf("one looks again, with %d |", tickAtRest+noted))
}

// aTicksRequests counts what a tick asks of DynamoDB, by how many it invites
// and by how many wait.
func (c *cloud) aTicksRequests(t *testing.T) {
	w := c.newWorld(t)
	// What is counted are requests to DynamoDB. A queue that is slow beside other work
	// would fail the ticks that invite hundreds.
	queue := httptest.NewServer(emulators.Queue{})
	t.Cleanup(queue.Close)
	w.routes["SQS"] = queue.URL
	w.join()
	w.operate(func(c *waitlist.Control) { c.Mode = gate.Hold; c.Switched = time.Now() })
	w.count(0) // the first tick of all reads a week of counters
	waiting, made := 1, 1
	// fill makes it so many who wait.
	fill := func(want int) {
		began := time.Now()
		w.fill(made, made+want-waiting)
		t.Logf("%d more join in %s", want-waiting, time.Since(began).Round(time.Second))
		made, waiting = made+want-waiting, want
	}
	fill(1500)
	claimed := 0
	for _, n := range []int{0, 1, 10, 100, 400} {
		got, all := w.count(n)
		want := tickAtRest
		if n > 0 {
			want += tickInvites + asked + n
		}
		t.Logf("%6d waiting, %4d invited: %4d requests %v", waiting, n, all, got)
		if all != want {
			t.Errorf("a tick with %d invitations makes %d requests, and not %d: %v", n, all, want, got)
		}
		waiting, claimed = waiting-n, claimed+n
	}
	// None of them was sent: when their time has run out they go back.
	w.elapse(5 * time.Minute)
	if got, all := w.count(0); all != tickAtRest+2*claimed {
		t.Errorf("a tick that gives %d back makes %d requests: %v", claimed, all, got)
	}
	written(t, "given back | 2 `UpdateItem` |")
	w.count(500)
	waiting += claimed - 500
	small, few := w.count(100)
	if waiting -= 100; w.waiting != waiting || waiting != 900 {
		t.Errorf("%d wait, and the tick says %d", waiting, w.waiting)
	}
	fill(100_000)
	large, many := w.count(100)
	if w.waiting != 99_900 {
		t.Errorf("99,900 wait, and the tick says %d", w.waiting)
	}
	t.Logf("with   1,000 waiting: %d requests %v", few, small)
	t.Logf("with 100,000 waiting: %d requests %v", many, large)
	if !maps.Equal(small, large) {
		t.Errorf("a tick with 100,000 waiting makes %v, and one with 1,000 %v", large, small)
	}
	written(t, fmt.Sprintf("| %d + %d + n; %d without invitations |", tickAtRest, tickInvites, tickAtRest))
	written(t, fmt.Sprintf("made the same %d requests with 1,000 waiting and with 100,000", few-asked))
}

// count runs a tick that invites n and gives its requests.
func (w *world) count(n int) (map[string]int, int) {
	w.Helper()
	if n > 0 {
		w.operate(func(c *waitlist.Control) { c.InviteNow = n })
	}
	w.requests("inviter")
	var report struct{ Claimed, Waiting int }
	w.must(w.invoke("inviter", map[string]time.Time{"scheduled": time.Now()}, &report))
	if report.Claimed != n {
		w.Fatalf("the tick invited %d, not %d\n%s", report.Claimed, n, w.functions["inviter"].Output())
	}
	w.waiting = report.Waiting
	return w.requests("inviter")
}

// fill puts more people into the line, from one number up to another: copies of
// the one who joined by the form, one after the other over the shards.
func (w *world) fill(begin, end int) {
	w.Helper()
	key := "e#" + w.keys.Mailbox(w.address)
	got, err := w.items.GetItem(w.Context(), &dynamodb.GetItemInput{TableName: &w.name, Key: map[string]types.AttributeValue{table.Key: &types.AttributeValueMemberS{Value: key}}})
	w.must(err)
	joined := time.Now().UnixMilli()
	number := func(n int64) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
	}
	var batches [][]types.WriteRequest
	for numbers := range slices.Chunk(slices.Collect(numbered(begin, end)), 25) {
		var batch []types.WriteRequest
		for _, i := range numbers {
			item, shard := maps.Clone(got.Item), i%waitlist.Shards
			item[table.Key] = &types.AttributeValueMemberS{Value: fmt.Sprintf("e#%028d", i)}
			item[table.Index] = &types.AttributeValueMemberS{Value: waitlist.Part{Shard: shard}.String()}
			item[table.Sort], item["joined"], item["shard"] = number(joined+int64(i)), number(joined+int64(i)), number(int64(shard))
			batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		batches = append(batches, batch)
	}
	next, wait := make(chan []types.WriteRequest), sync.WaitGroup{}
	for range 8 {
		wait.Go(func() {
			for batch := range next {
				if _, err := w.items.BatchWriteItem(w.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{w.name: batch}}); err != nil {
					w.Error(err)
				}
			}
		})
	}
	for _, batch := range batches {
		next <- batch
	}
	close(next)
	wait.Wait()
}

func numbered(begin, end int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := begin; i < end; i++ {
			if !yield(i) {
				return
			}
		}
	}
}

// written holds docs/costs.md to what was counted.
func written(t *testing.T, formula string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(template.Root(), "docs", "costs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Requests to DynamoDB, counted")
	if !strings.Contains(section, formula) {
		t.Errorf("docs/costs.md does not say %q under \"Requests to DynamoDB, counted\"", formula)
	}
}
