package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"raincheck/pkg/attach"
	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/secret"
)

// onDistribution are the flags of attach and detach.
type onDistribution struct {
	DistributionID string        `name:"distribution-id" required:"" placeholder:"ID" help:"The CloudFront distribution in front of the site."`
	NoWait         bool          `help:"Do not wait until the change has reached the edges."`
	Poll           time.Duration `hidden:"" env:"RAINCHECK_POLL" default:"10s"`
}

// attachCmd puts raincheck onto an existing distribution.
type attachCmd struct {
	deployed
	onDistribution
	apply
	Host        string   `required:"" placeholder:"HOST" help:"The site's host name, as in its addresses."`
	Paths       []string `default:"*" placeholder:"PATTERN" help:"Path patterns to protect, as CloudFront has them; '*' is the default behaviour (${default}). Narrow ones cost less: both functions run on every request of a protected behaviour."`
	AlsoAffects []string `placeholder:"HOST" help:"The distribution's other host names, which are protected too; needed when there are any. Their visitors are invited to --host."`
	Print       string   `enum:",cloudformation,terraform" default:"" placeholder:"TOOL" help:"Print the fragment for cloudformation or terraform instead, where such a tool owns the distribution."`
}

// Help is shown by --help.
func (c *attachCmd) Help() string {
	return "Prints the exact plan. With --apply it does it, and waits until the edges have it (usually 3 to 5 minutes). " +
		"Every other setting of the distribution stays as it is. Doing it twice changes nothing the second time. " +
		"Attached in mode open, raincheck lets everybody in until `raincheck throttle --apply`."
}

// Run plans, and applies when told to.
func (c *attachCmd) Run(e *env) error {
	s, err := c.session(e)
	if err != nil {
		return err
	}
	request, origin, err := c.request(e, s)
	if err != nil {
		return err
	}
	cloudfront := distribution.New(s.cfg)
	if c.Print != "" {
		d, config, err := c.read(e, cloudfront, &request)
		if err != nil {
			return err
		}
		fragment, err := attach.Fragment(config, request, attach.Tool(c.Print), s.Outputs[outOrigin], origin.Version)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "# raincheck on %s (%s)\n%s", d.ID, d.Domain, fragment)
		return nil
	}
	return c.onDistribution.change(e, cloudfront, c.apply, "attach", s.tried, func() (distribution.Distribution, attach.Plan, error) {
		d, config, err := c.read(e, cloudfront, &request)
		if err != nil {
			return d, attach.Plan{}, err
		}
		plan := attach.Attach(config, request)
		if len(plan.Steps) > 0 {
			plan.Warnings = append(plan.Warnings, owners(e, cloudfront, d.ARN),
				"on one of CloudFront's flat-rate plans a function serves one distribution, and the web ACL is the plan's own: keep both as they are")
		}
		return d, plan, nil
	})
}

// owners says what undoes a change that another tool does not know of. Only
// CloudFormation leaves a mark.
func owners(e *env, cloudfront *distribution.Client, arn string) string {
	owner, err := cloudfront.Owner(e.ctx, arn)
	switch {
	case err != nil:
		return "whether a CloudFormation stack owns the distribution could not be read; if one does, or Terraform or another tool, its next run takes raincheck off: use --print"
	case owner != "":
		return "the CloudFormation stack " + owner + " owns the distribution, and its next deploy takes raincheck off; add the fragment to its template too: --print cloudformation"
	}
	return "if Terraform or another tool owns the distribution, its next run takes raincheck off; add the fragment to its source too: --print terraform"
}

// tried runs the throttle in CloudFront's own runtime before visitors meet it
// (docs/design.md, decision 46). The error is a problem that it found.
func (s *session) tried(e *env) error {
	found, err := s.edgeRuns(e.now)(e.ctx)
	if err != nil {
		fmt.Fprintf(e.stdout, "  ! the throttle was not tried before the change: %v\n", awsWords(err))
		return nil
	}
	for _, f := range found {
		if f.Grade == health.Problem {
			return fmt.Errorf("trying the throttle in CloudFront's own runtime: %s; nothing was changed", f.Says)
		}
		fmt.Fprintf(e.stdout, "Tried before the change: %s\n", f.Says)
	}
	return nil
}

// request is what is asked for, and the values of the origin's secret.
func (c *attachCmd) request(e *env, s *session) (attach.Request, secret.OriginValues, error) {
	room, origin, err := s.room(e.ctx)
	if err != nil {
		return attach.Request{}, origin, err
	}
	if host := s.Parameters["SiteHost"]; host != "" && !strings.EqualFold(host, c.Host) {
		return attach.Request{}, origin, badInput("--host %s: the stack %s was deployed for %s, and one stack serves one host", c.Host, s.Name, host)
	}
	return attach.Request{Host: c.Host, Paths: c.Paths, AlsoAffects: c.AlsoAffects, Room: room}, origin, nil
}

