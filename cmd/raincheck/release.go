package main

import (
	"fmt"
	"time"

	"raincheck/pkg/aws/suppression"
	"raincheck/pkg/email"
	"raincheck/pkg/format"
	"raincheck/pkg/undelivered"
)

// releaseCmd takes back suppressions that were wrong.
type releaseCmd struct {
	deployed
	apply
	Reason string    `enum:"bounce,complaint" required:"" help:"What they were suppressed for: bounce or complaint."`
	Since  time.Time `required:"" placeholder:"TIME" help:"Only what was suppressed since then, such as 2026-03-04T10:00:00Z."`
}

// Help is shown by --help.
func (c *releaseCmd) Help() string {
	return "For a day on which a provider answered that mailboxes do not exist, and they do. Such people can join again: their places ended when the mails came back. " +
		"An address is also taken off SES's suppression list of the account if it is on it for the same reason; other senders' addresses stay there. " +
		"Addresses on that list are read, hashed, and not kept. A complaint is a person's own word: release one only if you know that it was none."
}

// Run releases.
func (c *releaseCmd) Run(e *env) error {
	if c.Since.After(e.now()) {
		return badInput("--since %s is in the future", c.Since.Format(time.RFC3339))
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	store, keys, err := s.line(e.ctx)
	if err != nil {
		return err
	}
	complaint := c.Reason == "complaint"
	wrong, err := undelivered.Suppressed(e.ctx, store, complaint, c.Since)
	if err != nil {
		return awsWords(err)
	}
	fmt.Fprintf(e.stdout, "On the stack %s: %s suppressed for a %s since %s.\n", s.Name, format.Count(len(wrong), "mailbox", "mailboxes"), c.Reason, c.Since.UTC().Format("2006-01-02 15:04 UTC"))
	// SES's list first: should this stop half-way, the next run finds the same people.
	list, listed := suppression.New(s.cfg), 0
	err = list.Each(e.ctx, complaint, c.Since, func(address string) error {
		a, err := email.Parse(address)
		if err != nil || !wrong[keys.Mailbox(a.Mailbox())] {
			return nil // another sender's
		}
		listed++
		if !c.Apply {
			return nil
		}
		return list.Remove(e.ctx, address)
	})
	if err != nil {
		return fmt.Errorf("%w (run it again: it goes on where it stopped)", awsWords(err))
	}
	fmt.Fprintf(e.stdout, "%s on SES's suppression list too.\n", format.Count(listed, "of them is", "of them are"))
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	for key := range wrong {
		if err := store.Forget(e.ctx, key); err != nil {
			return fmt.Errorf("%w (run it again: it goes on where it stopped)", awsWords(err))
		}
	}
	fmt.Fprintln(e.stdout, "Released. They can join again.")
	return nil
}
