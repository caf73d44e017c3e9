package admission

import (
	"encoding/json"
	"errors"
	"fmt"
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

// memory is the state as it is stored.
type memory struct {
	Version int `json:"v"`
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
	return s, nil
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
