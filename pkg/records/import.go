package records

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// joiner is the store, as an import needs it; contract in waitlisttest.Store.
type joiner interface {
	Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)
}

// ErrHeader says that the first line of a CSV does not name the columns, so that
// nothing in it can be read.
var ErrHeader = errors.New("the first line must name the columns, one of them address")

// Outcome says what became of a row.
type Outcome string

// What can become of a row.
const (
	// Joined: the person is in the line now (in a dry run: would be).
	Joined Outcome = "joined"
	// There: already in the line, already invited, or suppressed; which of them
	// is nobody's business here, as at the form.
	There Outcome = "there already"
	// Bad: the row cannot be used; Why says what is wrong with it.
	Bad Outcome = "bad"
	// Skipped: the row is of somebody whose joining has ended.
	Skipped Outcome = "skipped"
)

// Row is one line of the report. It has no address in it: a report is kept
// longer and shown to more people than the list.
type Row struct {
	// Line is the line of the input on which the row begins, from 1.
	Line    int
	Outcome Outcome
	Why     string
}

// Import is what an import needs.
type Import struct {
	// Store is nil in a dry run.
	Store joiner
	Keys  *bypass.Keyring
	// Now is when rows without a time of their own are taken to have joined; each
	// further one joins a millisecond later, so that the order of the file is the
	// order of the line.
	Now time.Time
	// After skips rows up to this line: an earlier run has reported them.
	After int
	// Report hears of each row, in order, at most a block after it was done.
	Report func(Row) error
	// Workers is how many people join side by side; 0 is 16.
	Workers int
}

// Tally counts outcomes.
type Tally map[Outcome]int

// block is how many rows are done between two reports: few enough that little
// is done twice after an interruption, enough for all workers.
const block = 256

// Run reads records and joins each. A bad row never stops the others; an error
// of the store does, and Run with After set goes on. ErrHeader: the input cannot
// be read at all.
func (im Import) Run(ctx context.Context, from io.Reader, format Format) (Tally, error) {
	next, err := reader(from, format)
	if err != nil {
		return nil, err
	}
	tally := Tally{}
	for order := 0; ; {
		rows := make([]parsed, 0, block)
		var last error
		for len(rows) < block {
			r, line, err := next()
			if err != nil && line == 0 {
				last = err
				break
			}
			order++
			if line <= im.After {
				continue
			}
			rows = append(rows, im.parse(r, err, line, order))
		}
		if err := im.join(ctx, rows, tally); err != nil {
			return tally, err
		}
		if errors.Is(last, io.EOF) {
			return tally, nil
		}
		if last != nil {
			return tally, fmt.Errorf("importing: %w", last)
		}
	}
}

// parsed is a row and what is to be done with it.
type parsed struct {
	Row
	signup waitlist.Signup
}

func (im Import) parse(r record, err error, line, order int) parsed {
	p := parsed{Row: Row{Line: line, Outcome: Bad}}
	if err != nil {
		p.Why = err.Error()
		return p
	}
	if r.Address == "" && (r.Stage.Ended() || r.Suppressed) {
		p.Outcome, p.Why = Skipped, "the joining has ended, and its address is erased"
		return p
	}
	address, err := email.Parse(r.Address)
	switch {
	case errors.Is(err, email.ErrEmpty):
		p.Why = "no address"
	case errors.Is(err, email.ErrLetters):
		p.Why = "letters before the @ that mail cannot carry"
	case err != nil:
		p.Why = "not an address"
	case len(r.Fields) > waitlist.MaxFields:
		p.Why = fmt.Sprintf("%d fields, and at most %d are kept", len(r.Fields), waitlist.MaxFields)
	case r.Joined.After(im.Now):
		p.Why = "joined in the future"
	case !r.Joined.IsZero() && r.Joined.Year() < 2000:
		p.Why = "joined before the year 2000"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if v := r.Fields[name]; p.Why == "" && (utf8.RuneCountInString(v) > waitlist.MaxFieldLength || strings.ContainsFunc(v, func(c rune) bool { return c < ' ' })) {
			p.Why = fmt.Sprintf("the field %q is longer than %d characters, or has a control character", name, waitlist.MaxFieldLength)
		}
	}
	if p.Why != "" {
		return p
	}
	p.signup = waitlist.Signup{
		Key: im.Keys.Mailbox(address.Mailbox()), Address: address, Language: language(r.Language), Wanted: gate.SafePath(r.Wanted), Fields: r.Fields,
		At: r.Joined,
	}
	if p.signup.At.IsZero() {
		p.signup.At = im.Now.Add(time.Duration(order) * time.Millisecond)
	}
	p.Outcome = Joined
	return p
}

