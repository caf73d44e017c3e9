package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"strconv"
	"time"
)

// curve is when people arrive. It is a vegeta.Pacer: how many should have come
// by a moment is a cumulative count, linear between the ends of equal steps.
type curve struct {
	// until[i] is how many have come at the end of step i.
	until []float64
	step  time.Duration
}

// newCurve spreads people over a duration in proportion to the weights of equal
// steps.
func newCurve(weights []float64, people int, over time.Duration) (*curve, error) {
	total := 0.0
	for _, w := range weights {
		if w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("invalid weight %g: want 0 or more", w)
		}
		total += w
	}
	if total == 0 || people < 1 || over <= 0 {
		return nil, fmt.Errorf("nobody arrives: %d people, weights that add up to %g, %s", people, total, over)
	}
	c := &curve{step: over / time.Duration(len(weights))}
	sum := 0.0
	for _, w := range weights {
		sum += w
		c.until = append(c.until, sum/total*float64(people))
	}
	c.until[len(c.until)-1] = float64(people)
	return c, nil
}

// constant arrivals are the same in every moment.
func constant() []float64 { return []float64{1} }

// spike is a quiet first third, a crowd eight times as dense in the middle
// tenth, and a tail that halves every tenth.
func spike() []float64 {
	return []float64{1, 1, 1, 8, 4, 2, 1, 1, 1, 1}
}

// readTrace reads a trace as `raincheck simulate` does (columns minute,
// timestamp, count) and keeps the busiest hours.
func readTrace(r io.Reader, hours int) ([]float64, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading the trace: %w", err)
	}
	var counts []float64
	for i, row := range rows {
		if i == 0 {
			continue
		}
		n, err := strconv.ParseFloat(row[len(row)-1], 64)
		if err != nil {
			return nil, fmt.Errorf("reading the trace: line %d: %w", i+1, err)
		}
		counts = append(counts, n)
	}
	width := min(hours*60, len(counts))
	best, at, sum := -1.0, 0, 0.0
	for i, n := range counts {
		sum += n
		if i >= width {
			sum -= counts[i-width]
		}
		if i >= width-1 && sum > best {
			best, at = sum, i-width+1
		}
	}
	if width == 0 {
		return nil, fmt.Errorf("reading the trace: it has a header alone")
	}
	return counts[at : at+width], nil
}

// weights are those of a named curve.
func weights(name, trace string) ([]float64, error) {
	switch name {
	case "constant":
		return constant(), nil
	case "spike":
		return spike(), nil
	}
	file, err := os.Open(trace)
	if err != nil {
		return nil, fmt.Errorf("reading the trace: %w", err)
	}
	defer file.Close()
	return readTrace(file, 12)
}

// Pace says how long to wait before the next arrival: vegeta.Pacer.
func (c *curve) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	want := float64(hits + 1)
	i := sort.SearchFloat64s(c.until, want)
	if i == len(c.until) {
		return 0, true
	}
	from := 0.0
	if i > 0 {
		from = c.until[i-1]
	}
	at := time.Duration((float64(i) + (want-from)/(c.until[i]-from)) * float64(c.step))
	return max(0, at-elapsed), false
}

// Rate is how many arrive a second at a moment: vegeta.Pacer.
func (c *curve) Rate(elapsed time.Duration) float64 {
	i := int(elapsed / c.step)
	if i < 0 || i >= len(c.until) {
		return 0
	}
	from := 0.0
	if i > 0 {
		from = c.until[i-1]
	}
	return (c.until[i] - from) / c.step.Seconds()
}
