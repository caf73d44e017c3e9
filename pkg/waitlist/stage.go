// Package waitlist is the line of people who left an address: the entry, the
// stages that it goes through, what moves it from one to the next, and when
// something is due. It does no I/O and has no clock; the stores
// (pkg/twin/store, pkg/aws/table) turn each event into one conditional
// write, and are held to the suite in waitlisttest.
//
// The rule behind the stages: a mail cannot be taken back and SES has no
// idempotency token, so what is about to be sent is written first (an outbox),
// an answer that never came is an open question and not a failure, and every
// step after the claim is conditional on the joining and the claim, so that a
// message delivered late, twice or to two senders at once changes nothing.
package waitlist

import "errors"

// Stage is where an entry stands.
type Stage string

// The stages, in the order of a life that goes well, then the ends.
const (
	Waiting Stage = "waiting" // in the line
	Claimed Stage = "claimed" // taken by a tick, not yet begun by a sender
	Sending Stage = "sending" // a mail was begun: it may have arrived
	Invited Stage = "invited" // the mail was accepted, or taken as accepted
	// Held: the mail of a round came to nothing and the place was given back. It
	// waits out its time, and stands at its old place in the line after that.
	Held Stage = "held"

	Used    Stage = "redeemed" // the code was used (Redeemed is the answer to a redemption)
	Expired Stage = "expired"  // the code died unused
	Bounced Stage = "bounced"  // the mailbox does not exist, or the person complained
	Left    Stage = "left"     // by the person
	Failed  Stage = "failed"   // an address refused for good, no round left, an entry that cannot be read
)

// Stages are all stages, in that order.
func Stages() []Stage {
	return []Stage{Waiting, Claimed, Sending, Invited, Held, Used, Expired, Bounced, Left, Failed}
}

// Ended says that nothing more will happen at this stage but joining again.
func (s Stage) Ended() bool {
	switch s {
	case Used, Expired, Bounced, Left, Failed:
		return true
	}
	return false
}

// Event is what moves an entry.
type Event string

// The events of the diagram of docs/design.md, decision 16.
const (
	Join     Event = "join"     // a sign-up, on no item or an ended one
	Claim    Event = "claim"    // a tick takes the oldest
	GiveBack Event = "giveback" // late, paused, throttled, out of quota: first attempt only
	Begin    Event = "begin"    // the sender writes the attempt and the code before SES is asked
	Accept   Event = "accept"   // SES said yes, or its event did, or a second silence is taken as yes
	Retry    Event = "retry"    // 15 minutes without a word: due for the second attempt
	Return   Event = "return"   // the mail came to nothing, and the place is given back: a new round
	Requeue  Event = "requeue"  // a returned place has waited out its time
	Redeem   Event = "redeem"   // first use of a code, that of an earlier round too
	Expire   Event = "expire"   // the code died
	Bounce   Event = "bounce"   // the mailbox does not exist, or the person complained
	Leave    Event = "leave"    // by the person
	Fail     Event = "fail"     // refused for good, or no round left
)

// transitions is the diagram of docs/design.md, decision 16. A stage that is not listed for an event is
// one at which that event changes nothing.
var transitions = map[Event]map[Stage]Stage{
	Claim:    {Waiting: Claimed},
	GiveBack: {Claimed: Waiting, Sending: Waiting},
	Begin:    {Claimed: Sending, Sending: Sending},
	Accept:   {Sending: Invited},
	Retry:    {Sending: Sending},
	Return:   {Sending: Held, Invited: Held},
	Requeue:  {Held: Waiting},
	Redeem:   {Waiting: Used, Claimed: Used, Sending: Used, Invited: Used, Held: Used},
	Expire:   {Sending: Expired, Invited: Expired},
	Bounce:   {Sending: Bounced, Invited: Bounced, Held: Bounced},
	Leave:    {Waiting: Left, Claimed: Left, Sending: Left, Invited: Left, Held: Left},
	Fail:     {Waiting: Failed, Claimed: Failed, Sending: Failed, Invited: Failed, Held: Failed},
}

// After gives the stage to which event moves an entry at stage s, and whether
// it moves it at all. Join is not among them: it begins a new joining.
func (s Stage) After(event Event) (Stage, bool) {
	to, ok := transitions[event][s]
	return to, ok
}

// From lists the stages that event moves, for a store's condition.
func (event Event) From() []Stage {
	var from []Stage
	for _, s := range Stages() {
		if _, ok := transitions[event][s]; ok {
			from = append(from, s)
		}
	}
	return from
}

// What callers branch on.
var (
	// ErrStale: the entry has moved on (another joining, another claim, another
	// stage); the step did nothing, and nothing is to be done about it.
	ErrStale = errors.New("waitlist: the entry has moved on")
	// ErrUnknown: the store has no such entry.
	ErrUnknown = errors.New("waitlist: nobody is kept under that key")
	// ErrTaken: the code is another entry's; draw again.
	ErrTaken = errors.New("waitlist: the code is taken")
	// ErrSuppressed: the mailbox does not exist or its owner complained; it gets no mail.
	ErrSuppressed = errors.New("waitlist: the mailbox is suppressed")
	// ErrUsedUp: the code has been used MaxUses times.
	ErrUsedUp = errors.New("waitlist: the code is used up")
	// ErrRevoked: the person left or was forgotten.
	ErrRevoked = errors.New("waitlist: the code was withdrawn")
	// ErrBusy: the store refused for load; the caller may say "try again".
	ErrBusy = errors.New("waitlist: the store is busy")
	// ErrLease: another tick holds the lease, or this one is stale.
	ErrLease = errors.New("waitlist: the tick is stale or another one is running")
	// ErrUnreadable: a stored item lacks a field or has one of the wrong type.
	ErrUnreadable = errors.New("waitlist: the stored entry cannot be read")
)
