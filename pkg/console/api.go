package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// Snapshot is GET api/snapshot: everything that is true now. A field that is
// left out is not known, or there is no such thing where this console runs.
type Snapshot struct {
	// Site names what is protected.
	Site string `json:"site"`
	// Now is the instance's time: virtual on a local instance.
	Now time.Time `json:"now"`
	// ReadOnly says that changes are refused; Outbox that there are mails to read.
	ReadOnly bool `json:"readOnly"`
	Outbox   bool `json:"outbox"`

	// Control is what the operator wants.
	Control waitlist.Control `json:"control"`
	// Decided is when the last decision was made; Invite how many it asked to be
	// invited, and Because the reason in the law's own words. Admit is the share of
	// new visitors whom the edge lets straight in now, which a switch may have
	// changed since.
	Decided time.Time `json:"decided,omitzero"`
	Admit   float64   `json:"admit"`
	Invite  int       `json:"invite"`
	Because string    `json:"because"`
	// Warnings are what an operator must know first, one sentence each.
	Warnings []string `json:"warnings,omitempty"`

	// Target is the load to hold; Load the newest one known, of LoadAt, absent
	// when there is none. Capacity is visitors at load 1.0, 0 unknown.
	Target   float64   `json:"target"`
	Capacity float64   `json:"capacity"`
	Load     *float64  `json:"load,omitempty"`
	LoadAt   time.Time `json:"loadAt,omitzero"`

	// Waiting is how many wait, Oldest the join time at the head of the line,
	// Front the join time up to which people have been invited.
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Front   time.Time `json:"front,omitzero"`

	// Gate and Base are the two documents that the edge reads, without salt and
	// keys (Show makes them so), and how many bytes they are at the edge.
	Gate      json.RawMessage `json:"gate,omitempty"`
	GateBytes int             `json:"gateBytes,omitempty"`
	Base      json.RawMessage `json:"base,omitempty"`
	BaseBytes int             `json:"baseBytes,omitempty"`

	// World is the simulated world of a local instance.
	World *World `json:"world,omitempty"`
	// Totals count from the start of a local instance, in words and order for
	// the reader.
	Totals []Total `json:"totals,omitempty"`
}

// World is what a local instance simulates.
type World struct {
	// Demand is the visits a minute that people now want to begin; Script says
	// whether it follows the trace or scenario (or a slider).
	Demand float64 `json:"demand"`
	Script bool    `json:"script"`
	// Story names the trace or scenario.
	Story string `json:"story"`
	// Until is when a trace ends; zero for a scenario that goes on.
	Until time.Time `json:"until,omitzero"`
	// OnSite counts the people on the site.
	OnSite int `json:"onSite"`
	// Speed is the virtual seconds that may pass in a second; 0 is no bound.
	Speed float64 `json:"speed"`
	// MaxDemand and MaxCapacity bound the sliders.
	MaxDemand   float64 `json:"maxDemand"`
	MaxCapacity float64 `json:"maxCapacity"`
}

// Total is one count.
type Total struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	// Means explains the name.
	Means string `json:"means"`
}

// Series is GET api/series?after=SECONDS: one value a minute in columns of
// equal length; null is a minute without a value. A minute may be sent again
// with a better value: the page keeps the last.
type Series struct {
	// Minutes are the starts of the minutes, in seconds since 1970.
	Minutes []int64 `json:"minutes"`
	// Load and Target are shares of the capacity, Admit a share of new visitors.
	Load   Column `json:"load"`
	Target Column `json:"target"`
	Admit  Column `json:"admit"`
	// Visitors came to the door in that minute without a pass, Admitted were let
	// straight in.
	Visitors Column `json:"visitors"`
	Admitted Column `json:"admitted"`
	// Joined left an address, Invited were mailed, Redeemed came back with a
	// code, in that minute. Waiting stood in the line at its end.
	Joined   Column `json:"joined"`
	Waiting  Column `json:"waiting"`
	Invited  Column `json:"invited"`
	Redeemed Column `json:"redeemed"`
}

// Column is a list of numbers in which NaN is missing (null in JSON).
type Column []float64

