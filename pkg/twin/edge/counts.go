package edge

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// keepCounts is how long minute sums are kept: longer than any law looks back.
const keepCounts = 3 * 24 * time.Hour

// Count is what the edge counted in a minute: estimates, as one visitor in N is
// counted as N.
type Count struct {
	// At is the start of the minute.
	At                 time.Time
	Visitors, Admitted int
	// Refused are requests under strict paths without a pass.
	Refused int
}

// Counts are the edge's counts by the minute, as CloudWatch's metric filters
// [id, tag=rc1, visitors, admitted] and [id, tag=rc2, refused] make them from the
// functions' log. It is
// safe for concurrent use.
type Counts struct {
	mu      sync.Mutex
	minutes []Count
}

// Add counts visitors at a time.
func (c *Counts) Add(at time.Time, visitors, admitted int) {
	c.add(Count{At: at, Visitors: visitors, Admitted: admitted})
}

func (c *Counts) add(n Count) {
	if n.Visitors == 0 && n.Refused == 0 {
		return
	}
	at := n.At
	at = at.UTC().Truncate(time.Minute)
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := slices.BinarySearchFunc(c.minutes, at, func(m Count, t time.Time) int { return m.At.Compare(t) })
	if !found {
		c.minutes = slices.Insert(c.minutes, i, Count{At: at})
		if first := c.minutes[0].At; at.Sub(first) > keepCounts {
			c.minutes = c.minutes[1:]
			i--
		}
	}
	c.minutes[i].Visitors += n.Visitors
	c.minutes[i].Admitted += n.Admitted
	c.minutes[i].Refused += n.Refused
}

// Between returns the minutes that start at or after from and before to, in
// order. A minute in which nothing was counted is not among them.
func (c *Counts) Between(from, to time.Time) []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Count
	for _, m := range c.minutes {
		if !m.At.Before(from) && m.At.Before(to) {
			out = append(out, m)
		}
	}
	return out
}

// parseLine is the metric filters: CloudFront puts the request's id in front of
// what a function prints.
func parseLine(line string) (n Count, ok bool) {
	f := strings.Fields(line)
	var into []*int
	switch {
	case len(f) == 3 && f[0] == "rc1":
		into = []*int{&n.Visitors, &n.Admitted}
	case len(f) == 2 && f[0] == "rc2":
		into = []*int{&n.Refused}
	default:
		return Count{}, false
	}
	for i, to := range into {
		var err error
		if *to, err = strconv.Atoi(f[i+1]); err != nil {
			return Count{}, false
		}
	}
	return n, true
}
