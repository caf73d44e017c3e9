package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// crowd sends people and keeps what became of them.
type crowd struct {
	options
	client *http.Client
	began  time.Time
	// instance is nil for a site that is not ours.
	instance *instance

	// inFlight is how many are on their way; left out are those who came while
	// that was at its bound.
	inFlight atomic.Int64
	leftOut  atomic.Int64

	mu       sync.Mutex
	kinds    map[string]*vegeta.Metrics
	ended    [outcomes]int
	excused  int    // of those who failed: a fault was made meanwhile
	apart    [2]int // came while no fault was made, and were accepted of those
	why      map[string]int
	accepted []bool // by person
	open     []bool // unanswered, by person
	bins     []bin
}

// bin is what happened in one step of the report's charts.
type bin struct {
	Arrived int            `json:"arrived"`
	Ended   [outcomes]int  `json:"ended"` // by outcome
	worst   time.Duration  // of a sign-up
	signups vegeta.Metrics // their latencies
}

func newCrowd(o options) *crowd {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &crowd{
		options: o,
		client: &http.Client{
			Transport: &http.Transport{
				DialContext: dialer.DialContext, MaxIdleConns: o.Most, MaxIdleConnsPerHost: o.Most, IdleConnTimeout: 90 * time.Second,
				ForceAttemptHTTP2: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		kinds: map[string]*vegeta.Metrics{"page": {}, "sign-up": {}},
		why:   map[string]int{}, accepted: make([]bool, o.People), open: make([]bool, o.People),
		bins: make([]bin, bins),
	}
}

// bins is how many steps the charts have.
const bins = 300

// address is the mailbox of a person. The prefix keeps the people of one run
// apart from those of another. Two domains are for tests alone: example.com
// (RFC 2606), to which nothing may be mailed, and SES's mailbox simulator, which
// takes every mail and is nobody's.
func (o *options) address(n int) string {
	if o.Mailboxes == "ses" {
		return fmt.Sprintf("success+gameday-%s-%07d@simulator.amazonses.com", o.Run, n)
	}
	return fmt.Sprintf("load-%s-%07d@example.com", o.Run, n)
}

// number is the person behind an address of this run, or -1.
func (o *options) number(address string) int {
	first := o.address(0)
	i := strings.Index(first, "0000000@")
	if len(address) != len(first) || address[:i] != first[:i] || address[i+7:] != first[i+7:] {
		return -1
	}
	n := 0
	for _, r := range address[i : i+7] {
		if r < '0' || r > '9' {
			return -1
		}
		n = 10*n + int(r-'0')
	}
	if n >= o.People {
		return -1
	}
	return n
}

// send lets everybody come, and returns when the last of them was answered.
func (c *crowd) send(ctx context.Context, pacer vegeta.Pacer, progress func(*crowd)) {
	c.began = time.Now()
	var all sync.WaitGroup
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				progress(c)
			}
		}
	}()
	for n := 0; n < c.People && ctx.Err() == nil; n++ {
		wait, stop := pacer.Pace(time.Since(c.began), uint64(n))
		if stop {
			break
		}
		if wait > 0 {
			time.Sleep(wait)
		}
		c.mu.Lock()
		c.bin(time.Now()).Arrived++
		c.mu.Unlock()
		if c.inFlight.Load() >= int64(c.Most) {
			c.leftOut.Add(1)
			c.mu.Lock()
			if now := time.Now(); c.instance.whole(now, now) {
				c.apart[0]++
			}
			c.mu.Unlock()
			continue
		}
		c.inFlight.Add(1)
		all.Go(func() {
			defer c.inFlight.Add(-1)
			p := &person{crowd: c, n: n, cookies: map[string]string{}}
			began := time.Now()
			o, err := p.visit(ctx)
			c.end(n, o, err, began)
		})
	}
	all.Wait()
	close(done)
}

// bin is that of a moment; c.mu is held.
func (c *crowd) bin(at time.Time) *bin {
	i := int(at.Sub(c.began) * bins / c.span())
	return &c.bins[min(max(i, 0), bins-1)]
}

// span is what the charts show: a little more than the arrivals, for the last to
// be answered.
func (c *crowd) span() time.Duration { return c.Over * 11 / 10 }

// took records how long a request took.
func (c *crowd) took(kind string, began time.Time, status int) {
	r := vegeta.Result{Timestamp: began, Latency: time.Since(began), Code: uint16(status)}
	if status == 0 {
		r.Error = "no answer"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kinds[kind].Add(&r)
	if kind == "sign-up" {
		b := c.bin(time.Now())
		b.signups.Add(&r)
		b.worst = max(b.worst, r.Latency)
	}
}

// end records how a visit ended.
func (c *crowd) end(n int, o outcome, err error, began time.Time) {
	whole := c.instance.whole(began, time.Now())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[o]++
	if whole {
		c.apart[0]++
	} else if o == failed {
		c.excused++
	}
	if whole && o == accepted {
		c.apart[1]++
	}
	c.bin(time.Now()).Ended[o]++
	c.accepted[n] = o == accepted
	c.open[n] = o == unanswered
	if err != nil {
		c.why[err.Error()]++
	}
}
