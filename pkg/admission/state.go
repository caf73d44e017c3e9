package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"raincheck/pkg/admission/returns"
	"raincheck/pkg/admission/visits"
)

// stateVersion is raised when an older law could not read a newer state.
const stateVersion = 1

// ErrVersion means that a state was written by another version of the law.
// Starting from the empty state is safe: the first minutes are careful.
var ErrVersion = errors.New("the state is from another version of the admission law")

// State is what the law remembers between two decisions. It is a value: Next
// returns a new one and leaves the old as it was. The zero State knows nothing
// and is where everything starts.
type State struct {
	memory memory
}

// The lengths of what is remembered, in minutes.
const (
	longHistory   = visits.History // arrivals
	recentHistory = 60             // all else: longer than any lag that is worth waiting for
)

// memory is the state as it is stored. Numbers are float32: seven digits are
// more than anything here is known to, and JSON writes them short.
type memory struct {
	Version int `json:"v"`
	// First and Last are minutes since 1970: of the first tick and the last.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Admit and Before are the last decision and the one before it.
	Admit  float32 `json:"admit"`
	Before float32 `json:"before"`

	// In is who came onto the site, by the minute, ending with the minute before
	// Last.
	In []float32 `json:"in"`
	// What is known of the recent minutes, ending with the one before Last; below
	// 0 is unknown.
	Visitors []float32 `json:"visitors"` // counted at the edge
	Admitted []float32 `json:"admitted"` // of them let in
	Share    []float32 `json:"share"`    // admit in force
	Back     []float32 `json:"back"`     // redeemed
	Load     []float32 `json:"load"`     // measured
	Model    []float32 `json:"model"`    // load as the counts alone explain it

	Demand  demand         `json:"door"`
	Visits  visits.Known   `json:"visits"`
	Trim    trim           `json:"trim"`
	Repeats repeats        `json:"still"`
	Returns returns.People `json:"returns"`
	Trust   trust          `json:"trust"`
	// Fresh is the last minute of which the load is known, or was not asked for.
	Fresh int64 `json:"fresh"`
	// Lag is how long nothing new is usually heard of the load, in minutes, smoothed.
	Lag float32 `json:"lag,omitempty"`
	// Follow is the share to admit at the target as the load alone has it; 0 is not
	// known.
	Follow float32 `json:"follow,omitempty"`
	// Gain is the load of one visitor as last believed.
	Gain float32 `json:"gain,omitempty"`
}

// admit is the last decision's share.
func (m *memory) admit() float64 { return float64(m.Admit) }

// clone copies everything that a slice shares.
func (m memory) clone() memory {
	for _, s := range []*[]float32{&m.In, &m.Visitors, &m.Admitted, &m.Share, &m.Back, &m.Load, &m.Model,
		&m.Trust.Weights} {
		*s = slices.Clone(*s)
	}
	m.Visits, m.Returns = m.Visits.Clone(), m.Returns.Clone()
	return m
}

// Encode writes the state for storage: JSON, versioned, under 64 KB.
func (s State) Encode() ([]byte, error) {
	m := s.memory
	m.Version = stateVersion
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the state of the admission law: %w", err)
	}
	return data, nil
}

// Decode reads what Encode wrote. No data is the zero State. What it cannot use
// is an error (ErrVersion for another version's), and the zero State with it.
func Decode(data []byte) (State, error) {
	if len(data) == 0 {
		return State{}, nil
	}
	var version struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return State{}, fmt.Errorf("read the state of the admission law: %w", err)
	}
	if version.Version != stateVersion {
		return State{}, fmt.Errorf("%w: it is version %d, this law writes %d", ErrVersion, version.Version, stateVersion)
	}
	var s State
	if err := json.Unmarshal(data, &s.memory); err != nil {
		return State{}, fmt.Errorf("read the state of the admission law: %w", err)
	}
	s.memory.Version = 0 // as Next leaves it: a state read is the state written
	return s, s.memory.check()
}

// check refuses a state that Next could not have written: its slices index each
// other.
func (m *memory) check() error {
	n := len(m.Share)
	for _, s := range [][]float32{m.Visitors, m.Admitted, m.Back, m.Load, m.Model} {
		if len(s) != n {
			return errors.New("read the state of the admission law: its histories differ in length")
		}
	}
	if n > recentHistory || len(m.In) > longHistory || len(m.In) < n {
		return errors.New("read the state of the admission law: its histories are of the wrong length")
	}
	return errors.Join(m.Visits.Check(), m.Returns.Check())
}

// MarshalJSON is Encode.
func (s State) MarshalJSON() ([]byte, error) { return s.Encode() }

// UnmarshalJSON is Decode.
func (s *State) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = State{}
		return nil
	}
	decoded, err := Decode(data)
	if err != nil {
		return err
	}
	*s = decoded
	return nil
}
