package main

import (
	"raincheck/pkg/attach"
	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/stack"
)

// detachCmd takes raincheck off a distribution.
type detachCmd struct {
	onDistribution
	apply
}

// Help is shown by --help.
func (c *detachCmd) Help() string {
	return "Prints the exact plan; with --apply it does it, and what was there before attach comes back. " +
		"It needs the distribution and nothing else, so it works with a broken stack. " +
		"Detach before you delete the stack: CloudFormation cannot delete functions that a distribution uses."
}

// Run plans, and applies when told to.
func (c *detachCmd) Run(e *env) error {
	// CloudFront is in no region, so that none has to be set for taking it off.
	cfg, err := stack.ConfigIn(e.ctx, "us-east-1")
	if err != nil {
		return err
	}
	cloudfront := distribution.New(cfg)
	return c.change(e, cloudfront, c.apply, "detach", nil, func() (distribution.Distribution, attach.Plan, error) {
		d, config, err := readDistribution(e, cloudfront, c.DistributionID)
		if err != nil {
			return d, attach.Plan{}, err
		}
		return d, attach.Detach(config), nil
	})
}
