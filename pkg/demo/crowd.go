package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// crowd is everybody but the people at a browser. Each of them is decided about
// one by one, as at the edge; those who leave an address do it through the
// waiting room's own form, and those who come back through the link of their
// mail. Once on the site they are a number that falls again. It is used by the
// goroutine of the clock only.
type crowd struct {
	clock   *clock
	edge    *edge.Edge
	store   *crowdStore
	browser *browser
	rand    *rand.Rand
	habits  habits
	origin  string
	run     string // marks the addresses of this run, where others are kept
	// failed takes a use case that did not do what it must: a defect of ours.
	failed func(error)

	totals Totals
	minute flows

	requests int       // asked of the edge so far
	people   int       // so far, for their addresses
	onSite   int       // now
	leaving  []int     // how many leave at the end of each minute to come; a ring
	began    time.Time // the minute of leaving[first]
	first    int
	before   int // on the site a minute ago

	waits      waits
	waitedBack float64 // minutes, of all who came back
	never      int     // were invited and do not come back
	start      time.Time

	join     form // the form to join, read again while its stamp is young
	joinRead time.Time
	// waiting are those who have joined, by address.
	waiting map[string]*visitor
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
		clock: in.clock, edge: in.edge, store: store, origin: in.config.Origin, failed: in.failed,
		browser: &browser{room: room, host: strings.TrimPrefix(in.config.Origin, "http://")},
		rand:    rand.New(rand.NewPCG(in.config.Seed, 1)),
		habits:  habits{people: story.People, site: story.Site, bounces: story.Bounces, leaves: story.Leaves},
		leaving: make([]int, longestStay), began: story.Start, start: story.Start, waiting: map[string]*visitor{},
	}
	if in.config.Data != "" {
		c.run = "." + strconv.FormatInt(story.Start.Unix()/60, 36)
	}
	return c
}

// longestStay is where a visit is cut, in minutes.
const longestStay = 2 * 24 * 60

// stampAge is how long a form is used before it is fetched anew. A real one is
// good for two hours.
const stampAge = 30 * time.Minute

// agents are what browsers call themselves. An attacker could change this with
// each try and draw anew; an honest crowd has a few hundred names.
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
		c.clock.at(now.Add(after), func() { c.leaveAddress(ctx, v) })
	case triesAgain:
		c.totals.Again++
		c.clock.at(now.Add(after), func() { c.knock(ctx, v) })
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
	if c.join.fields == nil || now.Sub(c.joinRead) > stampAge {
		f, err := c.browser.get(ctx, gate.Room+"/en/")
		switch {
		case err != nil:
			// The line is closed, or the room cannot be shown.
			c.gaveUp()
			return
		case !f.fields.Has("stamp"):
			// The room says that there is no wait now.
			c.clock.at(now.Add(20*time.Second), func() { c.knock(ctx, v) })
			return
		}
		c.join, c.joinRead = f, now
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

// peopleAt is where simulated people have their mail: a name that can never be
// registered (RFC 2606).
const peopleAt = "people.example"

func simulated(address string) bool { return strings.HasSuffix(address, "@"+peopleAt) }

// read is somebody's mail arriving; ref names their joining.
func (c *crowd) read(ctx context.Context, m email.Message, bounce func()) {
	v := c.waiting[m.To]
	if v == nil {
		return // of an earlier run
	}
	c.minute.invited++
	c.totals.Invited++
	now := c.clock.Now()
	if v.mails++; v.mails > 1 {
		c.totals.Twice++
	} else {
		c.waits.add(c.minuteOf(v.joined), c.minuteOf(now)-c.minuteOf(v.joined))
	}
	at, what := c.habits.mailed(c.rand, now, now.Sub(v.joined))
	v.waited = now.Sub(v.joined)
	if what != comesBack {
		c.never++
	}
	if what == ignores {
		return
	}
	if what == bounces {
		c.totals.Bounced++
		c.clock.at(at, bounce)
		return
	}
	page, act := "/code?c=", func(path string) { c.useCode(ctx, v, path) }
	if what == declines {
		page, act = "/leave?t=", func(path string) { c.decline(ctx, path) }
	}
	path, err := link(m.Text, c.origin, page)
	if err != nil {
		c.failed(err)
		return
	}
	c.clock.at(at, func() { act(path) })
}

// decline says by the link of the mail that there is no need of it.
func (c *crowd) decline(ctx context.Context, path string) {
	f, err := c.browser.get(ctx, path)
	if err == nil {
		err = c.browser.post(ctx, f)
	}
	if err != nil || c.browser.answer.status >= 400 {
		c.failed(fmt.Errorf("leave by the link of a mail (status %d): %w", c.browser.answer.status, err))
		return
	}
	c.totals.Left++
}

// useCode follows the link of a mail, presses the button and goes to the site.
func (c *crowd) useCode(ctx context.Context, v *visitor, path string) {
	used := c.store.first
	// All codes share one page whose form posts to its own address, so that only
	// one in a hundred needs to look at it.
	f := form{action: path, fields: map[string][]string{}}
	if c.people++; c.people%100 == 0 {
		var err error
		if f, err = c.browser.get(ctx, path); err != nil {
			c.failed(fmt.Errorf("look at a code: %w", err))
			return
		}
	}
	if err := c.browser.post(ctx, f); err != nil {
		c.failed(fmt.Errorf("use a code: %w", err))
		return
	}
	switch status := c.browser.answer.status; {
	case status == 410:
		// The code has died. The door may be open by now, and else there is the
		// line again.
		c.totals.CameLate++
		c.totals.Deciding++
		c.knock(ctx, v)
		return
	case status >= 400:
		c.failed(fmt.Errorf("use a code: the waiting room answered %d", status))
		return
	}
	pass := c.browser.answer.cookie(bypass.CookieName)
	if pass == "" {
		c.failed(fmt.Errorf("use a code: the answer (status %d) gives no pass", c.browser.answer.status))
		return
	}
	c.requests++
	verdict := c.decide(gate.Request{
		ID: "r" + strconv.Itoa(c.requests), IP: v.ip, UserAgent: v.agent, Method: "GET", FetchMode: "navigate",
		Accept: "text/html", AcceptLanguage: v.language, Path: "/apply", Passes: []string{pass},
	})
	if verdict.Outcome != gate.Returning {
		c.failed(fmt.Errorf("somebody with a pass from a code was %s at the edge", verdict.Outcome))
		return
	}
	c.minute.redeemed++
	c.waitedBack += v.waited.Minutes()
	if c.store.first > used {
		c.totals.Redeemed++
	} else {
		c.totals.InGrace++
	}
	c.enter()
}

// enter puts one more person on the site, for as long as they stay.
func (c *crowd) enter() {
	c.onSite++
	stays := c.habits.site.Stays(c.rand)
	minute := int(c.clock.Now().Add(stays).Sub(c.began) / time.Minute)
	minute = min(max(minute, 0), len(c.leaving)-1)
	c.leaving[(c.first+minute)%len(c.leaving)]++
}

// minuteOf numbers the minutes from the start.
func (c *crowd) minuteOf(t time.Time) int { return int(t.Sub(c.start) / time.Minute) }

// leave is the end of a minute: those whose time is over go.
func (c *crowd) leave() {
	c.onSite -= c.leaving[c.first]
	c.leaving[c.first] = 0
	c.first = (c.first + 1) % len(c.leaving)
	c.began = c.began.Add(time.Minute)
}
