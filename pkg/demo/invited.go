package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
)

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
		c.invitedPeople.waits.add(c.minuteOf(v.joined), c.minuteOf(now)-c.minuteOf(v.joined))
	}
	at, what := c.habits.mailed(c.rand, now, now.Sub(v.joined))
	v.waited = now.Sub(v.joined)
	if what != comesBack {
		c.invitedPeople.never++
	}
	if what == ignores {
		return
	}
	if what == bounces {
		c.totals.Bounced++
		c.clock.At(at, bounce)
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
	c.clock.At(at, func() { act(path) })
}

// decline follows the mail's link that gives the place up.
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
	c.invitedPeople.waitedBack += v.waited.Minutes()
	if c.store.first > used {
		c.totals.Redeemed++
	} else {
		c.totals.InGrace++
	}
	c.enter()
}
