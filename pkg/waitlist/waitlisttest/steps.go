package waitlisttest

import (
	"fmt"
	"sync/atomic"
	"time"

	"raincheck/pkg/waitlist"
)

// stepChecks try Line and Claims: finding work and moving an entry a step.
var stepChecks = []Check{
	{"the line is read oldest first, in pages", func(t *trial) {
		su := t.signup("x", noon)
		part := waitlist.Part{Shard: su.Shard()}
		var want []string
		for i := 0; len(want) < 7; i++ {
			su := t.signup(fmt.Sprintf("p%d", i), noon.Add(time.Duration(100-i)*time.Second))
			if su.Shard() != part.Shard {
				continue
			}
			_, err := t.Store.Join(t.Context(), su)
			t.must(err)
			want = append([]string{su.Key}, want...)
		}
		t.settle()
		var got []string
		q := waitlist.Query{Part: part, Limit: 3}
		var places []waitlist.Place
		for {
			page, err := t.Store.Page(t.Context(), q)
			t.must(err)
			for _, p := range page {
				got = append(got, p.Key)
			}
			places = append(places, page...)
			if len(page) < q.Limit {
				break
			}
			q.After = page[len(page)-1].Mark()
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("read %v, want %v", got, want)
		}
		count := func(after waitlist.Mark, until time.Time) int {
			n, _, err := t.Store.Count(t.Context(), waitlist.Query{Part: part, After: after, Until: until})
			t.must(err)
			return n
		}
		if n := count(waitlist.Mark{}, places[3].When); n != 3 {
			t.Fatalf("%d before the fourth, which is exclusive", n)
		}
		if n := count(waitlist.Mark{When: places[3].When}, time.Time{}); n != 4 {
			t.Fatalf("%d from the fourth on, which is inclusive", n)
		}
		if n := count(places[3].Mark(), time.Time{}); n != 3 {
			t.Fatalf("%d after the fourth", n)
		}
		page, err := t.Store.Page(t.Context(), waitlist.Query{Part: part, Limit: 9, Until: places[2].When})
		t.must(err)
		if len(page) != 2 {
			t.Fatalf("a bounded page has %d places", len(page))
		}
	}},
	{"the oldest of all shards are found by their heads", func(t *trial) {
		for i := range 60 {
			t.join(fmt.Sprintf("p%02d", i), noon.Add(time.Duration(i)*time.Second))
		}
		line := t.line(false)
		if len(line) != 60 {
			t.Fatalf("%d in the line", len(line))
		}
		for i, p := range line {
			if p.Key != fmt.Sprintf("key-p%02d", i) {
				t.Fatalf("place %d is %s", i, p.Key)
			}
		}
	}},
	{"a claim is one tick's", func(t *trial) {
		ref := t.join("ann", noon)
		p, _ := t.place(ref.Key, false)
		tick := noon.Add(time.Minute)
		due := waitlist.ClaimDue(tick)
		t.must(t.Store.Claim(t.Context(), p, tick, due))
		t.must(t.Store.Claim(t.Context(), p, tick, due)) // its own retry
		t.want(t.Store.Claim(t.Context(), p, tick.Add(time.Minute), due), waitlist.ErrStale)
		if e := t.stage(ref.Key, waitlist.Claimed); !e.Claim.Equal(tick) || !e.Due.Equal(due) {
			t.Fatalf("claimed: %+v", e)
		}
		if d, _ := t.place(ref.Key, true); d.Stage != waitlist.Claimed || !d.Claim.Equal(tick) || !d.When.Equal(due) || d.Shard != p.Shard || d.Ref != ref {
			t.Fatalf("the line shows %+v", d)
		}
		other := p
		other.Joining++
		t.want(t.Store.Claim(t.Context(), other, tick, due), waitlist.ErrStale)
		other.Key = "key-nobody"
		t.want(t.Store.Claim(t.Context(), other, tick, due), waitlist.ErrStale)
	}},
	{"two ticks at once share nobody", func(t *trial) {
		for i := range 20 {
			t.join(fmt.Sprintf("p%d", i), noon)
		}
		line := t.line(false)
		var won [2]atomic.Int32
		sideBySide(2*len(line), func(i int) {
			tick := noon.Add(time.Duration(1+i%2) * time.Minute)
			if t.Store.Claim(t.Context(), line[i/2], tick, tick.Add(time.Hour)) == nil {
				won[i%2].Add(1)
			}
		})
		if n := won[0].Load() + won[1].Load(); n != 20 {
			t.Fatalf("%d claims of 20 entries", n)
		}
	}},
	{"what was claimed and not begun goes back to its old place", func(t *trial) {
		ref := t.join("ann", noon)
		t.join("bob", noon.Add(time.Second))
		tick := noon.Add(time.Minute)
		m := t.claim(ref, tick)
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Sending), waitlist.ErrStale)
		t.must(t.Store.GiveBack(t.Context(), m, waitlist.Claimed))
		if e := t.stage(ref.Key, waitlist.Waiting); !e.Claim.IsZero() || !e.Due.IsZero() || e.Attempt != 0 || !e.Joined.Equal(noon) {
			t.Fatalf("given back: %+v", e)
		}
		if line := t.line(false); len(line) != 2 || line[0].Key != ref.Key {
			t.Fatalf("the line is %+v", line)
		}
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Claimed), waitlist.ErrStale)
		t.counted(tick, 0, 0, 1, 0)

		next := t.claim(ref, tick.Add(time.Minute))
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Claimed), waitlist.ErrStale)
		_, err := t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.want(err, waitlist.ErrStale)
		_, err = t.Store.Begin(t.Context(), next, t.ticket(next.Slot), next.Slot)
		t.must(err)
	}},
	{"what was begun and surely not sent goes back without its code", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		m, _ := t.begin(ref, tick)
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Claimed), waitlist.ErrStale)
		t.must(t.Store.GiveBack(t.Context(), m, waitlist.Sending))
		if e := t.stage(ref.Key, waitlist.Waiting); e.Code != "" || e.Attempt != 0 || !e.Expires.IsZero() || !e.Joined.Equal(noon) {
			t.Fatalf("given back: %+v", e)
		}
		t.counted(tick, 0, 0, 1, 0)
		t.invite(ref, tick.Add(time.Minute))
		t.stage(ref.Key, waitlist.Invited)
	}},
	{"a mail is written down before it is sent, once", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		m := t.claim(ref, tick)
		ticket := t.ticket(m.Slot)
		e, err := t.Store.Begin(t.Context(), m, ticket, m.Slot)
		t.must(err)
		if e.Stage != waitlist.Sending || e.Attempt != 1 || e.Code != ticket.Code || !e.Expires.Equal(ticket.Expires) ||
			!e.Due.Equal(m.Slot.Add(waitlist.Silence)) || e.Address != t.signup("ann", noon).Address || e.Language != "es" || e.Fields["state"] != "VT" {
			t.Fatalf("begun: %+v", e)
		}
		t.stage(ref.Key, waitlist.Sending)
		if d, _ := t.place(ref.Key, true); d.Stage != waitlist.Sending || d.Attempt != 1 || !d.When.Equal(e.Due) || !d.Expires.Equal(e.Expires) || !d.Claim.Equal(tick) {
			t.Fatalf("the line shows %+v", d)
		}
		got, err := t.Store.Ticket(t.Context(), ticket.Code)
		t.must(err)
		if got.Ref != ref || !got.Invited.Equal(tick) || got.Wanted != e.Wanted || got.Language != "es" || len(got.Uses) != 0 || got.Revoked || !got.Expires.Equal(ticket.Expires) {
			t.Fatalf("the code's item is %+v", got)
		}
		_, err = t.Store.Begin(t.Context(), m, ticket, m.Slot) // its own retry
		t.must(err)
		_, err = t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot) // the same message to another sender
		t.want(err, waitlist.ErrStale)
		if e := t.entry(ref.Key); e.Code != ticket.Code || e.Attempt != 1 {
			t.Fatalf("the second sender changed %+v", e)
		}
		m.Attempt = 3
		_, err = t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.want(err, waitlist.ErrStale)
	}},
	{"a message to many senders at once is begun by one", func(t *trial) {
		ref := t.join("ann", noon)
		m := t.claim(ref, noon.Add(time.Minute))
		var tickets []waitlist.Ticket
		for range 10 {
			tickets = append(tickets, t.ticket(m.Slot))
		}
		var begun atomic.Int32
		sideBySide(10, func(i int) {
			if _, err := t.Store.Begin(t.Context(), m, tickets[i], m.Slot); err == nil {
				begun.Add(1)
			}
		})
		if begun.Load() != 1 {
			t.Fatalf("begun %d times", begun.Load())
		}
	}},
	{"a code that is another's is drawn again", func(t *trial) {
		ann, bob := t.join("ann", noon), t.join("bob", noon)
		tick := noon.Add(time.Minute)
		_, e := t.begin(ann, tick)
		m := t.claim(bob, tick)
		_, err := t.Store.Begin(t.Context(), m, waitlist.Ticket{Code: e.Code, Expires: e.Expires}, m.Slot)
		t.want(err, waitlist.ErrTaken)
		t.stage(bob.Key, waitlist.Claimed)
		if got, _ := t.Store.Ticket(t.Context(), e.Code); got.Ref != ann {
			t.Fatalf("the code is now of %v", got.Ref)
		}
		_, err = t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.must(err)
	}},
	{"a yes counts once, whoever brings it", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		m := t.claim(ref, tick)
		t.want(t.Store.Accept(t.Context(), ref, 1, m.Slot), waitlist.ErrStale) // not begun
		e, err := t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.must(err)
		t.want(t.Store.Accept(t.Context(), ref, 2, m.Slot), waitlist.ErrStale) // an attempt that was not begun
		at := m.Slot.Add(time.Second)
		t.must(t.Store.Accept(t.Context(), ref, 1, at))
		t.want(t.Store.Accept(t.Context(), ref, 1, at.Add(time.Minute)), waitlist.ErrStale)
		got := t.stage(ref.Key, waitlist.Invited)
		if !got.Invited.Equal(at) || !got.Due.Equal(e.Expires) || got.Code != e.Code {
			t.Fatalf("invited: %+v", got)
		}
		if d, _ := t.place(ref.Key, true); !d.When.Equal(e.Expires) {
			t.Fatalf("due at %v, want the death of the code", d.When)
		}
		t.counted(tick, 1, 0, 0, 0)
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Sending), waitlist.ErrStale)
	}},
	{"a silence is asked about once more, with the same code", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		_, first := t.begin(ref, tick)
		at := first.Due
		d, _ := t.place(ref.Key, true)
		m := d.NewMessage(d.Claim, at.Add(time.Second))
		if m.Attempt != 2 {
			t.Fatalf("the second message is attempt %d", m.Attempt)
		}
		t.must(t.Store.Retry(t.Context(), m, waitlist.ClaimDue(m.Slot)))
		if e := t.stage(ref.Key, waitlist.Sending); e.Attempt != 1 || !e.Due.Equal(waitlist.ClaimDue(m.Slot)) {
			t.Fatalf("asked for again: %+v", e)
		}
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Claimed), waitlist.ErrStale)
		second, err := t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.must(err)
		if second.Code != first.Code || !second.Expires.Equal(first.Expires) || second.Attempt != 2 || !second.Due.Equal(m.Slot.Add(waitlist.Silence)) {
			t.Fatalf("the second attempt is %+v", second)
		}
		t.want(t.Store.GiveBack(t.Context(), m, waitlist.Sending), waitlist.ErrStale)
		t.want(t.Store.Retry(t.Context(), m, at), waitlist.ErrStale) // attempt 2 was begun
		due := m.Slot.Add(5 * time.Minute)
		t.must(t.Store.Postpone(t.Context(), m, due))
		if e := t.stage(ref.Key, waitlist.Sending); e.Attempt != 1 || !e.Due.Equal(due) || e.Code != first.Code {
			t.Fatalf("postponed: %+v", e)
		}
		_, err = t.Store.Begin(t.Context(), m, t.ticket(m.Slot), due)
		t.must(err)
		t.must(t.Store.Accept(t.Context(), ref, 2, due))
		t.counted(tick, 1, 0, 0, 0)
	}},
	{"a first attempt is not postponed", func(t *trial) {
		ref := t.join("ann", noon)
		m, _ := t.begin(ref, noon.Add(time.Minute))
		t.want(t.Store.Postpone(t.Context(), m, noon.Add(time.Hour)), waitlist.ErrStale)
	}},
	{"an entry dies with its code and not before", func(t *trial) {
		ann, bob := t.join("ann", noon), t.join("bob", noon)
		tick := noon.Add(time.Minute)
		_, invited := t.invite(ann, tick)
		_, sending := t.begin(bob, tick)
		t.want(t.Store.Expire(t.Context(), ann, invited.Expires.Add(-time.Second)), waitlist.ErrStale)
		t.must(t.Store.Expire(t.Context(), ann, invited.Expires))
		t.want(t.Store.Expire(t.Context(), ann, invited.Expires), waitlist.ErrStale)
		t.must(t.Store.Expire(t.Context(), bob, sending.Expires.Add(time.Minute)))
		t.stage(ann.Key, waitlist.Expired)
		t.stage(bob.Key, waitlist.Expired)
		t.counted(tick, 2, 0, 0, 0)
	}},
	{"what no mail can reach ends", func(t *trial) {
		ann, bob := t.join("ann", noon), t.join("bob", noon)
		tick := noon.Add(time.Minute)
		m := t.claim(ann, tick)
		wrong := m
		wrong.Claim = tick.Add(time.Minute)
		t.want(t.Store.Fail(t.Context(), wrong, m.Slot), waitlist.ErrStale)
		t.must(t.Store.Fail(t.Context(), m, m.Slot))
		t.stage(ann.Key, waitlist.Failed)
		m, _ = t.begin(bob, tick)
		t.must(t.Store.Fail(t.Context(), m, m.Slot))
		t.want(t.Store.Fail(t.Context(), m, m.Slot), waitlist.ErrStale)
		t.stage(bob.Key, waitlist.Failed)
		t.counted(tick, 0, 0, 0, 0)
	}},
	{"an entry that cannot be read stops nobody", func(t *trial) {
		ann, bob, eve := t.join("ann", noon), t.join("bob", noon.Add(time.Second)), t.join("eve", noon.Add(2*time.Second))
		t.must(t.Damage(t.Context(), ann.Key, true))
		line := t.line(false)
		if len(line) != 3 || line[0].Key != ann.Key || !line[0].Unreadable || line[1].Unreadable {
			t.Fatalf("the line is %+v", line)
		}
		_, err := t.Store.Entry(t.Context(), ann.Key)
		t.want(err, waitlist.ErrUnreadable)
		t.must(t.Store.Bury(t.Context(), ann.Key, noon.Add(time.Minute)))
		t.want(t.Store.Bury(t.Context(), ann.Key, noon.Add(time.Minute)), waitlist.ErrStale)
		t.stage(ann.Key, waitlist.Failed)

		m := t.claim(bob, noon.Add(time.Minute))
		t.must(t.Damage(t.Context(), bob.Key, false))
		_, err = t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.want(err, waitlist.ErrUnreadable)
		t.must(t.Store.Fail(t.Context(), m, m.Slot))
		t.stage(bob.Key, waitlist.Failed)

		t.invite(eve, noon.Add(time.Minute))
		t.join("ann", noon.Add(time.Hour))
	}},
}
