package goals

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math"
	"os"
	"sync"
	"testing"
)

var hold = flag.Bool("law-hold", false, "with -law: hold the rows that miss a goal to what they do now")

// heldFile has what the rows that miss a goal may do at most, so that they cannot
// get worse unseen: what they did when it was written, with a small allowance.
const heldFile = "testdata/held.json"

// held is what one row may do at each queueFirst.
type held struct {
	Above []int     `json:"above"`
	Use   []float64 `json:"use"`
	// P95 is a multiple of the goal.
	P95  float64 `json:"p95,omitempty"`
	Pace float64 `json:"pace,omitempty"`
	Full int     `json:"full,omitempty"`
}

// holdTo is the figures of an outcome with the allowance: two minutes and a tenth,
// half a point of utilisation.
func holdTo(o Outcome) *held {
	h := new(held)
	for _, c := range o.Cells {
		h.Above = append(h.Above, c.Above+2+c.Above/10)
		h.Use = append(h.Use, math.Floor(1000*c.Use-5)/1000)
		h.Full = max(h.Full, c.InvitedFull+c.InvitedFull/10)
	}
	if c := o.Cells[0]; c.P95Bound > 0 {
		h.P95 = math.Ceil(100*max(1, 1.1*c.P95/c.P95Bound)) / 100
	} else if c.PaceBound > 0 {
		h.Pace = math.Floor(100*c.Pace-3) / 100
	}
	return h
}

// check reports what is worse than held, and misses the goal: the seeds differ in it.
func (h held) check(t *testing.T, o Outcome) {
	t.Helper()
	for i, c := range o.Cells {
		if c.Above > max(h.Above[i], c.AboveBound) || c.Use < min(h.Use[i], c.UseBound) || c.InvitedFull > h.Full {
			t.Errorf("queueFirst %g: %d minutes above 100 %%, %.1f %% in use, %d invited while full; held to %d, %.1f %%, %d",
				c.QueueFirst, c.Above, 100*c.Use, c.InvitedFull, h.Above[i], 100*h.Use[i], h.Full)
		}
	}
	if c := o.Cells[0]; h.P95 > 0 && c.P95 > h.P95*c.P95Bound || h.Pace > 0 && c.Pace < h.Pace {
		t.Errorf("p95 wait %.0f min, %.0f %% of the planner's pace; held to %.0f, %.0f %%", c.P95, 100*c.Pace, h.P95*c.P95Bound, 100*h.Pace)
	}
}

// holding reads the file, and writes it again at the end with -law-hold.
func holding(t *testing.T) (known map[string]held, set func(string, *held)) {
	t.Helper()
	data, err := os.ReadFile(heldFile)
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil && !(*hold && errors.Is(err, os.ErrNotExist)) {
		t.Fatal(err)
	}
	var mu sync.Mutex
	next := maps.Clone(known)
	if next == nil {
		next = map[string]held{}
	}
	if *hold {
		t.Cleanup(func() {
			data, err := json.MarshalIndent(next, "", " ")
			if err == nil {
				err = os.WriteFile(heldFile, append(data, '\n'), 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	return known, func(name string, h *held) {
		mu.Lock()
		defer mu.Unlock()
		if h == nil {
			delete(next, name)
			return
		}
		next[name] = *h
	}
}
