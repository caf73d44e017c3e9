package waitlist

import "time"

// Lease is the right of one tick to act: the item that makes a doubled tick, and
// one that a newer one has overtaken, do nothing (EventBridge delivers at least
// once, up to a minute late, and Lambda may run an event twice).
type Lease struct {
	// Tick is the scheduled time of the tick that holds it or held it last. It
	// only ever rises.
	Tick time.Time
	// Until is when the lease ends by itself; zero when it was given back.
	Until time.Time
	// SlotsUntil is the end of the last slot given to a mail. The next tick plans
	// from there, so that two ticks close together never add up to twice the rate.
	SlotsUntil time.Time
}

// LeaseFor is how long a lease lasts by itself, docs/design.md, decision 17: the
// function has 50 s, and the lease outlives it by 5.
const LeaseFor = 55 * time.Second

// Free says whether a tick may take the lease at now. It is the condition that
// a store puts on its one request.
func (l Lease) Free(tick, now time.Time) bool {
	return tick.After(l.Tick) && !now.Before(l.Until)
}

// The times of a mail, docs/design.md, decisions 19 and 20.
const (
	// Grace is how long after its slot a mail may still be sent.
	Grace = 30 * time.Second
	// ClaimMargin is how long after the end of the grace a claim is given back
	// by the inviter, for a message that never reached a sender: clocks of
	// functions may differ, and a sender that began is past the claim.
	ClaimMargin = 90 * time.Second
	// Silence is how long a mail may stay unanswered before it is sent once more.
	Silence = 15 * time.Minute
)

// ClaimDue is when a claim for a slot is given back if no sender began it.
func ClaimDue(slot time.Time) time.Time { return slot.Add(Grace + ClaimMargin) }

// Slots gives mails their seconds: Rate mails a second, from the later of now
// and the end of the last slot that was given.
type Slots struct {
	rate float64
	from time.Time
	used int
}

// NewSlots plans from the later of now and until (Lease.SlotsUntil), at rate
// mails a second; a rate of 0 or less gives no slots.
func NewSlots(now, until time.Time, rate float64) Slots {
	from := now
	if until.After(from) {
		from = until
	}
	return Slots{rate: rate, from: from}
}

// Free is how many slots begin before horizon.
func (s *Slots) Free(horizon time.Time) int {
	if s.rate <= 0 || !horizon.After(s.from) {
		return 0
	}
	return max(0, int(horizon.Sub(s.from).Seconds()*s.rate)-s.used)
}

// Next takes the next slot.
func (s *Slots) Next() time.Time {
	at := s.at(s.used)
	s.used++
	return at
}

// Until is the end of the last slot taken.
func (s *Slots) Until() time.Time { return s.at(s.used) }

func (s *Slots) at(n int) time.Time {
	if n == 0 {
		return s.from // at any rate, 0 too
	}
	return s.from.Add(time.Duration(float64(n) / s.rate * float64(time.Second)))
}
