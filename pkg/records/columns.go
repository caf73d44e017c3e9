package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadColumns reads some columns of a CSV, in the forms in which Import takes one, and
// calls f for each row with the line that it begins in and its cells, in the order
// of the names. A row that cannot be read has an error instead. All columns are
// needed. The error is f's, or ErrHeader.
func ReadColumns(from io.Reader, names []string, f func(line int, cells []string, bad error) error) error {
	text, err := plain(from)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	t := &table{lines: bufio.NewReaderSize(&lineEnds{from: text}, maxLine)}
	if err := t.header(); err != nil {
		return err
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if err := t.has(names[i]); err != nil {
			return err
		}
	}
	for {
		r, err := t.row()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		cells := make([]string, len(names))
		for i, name := range names {
			if at, ok := t.column[name]; ok && at < len(r.cells) {
				cells[i] = exact(strings.TrimSpace(r.cells[at]))
			}
		}
		if err := f(r.line, cells, r.err); err != nil {
			return err
		}
	}
}
