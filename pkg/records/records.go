// Package records takes the waitlist's data out and in: what an operator hands
// to whoever asks for the figures, what moves from another list into this one.
//
// Two dangers shape it. A table is read while people go on joining, so an
// export is a stream with no moment of its own: an entry that stays put is in
// it exactly once, one that moves meanwhile is in it as it was or as it is.
// And an export is opened in a spreadsheet, where a cell that begins with = +
// - @ or a tab is a program ("CSV injection", OWASP): strangers typed these
// cells, so that each such one is written as text, with an apostrophe before
// it. JSON lines carry every value as it is.
//
// Codes are never exported: whoever holds one gets in.
package records

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/waitlist"
)

// Format is how records are written.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Columns are the names of an export's columns, in order. An import reads
// those of the first five and ignores the others.
var Columns = []string{"address", "joined", "language", "wanted", "fields", "stage", "invited", "ended", "suppressed", "key", "joining"}

// record is one entry as it is exported. Times are RFC 3339, UTC, to the
// millisecond.
type record struct {
	// Address is empty once the entry has ended.
	Address  string            `json:"address,omitempty"`
	Joined   time.Time         `json:"joined,omitzero"`
	Language string            `json:"language,omitempty"`
	Wanted   string            `json:"wanted,omitempty"`
	Fields   map[string]string `json:"fields,omitempty"`
	Stage    waitlist.Stage    `json:"stage"`
	Invited  time.Time         `json:"invited,omitzero"`
	Ended    time.Time         `json:"ended,omitzero"`
	// Suppressed: a hard bounce or a complaint; no mail goes there.
	Suppressed bool `json:"suppressed,omitempty"`
	// Key names the mailbox without saying whose it is.
	Key     string `json:"key"`
	Joining int    `json:"joining"`
}

// everyone is the store, read from end to end.
type everyone interface {
	Each(ctx context.Context, f func(waitlist.Entry) error) error
}

// Counted is a waitlist that says how far it has been read.
type Counted struct {
	From everyone
	Tell func(read int)
}

// Each reads everybody.
func (c Counted) Each(ctx context.Context, f func(waitlist.Entry) error) error {
	n := 0
	return c.From.Each(ctx, func(e waitlist.Entry) error {
		n++
		c.Tell(n)
		return f(e)
	})
}

// Export writes the entries at the given stages (none: all) as they come from
// the store, and returns how many. Nothing is held back: an error leaves what
// was written before it.
func Export(ctx context.Context, from everyone, to io.Writer, format Format, stages ...waitlist.Stage) (int, error) {
	buffered := bufio.NewWriter(to)
	write, flush, err := writer(buffered, format)
	if err != nil {
		return 0, err
	}
	n := 0
	err = from.Each(ctx, func(e waitlist.Entry) error {
		if len(stages) > 0 && !slices.Contains(stages, e.Stage) {
			return nil
		}
		n++
		return write(record{
			Address: e.Address.Reveal(), Joined: e.Joined.UTC(), Language: e.Language, Wanted: e.Wanted, Fields: e.Fields, Stage: e.Stage,
			Invited: e.Invited.UTC(), Ended: e.Ended.UTC(), Suppressed: e.Suppressed, Key: e.Key, Joining: e.Joining,
		})
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = buffered.Flush()
	}
	if err != nil {
		return n, fmt.Errorf("exporting: %w", err)
	}
	return n, nil
}

func writer(to io.Writer, format Format) (write func(record) error, flush func() error, err error) {
	switch format {
	case JSONLines:
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		return func(r record) error { return encoder.Encode(r) }, func() error { return nil }, nil
	case CSV:
		if _, err := io.WriteString(to, byteOrderMark); err != nil {
			return nil, nil, fmt.Errorf("exporting: %w", err)
		}
		w := csv.NewWriter(to)
		if err := w.Write(Columns); err != nil {
			return nil, nil, fmt.Errorf("exporting: %w", err)
		}
		return func(r record) error {
			cells := []string{r.Address, stamp(r.Joined), r.Language, r.Wanted, pairs(r.Fields), string(r.Stage),
				stamp(r.Invited), stamp(r.Ended), map[bool]string{true: "true"}[r.Suppressed], r.Key, fmt.Sprint(r.Joining)}
			for i := range cells {
				cells[i] = harmless(cells[i])
			}
			return w.Write(cells)
		}, func() error { w.Flush(); return w.Error() }, nil
	}
	return nil, nil, fmt.Errorf("exporting: unknown format %q: csv or jsonl", format)
}

// byteOrderMark tells a spreadsheet that a CSV is UTF-8.
const byteOrderMark = "\ufeff"

// harmless keeps a spreadsheet from running a cell. The characters are those of
// OWASP's page on CSV injection.
// https://owasp.org/www-community/attacks/CSV_Injection
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// exact undoes harmless, so that what was exported can be imported.
func exact(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && harmless(cell[1:]) != cell[1:] {
		return cell[1:]
	}
	return cell
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}

// pairs writes fields as a JSON object, so that one column holds them whatever
// an operator has named, and nothing that was typed into them gets lost.
func pairs(fields map[string]string) string {
	if len(fields) == 0 {
		return ""
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return "" // strings always marshal
	}
	return string(data)
}
