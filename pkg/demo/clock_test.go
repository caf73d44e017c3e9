package demo

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Time stands still while work is done, in order, and work may ask for more.
func TestTheClockWorksOffWhatIsDueInOrder(t *testing.T) {
	t.Parallel()
	c := newClock(noon, 0, time.Now)
	var got []string
	note := func(name string) func() {
		return func() { got = append(got, c.Now().Format("04:05 ")+name) }
	}
	c.at(noon.Add(2*time.Minute), note("later"))
	c.at(noon.Add(time.Minute), func() {
		note("first")()
		c.at(noon, note("overdue is now")) // what is past does not turn the clock back
		c.at(noon.Add(time.Minute), note("same time, asked for after"))
	})
	c.at(noon.Add(time.Hour), note("never"))
	c.run(t.Context(), noon.Add(30*time.Minute))
	want := []string{"01:00 first", "01:00 overdue is now", "01:00 same time, asked for after", "02:00 later"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if now := c.Now(); !now.Equal(noon.Add(30 * time.Minute)) {
		t.Errorf("now is %s, want half past", now)
	}
}

// At thirty times the speed a virtual minute takes two seconds, and a person
// who asks in between sees time pass.
func TestTheSpeedIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClock(noon, 30, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var took []time.Duration
		for i := 1; i <= 3; i++ {
			c.at(noon.Add(time.Duration(i)*time.Minute), func() { took = append(took, time.Since(start)) })
		}
		done := make(chan struct{})
		go func() { c.run(ctx, time.Time{}); close(done) }()

		<-time.After(time.Second)
		if got := c.Now().Sub(noon).Round(time.Second); got != 30*time.Second {
			t.Errorf("after a second it is %s past noon, want 30s", got)
		}
		<-time.After(2 * time.Second) // 90 virtual seconds
		c.setSpeed(60)                // the next minutes take one second each
		<-done
		stop()
		want := []time.Duration{2 * time.Second, 3500 * time.Millisecond, 4500 * time.Millisecond}
		for i, d := range took {
			if (d - want[i]).Abs() > time.Millisecond {
				t.Errorf("minute %d came after %s, want %s", i+1, d, want[i])
			}
		}
		if len(took) != 3 {
			t.Errorf("%d of 3 minutes came", len(took))
		}
	})
}

// A stop of the machine makes nothing late and is not made up for by a rush.
func TestTheSpeedIsAnUpperBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newClock(noon, 60, time.Now)
		var at []time.Time
		var virtual []time.Time
		for i := range 4 {
			c.at(noon.Add(time.Duration(i)*time.Minute), func() {
				if i == 1 {
					<-time.After(10 * time.Second) // the work of this minute takes long
				}
				at, virtual = append(at, time.Now()), append(virtual, c.Now())
			})
		}
		c.run(t.Context(), time.Time{})
		for i, v := range virtual {
			if want := noon.Add(time.Duration(i) * time.Minute); !v.Equal(want) {
				t.Errorf("event %d saw %s, want %s: virtual time moved while work was done", i, v, want)
			}
		}
		if gap := at[3].Sub(at[2]); gap < time.Second-maxCatchUp {
			t.Errorf("the minute after the stop took %s: a rush", gap)
		}
	})
}
