package records

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Done are the rows that earlier runs have dealt with. A row is known by its
// digest and not by its line, so that bad rows may be put right, taken out or
// added in the list itself.
type Done struct {
	// Rows is how many there are.
	Rows int
	// Began is when the first run began. People without a time of their own join as
	// of then in every run, so that they stand in the order of the list also when it
	// took two.
	Began time.Time
	// left are those that no row of the input was yet found to be, counted: a list
	// may have a row twice, of which one joined and one was there already.
	left map[doneRow]int
	were map[string]bool // bad
}

type doneRow struct {
	digest  string
	outcome Outcome
}

// ErrOtherList says that a report is about another list.
var ErrOtherList = errors.New("another list")

// settled are the outcomes of a row that is not tried again.
var settled = []Outcome{Joined, There, Skipped}

// take finds a row among those that are done, once for each time that it is.
func (d *Done) take(digest string) (Outcome, bool) {
	if d == nil {
		return "", false
	}
	for _, outcome := range settled {
		if at := (doneRow{digest, outcome}); d.left[at] > 0 {
			d.left[at]--
			return outcome, true
		}
	}
	return "", false
}

// began is when the first run began; now, if this is the first.
func (d *Done) began(now time.Time) time.Time {
	if d == nil || d.Began.IsZero() {
		return now
	}
	return d.Began
}

func (d *Done) bad(digest string) bool { return d != nil && d.were[digest] }

// Check says whether the rows that are done are all in a list; ErrOtherList if
// not. It reads the list to its end.
func (d *Done) Check(list io.Reader, format Format, by keys) error {
	in, err := open(list, format, by.RowKey())
	if err != nil {
		return err
	}
	missing := d.Rows
	seen := map[string]int{}
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("importing: %w", err)
		}
		n := 0
		for _, outcome := range settled {
			n += d.left[doneRow{r.digest, outcome}]
		}
		if seen[r.digest] < n {
			seen[r.digest]++
			missing--
		}
	}
	if missing > 0 {
		return fmt.Errorf("%w: %d of the %d rows that it reports on are not in this one", ErrOtherList, missing, d.Rows)
	}
	return nil
}

// ReportFile is the report of an import, which is also its memory.
type ReportFile struct {
	// Done are the rows that it reports on.
	Done *Done
	file *os.File
}

// reportHeader is the first line of a report.
const reportHeader = "line,outcome,why,row\n"

// began is the outcome of a report's first line, which says when.
const began Outcome = "began"

// ReadReport reads what an earlier run has done; no file means no run. An error that
// is not the disk's says that the file is not a report.
func ReadReport(name string) (*Done, error) {
	done, _, err := readReport(name)
	return done, err
}

// readReport gives the length of the whole lines, too.
func readReport(name string) (*Done, int, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: a report is a file, and that is not one; name another", name)
	}
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, err
	}
	if head := string(data[:min(len(data), len(reportHeader))]); !strings.HasPrefix(reportHeader, head) {
		return nil, 0, fmt.Errorf("%s: that file is not the report of an import, and is left as it is; name another one", name)
	}
	done := &Done{left: map[doneRow]int{}, were: map[string]bool{}}
	whole := data[:strings.LastIndex(string(data), "\n")+1]
	in := csv.NewReader(strings.NewReader(string(whole)))
	in.ReuseRecord = true
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return done, len(whole), nil
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: the report was edited: %w; put it back, or name another one", name, err)
		}
		switch outcome := Outcome(cells[1]); outcome {
		case began:
			if done.Began, err = time.Parse(time.RFC3339Nano, cells[2]); err != nil {
				return nil, 0, fmt.Errorf("%s: the report was edited: %w; put it back, or name another one", name, err)
			}
		case Bad:
			done.were[strings.Clone(cells[3])] = true
		case Joined, There, Skipped:
			done.left[doneRow{strings.Clone(cells[3]), outcome}]++
			done.Rows++
		}
	}
}

// OpenReport reads what an earlier run has done, or begins a report now. A file
// that is not a report is left as it is.
func OpenReport(name string, now time.Time) (*ReportFile, error) {
	done, size, err := readReport(name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	r := &ReportFile{file: f, Done: done}
	err = f.Truncate(int64(size))
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err == nil && size == 0 {
		_, err = io.WriteString(f, reportHeader)
	}
	if err == nil && done.Began.IsZero() {
		done.Began = now
		err = r.Write(Row{Outcome: began, Why: now.UTC().Format(time.RFC3339Nano)})
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// Write adds a line for a row.
func (r *ReportFile) Write(row Row) error {
	why := strings.NewReplacer(`"`, `""`, "\n", " ", "\r", " ").Replace(row.Why) // a line for each row
	_, err := fmt.Fprintf(r.file, "%d,%s,\"%s\",%s\n", row.Line, row.Outcome, why, row.Digest)
	return err
}

func (r *ReportFile) Close() error { return r.file.Close() }
