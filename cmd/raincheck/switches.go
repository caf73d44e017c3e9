package main

import (
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// The switches. Each is in effect within a minute, without a deploy. All but
// open say first what they would do, and do it with --apply.

// apply is the flag of everything that asks before it acts.
type apply struct {
	Apply bool `help:"Do it. Without this, only say what would be done."`
}

// atOnce is for a command that asks nothing: a tired hand types --apply all the same.
type atOnce struct {
	Apply bool `hidden:"" help:"Not needed: it acts at once."`
}

// openCmd lets everybody in.
type openCmd struct {
	emergency
	atOnce
}

// Run acts at once and reads nothing first: it is the way back to a site
// without raincheck, and must work while all else is down.
func (c *openCmd) Run(e *env) error {
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	err = p.change(e.ctx, operator.Change{Mode: gate.Open})
	half := errors.Is(err, operator.ErrHalfDone)
	if err != nil && !half {
		return err
	}
	fmt.Fprintf(e.stdout, "Open: everyone is let in. The edge follows within a minute. (%s)\n", p.name())
	if half {
		fmt.Fprintf(e.stdout, "But %v.\n", err)
	}
	return nil
}

// Help is shown by --help.
func (c *openCmd) Help() string {
	return "People who wait keep their places and are still invited; `raincheck throttle --apply` goes back to the law."
}

// throttleCmd lets the law, or a fixed share, decide.
type throttleCmd struct {
	emergency
	apply
	Admit *float64 `placeholder:"SHARE" help:"Let in this fixed share of new visitors (0 to 1) until released by another switch, instead of what the law says."`
	Law   string   `placeholder:"LAW" help:"Another admission law: observer (the policy's default) or ramp (2013's rule)."`

	WithoutLoad bool `help:"Let the law decide although no load of the site is known: as few are let in as the policy's floor says."`
}

// Run switches to throttle.
func (c *throttleCmd) Run(e *env) error {
	p, err := c.plane(e)
	return planned(e, p, err, c.apply, operator.Change{Mode: gate.Throttle, Admit: c.Admit, Law: c.Law}, c.WithoutLoad)
}

// holdCmd lets nobody new in.
type holdCmd struct {
	emergency
	apply
}

// Run switches to hold.
func (c *holdCmd) Run(e *env) error {
	p, err := c.plane(e)
	return switchTo(e, p, err, c.apply, operator.Change{Mode: gate.Hold})
}

// Help is shown by --help.
func (c *holdCmd) Help() string {
	return "New visitors go to the waiting room. Whoever is in stays in, and invitations already mailed are good."
}

// observeCmd decides and counts without turning anybody away.
type observeCmd struct {
	where
	apply
	Report bool          `help:"Change nothing: say whom raincheck would have turned away (a deployed stack)."`
	Since  time.Duration `default:"24h" help:"How far back the report goes (${default})."`
}

// Help is shown by --help.
func (c *observeCmd) Help() string {
	return "For the days before the day: everything is decided and counted as in throttle, and everybody is let in. --report says, hour by hour, whom it would have turned away."
}

// Run switches to observe, or reports.
func (c *observeCmd) Run(e *env) error {
	if !c.Report {
		p, err := c.switchable(e)
		return switchTo(e, p, err, c.apply, operator.Change{Mode: gate.Observe})
	}
	if c.Since <= 0 {
		return badInput("--since %s: it is how far back, such as 24h", c.Since)
	}
	if c.Stack == "" {
		return badInput("--report is about a deployed stack: name it with --stack (a local instance shows the same on its console)")
	}
	s, err := deployed{Stack: c.Stack}.session(e)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "On the stack %s, by the edge's sampled counts:\n", s.Name)
	hours, err := s.history(e).Report(e.ctx, e.now().Add(-c.Since))
	fmt.Fprint(e.stdout, hours)
	return err
}

// pauseCmd stops the mail.
type pauseCmd struct {
	where
	apply
}

