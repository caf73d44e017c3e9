package records

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"raincheck/pkg/document"
	"raincheck/pkg/waitlist"
)

// maxLine is the longest line that is read: an address, a path and three fields
// are far shorter.
const maxLine = 64 << 10

// row is a row of the input.
type row struct {
	record record
	// line is where it begins, lines how many it takes.
	line, lines int
	// text is the row as it stands there; "" if it is too long to be kept.
	text  string
	cells []string // of a CSV
	// digest knows it again: of the cells, so that another spreadsheet's quotes and
	// separators do not matter.
	digest string
	// err is what is wrong with it.
	err error
}

// input gives the rows of a file.
type input struct {
	ends  *lineEnds
	mac   hash.Hash
	read  func() (row, error)
	head  func() string
	blank func() int
	// lines are those of the rows given so far.
	lines int
}

// open finds out how a file is written. ErrHeader: it cannot be read at all.
func open(from io.Reader, format Format, key []byte) (*input, error) {
	text, err := plain(from)
	if err != nil {
		return nil, fmt.Errorf("importing: %w", err)
	}
	in := &input{ends: &lineEnds{from: text}, mac: hmac.New(sha256.New, key)}
	buffered := bufio.NewReaderSize(in.ends, maxLine)
	switch format {
	case JSONLines:
		j := &jsonLines{lines: buffered}
		in.read, in.head, in.blank = j.row, func() string { return "" }, func() int { return j.blank }
	case CSV:
		t := &table{lines: buffered}
		if err := t.header(); err != nil {
			return nil, err
		}
		if err := t.has("address"); err != nil {
			return nil, err
		}
		in.read, in.head, in.blank = t.entry, func() string { return byteOrderMark + t.head }, func() int { return t.blank }
		in.lines = strings.Count(t.head, "\n")
	default:
		return nil, fmt.Errorf("importing: unknown format %q: csv or jsonl", format)
	}
	return in, nil
}

// next gives the next row; io.EOF after the last.
func (in *input) next() (row, error) {
	r, err := in.read()
	if err != nil {
		return r, err
	}
	in.lines += r.lines
	in.mac.Reset()
	if r.err != nil || r.cells == nil {
		io.WriteString(in.mac, r.text)
	} else {
		for _, cell := range r.cells {
			fmt.Fprintf(in.mac, "%d:%s,", len(cell), cell)
		}
	}
	r.digest = hex.EncodeToString(in.mac.Sum(nil)[:8])
	return r, nil
}

// whole says, at the end, that every line of the file was the header's, a row's, or
// empty.
func (in *input) whole() bool { return in.lines+in.blank() == in.ends.lines() }

// jsonLines reads JSON, an object a line.
type jsonLines struct {
	lines    *bufio.Reader
	n, blank int
}

func (j *jsonLines) row() (row, error) {
	for {
		text, err := j.lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = j.lines.ReadSlice('\n')
		}
		switch {
		case len(text) == 0 && errors.Is(err, io.EOF):
			return row{}, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return row{}, fmt.Errorf("after line %d: %w", j.n, err)
		}
		j.n++
		r := row{line: j.n, lines: 1}
		if long {
			r.err = errTooLong
			return r, nil
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			j.blank++
			continue
		}
		r.text = string(text)
		r.record, r.err = jsonRecord(text)
		return r, nil
	}
}

// jsonRecord reads one line. Its error does not say what json says, which could
// quote an address.
func jsonRecord(text []byte) (record, error) {
	if !utf8.Valid(text) {
		return record{}, errNotUTF8
	}
	if err := document.Once(text); err != nil {
		return record{}, errTwice
	}
	var r record
	if json.Unmarshal(text, &r) != nil {
		return record{}, errors.New("not a JSON object with the names of an export")
	}
	return r, nil
}

// entry reads the next row of a table as a record.
func (t *table) entry() (row, error) {
	r, err := t.row()
	if err != nil || r.err != nil {
		return r, err
	}
	if extra := r.cells[min(t.width, len(r.cells)):]; strings.TrimSpace(strings.Join(extra, "")) != "" {
		r.err = fmt.Errorf("%d cells, and the header names %d: a cell with a %q in it stands in quotes", len(r.cells), t.width, t.comma)
		return r, nil
	}
	get := func(name string) string {
		if i, ok := t.column[name]; ok && i < len(r.cells) {
			return exact(strings.TrimSpace(r.cells[i]))
		}
		return ""
	}
	r.record = record{Address: get("address"), Language: get("language"), Wanted: get("wanted"), Stage: waitlist.Stage(get("stage")), Suppressed: get("suppressed") == "true"}
	if joined := get("joined"); joined != "" {
		if r.record.Joined, err = time.Parse(time.RFC3339, joined); err != nil {
			r.err = errors.New("joined is not a time such as 2026-11-24T11:04:05Z")
			return r, nil
		}
	}
	r.record.Fields, r.err = unpair(get("fields"))
	return r, nil
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
