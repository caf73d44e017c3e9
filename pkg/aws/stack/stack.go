// Package stack finds the parts of a deployed raincheck. An operator knows one
// name, that of the CloudFormation stack; what the stack made (the table, the
// queue, the store at the edge) is in its outputs, and its parameters (host,
// capacity, target) in its parameters. One DescribeStacks call gives both, so
// the operators' tool needs no file of its own that could be out of date.
package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"
)

// What callers branch on.
var (
	// ErrNotFound: no stack has this name in this account and region.
	ErrNotFound = errors.New("no stack of this name in this account and region")
	// ErrOther: the stack is not raincheck's.
	ErrOther = errors.New("this stack is not raincheck's")
)

// Stack is a deployed stack.
type Stack struct {
	Name string
	// Status is CloudFormation's word, such as UPDATE_COMPLETE.
	Status string
	// Outputs are what it made, Parameters what it was deployed with. CloudFormation
	// answers a NoEcho parameter with asterisks.
	Outputs, Parameters map[string]string
	// ServerTime is AWS's own clock when it answered, to the second; zero when it did
	// not say.
	ServerTime time.Time
}

// Client speaks to CloudFormation.
type Client struct {
	api *cloudformation.Client
}

// New makes a Client for the region of cfg.
func New(cfg aws.Config) *Client { return &Client{cloudformation.NewFromConfig(cfg)} }

// Describe reads a stack by its name or ARN. ErrNotFound when there is none.
func (c *Client) Describe(ctx context.Context, name string) (Stack, error) {
	out, err := c.api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		// CloudFormation has no error of its own for this: it is a ValidationError
		// whose message says so.
		if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist") {
			return Stack{}, fmt.Errorf("the stack %s: %w", name, ErrNotFound)
		}
		return Stack{}, fmt.Errorf("reading the stack %s: %w", name, err)
	}
	if len(out.Stacks) == 0 {
		return Stack{}, fmt.Errorf("the stack %s: %w", name, ErrNotFound)
	}
	found := out.Stacks[0]
	s := Stack{Name: aws.ToString(found.StackName), Status: string(found.StackStatus), Outputs: map[string]string{}, Parameters: map[string]string{}}
	s.ServerTime, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
	for _, o := range found.Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range found.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	return s, nil
}

// Need gives outputs by their names; ErrOther names those that are missing.
func (s Stack) Need(names ...string) ([]string, error) {
	var values, missing []string
	for _, name := range names {
		value := s.Outputs[name]
		if value == "" {
			missing = append(missing, name)
		}
		values = append(values, value)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the stack %s (%s) has no output %s: %w", s.Name, s.Status, strings.Join(missing, ", "), ErrOther)
	}
	return values, nil
}
