package simulation

import (
	"bytes"
	_ "embed" // for the built-in trace
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Trace is the demand at a site's door: how many people start a visit in each
// minute, were nobody ever turned away.
type Trace struct {
	// Name is how tables call it.
	Name string
	// Start is the start of the first minute.
	Start time.Time
	// Visits has one count per minute, without a gap.
	Visits []float64
}

//go:embed traces/hcgov-2013-12-23.csv
var hcgov []byte

// HealthCare is the name of the built-in trace: HealthCare.gov on 23 and 24
// December 2013, drawn by hand to the published totals (2.0 million visits on
// the first day, 880,000 on the second).
const HealthCare = "hcgov"

// Builtin gives a trace that ships inside the program: HealthCare.
func Builtin(name string) (Trace, error) {
	if name != HealthCare {
		return Trace{}, fmt.Errorf("there is no built-in trace %q: it is %s", name, HealthCare)
	}
	t, err := ReadTrace(name, bytes.NewReader(hcgov))
	if err != nil {
		return Trace{}, fmt.Errorf("built-in trace: %w", err)
	}
	return t, nil
}

// maxVisits is the most visits in one minute that a trace may hold: more would
// be a mistaken column, and would be simulated one person at a time.
const maxVisits = 1e7

// ReadTrace reads a trace: CSV with a header and three columns, minute (counted
// from 0, each one following the last), timestamp (RFC 3339 without seconds or
// zone, taken as UTC) and a count. An error names the line.
func ReadTrace(name string, r io.Reader) (Trace, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	t := Trace{Name: name}
	for line := 1; ; line++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Trace{}, fmt.Errorf("trace %s: line %d: this is no CSV: %w", name, line, errors.Unwrap(err))
		}
		bad := func(format string, args ...any) (Trace, error) {
			return Trace{}, fmt.Errorf("trace %s: line %d: %s", name, line, fmt.Sprintf(format, args...))
		}
		if len(row) != 3 {
			return bad("it has %d columns instead of minute, timestamp, count", len(row))
		}
		if line == 1 {
			// Spreadsheets on Windows put a byte order mark before it.
			if strings.TrimPrefix(row[0], "\ufeff") != "minute" || row[1] != "timestamp" {
				return bad("the header is %q; it begins with minute,timestamp", strings.Join(row, ","))
			}
			continue
		}
		minute, err := strconv.Atoi(row[0])
		if err != nil || minute != len(t.Visits) {
			return bad("minute is %q, expected %d", row[0], len(t.Visits))
		}
		at, err := parseMinute(row[1])
		if err != nil {
			return bad("timestamp is %q, such as 2013-12-23T11:04", row[1])
		}
		if minute == 0 {
			t.Start = at
		}
		count, err := strconv.ParseFloat(row[2], 64)
		if err != nil || !(count >= 0 && count <= maxVisits) {
			return bad("count is %q: it is a number from 0 to %.0f", row[2], float64(maxVisits))
		}
		t.Visits = append(t.Visits, count)
	}
	if len(t.Visits) == 0 {
		return Trace{}, fmt.Errorf("trace %s: it has no minutes", name)
	}
	return t, nil
}

func parseMinute(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("no time")
}

// At is the demand of a minute; outside the trace nobody comes.
func (t Trace) At(minute int) float64 {
	if minute < 0 || minute >= len(t.Visits) {
		return 0
	}
	return t.Visits[minute]
}

// Time is the start of a minute.
func (t Trace) Time(minute int) time.Time { return t.Start.Add(time.Duration(minute) * time.Minute) }

// Total is the number of visits of the whole trace.
func (t Trace) Total() float64 {
	sum := 0.0
	for _, v := range t.Visits {
		sum += v
	}
	return sum
}

// Busiest is the mean of the busiest half hour, in visits a minute.
func (t Trace) Busiest() float64 {
	n := min(30, len(t.Visits))
	sum, best := 0.0, 0.0
	for i, v := range t.Visits {
		sum += v
		if i >= n {
			sum -= t.Visits[i-n]
		}
		if i >= n-1 {
			best = max(best, sum)
		}
	}
	return best / float64(max(1, n))
}

// Times multiplies every minute by f.
func (t Trace) Times(f float64) Trace {
	visits := make([]float64, len(t.Visits))
	for i, v := range t.Visits {
		visits[i] = v * f
	}
	t.Visits = visits
	return t
}

// Offering scales the trace so that its busiest half hour offers the site a
// multiple of its capacity: at 2, twice as many people would be on it as it
// bears, were everyone let in for long.
func (t Trace) Offering(multiple float64, s Site) Trace {
	busiest := t.Busiest()
	if busiest == 0 {
		return t
	}
	return t.Times(multiple * s.Flow() / busiest)
}

// Peak is the busiest minute's count.
func (t Trace) Peak() float64 {
	best := 0.0
	for _, v := range t.Visits {
		best = max(best, v)
	}
	return best
}
