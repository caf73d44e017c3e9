package waitlisttest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"raincheck/pkg/waitlist"
)

// peopleChecks try what people do: Entries.
var peopleChecks = []Check{
	{"an expired code gives the old place back, once", func(t *trial) {
		tick := noon.Add(time.Hour)
		ann := t.join("ann", noon)
		_, e := t.invite(ann, tick)
		t.join("bob", noon.Add(time.Minute))
		later := e.Expires.Add(time.Hour)
		su := t.signup("ann", later)
		_, err := t.Store.Rejoin(t.Context(), su, ann)
		t.want(err, waitlist.ErrStale) // it has not ended
		t.must(t.Store.Expire(t.Context(), ann, later))
		for name, ref := range map[string]waitlist.Ref{"another joining": {Key: ann.Key, Joining: ann.Joining + 1}, "a stranger": {Key: "key-eve", Joining: 1}} {
			stranger := su
			stranger.Key = ref.Key
			if _, err := t.Store.Rejoin(t.Context(), stranger, ref); !errors.Is(err, waitlist.ErrStale) {
				t.Fatalf("%s: %v", name, err)
			}
		}
		got, err := t.Store.Rejoin(t.Context(), su, ann)
		t.must(err)
		again := waitlist.Ref{Key: ann.Key, Joining: ann.Joining + 1}
		if !got.New || got.Ref != again {
			t.Fatalf("it began %+v", got)
		}
		now := t.stage(ann.Key, waitlist.Waiting)
		if !now.Joined.Equal(noon) || !now.Kept || now.Address.IsZero() || now.Code != "" || now.Attempt != 0 || !now.Claim.IsZero() || !now.Ended.IsZero() || !now.Delete.IsZero() {
			t.Fatalf("the entry is %+v", now)
		}
		// Before bob, and told apart from those whose wait is news.
		line := t.line(false)
		if len(line) != 2 || line[0].Key != ann.Key || !line[0].When.Equal(noon) || line[0].Expires.IsZero() || !line[1].Expires.IsZero() {
			t.Fatalf("the line is %+v", line)
		}
		// A second press is the same; the old joining moves nothing any more.
		if got, err = t.Store.Rejoin(t.Context(), su, ann); err != nil || got.New {
			t.Fatalf("a second press: %+v, %v", got, err)
		}
		t.want(t.Store.Leave(t.Context(), ann, later), waitlist.ErrStale)
		// It goes the whole way, and is not given back twice.
		_, e = t.invite(again, later.Add(time.Minute))
		end := e.Expires.Add(time.Hour)
		t.must(t.Store.Expire(t.Context(), again, end))
		_, err = t.Store.Rejoin(t.Context(), su, again)
		t.want(err, waitlist.ErrStale)
		// An ordinary joining begins with that right.
		third := t.join("ann", end)
		if now = t.entry(ann.Key); now.Kept || !now.Joined.Equal(end) {
			t.Fatalf("the entry is %+v", now)
		}
		_, e = t.invite(third, end.Add(time.Minute))
		t.must(t.Store.Expire(t.Context(), third, e.Expires.Add(time.Hour)))
		if got, err = t.Store.Rejoin(t.Context(), su, third); err != nil || !got.New {
			t.Fatalf("after a new joining: %+v, %v", got, err)
		}
	}},
	{"a suppressed mailbox gets no place back", func(t *trial) {
		ann := t.join("ann", noon)
		_, e := t.invite(ann, noon.Add(time.Hour))
		later := e.Expires.Add(time.Hour)
		t.must(t.Store.Expire(t.Context(), ann, later))
		t.must(t.Store.Bounce(t.Context(), ann, later))
		_, err := t.Store.Rejoin(t.Context(), t.signup("ann", later), ann)
		t.want(err, waitlist.ErrStale)
	}},
	{"a sign-up is kept as it was handed in", func(t *trial) {
		at := noon.Add(123 * time.Millisecond)
		ref := t.join("ann", at)
		e := t.stage(ref.Key, waitlist.Waiting)
		if e.Ref != ref || !e.Joined.Equal(at) || e.Language != "es" || e.Wanted != "/apply?step=2" || e.Fields["state"] != "VT" || e.Attempt != 0 || !e.Claim.IsZero() || !e.Due.IsZero() {
			t.Fatalf("kept %+v", e)
		}
		if want := t.signup("ann", at).Address; e.Address != want {
			t.Fatalf("the address came back as another")
		}
		if e.Shard != waitlist.ShardOf(ref.Key, 0) || ref.Joining != waitlist.FirstJoining(at) {
			t.Fatalf("shard %d, joining %d", e.Shard, ref.Joining)
		}
		if p, _ := t.place(ref.Key, false); p.Ref != ref || !p.When.Equal(at) || p.Shard != e.Shard || p.Stage != waitlist.Waiting || p.Unreadable {
			t.Fatalf("the line shows %+v", p)
		}
	}},
	{"joining again while in the line changes nothing", func(t *trial) {
		ref := t.join("ann", noon)
		for _, advance := range []func(){func() {}, func() { t.invite(ref, noon.Add(time.Minute)) }} {
			advance()
			before := t.entry(ref.Key)
			again := t.signup("ann", noon.Add(time.Hour))
			again.Wanted = "/other"
			j, err := t.Store.Join(t.Context(), again)
			t.must(err)
			if after := t.entry(ref.Key); j.New || after.Joined != before.Joined || after.Wanted != before.Wanted || after.Stage != before.Stage {
				t.Fatalf("new %v, %+v became %+v", j.New, before, after)
			}
		}
	}},
	{"fifty sign-ups of one mailbox at once are one", func(t *trial) {
		var joined atomic.Int32
		su := t.signup("ann", noon)
		sideBySide(50, func(int) {
			j, err := t.Store.Join(t.Context(), su)
			if err != nil {
				t.Errorf("a join failed: %v", err)
			}
			if j.New {
				joined.Add(1)
			}
		})
		if n := joined.Load(); n != 1 || len(t.line(false)) != 1 {
			t.Fatalf("%d joined, %d in the line", n, len(t.line(false)))
		}
	}},
	{"after the end a new joining begins at the end of the line", func(t *trial) {
		ref := t.join("ann", noon)
		m, _ := t.invite(ref, noon.Add(time.Minute))
		t.join("bob", noon.Add(time.Hour))
		t.must(t.Store.Expire(t.Context(), ref, m.Slot.Add(codeTTL)))
		next := t.join("ann", noon.Add(5*time.Hour))
		if next.Joining != ref.Joining+1 {
			t.Fatalf("joining %d followed %d", next.Joining, ref.Joining)
		}
		e := t.stage(ref.Key, waitlist.Waiting)
		if e.Attempt != 0 || e.Code != "" || !e.Claim.IsZero() || !e.Expires.IsZero() || !e.Ended.IsZero() || !e.Delete.IsZero() || !e.Invited.IsZero() {
			t.Fatalf("the last joining left something: %+v", e)
		}
		if line := t.line(false); len(line) != 2 || line[1].Key != ref.Key {
			t.Fatalf("the line is %+v", line)
		}
		t.want(t.Store.Accept(t.Context(), ref, 1, noon.Add(6*time.Hour)), waitlist.ErrStale)
		t.want(t.Store.Leave(t.Context(), ref, noon.Add(6*time.Hour)), waitlist.ErrStale)
		t.stage(ref.Key, waitlist.Waiting)
	}},
	{"the shards that a sign-up names are the ones it may fall into", func(t *trial) {
		for i, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			su := t.signup(name, noon.Add(time.Duration(i)*time.Second))
			su.Shards = 3
			_, err := t.Store.Join(t.Context(), su)
			t.must(err)
			if e := t.entry(su.Key); e.Shard > 2 || e.Shard != su.Shard() {
				t.Fatalf("%s fell into shard %d", name, e.Shard)
			}
		}
		t.settle()
		n := 0
		for s := range 3 {
			got, next, err := t.Store.Count(t.Context(), waitlist.Query{Part: waitlist.Part{Shard: s}})
			t.must(err)
			if !next.When.IsZero() {
				t.Fatalf("eight entries took more than a page")
			}
			n += got
		}
		if n != 8 {
			t.Fatalf("counted %d in three shards", n)
		}
	}},
	{"a code lets in three times, and again whoever it let in", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		m, begun := t.invite(ref, tick)
		at := m.Slot.Add(10 * time.Minute)
		use := func(id string) (waitlist.Redeemed, error) {
			return t.Store.Redeem(t.Context(), waitlist.Redemption{Code: begun.Code, Use: id, At: at})
		}
		r, err := use("phone")
		t.must(err)
		if !r.First || !r.Known || r.Ticket.Ref != ref || r.Ticket.Wanted != "/apply?step=2" || r.Ticket.Language != "es" || !r.Ticket.Invited.Equal(tick) || !r.Ticket.Expires.Equal(begun.Expires) {
			t.Fatalf("the first use gave %+v", r)
		}
		if e := t.stage(ref.Key, waitlist.Used); !e.Ended.Equal(at) {
			t.Fatalf("ended at %v", e.Ended)
		}
		t.counted(tick, 1, 1, 0, 0)
		for _, id := range []string{"phone", "desktop", "scanner", "desktop"} {
			r, err = use(id)
			t.must(err)
			if r.First {
				t.Fatalf("the use %s was called the first", id)
			}
		}
		if len(r.Ticket.Uses) != 3 {
			t.Fatalf("uses: %v", r.Ticket.Uses)
		}
		_, err = use("fourth")
		t.want(err, waitlist.ErrUsedUp)
		_, err = use("phone")
		t.must(err)
		t.counted(tick, 1, 1, 0, 0)
	}},
	{"a good code without an item gets in", func(t *trial) {
		r, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: t.ticket(noon).Code, Use: "phone", At: noon})
		t.must(err)
		if r.Known || r.First {
			t.Fatalf("got %+v", r)
		}
		_, err = t.Store.Ticket(t.Context(), t.ticket(noon).Code)
		t.want(err, waitlist.ErrUnknown)
	}},
	{"twenty uses of a code at once let in three, and one is the first", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		_, e := t.invite(ref, tick)
		var in, first atomic.Int32
		sideBySide(20, func(i int) {
			r, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: string(rune('a' + i)), At: noon.Add(time.Hour)})
			if err == nil {
				in.Add(1)
			}
			if r.First {
				first.Add(1)
			}
		})
		if in.Load() != waitlist.MaxUses || first.Load() != 1 {
			t.Fatalf("%d in, %d first", in.Load(), first.Load())
		}
		t.counted(tick, 1, 1, 0, 0)
	}},
	{"a mail that nobody answered for may be redeemed", func(t *trial) {
		ref := t.join("ann", noon)
		tick := noon.Add(time.Minute)
		_, e := t.begin(ref, tick)
		r, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: "phone", At: noon.Add(2 * time.Minute)})
		t.must(err)
		if !r.First {
			t.Fatal("not the first use")
		}
		t.stage(ref.Key, waitlist.Used)
		t.counted(tick, 1, 1, 0, 0)
		t.want(t.Store.Accept(t.Context(), ref, 1, noon.Add(3*time.Minute)), waitlist.ErrStale)
		t.counted(tick, 1, 1, 0, 0)
	}},
	{"a person leaves from every stage, and the code goes with them", func(t *trial) {
		leave := noon.Add(2*time.Minute + 7*time.Second)
		tick := noon.Add(time.Minute)
		sent := 0
		for name, advance := range map[string]func(waitlist.Ref) waitlist.Entry{
			"waiting": func(waitlist.Ref) waitlist.Entry { return waitlist.Entry{} },
			"claimed": func(r waitlist.Ref) waitlist.Entry { t.claim(r, tick); return waitlist.Entry{} },
			"sending": func(r waitlist.Ref) waitlist.Entry { _, e := t.begin(r, tick); sent++; return e },
			"invited": func(r waitlist.Ref) waitlist.Entry { _, e := t.invite(r, tick); sent++; return e },
		} {
			ref := t.join(name, noon)
			e := advance(ref)
			t.must(t.Store.Leave(t.Context(), ref, leave))
			if got := t.stage(ref.Key, waitlist.Left); !got.Ended.Equal(leave) || got.Suppressed {
				t.Fatalf("%s: %+v", name, got)
			}
			t.want(t.Store.Leave(t.Context(), ref, leave), waitlist.ErrStale)
			if e.Code != "" {
				_, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: "x", At: leave})
				t.want(err, waitlist.ErrRevoked)
			}
		}
		t.counted(tick, sent, 0, 0, 0)
		t.counted(waitlist.CohortOf(leave), 0, 0, 0, 1)
		t.want(t.Store.Leave(t.Context(), waitlist.Ref{Key: "nobody", Joining: 1}, leave), waitlist.ErrStale)
	}},
	{"a bounce or complaint suppresses at any stage", func(t *trial) {
		tick, at := noon.Add(time.Minute), noon.Add(time.Hour)
		for name, advance := range map[string]func(waitlist.Ref){
			"sending": func(r waitlist.Ref) { t.begin(r, tick) },
			"invited": func(r waitlist.Ref) { t.invite(r, tick) },
		} {
			ref := t.join(name, noon)
			advance(ref)
			t.must(t.Store.Bounce(t.Context(), ref, at))
			t.must(t.Store.Bounce(t.Context(), ref, at.Add(time.Minute)))
			if e := t.stage(ref.Key, waitlist.Bounced); !e.Suppressed || !e.Ended.Equal(at) {
				t.Fatalf("%s: %+v", name, e)
			}
		}
		t.counted(tick, 2, 0, 0, 0)

		ref := t.join("redeemer", noon)
		_, e := t.invite(ref, tick)
		_, err := t.Store.Redeem(t.Context(), waitlist.Redemption{Code: e.Code, Use: "x", At: at})
		t.must(err)
		t.must(t.Store.Bounce(t.Context(), ref, at))
		if e := t.stage(ref.Key, waitlist.Used); !e.Suppressed {
			t.Fatal("a complaint after the end did not suppress")
		}
		j, err := t.Store.Join(t.Context(), t.signup("redeemer", at))
		t.must(err)
		if j.New {
			t.Fatal("a suppressed mailbox joined")
		}
	}},
	{"a complaint suppresses as a bounce does, and is known from it", func(t *trial) {
		tick, at := noon.Add(time.Minute), noon.Add(time.Hour)
		bounced, complained := t.join("ann", noon), t.join("bob", noon)
		t.invite(bounced, tick)
		t.invite(complained, tick)
		t.must(t.Store.Bounce(t.Context(), bounced, at))
		t.must(t.Store.Complain(t.Context(), complained, at))
		// A bounce after a complaint takes nothing back.
		t.must(t.Store.Bounce(t.Context(), complained, at.Add(time.Minute)))
		if e := t.stage(bounced.Key, waitlist.Bounced); !e.Suppressed || e.Complained {
			t.Fatalf("the bounce left %+v", e)
		}
		if e := t.stage(complained.Key, waitlist.Bounced); !e.Suppressed || !e.Complained || !e.Ended.Equal(at) {
			t.Fatalf("the complaint left %+v", e)
		}
		t.must(t.Store.Complain(t.Context(), bounced, at.Add(time.Minute)))
		if e := t.stage(bounced.Key, waitlist.Bounced); !e.Complained {
			t.Fatal("a complaint after a bounce was not kept")
		}
	}},
	{"a bounce suppresses a mailbox that nobody keeps", func(t *trial) {
		t.must(t.Store.Bounce(t.Context(), waitlist.Ref{Key: "key-ann", Joining: 3}, noon))
		_, err := t.Store.Entry(t.Context(), "key-ann")
		t.want(err, waitlist.ErrUnknown)
		j, err := t.Store.Join(t.Context(), t.signup("ann", noon.Add(time.Hour)))
		t.must(err)
		if j.New {
			t.Fatal("a suppressed mailbox joined")
		}
		t.must(t.Store.Forget(t.Context(), "key-ann"))
		t.join("ann", noon.Add(2*time.Hour))
	}},
	{"a bounce of an earlier joining lets the later one stand, and it gets no mail", func(t *trial) {
		old := t.join("ann", noon)
		t.must(t.Store.Leave(t.Context(), old, noon))
		ref := t.join("ann", noon.Add(time.Second))
		t.must(t.Store.Bounce(t.Context(), old, noon.Add(time.Minute)))
		if e := t.stage(ref.Key, waitlist.Waiting); !e.Suppressed {
			t.Fatal("not suppressed")
		}
		m := t.claim(ref, noon.Add(2*time.Minute))
		_, err := t.Store.Begin(t.Context(), m, t.ticket(m.Slot), m.Slot)
		t.want(err, waitlist.ErrSuppressed)
		t.must(t.Store.Fail(t.Context(), m, m.Slot))
		t.stage(ref.Key, waitlist.Failed)
	}},
	{"a cancelled request fails and does nothing", func(t *trial) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := t.Store.Join(ctx, t.signup("ann", noon)); err == nil {
			t.Fatal("joined under a cancelled context")
		}
		_, err := t.Store.Entry(t.Context(), "key-ann")
		t.want(err, waitlist.ErrUnknown)
	}},
}
