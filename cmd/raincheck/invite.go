package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/handover"
	"raincheck/pkg/operator"
	"raincheck/pkg/waitlist"
)

// inviteCmd invites a number of people beside the law.
type inviteCmd struct {
	where
	apply
	N     int           `arg:"" help:"How many, oldest first."`
	To    string        `placeholder:"FILE" help:"Write address, language, code, link and expiry to FILE (.csv or .jsonl), for any bulk mailer, instead of sending. On a deployed stack only."`
	Valid time.Duration `default:"24h" help:"How long the codes in FILE are good for (${default}). A slow mailer needs longer; at most 7 days."`
}

// Help is shown by --help.
func (c *inviteCmd) Help() string {
	return "Without --to the inviter claims them within a minute and the sender mails them at the safe pace. " +
		"With --to each address is in FILE or in the line, never in both: interrupted, run the same command again, and it goes on where it was. " +
		"FILE appears when it is complete; until then FILE.part beside it is its journal."
}

// Run asks for the invitations, or writes them.
func (c *inviteCmd) Run(e *env) error {
	if c.N < 1 {
		return badInput("invite %d: a number of people, at least 1", c.N)
	}
	if c.To != "" {
		return c.toFile(e)
	}
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	now, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "On %s: invite the %s who have waited longest, beside what the law invites; %s wait, the load is %s.\n",
		p.name(), format.Thousands(c.N), format.Thousands(now.Waiting), loadOf(now))
	if now.Control.Paused {
		fmt.Fprintf(e.stdout, "  ! the mail is %s; nobody is invited before `raincheck resume --apply`\n", operator.MailText(now.Control))
	}
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := p.change(e.ctx, operator.Change{Invite: c.N}); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "Done. The inviter begins within a minute; `raincheck status` shows it.")
	return nil
}

func loadOf(s operator.Snapshot) string {
	if s.Load == nil {
		return "unknown"
	}
	return format.Percent(*s.Load)
}

// toFile hands invitations to a bulk mailer.
func (c *inviteCmd) toFile(e *env) error {
	if c.Stack == "" {
		return badInput("--to is for a deployed stack: name it with --stack (a local instance sends to its own outbox)")
	}
	if c.Valid <= 0 || c.Valid > bypass.MaxCodeLife {
		return badInput("--valid %s: a code is good for more than nothing and at most %s", c.Valid, bypass.MaxCodeLife)
	}
	if err := handover.CheckName(c.To); err != nil {
		return badInput("--to %w", err)
	}
	s, err := deployed{Stack: c.Stack}.session(e)
	if err != nil {
		return err
	}
	store, keys, err := s.line(e.ctx)
	if err != nil {
		return err
	}
	control, err := store.Control(e.ctx)
	if err != nil {
		return awsWords(err)
	}
	fmt.Fprintf(e.stdout, "On the stack %s: claim the %s who have waited longest, and write them to %s with codes that are good for %s.\n",
		s.Name, format.Thousands(c.N), c.To, c.Valid)
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	h := handover.Handover{
		Store: store, Disk: handover.Disk{}, Keys: keys, Now: e.now, Random: rand.Reader,
		Room: "https://" + s.Parameters["SiteHost"] + gate.Room, Life: c.Valid, Shards: max(control.ShardsEver, waitlist.Shards),
		Progress: func(done int) { fmt.Fprintf(e.stderr, "%s of %s\n", format.Thousands(done), format.Thousands(c.N)) },
	}
	result, err := h.Run(e.ctx, c.N, c.To)
	switch {
	case errors.Is(err, handover.ErrDone), errors.Is(err, handover.ErrLocked):
		return err
	case err != nil:
		return fmt.Errorf("%w\n  Nobody is lost: run the same command again, and it goes on where it was", awsWords(err))
	}
	fmt.Fprintf(e.stdout, "%s are in %s and marked as invited.", format.Thousands(result.Written), c.To)
	if result.Resumed {
		fmt.Fprint(e.stdout, " (An interrupted batch was finished.)")
	}
	if result.Dropped > 0 {
		fmt.Fprintf(e.stdout, " %s of the batch left meanwhile or are back in their places.", format.Thousands(result.Dropped))
	}
	fmt.Fprintln(e.stdout)
	switch {
	case result.Emptied:
		fmt.Fprintln(e.stdout, "Nobody else waits.")
	case result.Written < c.N:
		fmt.Fprintf(e.stdout, "It was complete already, with fewer than %s; for more, name another file.\n", format.Thousands(c.N))
	}
	return nil
}

// drainCmd empties the line.
type drainCmd struct {
	where
	apply
	Undo bool `help:"Stop draining, and take addresses again."`
}

// Help is shown by --help.
func (c *drainCmd) Help() string {
	return "Everyone left is invited at the pace that mail and site allow, and no more addresses are taken. It is the way out at the end of the day: " +
		"open, drain, and when nobody waits any more, detach."
}

// Run asks for it.
func (c *drainCmd) Run(e *env) error {
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	now, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	drain := !c.Undo
	if drain {
		fmt.Fprintf(e.stdout, "On %s: invite the %s who wait, at the safe pace, and take no more addresses.\n", p.name(), format.Thousands(now.Waiting))
	} else {
		fmt.Fprintf(e.stdout, "On %s: invite by the law again, and take addresses.\n", p.name())
	}
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := p.change(e.ctx, operator.Change{Drain: &drain}); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "Done. In effect within a minute; `raincheck status` shows it.")
	return nil
}
