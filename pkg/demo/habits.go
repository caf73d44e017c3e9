package demo

import (
	"math/rand/v2"
	"time"

	"raincheck/pkg/simulation"
)

// habits are how simulated people behave: the model of pkg/simulation, person
// by person, and what only a person with a mailbox does.
type habits struct {
	people simulation.People
	site   simulation.Site
	Mailboxes
}

// next is what somebody who was turned away does.
type next int

const (
	givesUp next = iota
	leavesAddress
	triesAgain
)

// turnedAway draws what somebody does now, and after how long.
func (h habits) turnedAway(r *rand.Rand) (time.Duration, next) {
	if h.people.Leaves(r) {
		// Reading the page and typing an address.
		return time.Duration(5+r.IntN(50)) * time.Second, leavesAddress
	}
	if after, again := h.people.Tries(r); again {
		return after, triesAgain
	}
	return 0, givesUp
}

// mailbox is what becomes of a mail.
type mailbox int

const (
	ignores mailbox = iota
	comesBack
	declines
	bounces
)

// mailed draws what becomes of a mail that was sent now to somebody who waited
// so long, and when.
func (h habits) mailed(r *rand.Rand, now time.Time, waited time.Duration) (time.Time, mailbox) {
	if r.Float64() < h.Bounces {
		return now.Add(time.Duration(1+r.IntN(20)) * time.Second), bounces
	}
	if after, returns := h.people.Returns(r, waited); returns {
		return h.people.Awake(now.Add(after)), comesBack
	}
	if r.Float64() < h.Mailboxes.Leaves {
		return now.Add(time.Duration(1+r.IntN(60)) * time.Minute), declines
	}
	return time.Time{}, ignores
}
