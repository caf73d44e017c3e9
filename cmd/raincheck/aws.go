package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

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
	cfg, err := awsConfig(e.ctx)
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

// awsConfig finds region and credentials as the aws command does.
func awsConfig(ctx context.Context) (aws.Config, error) {
	cfg, err := awsConfigIn(ctx, "")
	if err == nil && cfg.Region == "" {
		err = errors.New("no AWS region is set: export AWS_REGION, or use a profile that has one (AWS_PROFILE)")
	}
	return cfg, err
}

// inRegion is cfg in another region.
func inRegion(cfg aws.Config, region string) aws.Config {
	next := cfg.Copy()
	next.Region = region
	return next
}

// awsConfigIn has a region to fall back on.
func awsConfigIn(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region))
	if err != nil {
		return cfg, fmt.Errorf("read the AWS configuration: %w", err)
	}
	return cfg, nil
}

// errDenied: AWS answers, and these credentials may not do it.
var errDenied = errors.New("the credentials may not do this")

// awsWords says the usual failures of a call to AWS in words. What is not
// usual stays as it is.
func awsWords(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if strings.Contains(text, "get credentials") || strings.Contains(text, "get identity") || strings.Contains(text, "no EC2 IMDS role found") {
		return errors.New("there are no AWS credentials: `aws sts get-caller-identity` must work in this shell first")
	}
	said := func(what string) error { return fmt.Errorf("%s: %s", attempted(err), what) }
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException":
			return errors.New("the AWS credentials have expired; sign in again")
		case "InvalidClientTokenId", "UnrecognizedClientException":
			return errors.New("AWS does not know these credentials: `aws sts get-caller-identity` must work in this shell first")
		case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
			return fmt.Errorf("%s: %w: %s", attempted(err), errDenied, api.ErrorMessage())
		}
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && r.HTTPStatusCode() >= 500 {
		return said(fmt.Sprintf("AWS has a fault of its own (%d); try again in a minute", r.HTTPStatusCode()))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !dns.IsTimeout {
		return said("there is no host " + dns.Name + ": is the region right, and the network up?")
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return said("AWS does not answer (connection refused)")
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return said("AWS did not answer in time")
	}
	return err
}

// attempted is what failed, in our words, without the SDK's chain of layers
// behind it.
func attempted(err error) string {
	text, _, _ := strings.Cut(err.Error(), ": operation error")
	return text
}
