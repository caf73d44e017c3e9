package inviter

import (
	"fmt"

	"raincheck/pkg/waitlist"
)

// refusals are the mails of the last minutes that large mail providers sent back
// for a fault of ours (5.7.x: SPF, DKIM, DMARC, a block list), beside all that
// were sent. Only large providers count, so that nobody can stop the mail with a
// domain of their own (docs/design.md, decision 48). Both numbers fade, and begin
// again while sending is paused: after a resume only what is new counts.
type refusals struct {
	Ours float64 `json:"ours,omitempty"`
	Sent float64 `json:"sent,omitempty"`
}

const (
	// fade is what is left of a count after a minute: half in five minutes.
	fade = 0.87
	// leastOurs and leastShare are from how many on, and from what share of the
	// mails on, sending stops. A single mailbox with a policy of its own is below
	// them; a DNS record that is wrong sends back all of a provider's mail, which
	// is a tenth or more of everybody's.
	leastOurs  = 10
	leastShare = 0.05
)

// next takes in what became known since the last tick.
func (r refusals) next(news []waitlist.Cohort, paused bool) refusals {
	if paused {
		return refusals{}
	}
	r.Ours *= fade
	r.Sent *= fade
	for _, c := range news {
		r.Ours += float64(c.Ours)
		r.Sent += float64(c.Sent)
	}
	return r
}

// many says that sending is to stop until a person has looked.
func (r refusals) many() bool { return r.Ours >= leastOurs && r.Ours >= leastShare*r.Sent }

// String is the reason for the pause.
func (r refusals) String() string {
	return fmt.Sprintf("large mail providers refuse our mail (5.7.x: SPF, DKIM, DMARC or a block list): some %.0f of the last %.0f mails came back", r.Ours, max(r.Sent, r.Ours))
}
