package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"raincheck/pkg/demo/virtual"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// crowd is everybody but the people at a browser. Each of them is decided about
// one by one, as at the edge; those who leave an address do it through the
// waiting room's own form, and those who come back through the link of their
// mail. Once on the site they are a number that falls again. It is used by the
// goroutine of the clock only.
type crowd struct {
	reach
	rand   *rand.Rand
	habits habits
	start  time.Time

	totals        Totals
	minute        flows
	requests      int // asked of the edge so far
	people        int // so far, for their addresses
	site          occupancy
	invitedPeople invitedPeople

	join form // the form to join, read again while its stamp is young
	// waiting are those who have joined, by address.
	waiting map[string]*visitor
}

// reach is how the crowd gets at the site and at the waiting room.
type reach struct {
	clock   *virtual.Clock
	edge    *edge.Edge
	store   *crowdStore
	browser *browser
	origin  string
	run     string // marks the addresses of this run, where others are kept
	// failed takes a use case that did not do what it must: a defect of ours.
	failed func(error)
}

// invitedPeople is what the simulation reports of those who were invited.
type invitedPeople struct {
	waits      waits
	waitedBack float64 // minutes, of all who came back
	never      int     // were invited and do not come back
}

// flows are the counts of the running minute.
type flows struct{ demand, visitors, admitted, joined, invited, redeemed int }

// visitor is one who does not hold a pass.
type visitor struct {
	ip, agent, language string
	joined              time.Time
	waited              time.Duration // for the mail
	mails               int
}

func newCrowd(in *Instance, store *crowdStore, room http.Handler) *crowd {
	story := in.config.Story
	c := &crowd{
		reach: reach{
			clock: in.clock, edge: in.edge, store: store, origin: in.config.Origin, failed: in.failed,
			browser: &browser{room: room, host: strings.TrimPrefix(in.config.Origin, "http://")},
		},
		rand:    rand.New(rand.NewPCG(in.config.Seed, 1)),
		habits:  habits{people: story.People, site: story.Site, Mailboxes: story.Mailboxes},
		site:    occupancy{leaving: make([]int, longestStay), began: story.Start},
		start:   story.Start,
		waiting: map[string]*visitor{},
	}
	if in.config.Data != "" {
		c.run = "." + strconv.FormatInt(story.Start.Unix()/60, 36)
	}
	return c
}

// stampAge is how long a form is used before it is fetched again. A real one is
// good for two hours.
const stampAge = 30 * time.Minute

// agents are what browsers call themselves. An attacker could change this with
// each try and draw again; an honest crowd has a few hundred names.
const agents = 400

// arrive begins a visit of somebody new.
func (c *crowd) arrive(ctx context.Context) {
	c.totals.Visits++
	c.totals.Deciding++
	c.minute.demand++
	n := c.rand.Uint32()
	v := &visitor{
		ip:       strconv.Itoa(int(n>>24)%223+1) + "." + strconv.Itoa(int(n>>16&255)) + "." + strconv.Itoa(int(n>>8&255)) + "." + strconv.Itoa(int(n&255)),
		agent:    "Mozilla/5.0 (simulated " + strconv.Itoa(c.rand.IntN(agents)) + ")",
		language: "en",
	}
	if c.rand.Float64() < spanish {
		v.language = "es"
	}
	c.knock(ctx, v)
}

// spanish is the share of people who read the Spanish pages.
const spanish = 0.12

// knock is one try at the door.
func (c *crowd) knock(ctx context.Context, v *visitor) {
	c.requests++
	r := gate.Request{
		ID: "r" + strconv.Itoa(c.requests), IP: v.ip, UserAgent: v.agent, Method: "GET", FetchMode: "navigate",
		Accept: "text/html", AcceptLanguage: v.language, Path: "/apply",
	}
	verdict := c.decide(r)
	c.minute.visitors++
	if verdict.Outcome != gate.TurnedAway {
		c.minute.admitted++
		c.totals.Deciding--
		c.totals.StraightIn++
		c.enter()
		return
	}
	c.totals.TurnedAway++
	now := c.clock.Now()
	switch after, what := c.habits.turnedAway(c.rand); what {
	case leavesAddress:
		c.clock.At(now.Add(after), func() { c.leaveAddress(ctx, v) })
	case triesAgain:
		c.totals.Again++
		c.clock.At(now.Add(after), func() { c.knock(ctx, v) })
	default:
		c.gaveUp()
	}
}

// decide asks the twin in Go, and for one in a hundred throttle.js too.
func (c *crowd) decide(r gate.Request) gate.Verdict {
	if c.requests%100 != 0 {
		return c.edge.Decide(r)
	}
	c.totals.Checked++
	verdict, err := c.edge.DecideBoth(r)
	if err != nil {
		c.totals.Differ++
		c.failed(fmt.Errorf("throttle.js and its twin: %w", err))
	}
	return verdict
}

// leaveAddress fills in the form.
func (c *crowd) leaveAddress(ctx context.Context, v *visitor) {
	now := c.clock.Now()
	if c.join.fields == nil || now.Sub(c.join.read) > stampAge {
		f, err := c.browser.get(ctx, gate.Room+"/en/")
		switch {
		case err != nil:
			// The line is closed, or the room cannot be shown.
			c.gaveUp()
			return
		case !f.fields.Has("stamp"):
			// The waiting room says that nobody has to wait now.
			c.clock.At(now.Add(20*time.Second), func() { c.knock(ctx, v) })
			return
		}
		f.read = now
		c.join = f
	}
	c.people++
	address := "person" + strconv.Itoa(c.people) + c.run + "@" + peopleAt
	c.join.action = gate.Room + "/" + v.language + "/"
	c.join.fields.Set("email", address)
	c.join.fields.Set("to", "/apply")
	if err := c.browser.post(ctx, c.join); err != nil {
		c.failed(fmt.Errorf("join: %w", err))
	}
	if status := c.browser.answer.status; status >= 400 {
		c.join.fields = nil // a new form next time
		if status != http.StatusConflict {
			c.failed(fmt.Errorf("join: the waiting room answered %d", status))
		}
		c.gaveUp()
		return
	}
	c.totals.Deciding--
	c.totals.Joined++
	c.minute.joined++
	v.joined, v.mails = now, 0
	c.waiting[address] = v
}

func (c *crowd) gaveUp() {
	c.totals.Deciding--
	c.totals.GaveUp++
}

// enter puts one more person on the site, for as long as they stay.
func (c *crowd) enter() { c.site.enter(c.clock.Now().Add(c.habits.site.Stays(c.rand))) }

// minuteOf numbers the minutes from the start.
func (c *crowd) minuteOf(t time.Time) int { return int(t.Sub(c.start) / time.Minute) }

// crowdStore is the waitlist as the crowd's waiting room sees it: it tells first
// uses from others, which the pages do not.
type crowdStore struct {
	*store.Store
	first int
}

// Redeem uses a code.
func (c *crowdStore) Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error) {
	redeemed, err := c.Store.Redeem(ctx, r)
	if err == nil && redeemed.First {
		c.first++
	}
	return redeemed, err
}
