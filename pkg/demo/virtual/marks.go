package virtual

import (
	"sort"
	"time"
)

// mark says what the two clocks showed at one moment, and the speed from then on.
type mark struct {
	virtual, wall time.Time
	speed         float64
}

// remember notes what the clocks show when an event is taken in hand.
func (c *Clock) remember(at time.Time) {
	if n := len(c.marks); n > 0 && at.Sub(c.marks[n-1].virtual) >= time.Minute {
		c.marks = append(c.marks, mark{at, c.wall(), c.speed})
	}
}

// Wall is when it was, or at the present speed will be, t, by the wall's clock.
// What was before the first SetSpeed is taken to have run at the speed that was
// set then.
func (c *Clock) Wall(t time.Time) time.Time {
	return c.convert(t, func(m mark) (from, to time.Time) { return m.virtual, m.wall }, func(pace float64) float64 { return 1 / pace })
}

// Virtual is what this clock showed, or at the present speed will show, when the
// wall's showed t.
func (c *Clock) Virtual(t time.Time) time.Time {
	return c.convert(t, func(m mark) (from, to time.Time) { return m.wall, m.virtual }, func(pace float64) float64 { return pace })
}

// convert finds t between two marks; sides gives a mark as the pair to map from and
// to, and slope what the second gains on the first at a speed.
func (c *Clock) convert(t time.Time, sides func(mark) (from, to time.Time), slope func(pace float64) float64) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall := c.wall()
	marks := append(c.marks[:len(c.marks):len(c.marks)], mark{c.current(wall), wall, c.speed})
	next := sort.Search(len(marks), func(i int) bool { from, _ := sides(marks[i]); return from.After(t) })
	if next == 0 || next == len(marks) {
		end := marks[max(0, next-1)]
		from, to := sides(end)
		return to.Add(stretch(t.Sub(from), slope(max(1, end.speed))))
	}
	from, to := sides(marks[next-1])
	nextFrom, nextTo := sides(marks[next])
	return to.Add(stretch(t.Sub(from), float64(nextTo.Sub(to))/float64(nextFrom.Sub(from))))
}

func stretch(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
