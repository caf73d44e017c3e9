package capacity

import (
	"fmt"
	"math"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/format"
)

// History is the load of the last 24 hours, the highest of each quarter of
// an hour.
type History struct {
	// From is where it begins; Quarters are a quarter of an hour each, null where
	// nothing is known, and left out when nothing is known at all.
	From     time.Time  `json:"from"`
	Quarters []*float64 `json:"quarters,omitempty"`
	// Peak is the highest minute and PeakAt when it began; nil when nothing is
	// known at all.
	Peak   *float64  `json:"peak,omitempty"`
	PeakAt time.Time `json:"peakAt,omitzero"`
	// Minutes is of how many minutes the load is known.
	Minutes int     `json:"minutes"`
	Target  float64 `json:"target,omitempty"`
	// Why says why nothing is known.
	Why string `json:"why,omitempty"`
}

// LooksBack is how far a History reaches back.
const LooksBack = 24 * time.Hour

const quarter = 15 * time.Minute

// HistoryOf gathers samples of the 24 hours before now.
func HistoryOf(samples []admission.Sample, now time.Time, target float64, why string) History {
	h := History{From: now.Add(-LooksBack).UTC().Truncate(quarter), Target: target, Why: why}
	h.Quarters = make([]*float64, int(now.Sub(h.From)/quarter)+1)
	for _, s := range samples {
		i := int(s.At.Sub(h.From) / quarter)
		if s.At.Before(h.From) || i >= len(h.Quarters) {
			continue
		}
		h.Minutes++
		if h.Quarters[i] == nil || *h.Quarters[i] < s.Value {
			h.Quarters[i] = new(s.Value)
		}
		if h.Peak == nil || *h.Peak < s.Value {
			h.Peak, h.PeakAt = new(s.Value), s.At.UTC()
		}
	}
	if h.Minutes == 0 {
		h.Quarters = nil
	}
	return h
}

// The picture: a column for a quarter of an hour, so that a day fits a terminal
// of 110 columns, and a step of an eighth of a row.
const (
	rows   = 8
	eights = " ▁▂▃▄▅▆▇█"
)

// Draw is the history as a picture of text.
func (h History) Draw() string {
	if h.Peak == nil {
		why := h.Why
		if why == "" {
			why = "no datapoint in 24 hours"
		}
		return "  unknown: " + why
	}
	top := math.Ceil(math.Max(*h.Peak, h.Target)*10) / 10
	var out strings.Builder
	for row := rows - 1; row >= 0; row-- {
		out.WriteString("  " + strings.TrimRight(h.row(row, top), " ") + "\n")
	}
	axis, hours := h.axis()
	fmt.Fprintf(&out, "  %s UTC\n  %s\n", string(axis), string(hours))
	fmt.Fprintf(&out, "  highest %s at %s; known for %s of %s minutes", format.Percent(*h.Peak), h.PeakAt.Format("15:04"), format.Thousands(h.Minutes), format.Thousands(int(LooksBack/time.Minute)))
	return out.String()
}

// row draws one row of the picture, of which row 0 is the lowest and the highest
// ends at top.
func (h History) row(row int, top float64) string {
	low, high := top*float64(row)/rows, top*float64(row+1)/rows
	label := "     "
	if row == rows-1 || row == 0 || row == rows/2 {
		label = fmt.Sprintf("%3.0f %%", 100*high)
	}
	target := h.Target > low && h.Target <= high
	marks := []rune(eights)
	line := []rune(label + " │")
	for _, q := range h.Quarters {
		mark := ' '
		switch {
		case q == nil && row == 0:
			mark = '·' // nothing is known
		case q != nil:
			mark = marks[int(math.Round(8*math.Min(1, math.Max(0, (*q-low)/(high-low)))))]
		}
		if target && mark == ' ' {
			mark = '┄'
		}
		line = append(line, mark)
	}
	if target {
		line = append(line, []rune(" target "+format.Percent(h.Target))...)
	}
	return string(line)
}

// axis draws the line below the picture, and the hours below the line.
func (h History) axis() (axis, hours []rune) {
	axis, hours = []rune("      └"), []rune("       ")
	for i := range h.Quarters {
		at := h.From.Add(time.Duration(i) * quarter)
		if at.Minute() != 0 || at.Hour()%3 != 0 {
			axis = append(axis, '─')
			continue
		}
		axis = append(axis, '┴')
		for len(hours) < len(axis)-1 {
			hours = append(hours, ' ')
		}
		hours = append(hours, []rune(at.Format("15"))...)
	}
	return axis, hours
}
