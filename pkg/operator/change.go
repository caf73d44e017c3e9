package operator

import (
	"errors"
	"fmt"
	"math"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/waitlist"
)

// Change is what an operator asks for; what is left out stays as it is. It is
// also the body of the console's POST api/change.
type Change struct {
	// Mode switches the edge. With throttle, Admit is a fixed share until
	// released and Law another admission law; left out, the law of the policy
	// decides.
	Mode  gate.Mode `json:"mode,omitempty"`
	Admit *float64  `json:"admit,omitempty"`
	Law   string    `json:"law,omitempty"`
	// Paused stops sending, or resumes it.
	Paused *bool `json:"paused,omitempty"`
	// Signups opens or closes the form.
	Signups *bool `json:"signups,omitempty"`
	// Drain invites everyone left and closes the form.
	Drain *bool `json:"drain,omitempty"`
	// Say puts a message on every page; one without a text takes it off.
	Say *Message `json:"say,omitempty"`
	// Load is the site's load by hand.
	Load *float64 `json:"load,omitempty"`
	// Invite asks for that many invitations now, beside the law: of those who wait
	// when the inviter looks, once. Another ask takes the place of what is left of
	// an earlier one; CancelInvite takes it back.
	Invite       int  `json:"invite,omitempty"`
	CancelInvite bool `json:"cancelInvite,omitempty"`
}

// Message is what the operator says to those who wait.
type Message struct {
	// Text is in the default language, Translations by language.
	Text         string            `json:"text,omitempty"`
	Translations map[string]string `json:"translations,omitempty"`
	// Until is when it ends by itself; zero is waitlist.SaidFor from now.
	Until time.Time `json:"until,omitzero"`
	// By is who says it.
	By string `json:"by,omitempty"`
}

// at is the message as it stands from a time on; nil for none.
func (m Message) at(now time.Time) *waitlist.Said {
	if m.Text == "" && len(m.Translations) == 0 {
		return nil
	}
	until := m.Until
	if until.IsZero() {
		until = now.Add(waitlist.SaidFor)
	}
	return &waitlist.Said{Text: m.Text, Translations: m.Translations, At: now, Until: until.UTC().Truncate(time.Second), By: m.By}
}

// ErrChange marks a change that makes no sense; its text says why.
var ErrChange = errors.New("that change makes no sense")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrChange, fmt.Errorf(format, args...))
}

// Within returns an error that is ErrChange for a value that is there and not
// between low and high; NaN is not.
func Within(name string, v *float64, low, high float64) error {
	if v != nil && !(*v >= low && *v <= high) {
		return refuse("%s %g is not between %g and %g", name, *v, low, high)
	}
	return nil
}

// MaxLoad is the highest load that can be said by hand, as a share of the
// capacity: above it a value is not a share (docs/design.md, contracts).
const MaxLoad = 20

// MaxInvite is the most that can be asked for at once: what one tick of the
// inviter can claim.
const MaxInvite = inviter.DefaultMaxClaims

// Validate returns an error that is ErrChange for a change that makes no sense.
func (c Change) Validate() error {
	switch c.Mode {
	case "", gate.Open, gate.Throttle, gate.Hold, gate.Observe:
	default:
		return refuse("no such mode %q: open, throttle, hold or observe", c.Mode)
	}
	switch c.Law {
	case "", "observer", "ramp":
	default:
		return refuse("no such law %q: observer or ramp", c.Law)
	}
	if c.Mode != gate.Throttle && (c.Admit != nil || c.Law != "") {
		return refuse("admit and law go with the mode throttle")
	}
	switch {
	case c.Invite < 0:
		return refuse("invite %d is negative", c.Invite)
	case c.Invite > MaxInvite:
		return refuse("invite %d is more than %d at once; ask again when they are invited", c.Invite, MaxInvite)
	case c.Invite > 0 && (c.CancelInvite || c.Mode == gate.Hold):
		return refuse("invite goes neither with cancelInvite nor with a switch to hold")
	}
	return errors.Join(Within("admit", c.Admit, 0, 1), Within("load", c.Load, 0, MaxLoad))
}

// To gives the control item that the change makes of control, at the given time.
func (c Change) To(control waitlist.Control, at time.Time) (waitlist.Control, error) {
	if err := c.Validate(); err != nil {
		return control, err
	}
	if c.Mode != "" {
		control.Mode, control.Admit, control.Law, control.Switched = c.Mode, c.Admit, c.Law, at
		if c.Admit != nil {
			// As many decimals as the inviter publishes.
			control.Admit = new(math.Round(*c.Admit*1000) / 1000)
		}
	}
	if c.Paused != nil {
		// Whatever raincheck had paused by itself, a person has now decided: without
		// a reason and a time, only a person resumes it.
		control.Paused, control.PausedBecause, control.ResumeAt = *c.Paused, "", time.Time{}
	}
	if c.Signups != nil {
		control.SignupsOff = !*c.Signups
	}
	if c.Drain != nil {
		control.Drain, control.SignupsOff = *c.Drain, *c.Drain
	}
	if c.Say != nil {
		control.Said = c.Say.at(at)
		if control.Said != nil {
			if err := control.Said.Validate(); err != nil {
				return control, refuse("the message: %w", err)
			}
		}
	}
	if c.Load != nil {
		control.Load, control.LoadAt = *c.Load, at
	}
	if c.Invite > 0 || c.CancelInvite || c.Mode == gate.Hold {
		control.Ask(c.Invite)
	}
	return control, nil
}
