package simulation

import (
	"bufio"
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

// Trace is the the demand of a site: how many people start a visit in each
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
		return Trace{}, fmt.Errorf("no such built-in trace %q: it is %s", name, HealthCare)
	}
	t, err := ReadTrace(name, bytes.NewReader(hcgov), time.Minute)
	if err != nil {
		return Trace{}, fmt.Errorf("built-in trace: %w", err)
	}
	return t, nil
}

// maxVisits is the most visits in one minute that a trace may hold: more would
// be a mistaken column, and would be simulated one person at a time.
const maxVisits = 1e7

// ReadTrace reads a trace: CSV with a header and three columns, minute (counted
// from 0), timestamp (RFC 3339, seconds and zone may be left out, UTC then) and
// the count of that minute. Where a row stands for more than a minute, step says
// for how long, and its count is spread over it evenly. The timestamps must
// ascend by exactly a step: a count replayed at another pace than it was taken at
// is wrong without looking it. An error names the line.
func ReadTrace(name string, r io.Reader, step time.Duration) (Trace, error) {
	text := bufio.NewReader(r)
	if mark, err := text.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		_, _ = text.Discard(len(mark)) // it was peeked
	}
	rows := csv.NewReader(text)
	rows.FieldsPerRecord = -1
	t := Trace{Name: name}
	minutes := int(step / time.Minute)
	if minutes < 1 || step%time.Minute != 0 || minutes > 24*60 {
		return Trace{}, fmt.Errorf("trace %s: a step of %v: want whole minutes, at most a day", name, step)
	}
	n := 0
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := rows.FieldPos(0)
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			return Trace{}, fmt.Errorf("trace %s: line %d: this is not CSV: %w", name, e.StartLine, e.Err)
		} else if err != nil {
			return Trace{}, fmt.Errorf("trace %s: %w", name, err)
		}
		bad := func(format string, args ...any) (Trace, error) {
			return Trace{}, fmt.Errorf("trace %s: line %d: %w", name, line, fmt.Errorf(format, args...))
		}
		if n++; n == 1 {
			if err := header(row); err != nil {
				return bad("%w", err)
			}
			continue
		}
		count, err := t.count(row, n-2, minutes)
		if err != nil {
			return bad("%w", err)
		}
		for range minutes {
			t.Visits = append(t.Visits, count/float64(minutes))
		}
	}
	if len(t.Visits) == 0 {
		return Trace{}, fmt.Errorf("trace %s: it has no minutes", name)
	}
	return t, nil
}

func header(row []string) error {
	switch {
	case len(row) != 3:
		return fmt.Errorf("it has %d columns instead of minute, timestamp, count", len(row))
	case row[0] != "minute" || row[1] != "timestamp":
		return fmt.Errorf("the header is %q; it begins with minute,timestamp", strings.Join(row, ","))
	}
	return nil
}

// count reads a row, which must be the next one of the trace: its number counts
// rows or minutes, and its timestamp is the next step.
func (t *Trace) count(row []string, number, minutes int) (float64, error) {
	if len(row) != 3 {
		return 0, fmt.Errorf("it has %d columns instead of minute, timestamp, count", len(row))
	}
	at, err := parseMinute(row[1])
	if err != nil {
		return 0, err
	}
	if number == 0 {
		t.Start = at
	}
	if want := t.Time(len(t.Visits)); !at.Equal(want) {
		return 0, fmt.Errorf("timestamp is %s, expected %s: rows ascend by %d min without a gap; --step says that a row stands for another time, such as 5m or 1h",
			row[1], want.Format("2006-01-02T15:04"), minutes)
	}
	minute, err := strconv.Atoi(row[0])
	if err != nil || minute != number && minute != len(t.Visits) {
		return 0, fmt.Errorf("minute is %q, expected %d", row[0], len(t.Visits))
	}
	count, err := strconv.ParseFloat(row[2], 64)
	if err != nil || !(count >= 0 && count <= maxVisits) {
		return 0, fmt.Errorf("count is %q: it is a number from 0 to %.0f", row[2], float64(maxVisits))
	}
	return count, nil
}

// byteOrderMark is what spreadsheets on Windows put before the first line.
const byteOrderMark = "\xef\xbb\xbf"

func parseMinute(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("timestamp is %q, such as 2013-12-23T11:04", s)
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
