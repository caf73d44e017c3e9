package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/cmd/raincheck/history"
	"raincheck/pkg/aws/explain"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/stack"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/bypass"
)

// deployed are the flags of commands for a stack on AWS. The name is all that
// an operator has to know; the rest is in the stack's outputs. Credentials and
// region are found as the aws command finds them.
type deployed struct {
	Stack string `env:"RAINCHECK_STACK" default:"raincheck" placeholder:"NAME" help:"The CloudFormation stack (${default})."`
}

// The names of the stack's outputs that the tool reads. template.yaml has them
// under the same names.
const (
	outTable         = "TableName"
	outVersion       = "Version"
	outQueue         = "QueueUrl"
	outEdgeMetrics   = "EdgeNamespace"
	outEdge          = "EdgeStoreArn"
	outKeys          = "KeysSecretArn"
	outOrigin        = "OriginSecretArn"
	outRoom          = "RoomDomain"
	outCachePolicy   = "RoomCachePolicyId"
	outOriginRequest = "RoomOriginRequestPolicyId"
	outThrottle      = "ThrottleFunctionArn"
	outRemember      = "RememberFunctionArn"
	outMailSet       = "ConfigurationSet"
)

// session is a deployed stack and the means to speak to it.
type session struct {
	stack.Stack
	cfg aws.Config
}

// session finds the stack.
func (d deployed) session(e *env) (*session, error) {
	cfg, err := stack.Config(e.ctx)
	if err != nil {
		return nil, err
	}
	s, err := stack.New(cfg).Describe(e.ctx, d.Stack)
	if errors.Is(err, stack.ErrNotFound) {
		return nil, fmt.Errorf("%w (%s); name it with --stack, and the region with AWS_REGION", err, cfg.Region)
	}
	if err != nil {
		return nil, awsWords(err)
	}
	return &session{s, cfg}, nil
}

// history is the stack's past.
func (s *session) history(e *env) *history.History {
	return history.New(s.cfg, s.Name, s.Outputs[outEdgeMetrics], s.number("Target"), e.now)
}

// store is the stack's waitlist.
func (s *session) store() (*table.Table, error) {
	out, err := s.Need(outTable)
	if err != nil {
		return nil, err
	}
	return table.New(s.cfg, out[0]), nil
}

// line is the stack's waitlist, and the keys by which it names a mailbox.
func (s *session) line(ctx context.Context) (*table.Table, *bypass.Keyring, error) {
	out, err := s.Need(outTable, outKeys)
	if err != nil {
		return nil, nil, err
	}
	keys, err := secret.New(s.cfg, out[1], "").Keys(ctx)
	if err != nil {
		return nil, nil, awsWords(err)
	}
	return table.New(s.cfg, out[0]), keys, nil
}

// awsWords is explain.Error, under a name that is short enough for how often it
// is used.
func awsWords(err error) error { return explain.Error(err) }
