package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/records"
	"raincheck/pkg/waitlist"
)

// bouncedCmd takes mails that came back to the sender, from a file.
type bouncedCmd struct {
	deployed
	apply
	File   string `arg:"" placeholder:"FILE" help:"A CSV with a line of column names: what a relay, or its mailbox, says came back."`
	Column string `default:"address" placeholder:"NAME" help:"The column with the address (${default})."`
	Status string `default:"status" placeholder:"NAME" help:"The column with the status, such as 5.1.1, or with the words that hold it (${default})."`
	Undo   bool   `help:"Take the suppressions of this file back: those people can join again."`
}

// Help is shown by --help.
func (c *bouncedCmd) Help() string {
	return "A relay sends no events: what came back is in its log or in the mailbox of FromAddress. Each row is dealt with as an event of SES: no such mailbox (5.1.1 and its kind) suppresses it; " +
		"a fault of ours (5.7.x) gives the place back; everything else gives it back once. A row twice is a row once. A mailbox that nobody has on the waitlist is left alone."
}

// bounces is what became of the rows.
type bounces struct {
	suppressed, returned, undone, past, strangers, bad int
}

// Run takes the file.
func (c *bouncedCmd) Run(e *env) error {
	s, err := c.session(e)
	if err != nil {
		return err
	}
	store, keys, err := s.line(e.ctx)
	if err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return badInput("reading what came back: %w", err)
	}
	defer file.Close()
	service := &feedback.Service{Store: store, Now: e.now}
	var n bounces
	done := map[string]bool{}
	err = records.ReadColumns(file, []string{c.Column, c.Status}, func(line int, cells []string, bad error) error {
		var address email.Address
		if bad == nil {
			address, bad = email.Parse(cells[0])
		}
		if bad != nil {
			n.bad++
			if errors.Is(bad, email.ErrEmpty) || errors.Is(bad, email.ErrFormat) || errors.Is(bad, email.ErrLetters) {
				bad = errors.New("not an address")
			}
			fmt.Fprintf(e.stdout, "line %d: bad: %v\n", line, bad)
			return nil
		}
		key := keys.Mailbox(address.Mailbox())
		if done[key] {
			return nil
		}
		done[key] = true
		entry, err := store.Entry(e.ctx, key)
		if errors.Is(err, waitlist.ErrUnknown) {
			n.strangers++
			return nil
		}
		if err != nil {
			return err
		}
		if c.Undo {
			return n.undo(e.ctx, store, entry, c.Apply)
		}
		return n.take(e.ctx, service, entry, feedback.KindOfStatus(cells[1]), c.Apply)
	})
	switch {
	case errors.Is(err, records.ErrHeader):
		return badInput("%s: %w", c.File, err)
	case err != nil:
		return fmt.Errorf("%w (run it again: what is done stays done)", awsWords(err))
	}
	return n.say(e, c)
}

func (n *bounces) say(e *env, c *bouncedCmd) error {
	what := fmt.Sprintf("%d suppressed, %d places given back", n.suppressed, n.returned)
	if c.Undo {
		what = fmt.Sprintf("%d suppressions taken back", n.undone)
	}
	fmt.Fprintf(e.stdout, "%s, %d not under way any more, %d not on the waitlist, %d bad rows.\n", what, n.past, n.strangers, n.bad)
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
	}
	return nil
}

// take deals with a mail that came back.
func (n *bounces) take(ctx context.Context, to *feedback.Service, entry waitlist.Entry, kind feedback.Kind, do bool) error {
	if entry.Stage != waitlist.Sending && entry.Stage != waitlist.Invited {
		n.past++
		return nil
	}
	if kind == feedback.HardBounce {
		n.suppressed++
	} else {
		n.returned++
	}
	if !do {
		return nil
	}
	return to.Handle(ctx, feedback.Event{Kind: kind, Ref: entry.Ref, Attempt: entry.Attempt, Provider: entry.Address.Provider()})
}

// undo takes back what take suppressed.
func (n *bounces) undo(ctx context.Context, from interface {
	Forget(ctx context.Context, key string) error
}, entry waitlist.Entry, do bool,
) error {
	if !entry.Suppressed || entry.Complained || entry.Stage != waitlist.Bounced {
		n.past++
		return nil
	}
	n.undone++
	if !do {
		return nil
	}
	return from.Forget(ctx, entry.Key)
}