// room is what a distribution must point to, and the values of the origin's secret.
func (s *session) room(ctx context.Context) (attach.Room, secret.OriginValues, error) {
	out, err := s.Need(outRoom, outCachePolicy, outThrottle, outRemember, outOrigin, outOriginRequest)
	if err != nil {
		return attach.Room{}, secret.OriginValues{}, err
	}
	origin, err := secret.ReadOrigin(ctx, s.cfg, out[4])
	if err != nil {
		return attach.Room{}, origin, awsWords(err)
	}
	return attach.Room{Domain: out[0], Secret: origin.Present, CachePolicy: out[1], OriginRequestPolicy: out[5], Throttle: out[2], Remember: out[3]}, origin, nil
}

// read reads the distribution, and completes the request by what only it can tell.
func (c *attachCmd) read(e *env, cloudfront *distribution.Client, request *attach.Request) (distribution.Distribution, *attach.Config, error) {
	d, config, err := readDistribution(e, cloudfront, c.DistributionID)
	if err != nil {
		return d, nil, err
	}
	request.Domain, request.CookiePolicies = d.Domain, nil
	for _, policy := range attach.Policies(config) {
		if by, err := cloudfront.CachesByCookie(e.ctx, policy); err == nil && by {
			// A policy that cannot be read only costs a warning.
			request.CookiePolicies = append(request.CookiePolicies, policy)
		}
	}
	return d, config, nil
}

func readDistribution(e *env, cloudfront *distribution.Client, id string) (distribution.Distribution, *attach.Config, error) {
	d, err := cloudfront.Read(e.ctx, id)
	if err != nil {
		return d, nil, awsWords(err)
	}
	config, err := attach.Parse(d.Config)
	return d, config, err
}

// change prints what plan finds, asks try whether it may, unless that is nil, writes
// it when told to, and waits. When somebody else changes the distribution between reading and writing, it plans
// once more on what is there then.
func (o onDistribution) change(e *env, cloudfront *distribution.Client, a apply, verb string, try func(*env) error, plan func() (distribution.Distribution, attach.Plan, error)) error {
	for attempt := 1; ; attempt++ {
		d, p, err := plan()
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "Distribution %s (%s):\n%s", d.ID, d.Domain, p)
		switch {
		case len(p.Conflicts) > 0:
			return fmt.Errorf("cannot %s: see the lines with x; nothing was changed", verb)
		case len(p.Steps) == 0:
			fmt.Fprintln(e.stdout, "It is so already; nothing to do.")
			return o.wait(e, cloudfront, d.Deployed)
		case !a.Apply:
			fmt.Fprintln(e.stdout, "Nothing was changed. Add --apply to do it.")
			return nil
		}
		if try != nil {
			if err := try(e); err != nil {
				return err
			}
		}
		err = cloudfront.Write(e.ctx, d.ID, d.ETag, p.Config)
		if errors.Is(err, distribution.ErrChanged) && attempt == 1 {
			fmt.Fprintln(e.stdout, "The distribution was changed by somebody else meanwhile. Once more:")
			continue
		}
		if err != nil {
			return awsWords(err)
		}
		fmt.Fprintln(e.stdout, "Written.")
		return o.wait(e, cloudfront, false)
	}
}

// wait waits until the edges have the change, with a line that grows.
func (o onDistribution) wait(e *env, cloudfront *distribution.Client, deployed bool) error {
	if deployed || o.NoWait {
		return nil
	}
	begun := e.now()
	fmt.Fprint(e.stdout, "On its way to the edges (usually 3 to 5 minutes) ")
	for {
		done, err := cloudfront.Deployed(e.ctx, o.DistributionID)
		if err != nil {
			fmt.Fprintln(e.stdout)
			return fmt.Errorf("the change is written and goes on by itself, but %w", awsWords(err))
		}
		if done {
			fmt.Fprintf(e.stdout, " deployed (%s).\n", e.now().Sub(begun).Round(time.Second))
			return nil
		}
		fmt.Fprint(e.stdout, ".")
		select {
		case <-e.ctx.Done():
			fmt.Fprintln(e.stdout, "\nNot waiting any longer. The change is written and goes on by itself.")
			return nil
		case <-time.After(o.Poll):
		}
	}
}
