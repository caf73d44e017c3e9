package records

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"raincheck/pkg/disk"
)

// List is a file of people to import, with what belongs to it: its report, and
// the file of its bad rows.
type List struct {
	// Name is the list's, Report its report's, NAME.report.csv if it is empty.
	Name, Report string
}

// ErrInput is every error by which a list or a report cannot be used as it is.
var ErrInput = errors.New("bad input")

// unusable makes an error that is ErrInput, in fmt.Errorf's words.
func unusable(format string, args ...any) error { return inputError{fmt.Errorf(format, args...)} }

type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

func (e inputError) Is(target error) bool { return target == ErrInput }

// ReportName is where the report is.
func (l List) ReportName() string {
	if l.Report != "" {
		return l.Report
	}
	return l.Name + ".report.csv"
}

// BadName is where the bad rows go: a list of the same kind.
func (l List) BadName() string {
	ending := filepath.Ext(l.Name)
	return strings.TrimSuffix(l.Name, ending) + ".bad" + ending
}

func (l List) format() Format {
	if strings.EqualFold(filepath.Ext(l.Name), ".jsonl") {
		return JSONLines
	}
	return CSV
}

// Import imports the list: rows that its report knows are done are not done again,
// and the report of another list is refused. Of im, Done and Bad are set here, and
// Report hears of each row as well. In a dry run nothing is written. It says
// whether there are bad rows at BadName. An error that is ErrInput is the list's
// or the report's.
func (l List) Import(ctx context.Context, im Import) (tally Tally, bad bool, err error) {
	file, err := os.Open(l.Name)
	if err != nil {
		return Tally{}, false, unusable("%w", err)
	}
	defer file.Close()
	if !im.Dry {
		unlock, err := disk.Lock(l.ReportName() + ".lock")
		if errors.Is(err, disk.ErrLocked) {
			return Tally{}, false, fmt.Errorf("%s: %w", l.ReportName(), err)
		} else if err != nil {
			return Tally{}, false, unusable("--report %w", err)
		}
		defer unlock()
	}
	if im.Done, err = ReadReport(l.ReportName()); err != nil {
		return Tally{}, false, unusable("--report %w", err)
	}
	if err := l.check(file, im); err != nil {
		return Tally{}, false, err
	}
	copied := &disk.Late{Name: l.BadName()}
	defer copied.Discard()
	if !im.Dry {
		report, err := OpenReport(l.ReportName(), im.Now)
		if err != nil {
			return Tally{}, false, unusable("--report %w", err)
		}
		defer func() { err = errors.Join(err, report.Close()) }()
		im.Done.Began = report.Done.Began
		im.Bad, im.Report = copied, both(report.Write, im.Report)
	}
	tally, err = im.Run(ctx, bufio.NewReader(file), l.format())
	if err != nil {
		return tally, false, l.named(err)
	}
	bad, err = copied.Keep()
	if err != nil {
		return tally, bad, fmt.Errorf("copying the bad rows: %w", err)
	}
	return tally, bad, nil
}

// check sees that what the report calls done is in the list.
func (l List) check(file *os.File, im Import) error {
	if im.Done.Rows == 0 {
		return nil
	}
	err := im.Done.Check(bufio.NewReader(file), l.format(), im.Keys)
	if errors.Is(err, ErrOtherList) {
		return unusable("%s is the report of %w: to import this one as well, name another report with --report", l.ReportName(), err)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return l.named(err)
}

// named names the list in an error about its header.
func (l List) named(err error) error {
	if errors.Is(err, ErrHeader) {
		return unusable("%s: %w", l.Name, err)
	}
	return err
}

func both(a, b func(Row) error) func(Row) error {
	if b == nil {
		return a
	}
	return func(r Row) error { return errors.Join(a(r), b(r)) }
}
