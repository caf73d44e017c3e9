package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"raincheck/pkg/disk"
	"raincheck/pkg/format"
	"raincheck/pkg/records"
)

// importCmd puts the people of a file into the line.
type importCmd struct {
	where
	apply
	File   string `arg:"" placeholder:"FILE" help:"CSV with a header line that has a column address, or JSON lines (.jsonl). Semicolons, tabs, UTF-16 and what else spreadsheets write are read too."`
	Report string `placeholder:"FILE" help:"Where the report goes, a line for each row (FILE.report.csv). What it reports on is not done again."`
}

// Help is shown by --help.
func (c *importCmd) Help() string {
	return "The column address is needed. These are read if they are there: joined (the time that decides the place in the line), language, wanted (a path of the site), " +
		"fields ({\"state\":\"VT\"} or state=VT; size=3). Without joined, people stand in the order of the file behind everybody who waits. " +
		"Without --apply nothing is stored, and it says what the import would do.\n\n" +
		"Bad rows are copied to FILE.bad.csv, to be put right there and imported. To put them right in FILE itself and import that once more is as good: " +
		"the report knows which rows are done, wherever they stand. Interrupted, the same command goes on."
}

// badFile is where the bad rows go: a list of the same kind.
func (c *importCmd) badFile() string {
	ending := filepath.Ext(c.File)
	return strings.TrimSuffix(c.File, ending) + ".bad" + ending
}

func (c *importCmd) format() records.Format {
	if strings.EqualFold(filepath.Ext(c.File), ".jsonl") {
		return records.JSONLines
	}
	return records.CSV
}

// Run imports.
func (c *importCmd) Run(e *env) (err error) {
	file, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer file.Close()
	if c.Report == "" {
		c.Report = c.File + ".report.csv"
	}
	p, err := c.people(e)
	if err != nil {
		return err
	}
	im := records.Import{Store: p.store, Keys: p.keys, Now: p.now, Dry: !c.Apply}
	if im.Done, err = c.earlier(file, p); err != nil {
		return err
	}
	if !c.Apply {
		im.Report = func(r records.Row) error {
			if r.Outcome == records.Bad || r.Outcome == records.Skipped {
				fmt.Fprintf(e.stdout, "line %d: %s: %s\n", r.Line, r.Outcome, r.Why)
			}
			return nil
		}
		return c.run(e, im, file)
	}
	unlock, err := disk.Lock(c.Report + ".lock")
	if errors.Is(err, disk.ErrLocked) {
		return fmt.Errorf("%s: %w", c.Report, err)
	} else if err != nil {
		return badInput("--report %w", err)
	}
	defer unlock()
	report, err := records.OpenReport(c.Report)
	if err != nil {
		return badInput("--report %w", err)
	}
	defer func() { err = errors.Join(err, report.Close()) }()
	im.Done = report.Done
	line := newCountLine(e, "rows done")
	defer line.Clear()
	rows := 0
	im.Report = func(r records.Row) error {
		rows++
		line.tell(rows)
		return report.Write(r)
	}
	return c.run(e, im, file)
}

// earlier reads what an earlier run has done, and sees that it was with this list.
func (c *importCmd) earlier(file *os.File, p people) (*records.Done, error) {
	done, err := records.ReadReport(c.Report)
	if err != nil {
		return nil, badInput("--report %w", err)
	}
	if done.Rows == 0 {
		return done, nil
	}
	switch err := done.Check(bufio.NewReader(file), c.format(), p.keys); {
	case errors.Is(err, records.ErrOtherList):
		return nil, badInput("%s is the report of %w: to import this one as well, name another report with --report", c.Report, err)
	case errors.Is(err, records.ErrHeader):
		return nil, badInput("%s: %w", c.File, err)
	case err != nil:
		return nil, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return done, err
}

// run imports, and says what became of the rows.
func (c *importCmd) run(e *env, im records.Import, file io.Reader) error {
	bad := &lateFile{name: c.badFile()}
	defer bad.discard()
	if c.Apply {
		im.Bad = bad
	}
	tally, err := im.Run(e.ctx, bufio.NewReader(file), c.format())
	if errors.Is(err, records.ErrHeader) {
		return badInput("%s: %w", c.File, err)
	}
	said := fmt.Sprintf("%s joined, %s there already, %s skipped, %s bad, of %s rows",
		format.Thousands(tally.Joined), format.Thousands(tally.There), format.Thousands(tally.Skipped), format.Thousands(tally.Bad), format.Thousands(tally.Rows()))
	if tally.Earlier > 0 {
		said += fmt.Sprintf(" (%s of them by an earlier run)", format.Thousands(tally.Earlier))
	}
	fresh := tally.Joined + tally.There + tally.Skipped - tally.Earlier
	switch {
	case err != nil && !c.Apply:
		return fmt.Errorf("%s; then: %w", said, awsWords(err))
	case err != nil:
		return fmt.Errorf("%s; then: %w\n  Run it again to go on where the report ends", said, awsWords(err))
	case fresh == 0 && tally.Earlier > 0:
		fmt.Fprintf(e.stdout, "Imported already, by %s: %s.\n", c.Report, said)
	case !c.Apply:
		fmt.Fprintf(e.stdout, "It would be: %s. Nothing was stored. Add --apply to do it.\n", said)
	default:
		fmt.Fprintf(e.stdout, "%s. A line for each row is in %s.\n", said, c.Report)
	}
	if wrote, err := bad.keep(); err != nil {
		return fmt.Errorf("copying the bad rows: %w", err)
	} else if wrote {
		fmt.Fprintf(e.stdout, "The bad rows are in %s: put them right, and import that file.\n", bad.name)
	}
	return nil
}

// lateFile is a file that is there once it is whole, if anything was written.
type lateFile struct {
	name string
	file *os.File
}

// Write writes.
func (l *lateFile) Write(p []byte) (int, error) {
	if l.file == nil {
		var err error
		if l.file, err = os.CreateTemp(filepath.Dir(l.name), "."+filepath.Base(l.name)+".*"); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

// keep gives the file its name, and says whether there is one.
func (l *lateFile) keep() (bool, error) {
	if l.file == nil {
		return false, nil
	}
	if err := l.file.Close(); err != nil {
		return false, err
	}
	return true, os.Rename(l.file.Name(), l.name)
}

// discard removes what was not kept.
func (l *lateFile) discard() {
	if l.file != nil {
		_ = errors.Join(l.file.Close(), os.Remove(l.file.Name())) // both are done already when it was kept
	}
}
