package main

import (
	"context"
	"fmt"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/version"
)

// versionCmd says which raincheck this is.
type versionCmd struct{}

// Run prints the version.
func (c *versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.stdout, "raincheck", version.String())
	return err
}

// versions compares the tool with what is deployed. A stack that was deployed
// from a checkout has no release to compare with.
func (s *session) versions(context.Context) ([]health.Finding, error) {
	tool, deployed := version.String(), s.Outputs[outVersion]
	switch {
	case deployed == "" || deployed == version.Unknown || tool == version.Unknown:
		return []health.Finding{health.OK("this tool is %s, and the stack was deployed from a checkout", tool)}, nil
	case deployed != tool:
		return []health.Finding{health.Warn("Use the tool of that release, or deploy the stack and edge.yaml of this one: docs/deploying.md.",
			"this tool is %s and the stack is %s", tool, deployed)}, nil
	}
	return []health.Finding{health.OK("tool and stack are %s", tool)}, nil
}
