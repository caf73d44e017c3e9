package main

import (
	"errors"
	"fmt"

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

// Run imports.
func (c *importCmd) Run(e *env) error {
	p, err := c.people(e)
	if err != nil {
		return err
	}
	list := records.List{Name: c.File, Report: c.Report}
	im := records.Import{Store: p.store, Keys: p.keys, Now: p.now, Dry: !c.Apply}
	line := newCountLine(e, "rows done")
	rows := 0
	im.Report = func(r records.Row) error {
		rows++
		line.show(rows)
		if !c.Apply && (r.Outcome == records.Bad || r.Outcome == records.Skipped) {
			fmt.Fprintf(e.stdout, "line %d: %s: %s\n", r.Line, r.Outcome, r.Why)
		}
		return nil
	}
	tally, bad, err := list.Import(e.ctx, im)
	line.Clear()
	if errors.Is(err, records.ErrInput) {
		return usageError{err}
	}
	said := fmt.Sprintf("%s joined, %s there already, %s skipped, %s bad, of %s rows",
		format.Thousands(tally.Joined), format.Thousands(tally.There), format.Thousands(tally.Skipped), format.Thousands(tally.Bad), format.Thousands(tally.Rows()))
	if tally.Earlier > 0 {
		said += fmt.Sprintf(" (%s of them by an earlier run)", format.Thousands(tally.Earlier))
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s; then: %w\n  Run it again to go on where the report ends", said, awsWords(err))
	case tally.Earlier > 0 && tally.Earlier == tally.Rows()-tally.Bad:
		fmt.Fprintf(e.stdout, "Imported already, by %s: %s.\n", list.ReportName(), said)
	case !c.Apply:
		fmt.Fprintf(e.stdout, "It would be: %s. Nothing was stored. Add --apply to do it.\n", said)
	default:
		fmt.Fprintf(e.stdout, "%s. A line for each row is in %s.\n", said, list.ReportName())
	}
	if bad {
		fmt.Fprintf(e.stdout, "The bad rows are in %s: put them right, and import that file.\n", list.BadName())
	}
	return nil
}
