package console

import (
	"errors"
	"math"
	"strconv"
	"time"

	"raincheck/pkg/operator"
)

// Snapshot is GET api/snapshot: everything that is true now. A field that is
// left out is not known, or does not exist where this console runs.
//
// It has more than 15 fields: one for each thing that the page shows.
type Snapshot struct {
	operator.Snapshot
	// ReadOnly says that changes are refused; Outbox that there are mails to read.
	ReadOnly bool `json:"readOnly"`
	Outbox   bool `json:"outbox"`
	// Switches are the commands that switch what a read-only console shows.
	Switches []Switch `json:"switches,omitempty"`
	// World is the simulated world of the one-machine demo.
	World *World `json:"world,omitempty"`
	// Totals count from the start of a demo, in words and order for the reader.
	Totals []Total `json:"totals,omitempty"`
}

// Switch is a command and what it does.
type Switch struct {
	Command string `json:"command"`
	Does    string `json:"does"`
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
	// Speed is the virtual seconds that may pass in a second; 0 means unlimited.
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
	// Visitors came to the throttle in that minute without a pass, Admitted were let
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

// Change is POST api/change: what is left out stays as it is.
type Change struct {
	operator.Change
	// Demand (visits a minute; negative: back to the script), Capacity and Speed
	// change the world of the one-machine demo.
	Demand   *float64 `json:"demand,omitempty"`
	Capacity *float64 `json:"capacity,omitempty"`
	Speed    *float64 `json:"speed,omitempty"`
}

// Validate returns an error that is operator.ErrChange for a change that makes
// no sense.
func (c Change) Validate() error {
	return errors.Join(c.Change.Validate(),
		operator.Within("demand", c.Demand, -1, 1e6), operator.Within("capacity", c.Capacity, 1, 1e9), operator.Within("speed", c.Speed, 0, 600))
}
