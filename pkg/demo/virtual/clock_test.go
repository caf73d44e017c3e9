package virtual

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
	c := New(noon, 0, time.Now)
	var got []string
	note := func(name string) func() {
		return func() { got = append(got, c.Now().Format("04:05 ")+name) }
	}
	c.At(noon.Add(2*time.Minute), note("later"))
	c.At(noon.Add(time.Minute), func() {
		note("first")()
		c.At(noon, note("overdue is now")) // what is past does not turn the clock back
		c.At(noon.Add(time.Minute), note("same time, asked for after"))
	})
	c.At(noon.Add(time.Hour), note("never"))
	c.Run(t.Context(), noon.Add(30*time.Minute))
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
		c := New(noon, 30, time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var took []time.Duration
		for i := 1; i <= 3; i++ {
			c.At(noon.Add(time.Duration(i)*time.Minute), func() { took = append(took, time.Since(start)) })
		}
		done := make(chan struct{})
		go func() { c.Run(ctx, time.Time{}); close(done) }()

		<-time.After(time.Second)
		if got := c.Now().Sub(noon).Round(time.Second); got != 30*time.Second {
			t.Errorf("after a second it is %s past noon, want 30s", got)
		}
		<-time.After(2 * time.Second) // 90 virtual seconds
		c.SetSpeed(60)                // the next minutes take one second each
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
		c := New(noon, 60, time.Now)
		var at []time.Time
		var virtual []time.Time
		for i := range 4 {
			c.At(noon.Add(time.Duration(i)*time.Minute), func() {
				if i == 1 {
					<-time.After(10 * time.Second) // the work of this minute takes long
				}
				at, virtual = append(at, time.Now()), append(virtual, c.Now())
			})
		}
		c.Run(t.Context(), time.Time{})
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

// What a person is told is by one clock, and there and back is the same moment,
// whatever the speed was.
func TestTheTwoClocksAreOneLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := New(noon, 0, time.Now)
		for i := range 200 {
			c.At(noon.Add(time.Duration(i)*time.Minute), func() {})
		}
		c.Run(t.Context(), noon.Add(time.Hour)) // the warming up, in no time
		c.SetSpeed(60)
		done := make(chan struct{})
		go func() { c.Run(t.Context(), time.Time{}); close(done) }()
		<-time.After(10*time.Second + time.Millisecond) // ten minutes
		c.SetSpeed(6)
		<-time.After(20 * time.Second) // two more
		for _, p := range []struct{ virtual, wall time.Duration }{
			{0, -time.Minute}, {time.Hour, 0}, {65 * time.Minute, 5 * time.Second}, {70 * time.Minute, 10 * time.Second}, {71 * time.Minute, 20 * time.Second},
			{72 * time.Minute, 30 * time.Second}, {78 * time.Minute, 90 * time.Second}, {1000 * time.Minute, 9310 * time.Second},
		} {
			wall, virtual := c.Wall(noon.Add(p.virtual)), c.Virtual(start.Add(p.wall))
			if d := wall.Sub(start) - p.wall; d.Abs() > 200*time.Millisecond {
				t.Errorf("%s past noon is %s after the start, want %s", p.virtual, wall.Sub(start), p.wall)
			}
			if d := virtual.Sub(noon) - p.virtual; d.Abs() > 2*time.Second {
				t.Errorf("%s after the start is %s past noon, want %s", p.wall, virtual.Sub(noon), p.virtual)
			}
			if d := c.Virtual(wall).Sub(noon) - p.virtual; d.Abs() > time.Millisecond {
				t.Errorf("%s past noon, there and back, is off by %s", p.virtual, d)
			}
		}
		c.Halt()
		c.SetSpeed(0)
		<-done
	})
}