// Run stops the mail.
func (c *pauseCmd) Run(e *env) error {
	p, err := c.switchable(e)
	return switchTo(e, p, err, c.apply, operator.Change{Paused: new(true)})
}

// resumeCmd sends again.
type resumeCmd struct {
	where
	apply
}

// Run sends again.
func (c *resumeCmd) Run(e *env) error {
	p, err := c.switchable(e)
	return switchTo(e, p, err, c.apply, operator.Change{Paused: new(false)})
}

// loadCmd enters the site's load for the law.
type loadCmd struct {
	where
	atOnce
	Load float64 `arg:"" help:"Share of the capacity in use now: 0.93 is 93 %."`
	Sure bool    `help:"Take a load above 2, which is more often 93 for 0.93 than a site at twice its capacity."`
}

// Run records the load. It changes no switch, and is called by cron: it asks
// for no --apply.
func (c *loadCmd) Run(e *env) error {
	switch {
	case !(c.Load >= 0 && c.Load <= operator.MaxLoad): // NaN is neither
		return badInput("load %g: it is a share of the capacity, such as 0.93 for 93 %%", c.Load)
	case c.Load > 2 && !c.Sure:
		return badInput("load %g: that is %s of the capacity; if it is so, add --sure; 93 %% is 0.93", c.Load, format.Percent(c.Load))
	}
	p, err := c.switchable(e)
	if err != nil {
		return err
	}
	if err := p.change(e.ctx, operator.Change{Load: &c.Load}); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "The load is %s as of now. It ages like any datapoint: say it again every minute. (%s)\n", format.Percent(c.Load), p.name())
	return nil
}

// switchTo says what change would do on a plane, if it could be found, and does it
// with --apply.
func switchTo(e *env, p plane, err error, a apply, change operator.Change) error {
	return planned(e, p, err, a, change, false)
}

// planned is switchTo. The law decides without a load only where withoutLoad says so.
func planned(e *env, p plane, err error, a apply, change operator.Change, withoutLoad bool) error {
	if err != nil {
		return err
	}
	now, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	after, err := change.To(now.Control, now.Now)
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(e.stdout, "On %s:\n", p.name())
	for _, line := range [][3]string{
		{"mode", operator.ModeText(now.Control), operator.ModeText(after)},
		{"mail", operator.MailText(now.Control), operator.MailText(after)},
	} {
		switch {
		case line[1] != line[2]:
			fmt.Fprintf(e.stdout, "  %s: %s\n     → %s\n", line[0], line[1], line[2])
		case line[0] == "mode" && change.Mode != "", line[0] == "mail" && change.Paused != nil:
			fmt.Fprintf(e.stdout, "  %s: %s (as it is)\n", line[0], line[1])
		}
	}
	blocked := false
	if change.Mode == gate.Throttle && change.Admit == nil && !now.Unread && now.Load == nil && now.Control.LoadAt.IsZero() && !p.measured(e.ctx) {
		fmt.Fprintln(e.stdout, "  load: none is known; until one is, as few are let in as the policy's floor says, and nobody is invited.\n"+
			"     `raincheck doctor` looks for it; `raincheck load 0.93` says it by hand; `raincheck throttle --admit 0.2` needs none")
		blocked = !withoutLoad
	}
	if a.Apply && blocked {
		return usageError{errors.New("no load of the site is known, so nothing was changed: add --without-load if that is meant")}
	}
	if after.SignupsOff && (change.Mode == gate.Throttle || change.Mode == gate.Hold) {
		fmt.Fprintln(e.stdout, "  ! no addresses are taken (drain): who is turned away can leave none; `raincheck drain --undo --apply` takes them again")
	}
	if !a.Apply {
		fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
		return nil
	}
	err = p.change(e.ctx, change)
	half := errors.Is(err, operator.ErrHalfDone)
	if err != nil && !half {
		return err
	}
	fmt.Fprintln(e.stdout, "Done. In effect within a minute; `raincheck status` shows it.")
	if half {
		fmt.Fprintf(e.stdout, "But %v.\n", err)
	}
	return nil
}
