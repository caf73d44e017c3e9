package records

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// errNotUTF8 is of a row with a letter in an older encoding.
var errNotUTF8 = errors.New("a letter is not in UTF-8: save the file as UTF-8 (in a spreadsheet: CSV UTF-8)")

// errTwice does not say which name: JSON of a stranger's could have an address there.
var errTwice = errors.New("a name stands twice in the object, and only the last one would count")

var errTooLong = fmt.Errorf("longer than %d bytes", maxLine)

// plain takes off what spreadsheets and editors put around a text: a byte order
// mark, and UTF-16.
func plain(from io.Reader) (io.Reader, error) {
	start := bufio.NewReader(from)
	first, err := start.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var text io.Reader = start
	zero := func(i int) bool { return len(first) > i && first[i] == 0 }
	switch {
	case bytes.HasPrefix(first, []byte("\xff\xfe")), bytes.HasPrefix(first, []byte("\xfe\xff")):
		text = transform.NewReader(start, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case zero(1) && zero(3):
		text = transform.NewReader(start, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder())
	case zero(0) && zero(2):
		text = transform.NewReader(start, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder())
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		if _, err := start.Discard(3); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// lineEnds makes a line feed of every end of a line, and counts the lines.
type lineEnds struct {
	from io.Reader
	// after says that the last byte read was a carriage return.
	after bool
	// ends is how many lines have ended, open that another one has begun.
	ends int
	open bool
}

// lines is how many lines there were.
func (l *lineEnds) lines() int {
	if l.open {
		return l.ends + 1
	}
	return l.ends
}

// Read reads; it may give no byte and no error.
func (l *lineEnds) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	kept := p[:0]
	for _, c := range p[:n] {
		switch {
		case c == '\r', c == '\n' && !l.after:
			kept = append(kept, '\n')
			l.ends++
			l.open = false
		case c != '\n':
			kept = append(kept, c)
			l.open = true
		}
		l.after = c == '\r'
	}
	return len(kept), err
}

// table is a CSV of which each line is looked at by itself.
type table struct {
	lines  *bufio.Reader
	comma  rune
	n      int            // lines read
	blank  int            // of these, the empty ones between rows
	head   string         // the lines up to the names of the columns
	width  int            // cells in the first line
	column map[string]int // the cells' names in it
	// ahead are lines that were read and not used.
	ahead []string
}

// line gives the next line, without its end.
func (t *table) line() (string, error) {
	if len(t.ahead) > 0 {
		text := t.ahead[0]
		t.ahead = t.ahead[1:]
		t.n++
		return text, nil
	}
	read, err := t.lines.ReadSlice('\n')
	text := string(read)
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = t.lines.ReadSlice('\n')
		}
		text = tooLong
	}
	if err != nil && (!errors.Is(err, io.EOF) || text == "") {
		return "", err
	}
	t.n++
	return strings.TrimSuffix(text, "\n"), nil
}

// tooLong stands for a line that is longer than maxLine.
const tooLong = "\xff too long"

// header reads the names of the columns, and finds out what stands between them.
func (t *table) header() error {
	var text string
	for strings.TrimSpace(text) == "" {
		var err error
		if text, err = t.line(); errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: there is none", ErrHeader)
		} else if err != nil {
			return err
		}
		t.head += text + "\n"
		// A spreadsheet's own way to say what stands between the cells.
		if rest, ok := strings.CutPrefix(strings.ToLower(text), "sep="); ok && len(rest) == 1 && t.comma == 0 {
			t.comma, text = rune(rest[0]), ""
		}
	}
	if t.comma == 0 {
		t.comma = ','
		for _, other := range []rune{';', '\t', '|'} {
			if !strings.ContainsRune(text, ',') && strings.ContainsRune(text, other) {
				t.comma = other
			}
		}
	}
	cells, err := t.split(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHeader, err)
	}
	t.width, t.column = len(cells), map[string]int{}
	for i, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		if _, twice := t.column[name]; twice && name != "" && !strings.Contains(name, "@") {
			return fmt.Errorf("%w, each once: it names %s twice", ErrHeader, name)
		}
		t.column[name] = i
	}
	return nil
}

// has refuses a file without a column.
func (t *table) has(name string) error {
	if _, ok := t.column[name]; ok {
		return nil
	}
	var names []string
	for other := range t.column {
		if strings.Contains(other, "@") { // never printed
			return fmt.Errorf("%w, one of them %s: it has an address", ErrHeader, name)
		}
		names = append(names, other)
	}
	slices.SortFunc(names, func(a, b string) int { return t.column[a] - t.column[b] })
	return fmt.Errorf("%w, one of them %s: it names %s", ErrHeader, name, strings.Join(names, ", "))
}

func (t *table) split(text string) ([]string, error) {
	switch {
	case text == tooLong:
		return nil, errTooLong
	case !utf8.ValidString(text):
		return nil, errNotUTF8
	}
	r := csv.NewReader(strings.NewReader(text + "\n"))
	r.Comma, r.FieldsPerRecord = t.comma, -1
	cells, err := r.Read()
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, bad.Err
	}
	return cells, err
}

// most is how many lines a cell may have.
const most = 20

// row reads the next row: its cells, or why it has none.
func (t *table) row() (row, error) {
	text := ""
	for {
		var err error
		if text, err = t.line(); err != nil {
			return row{}, err
		}
		if strings.TrimSpace(text) != "" {
			break
		}
		t.blank++
	}
	r := row{line: t.n, lines: 1, text: text}
	r.cells, r.err = t.split(text)
	switch {
	case r.err == nil, errors.Is(r.err, errNotUTF8):
		return r, nil
	case errors.Is(r.err, errTooLong):
		r.text = ""
		return r, nil
	}
	if whole, cells, ok := t.more(text); ok {
		return row{line: r.line, lines: t.n - r.line + 1, text: whole, cells: cells}, nil
	}
	if errors.Is(r.err, csv.ErrQuote) {
		r.err = fmt.Errorf("not CSV: is a quote not closed? (%w)", r.err)
	} else {
		r.err = fmt.Errorf("not CSV: %w", r.err)
	}
	return r, nil
}

// more reads on after a line that may end within a cell. The lines are given back
// unless they make a row of the right width, and none of them is one by itself.
func (t *table) more(text string) (whole string, cells []string, ok bool) {
	var read []string
	for len(read) < most && t.width > 1 {
		line, err := t.line()
		if err != nil {
			break
		}
		read = append(read, line)
		if alone, err := t.split(line); err == nil && len(alone) == t.width {
			break
		}
		text += "\n" + line
		if cells, err := t.split(text); err == nil && len(cells) == t.width {
			return text, cells, true
		}
	}
	t.n -= len(read)
	t.ahead = append(read, t.ahead...)
	return "", nil, false
}
