package main

import (
	"context"
	"strings"
	"time"

	"raincheck/functions/throttle"
	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/stack"
	"raincheck/pkg/diagnosis"
	"raincheck/pkg/gate"
)

// edgeDocuments: what does the edge read, and what if it cannot?
func (s *session) edgeDocuments(now func() time.Time) func(context.Context) ([]health.Finding, error) {
	return func(ctx context.Context) ([]health.Finding, error) {
		out, err := s.Need(outEdge)
		if err != nil {
			return nil, err
		}
		return diagnosis.EdgeDocuments(ctx, edgestore.New(s.cfg, out[0]), s.edgeSettings(), now())
	}
}

// edgeSettings are the stack's parameters that go to the edge and have no fixed
// length.
func (s *session) edgeSettings() gate.Settings {
	list := func(name string) []string {
		if s.Parameters[name] == "" {
			return nil
		}
		return strings.Split(s.Parameters[name], ",")
	}
	return gate.Settings{LeaveAlone: list("LeaveAlone"), Strict: list("Strict"), Languages: list("Languages")}
}

// edgeCode: does the edge run what this program was built with?
func (s *session) edgeCode(ctx context.Context) ([]health.Finding, error) {
	out, err := s.Need(outThrottle, outRemember)
	if err != nil {
		return nil, err
	}
	before, after := throttle.ShippedThrottle()
	failure := s.Parameters["EdgeFailure"]
	if failure == "" {
		failure = string(gate.FailOpen)
	}
	client := distribution.New(s.cfg)
	for i, want := range []string{before + failure + after, throttle.ShippedRemember()} {
		name := functionName(out[i])
		code, err := client.Code(ctx, name)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(string(code)) != strings.TrimSpace(want) {
			return []health.Finding{health.Warn("If nobody changed it by hand, this program and the stack are of different versions: deploy the one that you mean.",
				"the edge runs another %s than this program was built with", name)}, nil
		}
	}
	return []health.Finding{health.OK("the edge runs the code that this program was built with")}, nil
}

// edgeRuns: does the edge answer as its gate says, in CloudFront's own runtime?
func (s *session) edgeRuns(now func() time.Time) func(context.Context) ([]health.Finding, error) {
	return func(ctx context.Context) ([]health.Finding, error) {
		out, err := s.Need(outThrottle, outEdge, outKeys)
		if err != nil {
			return nil, err
		}
		g, _, err := edgestore.Reading(s.cfg, out[1]).Gate(ctx)
		if err != nil || !g.InForce(now()) {
			// What is wrong with it is said under edge-store.
			return []health.Finding{health.Warn("Mend the gate first.", "not tried: without a gate in force the answers cannot be checked")}, nil
		}
		keys, err := secret.New(s.cfg, out[2], "").Keys(ctx)
		if err != nil {
			return nil, err
		}
		client := distribution.New(s.cfg)
		return health.EdgeRuns(ctx, func(ctx context.Context, event []byte) ([]byte, int, string, error) {
			r, err := client.Try(ctx, functionName(out[0]), event)
			return r.Output, r.Utilisation, r.Failed, err
		}, s.Parameters["SiteHost"], "/raincheck-doctor", g, keys, now())
	}
}

// edgeLogs: do the edge's counts arrive, in us-east-1?
func (s *session) edgeLogs(now func() time.Time) func(context.Context) ([]health.Finding, error) {
	return func(ctx context.Context) ([]health.Finding, error) {
		out, err := s.Need(outThrottle, outEdgeMetrics)
		if err != nil {
			return nil, err
		}
		return health.EdgeLogs(ctx, stack.InRegion(s.cfg, metrics.EdgeRegion), functionName(out[0]), out[1],
			[]string{metrics.Visitors, metrics.Admitted}, now().Add(-24*time.Hour))
	}
}

// functionName is the last part of a CloudFront function's ARN.
func functionName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// attached: is the site behind this stack, and over HTTPS?
func (s *session) attached(id string) func(context.Context) ([]health.Finding, error) {
	return func(ctx context.Context) ([]health.Finding, error) {
		host := s.Parameters["SiteHost"]
		client := distribution.New(s.cfg)
		if id == "" {
			ids, err := client.Serving(ctx, host)
			if err != nil {
				return nil, err
			}
			if len(ids) == 0 {
				return []health.Finding{health.Bad("Name the distribution with --distribution-id, or look whether it is in another account.", "no distribution of this account serves %s", host)}, nil
			}
			id = ids[0]
		}
		d, err := client.Read(ctx, id)
		if err != nil {
			return nil, err
		}
		room, origin, err := s.room(ctx)
		if err != nil {
			return nil, err
		}
		return diagnosis.Attachment(d, host, room, origin.Previous)
	}
}