// language is the language's tag if there are words for it, else the default's.
func language(tag string) string {
	known := email.Languages()
	for _, l := range known {
		if strings.EqualFold(l.Tag, tag) {
			return l.Tag
		}
	}
	return known[0].Tag
}

// join joins a block's people side by side and reports in order.
func (im Import) join(ctx context.Context, rows []parsed, tally Tally) error {
	if im.Store != nil {
		if err := im.joinAll(ctx, rows); err != nil {
			return fmt.Errorf("importing line %d and after: %w", rows[0].Line, err)
		}
	}
	for _, r := range rows {
		tally[r.Outcome]++
		if im.Report == nil {
			continue
		}
		if err := im.Report(r.Row); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

func (im Import) joinAll(ctx context.Context, rows []parsed) error {
	workers := im.Workers
	if workers <= 0 {
		workers = 16
	}
	errs := make([]error, len(rows))
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := worker; i < len(rows); i += workers {
				if rows[i].Outcome != Joined {
					continue
				}
				joined, err := im.Store.Join(ctx, rows[i].signup)
				if err != nil {
					errs[i] = err
					return
				}
				if !joined.New {
					rows[i].Outcome = There
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reader gives records one after the other with the line on which each begins.
// An error with a line is that row's, and the next one can be read; an error
// without one ends the input, io.EOF where it should end.
func reader(from io.Reader, format Format) (func() (record, int, error), error) {
	from, err := plain(from)
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	switch format {
	case JSONLines:
		return jsonReader(from), nil
	case CSV:
		return csvReader(from)
	}
	return nil, fmt.Errorf("importing: there is no format %q: csv or jsonl", format)
}

// maxLine is the longest line of JSON that is read: an address, a path and three
// fields are far shorter.
const maxLine = 64 << 10

func jsonReader(from io.Reader) func() (record, int, error) {
	lines := bufio.NewReaderSize(from, maxLine)
	n := 0
	return func() (record, int, error) {
		for {
			text, err := lines.ReadSlice('\n')
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				for errors.Is(err, bufio.ErrBufferFull) {
					_, err = lines.ReadSlice('\n')
				}
				n++
				return record{}, n, errTooLong
			case len(bytes.TrimSpace(text)) > 0:
			case errors.Is(err, io.EOF):
				return record{}, 0, io.EOF
			case err != nil:
				return record{}, 0, fmt.Errorf("after line %d: %w", n, err)
			}
			n++
			if text = bytes.TrimSpace(text); len(text) > 0 {
				r, err := jsonRecord(text)
				return r, n, err
			}
		}
	}
}

// jsonRecord reads one line. Its error does not say what json says, which could
// quote an address.
func jsonRecord(text []byte) (record, error) {
	if !utf8.Valid(text) {
		return record{}, errNotUTF8
	}
	var r record
	if json.Unmarshal(text, &r) != nil {
		return record{}, errors.New("not a JSON object with the names of an export")
	}
	return r, nil
}

// csvReader reads a table line by line, so that a quote that is not closed costs
// the row that it stands in and no other.
func csvReader(from io.Reader) (func() (record, int, error), error) {
	t := &table{lines: bufio.NewReaderSize(from, maxLine)}
	if err := t.header(); err != nil {
		return nil, err
	}
	return func() (record, int, error) {
		cells, line, err := t.row()
		if err != nil {
			return record{}, line, err
		}
		get := func(name string) string {
			if i, ok := t.column[name]; ok && i < len(cells) {
				return exact(strings.TrimSpace(cells[i]))
			}
			return ""
		}
		out := record{Address: get("address"), Language: get("language"), Wanted: get("wanted"), Stage: waitlist.Stage(get("stage")), Suppressed: get("suppressed") == "true"}
		if joined := get("joined"); joined != "" {
			if out.Joined, err = time.Parse(time.RFC3339, joined); err != nil {
				return record{}, line, errors.New("joined is not a time such as 2026-11-24T11:04:05Z")
			}
		}
		if out.Fields, err = unpair(get("fields")); err != nil {
			return record{}, line, err
		}
		return out, line, nil
	}, nil
}

// unpair reads the fields of a cell: the JSON object of an export, or what
// somebody writes by hand, "state=VT; size=3".
func unpair(cell string) (map[string]string, error) {
	if cell == "" {
		return nil, nil
	}
	fields := map[string]string{}
	if strings.HasPrefix(cell, "{") {
		if err := json.Unmarshal([]byte(cell), &fields); err != nil {
			return nil, errors.New("fields is not a JSON object of texts")
		}
		return fields, nil
	}
	for pair := range strings.SplitSeq(cell, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" {
			return nil, errors.New("fields is neither a JSON object nor name=value; name=value")
		}
		fields[name] = value
	}
	return fields, nil
}
