package records

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// ReportFile is the report of an import, which is also its memory.
type ReportFile struct {
	// After is the last line that it reports on; 0 for none.
	After int
	file  *os.File
}

// reportHeader is the first line of a report.
const reportHeader = "line,outcome,why\n"

// OpenReport finds the last whole line of an earlier run, or begins a report. A
// file that is not a report is left as it is.
func OpenReport(name string) (*ReportFile, error) {
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if head := string(data[:min(len(data), len(reportHeader))]); !strings.HasPrefix(reportHeader, head) {
		return nil, fmt.Errorf("%s: that file is not the report of an import, and is left as it is; name another one", name)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	r := &ReportFile{file: f}
	whole := data[:strings.LastIndex(string(data), "\n")+1]
	for line := range strings.Lines(string(whole)) {
		number, _, _ := strings.Cut(line, ",")
		if n, err := strconv.Atoi(number); err == nil {
			r.After = n
		}
	}
	err = f.Truncate(int64(len(whole)))
	if err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err == nil && len(whole) == 0 {
		_, err = io.WriteString(f, reportHeader)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// Write adds a line for a row.
func (r *ReportFile) Write(row Row) error {
	why := strings.NewReplacer(`"`, `""`, "\n", " ", "\r", " ").Replace(row.Why) // a line for each row
	_, err := fmt.Fprintf(r.file, "%d,%s,\"%s\"\n", row.Line, row.Outcome, why)
	return err
}

func (r *ReportFile) Close() error { return r.file.Close() }
