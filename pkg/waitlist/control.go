package waitlist

import (
	"time"

	"raincheck/pkg/gate"
)

// Control is what the operator wants: one small item, read by the inviter once
// a tick and by intake and sender through a cache of 30 s. Every gate is
// derived from it. The zero value is a site with no queue: open, sign-ups on,
// sending on.
//
// It has more than 15 fields: one for each thing that an operator can set.
type Control struct {
	// Mode is what the edge should do; empty is gate.Open.
	Mode gate.Mode `json:"mode,omitempty"`
	// Switched is when the operator last changed Mode, Admit or Law. The gate
	// carries the same time; the newer of the two wins (docs/design.md, decision 26).
	Switched time.Time `json:"switched,omitzero"`
	// Admit, when set, is a fixed share in mode throttle until released.
	Admit *float64 `json:"admit,omitempty"`
	// Law overrides the policy's admission law ("observer" or "ramp").
	Law string `json:"law,omitempty"`

	// SignupsOff closes the form: the page says that no addresses are taken now.
	SignupsOff bool `json:"signupsOff,omitempty"`
	// Paused stops sending. Those claimed and not yet sent go back to their places.
	Paused bool `json:"paused,omitempty"`
	// PausedBecause says why, when raincheck paused itself (quota, SES suspended).
	PausedBecause string `json:"pausedBecause,omitempty"`
	// ResumeAt ends a pause that raincheck made itself; zero waits for a person.
	ResumeAt time.Time `json:"resumeAt,omitzero"`
	// Drain invites everyone left at the safe pace; it goes with SignupsOff.
	Drain bool `json:"drain,omitempty"`
	// InviteNow is what is left of `raincheck invite N`, beside the law. It is one
	// act: the first tick that sees it clips it to who waits then and sets InviteBy,
	// the join time up to which people may be invited for it. What cannot be used
	// lapses, and a switch to hold ends it.
	InviteNow int       `json:"inviteNow,omitempty"`
	InviteBy  time.Time `json:"inviteBy,omitzero"`

	// LoadAt and Load are the site's load by hand (`raincheck load 0.93`); it
	// ages like any datapoint.
	LoadAt time.Time `json:"loadAt,omitzero"`
	Load   float64   `json:"load,omitempty"`

	// Said is the operator's message to those who wait; nil for none.
	Said *Said `json:"said,omitempty"`

	// Shards is how many partitions writers of the line use, ShardsEver the
	// highest ever used, which readers walk. Zero means the constant Shards.
	Shards     int `json:"shards,omitempty"`
	ShardsEver int `json:"shardsEver,omitempty"`

	// Idle is the inviter's own note: when it last looked and found nobody
	// waiting and nothing due. In mode open a tick reads this item and ends,
	// until the note is IdleLook old (Control.Resting).
	Idle time.Time `json:"idle,omitzero"`
	// Version counts the changes; a store writes a change only on the version
	// that it was made from.
	Version int `json:"version,omitempty"`
}

// IdleLook is how long a tick may rely on having found the line empty, in mode
// open. A look costs a request for each part of the line, a tick that relies on
// the last one costs one request in all; whoever leaves an address while the
// mode is open waits this long at most for the invitation.
const IdleLook = 5 * time.Minute

// Resting says that a tick at now has nothing to do: the mode is open, nobody
// waited and nothing was due at the last look, and that was a short while ago.
func (c Control) Resting(now time.Time) bool {
	return c.EffectiveMode() == gate.Open && c.InviteNow == 0 && !c.Paused &&
		!c.Idle.IsZero() && !now.Before(c.Idle) && now.Sub(c.Idle) < IdleLook && !c.Switched.After(c.Idle)
}

// Ask asks for n invitations beside the law, in place of what is left of an
// earlier ask; 0 takes that back.
func (c *Control) Ask(n int) { c.InviteNow, c.InviteBy = n, time.Time{} }

// EffectiveMode is Mode; the empty mode is gate.Open.
func (c Control) EffectiveMode() gate.Mode {
	if c.Mode == "" {
		return gate.Open
	}
	return c.Mode
}

// Writers is how many shards a sign-up may fall into.
func (c Control) Writers() int {
	if c.Shards > 0 {
		return c.Shards
	}
	return Shards
}

// Readers is how many shards must be walked to find all work: as many as writers
// ever used, because entries stay in the shard in which they joined.
func (c Control) Readers() int { return max(c.Writers(), c.ShardsEver) }

// Pause stops sending for a reason that raincheck found itself. It leaves an
// operator's pause, and one that nothing ends before resumeAt, as they are. Zero
// resumeAt waits for a person.
func (c *Control) Pause(because string, resumeAt time.Time) {
	if c.Paused && (c.PausedBecause == "" || c.ResumeAt.IsZero() || !resumeAt.IsZero() && !resumeAt.After(c.ResumeAt)) {
		return
	}
	c.Paused, c.PausedBecause, c.ResumeAt = true, because, resumeAt
}

// QuotaCheck is how long a pause for the mail service's 24-hour quota lasts before
// it is looked at again: the day rolls, and something may be left by then.
const QuotaCheck = 15 * time.Minute

// QuotaUsedUp is the reason of such a pause.
const QuotaUsedUp = "the mail service's 24-hour quota is used up"

// Resume starts sending again.
func (c *Control) Resume() { c.Paused, c.PausedBecause, c.ResumeAt = false, "", time.Time{} }

// Progress is what the inviter writes for the public pages, written when it changes.
type Progress struct {
	// Front is the join time up to which people have been invited: "we are now
	// inviting those who joined at 11:40". Zero before the first invitation.
	Front time.Time `json:"front,omitzero"`
	// Waited says how long those invited lately had waited.
	Waited Waited `json:"waited,omitzero"`
	// Open says that everybody is let in now and nobody has to wait.
	Open bool `json:"open"`
	// At is the tick that wrote this.
	At time.Time `json:"at,omitzero"`
}

// WaitedOver is the time before Waited.At whose invitations it covers.
const WaitedOver = 10 * time.Minute

// Waited says how long the people had waited who were invited in the WaitedOver
// before At: from the 10th to the 90th percentile, in whole minutes. Whoever came
// back to an old place is not counted.
type Waited struct {
	At     time.Time `json:"at,omitzero"`
	From   int       `json:"from"`
	To     int       `json:"to"`
	People int       `json:"people"`
}
