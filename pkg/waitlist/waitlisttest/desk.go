package waitlisttest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// deskChecks try Desk and Files: what inviter and operator keep.
var deskChecks = []Check{
	{"control is changed one at a time", func(t *trial) {
		c, err := t.Store.Control(t.Context())
		t.must(err)
		if !reflect.DeepEqual(c, waitlist.Control{}) {
			t.Fatalf("an empty store has the control %+v", c)
		}
		admit := 0.2
		want := waitlist.Control{
			Mode: gate.Throttle, Switched: noon, Admit: &admit, Law: "ramp", SignupsOff: true, Paused: true, PausedBecause: "quota",
			ResumeAt: noon.Add(time.Hour), Drain: true, LoadAt: noon, Load: 0.93, Shards: 64, ShardsEver: 64, Idle: noon, Version: 1,
		}
		t.must(t.Store.UpdateControl(t.Context(), func(c *waitlist.Control) error {
			next := want
			next.Version = c.Version
			*c = next
			return nil
		}))
		c, err = t.Store.Control(t.Context())
		t.must(err)
		if !reflect.DeepEqual(c, want) {
			t.Fatalf("kept %+v, want %+v", c, want)
		}
		t.must(t.Store.UpdateControl(t.Context(), func(*waitlist.Control) error { return nil }))
		refused := errors.New("no")
		t.want(t.Store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.InviteNow = 7; return refused }), refused)
		if c, _ = t.Store.Control(t.Context()); !reflect.DeepEqual(c, want) {
			t.Fatalf("nothing was to be written, and it is %+v", c)
		}
		sideBySide(5, func(int) {
			if err := t.Store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.InviteNow++; return nil }); err != nil {
				t.Errorf("a change failed: %v", err)
			}
		})
		if c, _ = t.Store.Control(t.Context()); c.InviteNow != 5 || c.Version != 6 {
			t.Fatalf("five changes left %+v", c)
		}
	}},
	{"a notice is control and progress", func(t *trial) {
		c, p, err := t.Store.Notice(t.Context())
		t.must(err)
		if !reflect.DeepEqual(c, waitlist.Control{}) || p != (waitlist.Progress{}) {
			t.Fatalf("an empty store has the notice %+v, %+v", c, p)
		}
		want := waitlist.Progress{Front: noon, Open: true, At: noon.Add(time.Minute)}
		t.must(t.Store.SaveProgress(t.Context(), want))
		t.must(t.Store.UpdateControl(t.Context(), func(c *waitlist.Control) error { c.Paused = true; return nil }))
		c, p, err = t.Store.Notice(t.Context())
		t.must(err)
		if !c.Paused || p != want {
			t.Fatalf("the notice is %+v, %+v", c, p)
		}
	}},
	{"words are kept by language", func(t *trial) {
		w, err := t.Store.Words(t.Context(), "en")
		t.must(err)
		if !reflect.DeepEqual(w, site.Words{}) {
			t.Fatalf("an empty store has the words %+v", w)
		}
		zone, err := site.LoadZone("UTC", noon)
		t.must(err)
		english := site.Words{Name: "State Benefits", Colour: "#0b5c46", Contact: "Call us", Telephone: "+1 800 555 0100", Zone: zone, ZoneName: "UTC"}
		spanish := site.Words{Name: "Beneficios del Estado"}
		t.must(t.Store.SaveWords(t.Context(), "en", site.Words{Name: "An older name", Logo: "<svg/>"}))
		t.must(t.Store.SaveWords(t.Context(), "en", english))
		t.must(t.Store.SaveWords(t.Context(), "es", spanish))
		for tag, want := range map[string]site.Words{"en": english, "es": spanish, "ar": {}} {
			if w, err = t.Store.Words(t.Context(), tag); err != nil || !reflect.DeepEqual(w, want) {
				t.Fatalf("the words of %s are %+v, %v, want %+v", tag, w, err, want)
			}
			progress := waitlist.Progress{Front: noon}
			t.must(t.Store.SaveProgress(t.Context(), progress))
			if c, p, w, err := t.Store.NoticeIn(t.Context(), tag); err != nil || !reflect.DeepEqual(w, want) || p != progress || !reflect.DeepEqual(c, waitlist.Control{}) {
				t.Fatalf("the notice in %s is %+v, %+v, %+v, %v", tag, c, p, w, err)
			}
		}
	}},
	{"a lease is one tick's, and ticks only go forward", func(t *trial) {
		tick, until := noon, noon.Add(waitlist.LeaseFor)
		l, err := t.Store.Lease(t.Context(), tick, noon.Add(time.Second), until)
		t.must(err)
		if !l.Tick.Equal(tick) || !l.Until.Equal(until) || !l.SlotsUntil.IsZero() {
			t.Fatalf("the lease is %+v", l)
		}
		_, err = t.Store.Lease(t.Context(), tick, noon.Add(2*time.Second), noon.Add(time.Hour)) // doubled
		t.want(err, waitlist.ErrLease)
		_, err = t.Store.Lease(t.Context(), tick.Add(time.Minute), noon.Add(30*time.Second), noon.Add(time.Hour)) // still held
		t.want(err, waitlist.ErrLease)
		slots := noon.Add(90 * time.Second)
		t.must(t.Store.Reserve(t.Context(), tick, slots))
		t.must(t.Store.Release(t.Context(), tick))
		_, err = t.Store.Lease(t.Context(), tick.Add(-time.Minute), noon.Add(30*time.Second), noon.Add(time.Hour)) // stale
		t.want(err, waitlist.ErrLease)
		_, err = t.Store.Lease(t.Context(), tick, noon.Add(30*time.Second), noon.Add(time.Hour)) // done already
		t.want(err, waitlist.ErrLease)

		next := tick.Add(time.Minute)
		l, err = t.Store.Lease(t.Context(), next, next, next.Add(waitlist.LeaseFor))
		t.must(err)
		if !l.SlotsUntil.Equal(slots) {
			t.Fatalf("slots until %v", l.SlotsUntil)
		}
		t.want(t.Store.Reserve(t.Context(), tick, slots), waitlist.ErrLease)
		t.want(t.Store.Release(t.Context(), tick), waitlist.ErrLease)
		// The holder died: the lease ends by itself.
		_, err = t.Store.Lease(t.Context(), next.Add(time.Minute), next.Add(waitlist.LeaseFor), next.Add(time.Hour))
		t.must(err)
	}},
	{"of many ticks at once one gets the lease", func(t *trial) {
		var got atomic.Int32
		sideBySide(10, func(i int) {
			// Some start in the same millisecond, some do not.
			start := noon.Add(time.Duration(i/2) * time.Millisecond)
			if _, err := t.Store.Lease(t.Context(), noon, start, start.Add(waitlist.LeaseFor)); err == nil {
				got.Add(1)
			}
		})
		if got.Load() != 1 {
			t.Fatalf("%d got the lease", got.Load())
		}
	}},
	{"the controller's memory goes forward only", func(t *trial) {
		state, err := t.Store.State(t.Context())
		t.must(err)
		if len(state) != 0 {
			t.Fatal("an empty store has a state")
		}
		big := bytes.Repeat([]byte{0, 1, 2, 255}, 15<<10)
		t.must(t.Store.SaveState(t.Context(), noon, []byte("first")))
		t.must(t.Store.SaveState(t.Context(), noon.Add(time.Minute), big))
		t.want(t.Store.SaveState(t.Context(), noon, []byte("late")), waitlist.ErrLease)
		state, err = t.Store.State(t.Context())
		t.must(err)
		if !bytes.Equal(state, big) {
			t.Fatalf("%d bytes came back, not the %d kept", len(state), len(big))
		}
	}},
	{"cohorts are counted by their tick", func(t *trial) {
		var ticks []time.Time
		for i := range 5 {
			// Some in the same ten minutes, some not.
			tick := noon.Add(time.Duration(i*i) * 3 * time.Minute)
			ticks = append(ticks, tick)
			for j := range i + 1 {
				t.invite(t.join(fmt.Sprintf("p%d.%d", i, j), noon), tick)
			}
		}
		all, err := t.Store.Cohorts(t.Context(), ticks[1])
		t.must(err)
		if len(all) != 4 {
			t.Fatalf("%d cohorts: %+v", len(all), all)
		}
		for i, c := range all {
			if !c.Invited.Equal(ticks[i+1]) || c.Sent != i+2 {
				t.Fatalf("cohort %d is %+v", i, c)
			}
		}
	}},
	{"the counters of a cohort lose nothing when many count at once", func(t *trial) {
		tick := noon.Add(time.Minute)
		var refs []waitlist.Ref
		for i := range 16 {
			ref := t.join(fmt.Sprintf("p%d", i), noon)
			t.begin(ref, tick)
			refs = append(refs, ref)
		}
		sideBySide(len(refs), func(i int) {
			if err := t.Store.Accept(t.Context(), refs[i], 1, tick); err != nil {
				t.Errorf("accept: %v", err)
			}
		})
		t.counted(tick, 16, 0, 0, 0)
	}},
	{"every entry can be read, and one forgotten", func(t *trial) {
		tick := noon.Add(time.Minute)
		ann, bob := t.join("ann", noon), t.join("bob", noon)
		_, e := t.invite(ann, tick)
		t.join("eve", noon)
		t.must(t.Damage(t.Context(), "key-eve", false))
		seen := map[string]waitlist.Stage{}
		each := func() {
			clear(seen)
			t.must(t.Store.Each(t.Context(), func(e waitlist.Entry) error {
				if _, twice := seen[e.Key]; twice {
					t.Errorf("%s came twice", e.Key)
				}
				seen[e.Key] = e.Stage
				return nil
			}))
		}
		each()
		if !reflect.DeepEqual(seen, map[string]waitlist.Stage{ann.Key: waitlist.Invited, bob.Key: waitlist.Waiting, "key-eve": waitlist.Failed}) {
			t.Fatalf("saw %v", seen)
		}
		stop := errors.New("enough")
		t.want(t.Store.Each(t.Context(), func(waitlist.Entry) error { return stop }), stop)

		t.must(t.Store.Forget(t.Context(), ann.Key))
		t.must(t.Store.Forget(t.Context(), ann.Key))
		each()
		if _, there := seen[ann.Key]; there {
			t.Fatal("somebody forgotten is still there")
		}
		_, err := t.Store.Ticket(t.Context(), e.Code)
		t.want(err, waitlist.ErrUnknown)
		if _, there := t.place(ann.Key, true); there {
			t.Fatal("somebody forgotten stands in the line")
		}
		t.want(t.Store.Accept(t.Context(), ann, 1, tick), waitlist.ErrStale)
	}},
}