// MarshalJSON writes four digits after the point, which is more than a chart
// shows, and null for NaN.
func (c Column) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 8*len(c)+2)
	out = append(out, '[')
	for i, v := range c {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, math.Round(v*1e4)/1e4, 'f', -1, 64)
	}
	return append(out, ']'), nil
}

// LetIn is the share of new visitors whom the edge lets straight in at now, by
// the gate that it has.
func LetIn(g gate.Gate, now time.Time) float64 {
	switch {
	case g.Mode == gate.Open || g.Mode == gate.Observe:
		return 1
	case !g.InForce(now):
		return g.Stale
	case g.Mode == gate.Hold:
		return 0
	}
	return g.Admit
}

// Show makes a document of the edge fit to be looked at: who has its keys can
// make passes, and who has its salt can choose a draw. What is no JSON object is
// not shown at all.
func Show(document []byte) json.RawMessage {
	var fields map[string]any
	if json.Unmarshal(document, &fields) != nil {
		return nil
	}
	if _, ok := fields["salt"]; ok {
		fields["salt"] = "(hidden)"
	}
	if keys, ok := fields["keys"].([]any); ok {
		fields["keys"] = fmt.Sprintf("(%d hidden)", len(keys))
	} else {
		delete(fields, "keys")
	}
	shown, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return shown
}

// Mail is one mail of the outbox; in a list Text, HTML and Headers are empty.
type Mail struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	To       string    `json:"to"`
	From     string    `json:"from,omitempty"`
	Subject  string    `json:"subject"`
	Language string    `json:"language,omitempty"`
	// Person marks a mail to somebody who used a browser, not to a simulated one.
	Person  bool        `json:"person,omitempty"`
	Text    string      `json:"text,omitempty"`
	HTML    string      `json:"html,omitempty"`
	Headers [][2]string `json:"headers,omitempty"`
}

// Change is POST api/change: what is left out stays as it is. It is also what
// the switch commands of the tool ask for.
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
	// Load is the site's load by hand.
	Load *float64 `json:"load,omitempty"`
	// Invite asks for that many invitations now, beside the law.
	Invite int `json:"invite,omitempty"`

	// Demand (visits a minute; negative: back to the script), Capacity and Speed
	// change the world of a local instance.
	Demand   *float64 `json:"demand,omitempty"`
	Capacity *float64 `json:"capacity,omitempty"`
	Speed    *float64 `json:"speed,omitempty"`
}

// ErrChange marks a change that makes no sense; its text says why.
var ErrChange = errors.New("that change makes no sense")

func (c Change) validate() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrChange, fmt.Sprintf(format, args...))
	}
	within := func(name string, v *float64, low, high float64) error {
		if v != nil && (math.IsNaN(*v) || *v < low || *v > high) {
			return refuse("%s %g is not between %g and %g", name, *v, low, high)
		}
		return nil
	}
	switch c.Mode {
	case "", gate.Open, gate.Throttle, gate.Hold, gate.Observe:
	default:
		return refuse("there is no mode %q: open, throttle, hold or observe", c.Mode)
	}
	switch c.Law {
	case "", "observer", "ramp":
	default:
		return refuse("there is no law %q: observer or ramp", c.Law)
	}
	if c.Mode != gate.Throttle && (c.Admit != nil || c.Law != "") {
		return refuse("admit and law go with the mode throttle")
	}
	if c.Invite < 0 {
		return refuse("invite %d is negative", c.Invite)
	}
	return errors.Join(within("admit", c.Admit, 0, 1), within("load", c.Load, 0, 100),
		within("demand", c.Demand, -1, 1e6), within("capacity", c.Capacity, 1, 1e9), within("speed", c.Speed, 0, 600))
}

// To gives the control item that the change makes of control, at the given
// time. It does not touch the world of a local instance.
func (c Change) To(control waitlist.Control, at time.Time) (waitlist.Control, error) {
	if err := c.validate(); err != nil {
		return control, err
	}
	if c.Mode != "" {
		control.Mode, control.Admit, control.Law, control.Switched = c.Mode, c.Admit, c.Law, at
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
	if c.Load != nil {
		control.Load, control.LoadAt = *c.Load, at
	}
	control.InviteNow += c.Invite
	return control, nil
}
