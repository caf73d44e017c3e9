package demo

import "time"

// occupancy is who is on the site: a number that falls again.
type occupancy struct {
	people  int       // now
	before  int       // a minute ago
	leaving []int     // how many leave at the end of each minute to come; a ring
	began   time.Time // the minute of leaving[first]
	first   int
}

// longestStay is where a visit is cut, in minutes.
const longestStay = 2 * 24 * 60

// enter puts one more person on the site, until a time.
func (o *occupancy) enter(until time.Time) {
	o.people++
	minute := min(max(int(until.Sub(o.began)/time.Minute), 0), len(o.leaving)-1)
	o.leaving[(o.first+minute)%len(o.leaving)]++
}

// minute is the end of a minute: those whose time is over go.
func (o *occupancy) minute() {
	o.people -= o.leaving[o.first]
	o.leaving[o.first] = 0
	o.first = (o.first + 1) % len(o.leaving)
	o.began = o.began.Add(time.Minute)
}
