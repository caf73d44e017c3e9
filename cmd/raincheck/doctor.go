package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/diagnosis"
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
	var d diagnosis.Diagnosis
	if c.Stack == "" {
		d, err = c.local(e)
	} else {
		d, err = c.deployed(e, resolver)
	}
	if err != nil {
		return err
	}
	d.Count()
	if c.JSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(d); err != nil {
			return fmt.Errorf("write the diagnosis: %w", err)
		}
	} else {
		d.Print(e.stdout)
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
