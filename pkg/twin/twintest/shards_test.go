package twintest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"raincheck/pkg/waitlist"
)

// docs/design.md, decision 14, from the form to the mail: the operator raises the number of shards,
// sign-ups spread over all of them as soon as the room's notice is read again,
// and the inviter finds everybody, in order, those of before too.
func TestMoreShardsAreUsedByTheFormAndFoundByTheInviter(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	var joined []string // keys, in order
	join := func(n int) (shards map[int]bool) {
		shards = map[int]bool{}
		for range n {
			address := fmt.Sprintf("person-%03d@example.org", len(joined))
			form := url.Values{"email": {address}, "stamp": {c.Ring.Stamp(c.Now)}, "to": {"/apply"}}
			if status := c.post("/en/", form); status != http.StatusOK {
				t.Fatalf("a sign-up is answered %d", status)
			}
			key := c.Ring.Mailbox(address)
			e, err := c.Store.Entry(c.Ctx, key)
			c.Must(err)
			joined, shards[e.Shard] = append(joined, key), true
			c.Now = c.Now.Add(1e9)
		}
		return shards
	}
	beyond := func(shards map[int]bool) (n int) {
		for s := range shards {
			if s >= waitlist.Shards {
				n++
			}
		}
		return n
	}
	if got := beyond(join(100)); got != 0 {
		t.Fatalf("%d shards beyond the %d that are used", got, waitlist.Shards)
	}
	c.Operate(func(w *waitlist.Control) { w.Shards, w.ShardsEver = 2*waitlist.Shards, 2*waitlist.Shards })
	c.Now = c.Now.Add(30e9) // the notice's life
	if got := beyond(join(200)); got < waitlist.Shards/2 {
		t.Fatalf("200 sign-ups fell into %d of the %d new shards", got, waitlist.Shards)
	}
	const invited = 150
	c.Throttle(invited)
	if r := c.Minute(); r.Claimed != invited {
		t.Fatalf("%d of %d were invited: %s", r.Claimed, invited, r.Because)
	}
	for i, key := range joined {
		e, err := c.Store.Entry(c.Ctx, key)
		c.Must(err)
		if waits := e.Stage == waitlist.Waiting; waits != (i >= invited) {
			t.Fatalf("number %d of the line, in shard %d, is %s", i, e.Shard, e.Stage)
		}
	}
}
