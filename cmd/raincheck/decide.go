package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"raincheck/pkg/admission"
)

// decideCmd is the admission law by itself.
type decideCmd struct {
	Policy string `placeholder:"FILE" help:"The policy, as JSON; what it leaves out takes the default. Without a file all of it does."`
}

// Help is shown by --help.
func (c *decideCmd) Help() string {
	return "Reads one observation a line (JSON) on standard input, in time order, and answers each with one decision a line: " +
		"the same function that the inviter calls, its state kept between the lines. docs/decide.md explains the fields."
}

// longestLine bounds one observation: a day of late counts is a tenth of it.
const longestLine = 4 << 20

// byteOrderMark is what some editors on Windows put before the first line.
const byteOrderMark = "\xef\xbb\xbf"

// Run answers until the end of the input.
func (c *decideCmd) Run(e *env) error {
	policy, err := readPolicy(c.Policy)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(e.stdin)
	lines.Buffer(nil, longestLine)
	var state admission.State
	var before time.Time
	n := 1
	for ; lines.Scan(); n++ {
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte(byteOrderMark))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		o, err := admission.DecodeObservation(line)
		if err != nil {
			return badInput("line %d: %w", n, err)
		}
		if o.Time.Before(before) {
			// The law would take it for a clock that was set back, and start again.
			return badInput("line %d: time: %s is before the last line's %s", n, o.Time.Format(time.RFC3339), before.Format(time.RFC3339))
		}
		before = o.Time
		var d admission.Decision
		d, state = admission.Next(policy, state, o)
		out, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("line %d: write the decision: %w", n, err)
		}
		// One write a line, unbuffered: who reads it waits for it before it can
		// make the next observation.
		if _, err := e.stdout.Write(append(out, '\n')); err != nil {
			return fmt.Errorf("line %d: write the decision: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return badInput("line %d: it is longer than %d bytes", n, longestLine)
		}
		return fmt.Errorf("line %d: read the observation: %w", n, err)
	}
	return nil
}

// readPolicy reads a policy file; no name gives the defaults.
func readPolicy(name string) (admission.Policy, error) {
	if name == "" {
		return admission.DefaultPolicy(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return admission.Policy{}, usageError{fmt.Errorf("--policy: %w", err)}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return admission.Policy{}, fmt.Errorf("--policy %s: %w", name, err)
	}
	p, err := admission.DecodePolicy(data)
	if err != nil {
		return admission.Policy{}, usageError{fmt.Errorf("--policy %s: %w", name, err)}
	}
	return p, nil
}
