package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/format"
	"raincheck/pkg/records"
	"raincheck/pkg/waitlist"
)

// exportCmd writes the waitlist to standard output.
type exportCmd struct {
	deployed
	Format string   `enum:"csv,jsonl" default:"csv" help:"csv or jsonl (${default})."`
	Stage  []string `placeholder:"STAGE" help:"Only these stages: waiting, claimed, sending, invited, held, redeemed, expired, bounced, left, failed."`
}

// Help is shown by --help.
func (c *exportCmd) Help() string {
	return "People may join meanwhile: an entry that stays put is in it exactly once. A cell of the CSV that a spreadsheet would run as a formula begins with an apostrophe. " +
		"Codes are never exported.\n\nHow many wait by state: raincheck export --format jsonl --stage waiting | jq -r .fields.state | sort | uniq -c\n\n" +
		"How many ended how: raincheck export --format jsonl | jq -r .stage | sort | uniq -c"
}

// Run exports.
func (c *exportCmd) Run(e *env) error {
	var chosen []waitlist.Stage
	for _, name := range c.Stage {
		if !slices.Contains(waitlist.Stages(), waitlist.Stage(name)) {
			return badInput("--stage %s: there is no such stage; it is one of %v", name, waitlist.Stages())
		}
		chosen = append(chosen, waitlist.Stage(name))
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	out, err := s.Need(outTable)
	if err != nil {
		return err
	}
	counted := &counting{from: table.New(s.cfg, out[0]), line: newCountLine(e, "entries read")}
	n, err := records.Export(e.ctx, counted, e.stdout, records.Format(c.Format), chosen...)
	counted.line.Clear()
	if err != nil {
		return fmt.Errorf("after %s entries: %w", format.Thousands(n), awsWords(err))
	}
	fmt.Fprintf(e.stderr, "%s entries.\n", format.Thousands(n))
	return nil
}

// counting is a waitlist that says on a terminal how far it has been read.
type counting struct {
	from interface {
		Each(ctx context.Context, f func(waitlist.Entry) error) error
	}
	line countLine
}

// Each reads everybody.
func (c *counting) Each(ctx context.Context, f func(waitlist.Entry) error) error {
	n := 0
	return c.from.Each(ctx, func(e waitlist.Entry) error {
		n++
		c.line.tell(n)
		return f(e)
	})
}

// importCmd puts the people of a file into the line.
type importCmd struct {
	deployed
	apply
	File   string `arg:"" placeholder:"FILE" help:"CSV with a header line that has a column address, or JSON lines (.jsonl). Semicolons, tabs, UTF-16 and what else spreadsheets write are read too."`
	Report string `placeholder:"FILE" help:"Where the report goes, a line for each row (FILE.report.csv). An interrupted import goes on where its report ends."`
}

// Help is shown by --help.
func (c *importCmd) Help() string {
	return "The column address is needed. These are read if they are there: joined (the time that decides the place in the line), language, wanted (a path of the site), " +
		"fields ({\"state\":\"VT\"} or state=VT; size=3). Without joined, people stand in the order of the file behind everybody who waits. " +
		"Without --apply the rows are checked and nothing is stored."
}

// Run imports.
func (c *importCmd) Run(e *env) error {
	kind := records.CSV
	if strings.EqualFold(filepath.Ext(c.File), ".jsonl") {
		kind = records.JSONLines
	}
	file, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer file.Close()
	s, err := c.session(e)
	if err != nil {
		return err
	}
	store, keys, err := s.line(e.ctx)
	if err != nil {
		return err
	}
	im := records.Import{Keys: keys, Now: e.now().UTC()}
	if c.Report == "" {
		c.Report = c.File + ".report.csv"
	}
	if !c.Apply {
		im.Report = func(r records.Row) error {
			if r.Outcome != records.Joined {
				fmt.Fprintf(e.stdout, "line %d: %s: %s\n", r.Line, r.Outcome, r.Why)
			}
			return nil
		}
	} else {
		im.Store = store
		report, err := records.OpenReport(c.Report)
		if err != nil {
			return badInput("--report %w", err)
		}
		defer report.Close()
		if im.After = report.After; im.After > 0 {
			fmt.Fprintf(e.stdout, "Going on after line %d, by %s.\n", im.After, c.Report)
		}
		line := newCountLine(e, "rows done")
		defer line.Clear()
		rows := 0
		im.Report = func(r records.Row) error {
			rows++
			line.tell(rows)
			return report.Write(r)
		}
	}
	return c.done(e, im, bufio.NewReader(file), kind)
}

// done imports, and says what became of the rows.
func (c *importCmd) done(e *env, im records.Import, from io.Reader, kind records.Format) error {
	tally, err := im.Run(e.ctx, from, kind)
	if errors.Is(err, records.ErrHeader) {
		return badInput("%s: %w", c.File, err)
	}
	said := fmt.Sprintf("%s joined, %s there already, %s skipped, %s bad",
		format.Thousands(tally[records.Joined]), format.Thousands(tally[records.There]), format.Thousands(tally[records.Skipped]), format.Thousands(tally[records.Bad]))
	switch {
	case err != nil:
		return fmt.Errorf("%s; then: %w\n  Run it again to go on where the report ends", said, awsWords(err))
	case !c.Apply:
		fmt.Fprintf(e.stdout, "It would be: %s. Nothing was stored. Add --apply to do it.\n", said)
	default:
		fmt.Fprintf(e.stdout, "%s. A line for each row is in %s.\n", said, c.Report)
	}
	return nil
}

// forgetCmd removes a person.
type forgetCmd struct {
	deployed
	apply
	Address string `arg:"" help:"The address, or - to read it from standard input, which keeps it out of the shell's history."`
}

// Help is shown by --help.
func (c *forgetCmd) Help() string {
	return "Removes the entry and its code. What else may still hold the address, and for how long (point-in-time recovery, mails under way, the mail service's own records), " +
		"is in docs/security.md. A mailbox that bounced or complained loses that mark too: if it joins again, it is mailed again."
}

// Run forgets.
func (c *forgetCmd) Run(e *env) error {
	typed := c.Address
	if typed == "-" {
		line, err := bufio.NewReader(io.LimitReader(e.stdin, 2<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the address: %w", err)
		}
		typed = line
	}
	address, err := email.Parse(typed)
	if err != nil {
		return badInput("that is not an e-mail address")
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	store, keys, err := s.line(e.ctx)
	if err != nil {
		return err
	}
	return forget(e, store, keys, s.Name, address, c.Apply)
}

// forgetful is a waitlist from which somebody can be removed.
type forgetful interface {
	Entry(ctx context.Context, key string) (waitlist.Entry, error)
	Forget(ctx context.Context, key string) error
}

// forget says what is kept, and removes it when told to.
func forget(e *env, store forgetful, keys *bypass.Keyring, name string, address email.Address, do bool) error {
	key := keys.Mailbox(address.Mailbox())
	entry, err := store.Entry(e.ctx, key)
	switch {
	case errors.Is(err, waitlist.ErrUnknown):
		// There may be a bare mark of a bounce, which Forget removes as well.
		fmt.Fprintf(e.stdout, "On the stack %s: nobody is in the line under that mailbox.\n", name)
	case errors.Is(err, waitlist.ErrUnreadable):
		fmt.Fprintf(e.stdout, "On the stack %s: an entry that cannot be read.\n", name)
	case err != nil:
		return awsWords(err)
	default:
		fmt.Fprintf(e.stdout, "On the stack %s: an entry at stage %s, joined %s.\n", name, entry.Stage, entry.Joined.UTC().Format("2006-01-02 15:04 UTC"))
		if entry.Stage == waitlist.Claimed || entry.Stage == waitlist.Sending {
			fmt.Fprintln(e.stdout, "  ! a mail may be under way; it cannot be called back, and its code will not be known any more (it still lets in whoever has it)")
		}
		if entry.Suppressed {
			fmt.Fprintln(e.stdout, "  ! it bounced or complained; forgotten, that is forgotten too: if it joins again, it is mailed again")
		}
	}
	if !do {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := store.Forget(e.ctx, key); err != nil {
		return awsWords(err)
	}
	fmt.Fprintln(e.stdout, "Forgotten. What may still hold the address, and for how long: docs/security.md.")
	return nil
}
