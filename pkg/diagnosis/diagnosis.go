// Package diagnosis is the doctor's: it runs the checks side by side, says what they
// found, and has what an operator is to print before the day.
package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// Check is one look. Its error means that it could not look.
type Check struct {
	Name string
	Look func(ctx context.Context) ([]health.Finding, error)
}

// Diagnosis is what the doctor says, and its --json.
type Diagnosis struct {
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

// Count counts the problems and the warnings.
func (d *Diagnosis) Count() {
	d.Problems, d.Warnings = 0, 0
	for _, f := range d.Findings {
		switch f.Grade {
		case health.Problem:
			d.Problems++
		case health.Warning:
			d.Warnings++
		}
	}
}

// Examine runs the checks side by side, each with its own patience, and gives
// their findings in the order of the checks. What could not be looked at is a
// finding too. How far it has got goes to w, where that is a terminal.
func Examine(ctx context.Context, w io.Writer, timeout time.Duration, checks []Check) []health.Finding {
	found := make([][]health.Finding, len(checks))
	line := &checkLine{w: w, of: len(checks), terminal: terminal.Is(w)}
	var wait sync.WaitGroup
	for i, c := range checks {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			findings, err := c.Look(ctx)
			if err != nil {
				findings = append(findings, unseen(err, timeout))
			}
			for j := range findings {
				findings[j].Check = c.Name
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
	said := explain.Error(err)
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

// Print is the diagnosis for a reader: problems first, then warnings, then what
// is well, one line each.
func (d Diagnosis) Print(w io.Writer) {
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
		fmt.Fprintf(w, "\nTo let everybody in without this tool (print it; %s)\n  %s\n", EmergencyNeeds, d.Emergency)
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
