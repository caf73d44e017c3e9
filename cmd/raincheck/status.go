package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"raincheck/pkg/format"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	"raincheck/pkg/waitlist"
)

// statusCmd shows one screen.
type statusCmd struct {
	where
	JSON bool `name:"json" help:"As JSON, the fields of the console's api/snapshot: stable, for scripts."`
}

// Run prints what happens now and why.
func (c *statusCmd) Run(e *env) error {
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	s, err := p.status(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	printStatus(e.stdout, s)
	return nil
}

// printStatus is the one screen: first what is wrong, then the door and the
// reason in the law's own words, then the numbers.
func printStatus(w io.Writer, s operator.Snapshot) {
	fmt.Fprintf(w, "%s, %s\n\n", s.Name, s.Now.UTC().Format("Mon 2 Jan 2006 15:04 UTC"))
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "  ! %s\n", warning)
	}
	if s.Unread && s.Gate == nil {
		fmt.Fprintln(w, "  unknown: neither the waitlist nor the gate can be read")
	} else {
		fmt.Fprintf(w, "  %s\n", door(s.Control))
	}
	if s.Because != "" {
		when := clockTime(s.Decided)
		if s.Control.Switched.After(s.Decided) {
			when += ", before the switch"
		}
		fmt.Fprintf(w, "  %s: %s\n", when, s.Because)
	}
	fmt.Fprintln(w)
	row := func(name, value, note string) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-12s %9s  %s", name, value, note), " "))
	}
	load, note := "unknown", "target "+percent(s.Target)
	if s.Load != nil {
		load, note = percent(*s.Load), note+", at "+clockTime(s.LoadAt)
	}
	if s.Capacity > 0 {
		note += ", capacity " + thousands(int(s.Capacity))
	}
	row("load", load, note)
	in := "unknown"
	if s.Admit != nil {
		in = percent(*s.Admit)
	}
	row("straight in", in, "of new visitors")
	note = "nobody in the line"
	if !s.Oldest.IsZero() {
		note = "the first since " + clockTime(s.Oldest)
	}
	row("waiting", thousands(s.Waiting), note)
	note = "by the last decision"
	if s.Control.InviteNow > 0 {
		note += ", and " + thousands(s.Control.InviteNow) + " more by hand"
	}
	if s.Control.Drain {
		note += "; draining: everyone left is invited"
	}
	row("invite", thousands(s.Invite), note)
	fmt.Fprintf(w, "  %-12s %s\n", "mail", mail(s.Control))
	signups := "taken"
	if s.Control.SignupsOff {
		signups = "not taken: the form is closed"
	}
	fmt.Fprintf(w, "  %-12s %s\n", "addresses", signups)
}

// door says what the edge does, in one line.
func door(c waitlist.Control) string {
	switch c.Mode {
	case gate.Throttle:
		switch {
		case c.Admit != nil:
			return "throttle: a fixed share of " + percent(*c.Admit) + " of new visitors is let in, until released"
		case c.Law != "":
			return "throttle: the law " + c.Law + " decides"
		}
		return "throttle: the law decides"
	case gate.Hold:
		return "hold: nobody new is let in"
	case gate.Observe:
		return "observe: decided and counted, everyone is let in"
	}
	return "open: everyone is let in"
}

func mail(c waitlist.Control) string {
	if !c.Paused {
		return "being sent"
	}
	out := "paused by the operator"
	if c.PausedBecause != "" {
		out = "paused: " + c.PausedBecause
	}
	if !c.ResumeAt.IsZero() {
		out += ", goes on by itself at " + clockTime(c.ResumeAt)
	}
	return out
}

func clockTime(t time.Time) string { return format.Clock(t) }

func percent(v float64) string { return format.Percent(v) }

func thousands(n int) string { return format.Thousands(n) }
