package main

import (
	"fmt"
	"time"

	"raincheck/pkg/aws/suppression"
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
	n, listed, err := undelivered.Release{
		Store: store, Keys: keys, List: suppression.New(s.cfg), Complaint: c.Reason == "complaint", Since: c.Since, Apply: c.Apply,
	}.Do(e.ctx)
	if err != nil {
		return fmt.Errorf("%w (run it again: it goes on where it stopped)", awsWords(err))
	}
	fmt.Fprintf(e.stdout, "On the stack %s: %s suppressed for a %s since %s.\n%s on SES's suppression list too.\n", s.Name,
		format.Count(n, "mailbox", "mailboxes"), c.Reason, c.Since.UTC().Format("2006-01-02 15:04 UTC"), format.Count(listed, "of them is", "of them are"))
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	fmt.Fprintln(e.stdout, "Released. They can join again.")
	return nil
}
