package admission

import (
	"encoding/json"
	"fmt"
	"time"

	"raincheck/pkg/admission/number"
	"raincheck/pkg/admission/returns"
	"raincheck/pkg/document"
)

// Observation is what became known since the last one. Observations come once a
// minute in time order; a gap is a missed tick. Everything in one may be empty,
// late, out of order, sent again (a later value for the same minute replaces
// it), or nonsense (which is left out, never believed).
type Observation struct {
	// Time is the tick: the decision bears it, and invitations are known by it.
	Time time.Time `json:"time"`
	// Load is the site's own metric, divided by its capacity.
	Load []Sample `json:"load,omitempty"`
	// Edge is what the edge counted, estimated from a sample.
	Edge []EdgeCount `json:"edge,omitempty"`
	// Redeemed are first uses of codes, by the decision that invited them.
	Redeemed []Cohort `json:"redeemed,omitempty"`
	// Sent are mails that went out, by the decision that asked for them.
	Sent []Cohort `json:"sent,omitempty"`
	// Deferred are mails that the receiving side delays now, by the decision that
	// asked for them: a later count replaces the earlier, 0 ends it.
	Deferred []Cohort `json:"deferred,omitempty"`
	// Waiting is how many are on the waitlist now.
	Waiting int `json:"waiting"`
	// Mail bounds what can be sent; nil means no bound.
	Mail *Mail `json:"mail,omitempty"`
	// Applied is what was really in force since the last observation; nil means
	// the last decision.
	Applied *Applied `json:"applied,omitempty"`
	// Outstanding, on the first observation, are codes that were already out.
	Outstanding []Outstanding `json:"outstanding,omitempty"`
}

// news is what the observation says of those who were invited.
func (o *Observation) news() returns.News {
	return returns.News{Redeemed: o.Redeemed, Sent: o.Sent, Deferred: o.Deferred, Outstanding: o.Outstanding}
}

