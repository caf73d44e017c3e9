package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/format"
	"raincheck/pkg/records"
	"raincheck/pkg/waitlist"
)

// exportCmd writes the waitlist to standard output.
type exportCmd struct {
	where
	Format string   `enum:"csv,jsonl" default:"csv" help:"csv, for a spreadsheet, or jsonl (${default})."`
	Stage  []string `placeholder:"STAGE" help:"Only these stages: waiting, claimed, sending, invited, held, redeemed, expired, bounced, left, failed."`
}

// Help is shown by --help.
func (c *exportCmd) Help() string {
	return "People may join meanwhile: an entry that stays put is in it exactly once. A CSV begins with a byte order mark, so that a spreadsheet reads it as UTF-8, and a cell that a " +
		"spreadsheet would run as a formula begins with an apostrophe; import takes both off again. " +
		"Codes are never exported.\n\nHow many wait by state: raincheck export --format jsonl --stage waiting | jq -r .fields.state | sort | uniq -c\n\n" +
		"How many ended how: raincheck export --format jsonl | jq -r .stage | sort | uniq -c"
}

// Run exports.
func (c *exportCmd) Run(e *env) error {
	var chosen []waitlist.Stage
	for _, name := range c.Stage {
		if !slices.Contains(waitlist.Stages(), waitlist.Stage(name)) {
			return badInput("--stage %s: no such stage; it is one of %v", name, waitlist.Stages())
		}
		chosen = append(chosen, waitlist.Stage(name))
	}
	if err := c.named(e, e.stderr); err != nil {
		return err
	}
	var n int
	var err error
	if c.Stack != "" {
		n, err = c.fromStack(e, chosen)
	} else if p, bad := c.instance(); bad != nil {
		return bad
	} else {
		n, err = p.Export(e.ctx, e.stdout, console.Export{Format: c.Format, Stages: chosen})
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%s entries.\n", format.Thousands(n))
	return nil
}

func (c *exportCmd) fromStack(e *env, stages []waitlist.Stage) (int, error) {
	s, err := deployed{Stack: c.Stack}.session(e)
	if err != nil {
		return 0, err
	}
	store, err := s.store()
	if err != nil {
		return 0, err
	}
	line := newCountLine(e, "entries read")
	n, err := records.Export(e.ctx, records.Counted{From: store, Tell: line.show}, e.stdout, records.Format(c.Format), stages...)
	line.Clear()
	if err != nil {
		return n, fmt.Errorf("after %s entries: %w", format.Thousands(n), awsWords(err))
	}
	return n, nil
}

// people is the waitlist of a stack or of a local instance, by mailbox.
type people struct {
	name  string
	store interface {
		Entry(ctx context.Context, key string) (waitlist.Entry, error)
		Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)
		Forget(ctx context.Context, key string) error
	}
	keys interface {
		Mailbox(mailbox string) string
		RowKey() []byte
	}
	// feedback takes what came back to the sender.
	feedback interface {
		Handle(ctx context.Context, e feedback.Event) error
	}
	// now is the waitlist's time.
	now time.Time
}

// people finds the waitlist that is meant.
func (w where) people(e *env) (people, error) {
	if err := w.named(e, e.stdout); err != nil {
		return people{}, err
	}
	if w.Stack == "" {
		p, err := w.instance()
		if err != nil {
			return people{}, err
		}
		line, now, err := p.Waitlist(e.ctx)
		return people{p.name(), line, line, line, now}, err
	}
	s, err := deployed{Stack: w.Stack}.session(e)
	if err != nil {
		return people{}, err
	}
	store, keys, err := s.line(e.ctx)
	return people{"the stack " + s.Name, store, keys, &feedback.Service{Store: store, Now: e.now}, e.now().UTC()}, err
}

// forgetCmd removes a person.
type forgetCmd struct {
	where
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
		text, err := io.ReadAll(io.LimitReader(e.stdin, 2<<10))
		if err != nil {
			return fmt.Errorf("reading the address: %w", err)
		}
		if typed = strings.TrimSpace(string(text)); strings.ContainsAny(typed, "\r\n") {
			return badInput("standard input has more than one line: one address at a time")
		}
	}
	address, err := email.Parse(typed)
	if err != nil {
		return badInput("that is not an e-mail address")
	}
	p, err := c.people(e)
	if err != nil {
		return err
	}
	return p.forget(e, address, c.Apply)
}

// forget says what is kept, and removes it when told to.
func (p people) forget(e *env, address email.Address, do bool) error {
	key := p.keys.Mailbox(address.Mailbox())
	entry, err := p.store.Entry(e.ctx, key)
	switch {
	case errors.Is(err, waitlist.ErrUnknown):
		// There may be a bare mark of a bounce, which Forget removes as well.
		fmt.Fprintf(e.stdout, "In %s: nobody is on the waitlist under that mailbox.\n", p.name)
	case errors.Is(err, waitlist.ErrUnreadable):
		fmt.Fprintf(e.stdout, "In %s: an entry that cannot be read.\n", p.name)
	case err != nil:
		return awsWords(err)
	default:
		fmt.Fprintf(e.stdout, "In %s: an entry at stage %s, joined %s.\n", p.name, entry.Stage, entry.Joined.UTC().Format("2006-01-02 15:04 UTC"))
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
	if bad := p.store.Forget(e.ctx, key); bad != nil {
		return awsWords(bad)
	}
	if errors.Is(err, waitlist.ErrUnknown) {
		fmt.Fprintln(e.stdout, "Nobody of that address was found, so nobody was removed; a mark that the mailbox bounced or complained, if there was one, is gone too.")
		return nil
	}
	fmt.Fprintln(e.stdout, "Forgotten. What may still hold the address, and for how long: docs/security.md.")
	return nil
}
