package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"raincheck/pkg/admission"
)

// decideCmd is the admission law by itself.
type decideCmd struct {
	Policy string `placeholder:"FILE" help:"The policy, as JSON; what it leaves out takes the default. Without a file all of it does."`
}

// Help is shown by --help.
func (c *decideCmd) Help() string {
	return "Reads one observation a line (JSON) on standard input, in time order, and answers each with one decision a line: " +
		"the same function that the inviter calls, its state kept between the lines. docs/control.md explains the fields."
}

// longestLine bounds one observation: a day of late counts is a tenth of it.
const longestLine = 4 << 20

// Run answers until the end of the input.
func (c *decideCmd) Run(e *env) error {
	policy, err := readPolicy(c.Policy)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(e.stdin)
	lines.Buffer(nil, longestLine)
	var state admission.State
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		o, err := admission.DecodeObservation(line)
		if err != nil {
			return badInput("line %d: %w", n, err)
		}
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
			return badInput("a line is longer than %d bytes", longestLine)
		}
		return fmt.Errorf("read the observations: %w", err)
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
