package main

import (
	"errors"
	"fmt"
	"os"

	"raincheck/pkg/records"
	"raincheck/pkg/undelivered"
)

// bouncedCmd takes mails that came back to the sender, from a file.
type bouncedCmd struct {
	where
	apply
	File   string `arg:"" placeholder:"FILE" help:"A CSV with a line of column names: what a relay, or its mailbox, says came back."`
	Column string `default:"address" placeholder:"NAME" help:"The column with the address (${default})."`
	Status string `default:"status" placeholder:"NAME" help:"The column with the status, such as 5.1.1, or with the words that hold it (${default})."`
	Undo   bool   `help:"Take the suppressions of this file back: those people can join again."`
}

// Help is shown by --help.
func (c *bouncedCmd) Help() string {
	return "A relay sends no events: what came back is in its log or in the mailbox of FromAddress. Each row is dealt with as an event of SES: no such mailbox (5.1.1 and its kind) suppresses it; " +
		"a fault of ours (5.7.x) gives the place back; everything else gives it back once. A row twice is a row once; in a later file, it says that the next mail came back too. A mailbox that nobody has on the waitlist is left alone."
}

// Run takes the file.
func (c *bouncedCmd) Run(e *env) error {
	p, err := c.people(e)
	if err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return badInput("reading what came back: %w", err)
	}
	defer file.Close()
	if about, err := file.Stat(); err == nil && about.IsDir() {
		return badInput("reading what came back: %s is a directory", c.File)
	}
	n, err := undelivered.List{
		Store: p.store, Keys: p.keys, Feedback: p.feedback, Address: c.Column, Status: c.Status, Undo: c.Undo, Apply: c.Apply,
		Bad: func(line int, why error) { fmt.Fprintf(e.stdout, "line %d: bad: %v\n", line, why) },
	}.Take(e.ctx, file)
	switch {
	case errors.Is(err, records.ErrHeader):
		return badInput("%s: %w", c.File, err)
	case err != nil:
		return fmt.Errorf("%w (run it again: what is done stays done)", awsWords(err))
	}
	fmt.Fprintf(e.stdout, "%v.\n", n)
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
	}
	return nil
}
