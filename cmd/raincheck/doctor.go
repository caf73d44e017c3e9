package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/explain"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/capacity"
	"raincheck/pkg/format"
	"raincheck/pkg/terminal"
)

// doctorCmd looks for what would go wrong on the day, before the day.
type doctorCmd struct {
	where
	DistributionID string        `name:"distribution-id" placeholder:"ID" help:"The distribution in front of the site. Without it, the one that serves the stack's host is looked for."`
	Timeout        time.Duration `default:"15s" help:"How long each check may take (${default})."`
	DNS            string        `name:"dns" env:"RAINCHECK_DNS" placeholder:"HOST:PORT" help:"Ask this name server for the mail records, instead of the machine's own."`
	JSON           bool          `name:"json" help:"As JSON: the findings, the load of the last 24 hours, the proposed capacity."`
}

// Help is shown by --help.
func (c *doctorCmd) Help() string {
	return "Looks at the account's quotas, the mail (sandbox, rate, identity, DKIM, DMARC, tracking), the edge (store, functions, log group, distribution), the clock and the load, " +
		"and says of each what it found and how to mend it. It changes nothing. " +
		"It draws the load of the last 24 hours and proposes a capacity. " +
		"A service that does not answer is a finding, and the other checks go on.\n\n" +
		"Exit status: 0 nothing is wrong (there may be warnings), 1 a problem was found, or the stack could not be read at all; 2 the command is wrong."
}

// check is one look. Its error means that it could not look.
type check struct {
	name string
	look func(ctx context.Context) ([]health.Finding, error)
}

// diagnosis is what the doctor says, and its --json.
type diagnosis struct {
	// On names what was looked at.
	On       string           `json:"on"`
	At       time.Time        `json:"at"`
	Findings []health.Finding `json:"findings"`
	Problems int              `json:"problems"`
	Warnings int              `json:"warnings"`
	// Load is the load of the last 24 hours.
	Load capacity.History `json:"load"`
	// Emergency is the aws command that lets everybody in without this tool; absent
	// when the store at the edge did not answer these credentials.
	Emergency string `json:"emergency,omitempty"`
	// Capacity is what is proposed, absent when nothing can be.
	Capacity *capacity.Proposal `json:"capacity,omitempty"`
}

// errUnwell is the exit status of a diagnosis with a problem: it has been said
// already what it is.
var errUnwell = errors.New("unwell")

// Run examines.
func (c *doctorCmd) Run(e *env) error {
	if c.Timeout <= 0 {
		return badInput("--timeout %s: a check needs some time", c.Timeout)
	}
	resolver, err := c.resolver()
	if err != nil {
		return err
	}
	var d diagnosis
	if c.Stack == "" {
		d, err = c.local(e)
	} else {
		d, err = c.deployed(e, resolver)
	}
	if err != nil {
		return err
	}
	for _, f := range d.Findings {
		switch f.Grade {
		case health.Problem:
			d.Problems++
		case health.Warning:
			d.Warnings++
		}
	}
	if c.JSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(d); err != nil {
			return fmt.Errorf("write the diagnosis: %w", err)
		}
	} else {
		d.print(e.stdout)
	}
	if d.Problems > 0 {
		return errUnwell
	}
	return nil
}

// resolver asks the machine's name servers, or the one that was named.
func (c *doctorCmd) resolver() (health.Resolver, error) {
	if c.DNS == "" {
		return net.DefaultResolver, nil
	}
	if _, _, err := net.SplitHostPort(c.DNS); err != nil {
		return nil, badInput("--dns %s: it is a name server and its port, such as 1.1.1.1:53", c.DNS)
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, c.DNS)
	}}, nil
}

// examine runs the checks side by side, each with its own patience, and gives
// their findings in the order of the checks. What could not be looked at is a
// finding too.
func examine(ctx context.Context, e *env, timeout time.Duration, checks []check) []health.Finding {
	found := make([][]health.Finding, len(checks))
	line := newCheckLine(e.stderr, len(checks))
	var wait sync.WaitGroup
	for i, c := range checks {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			findings, err := c.look(ctx)
			if err != nil {
				findings = append(findings, unseen(err, timeout))
			}
			for j := range findings {
				findings[j].Check = c.name
			}
			found[i] = findings
			line.done()
		})
	}
	wait.Wait()
	line.end()
	return slices.Concat(found...)
}

// unseen is a check that could not look. Credentials that may not look say
// nothing about what they would have seen; a service that is down does.
func unseen(err error, timeout time.Duration) health.Finding {
	if errors.Is(err, context.DeadlineExceeded) {
		return health.Bad("Look at https://health.aws.amazon.com, and run it again; --timeout gives it longer.", "no answer within %s", timeout)
	}
	said := awsWords(err)
	if errors.Is(said, explain.ErrDenied) || errors.Is(said, distribution.ErrDenied) {
		return health.Warn("Run doctor with credentials that may read this.", "not looked at: %v", said)
	}
	return health.Bad("Look at https://health.aws.amazon.com, and run it again.", "could not be looked at: %v", said)
}

// checkLine says on a terminal how many checks are through.
type checkLine struct {
	mu       sync.Mutex
	w        io.Writer
	n, of    int
	terminal bool
}

func newCheckLine(w io.Writer, of int) *checkLine {
	return &checkLine{w: w, of: of, terminal: terminal.Is(w)}
}

func (l *checkLine) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	if l.terminal {
		fmt.Fprintf(l.w, "\r\x1b[Klooking… %d of %d", l.n, l.of)
	}
}

func (l *checkLine) end() {
	if l.terminal {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// print is the diagnosis for a reader: problems first, then warnings, then what
// is well, one line each.
func (d diagnosis) print(w io.Writer) {
	fmt.Fprintf(w, "%s, %s\n", d.On, d.At.UTC().Format("Mon 2 Jan 2006 15:04 UTC"))
	for _, g := range []struct {
		grade health.Grade
		title string
		sign  string
	}{{health.Problem, "Problems", "x"}, {health.Warning, "Warnings", "!"}, {health.Fine, "Well", "·"}} {
		first := true
		for _, f := range d.Findings {
			if f.Grade != g.grade {
				continue
			}
			if first {
				fmt.Fprintf(w, "\n%s\n", g.title)
				first = false
			}
			fmt.Fprintf(w, "  %s %s: %s\n", g.sign, f.Check, f.Says)
			if f.Mend != "" {
				fmt.Fprintf(w, "    → %s\n", f.Mend)
			}
		}
	}
	fmt.Fprintf(w, "\nThe load of the last 24 hours\n%s\n", d.Load.Draw())
	if d.Capacity != nil {
		fmt.Fprintf(w, "\nProposed capacity: %s visitors at once\n  %s\n", format.Thousands(int(d.Capacity.Visitors)), d.Capacity.How)
	}
	if d.Emergency != "" {
		fmt.Fprintf(w, "\nTo let everybody in without this tool (print it; %s)\n  %s\n", emergencyNeeds, d.Emergency)
	}
	switch {
	case d.Problems > 0:
		fmt.Fprintf(w, "\n%s, %s.\n", counted(d.Problems, "problem"), counted(d.Warnings, "warning"))
	case d.Warnings > 0:
		fmt.Fprintf(w, "\nNo problem, %s.\n", counted(d.Warnings, "warning"))
	default:
		fmt.Fprintln(w, "\nAll is well.")
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
