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
	N      int           `arg:"" optional:"" help:"How many, oldest first; at most 20,000 at once."`
	Cancel bool          `help:"Take back what is left of the last invite."`
	To     string        `placeholder:"FILE" help:"Write address, language, code, link and expiry to FILE (.csv or .jsonl), for any bulk mailer, instead of sending. On a deployed stack only."`
	Valid  time.Duration `default:"24h" help:"How long the codes in FILE are good for (${default}). A slow mailer needs longer; at most 7 days."`
}

// Help is shown by --help.
func (c *inviteCmd) Help() string {
	return "Without --to it is one act: within a minute the inviter claims as many of those who wait then, and the sender mails them at the safe pace. " +
		"Who joins later is not invited by it; `raincheck hold`, another invite or --cancel ends what is left. " +
		"With --to each address is in FILE or in the line, never in both: interrupted, run the same command again, and it goes on where it was. " +
		"FILE appears when it is complete; until then FILE.part beside it is its journal."
}

// Run asks for the invitations, or writes them.
func (c *inviteCmd) Run(e *env) error {
	switch {
	case c.Cancel && (c.N != 0 || c.To != ""):
		return badInput("--cancel takes back the last invite: it goes without a number and without --to")
	case c.N < 1 && !c.Cancel:
		return badInput("invite %d: a number of people, at least 1", c.N)
	}
	if c.To != "" {
		return c.toFile(e)
	}
	if c.N > operator.MaxInvite {
		return badInput("invite %d: at most %s at once; ask again when they are invited", c.N, format.Thousands(operator.MaxInvite))
	}
	p, err := c.switchable(e)
	if err != nil {
		return err
	}
	now, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	if c.Cancel {
		fmt.Fprintf(e.stdout, "On %s: take back what is left of the last invite, %s people.\n", p.name(), format.Thousands(now.Control.InviteNow))
		return c.do(e, p, operator.Change{CancelInvite: true}, "Done. Whoever was claimed already is still mailed.")
	}
	who := format.Thousands(c.N) + " who have waited longest"
	counted := !now.Unread && !now.Decided.IsZero()
	if counted && now.Waiting < c.N {
		who = fmt.Sprintf("%s who waited at %s (of %s asked)", format.Thousands(now.Waiting), format.Clock(now.Decided)+" UTC", format.Thousands(c.N))
	}
	fmt.Fprintf(e.stdout, "On %s: invite the %s, beside what the law invites; the load is %s.\n", p.name(), who, loadOf(now))
	if now.Control.InviteNow > 0 {
		fmt.Fprintf(e.stdout, "  ! this takes the place of %s still to be invited by hand\n", format.Thousands(now.Control.InviteNow))
	}
	if now.Control.Paused {
		fmt.Fprintf(e.stdout, "  ! the mail is %s; nobody is invited before `raincheck resume --apply`\n", operator.MailText(now.Control))
	}
	return c.do(e, p, operator.Change{Invite: c.N}, "Done. The inviter begins within a minute; `raincheck status` shows it.")
}

// do makes the change, if it is to be made.
func (c *inviteCmd) do(e *env, p plane, change operator.Change, done string) error {
	if !c.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	if err := p.change(e.ctx, change); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, done)
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
	p, err := c.switchable(e)
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