// Sample is the load of one minute: 1.0 is a full site.
type Sample struct {
	// At is the start of the minute.
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// EdgeCount is one minute at the edge, estimated from sampled log lines.
type EdgeCount struct {
	// At is the start of the minute.
	At time.Time `json:"at"`
	// Visitors started a visit without a pass; Admitted are those of them that
	// were let in.
	Visitors float64 `json:"visitors"`
	Admitted float64 `json:"admitted"`
}

// Cohort is how many of the people that one decision invited.
type Cohort = returns.Cohort

// Outstanding is a cohort whose codes were out before the law began to look.
type Outstanding = returns.Outstanding

// Mail is what the mail service still takes.
type Mail struct {
	// PerSecond is the rate; 0 is a paused sender, below 0 no bound.
	PerSecond float64 `json:"perSecond" may:"be absent"`
	// Remaining is what is left of the rolling 24 hours; below 0 no bound (as the
	// mail service itself says it).
	Remaining float64 `json:"remaining" may:"be absent"`
}

// UnmarshalJSON takes what is left out for no bound, not for a paused sender.
func (m *Mail) UnmarshalJSON(data []byte) error {
	type plain Mail
	*m = Mail{PerSecond: -1, Remaining: -1}
	return json.Unmarshal(data, (*plain)(m))
}

// Applied is what the edge really did.
type Applied struct {
	// Mode is open, throttle, hold or observe.
	Mode string `json:"mode"`
	// Admit is the share in force. Only mode throttle needs one.
	Admit float64 `json:"admit" may:"be absent"`
}

// UnmarshalJSON tells an Admit that is left out from one of 0.
func (a *Applied) UnmarshalJSON(data []byte) error {
	type plain Applied
	*a = Applied{Admit: unknown}
	return json.Unmarshal(data, (*plain)(a))
}

// share is the share of new visitors that got in.
func (a Applied) share() float64 {
	switch a.Mode {
	case "open", "observe":
		return 1
	case "hold":
		return 0
	}
	return number.Clamp(a.Admit, 0, 1)
}

// Decision is what the edge and the sender should do from now on, and why.
type Decision struct {
	// Time is the observation's.
	Time time.Time `json:"time"`
	// Admit is the share of new visitors to let straight in, 0 to 1.
	Admit float64 `json:"admit"`
	// Invite is how many of those who wait to invite now, the oldest first.
	Invite int `json:"invite"`
	// Because says why, in words and numbers for an operator.
	Because string `json:"because"`
	// Numbers are what the decision was made of, for logs and status; the
	// contract of `raincheck decide` is the four fields above.
	Numbers Numbers `json:"-"`
}

// Numbers are the law's own view of the site at a decision.
type Numbers struct {
	// Trust is how far the model has proved right, 0 to 1: at 0 a controller of
	// the load alone bounds the decision, at 1 nothing does. TrustSince is when
	// the model was last found wrong, or when its proof began.
	Trust      float64   `json:"trust"`
	TrustSince time.Time `json:"trustSince,omitzero"`
	// Load is the estimate now, as a share of the capacity; Measured the newest
	// sample of the metric and LoadAge how old the end of its minute is, in
	// minutes (below 0: there is none yet).
	Load     float64 `json:"load"`
	Measured float64 `json:"measured"`
	LoadAge  float64 `json:"loadAge"`
	// Visitors is the new visitors expected for the next minute.
	Visitors float64 `json:"visitors"`
	// Free is how many people could come in over the next minute.
	Free float64 `json:"free"`
	// Committed is how many arrivals are expected over the next quarter of an hour
	// from codes that are out, Outstanding the codes.
	Committed   float64 `json:"committed"`
	Outstanding float64 `json:"outstanding"`
	// ReturnRate is the share of the invited expected to come back in time.
	ReturnRate float64 `json:"returnRate"`
	// Visit is the mean length of a visit as learned, in minutes, and Capacity
	// the visitors at load 1.0 that the law reckons with.
	Visit    float64 `json:"visit"`
	Capacity float64 `json:"capacity"`
}

// DecodeObservation reads an observation from one line of JSON. It refuses an
// unknown field, a null and a number that is missing; its error names the field.
func DecodeObservation(line []byte) (Observation, error) {
	var o Observation
	if err := document.Strict(line, &o, true); err != nil {
		return Observation{}, err
	}
	return o, o.validate()
}

// mostLoad is the highest load that can be a share of the capacity: above it
// somebody has sent connections or requests.
const mostLoad = 20

// validate refuses what no honest source sends. Next itself survives all of it.
func (o Observation) validate() error {
	if o.Time.IsZero() {
		return fmt.Errorf("time: it is missing")
	}
	if o.Waiting < 0 {
		return fmt.Errorf("waiting: %d is not a number of people", o.Waiting)
	}
	for i, s := range o.Load {
		switch {
		case s.At.IsZero() || s.Value < 0:
			return fmt.Errorf("load[%d]: want a time `at` and a value of 0 or more", i)
		case minuteAt(s.At) > minuteAt(o.Time):
			return fmt.Errorf("load[%d].at: %s lies after the line's time", i, s.At.Format(time.RFC3339))
		case s.Value > mostLoad:
			return fmt.Errorf("load[%d].value: %g is not a share of the capacity: divide it by what the metric shows when the site is full, so that 1.0 is full", i, s.Value)
		}
	}
	if err := o.validateCounts(); err != nil {
		return err
	}
	return o.Applied.validate()
}

// validateCounts refuses counts below 0, and those without a time.
func (o Observation) validateCounts() error {
	for i, c := range o.Edge {
		if c.At.IsZero() || c.Visitors < 0 || c.Admitted < 0 {
			return fmt.Errorf("edge[%d]: want a time `at` and counts of 0 or more", i)
		}
		if minuteAt(c.At) > minuteAt(o.Time) {
			return fmt.Errorf("edge[%d].at: %s lies after the line's time", i, c.At.Format(time.RFC3339))
		}
	}
	for _, list := range []struct {
		name    string
		cohorts []Cohort
	}{{"redeemed", o.Redeemed}, {"sent", o.Sent}, {"deferred", o.Deferred}} {
		for i, c := range list.cohorts {
			if c.Invited.IsZero() || c.Count < 0 {
				return fmt.Errorf("%s[%d]: want a time `invited` and a count of 0 or more", list.name, i)
			}
		}
	}
	for i, c := range o.Outstanding {
		if c.Invited.IsZero() || c.Sent < 0 || c.Redeemed < 0 {
			return fmt.Errorf("outstanding[%d]: want a time `invited` and counts of 0 or more", i)
		}
	}
	return nil
}

// validate refuses a mode or a share that no edge has; nil is right.
func (a *Applied) validate() error {
	if a == nil {
		return nil
	}
	switch a.Mode {
	case "open", "throttle", "hold", "observe":
	default:
		return fmt.Errorf("applied.mode: invalid mode %q: want open, throttle, hold or observe", a.Mode)
	}
	if a.Admit == unknown && a.Mode == "throttle" {
		return fmt.Errorf("applied.admit: it is missing")
	}
	if a.Admit != unknown && !(a.Admit >= 0 && a.Admit <= 1) {
		return fmt.Errorf("applied.admit: %v is not a share from 0 to 1", a.Admit)
	}
	return nil
}
