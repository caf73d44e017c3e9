package main

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/aws/smithy-go"
)

// TestAWSInWords: the usual ways in which a call fails, without the SDK's chain of
// layers; what is not usual stays as it is.
func TestAWSInWords(t *testing.T) {
	t.Parallel()
	call := func(err error) error {
		return fmt.Errorf("reading the stack raincheck: %w", &smithy.OperationError{ServiceID: "CloudFormation", OperationName: "DescribeStacks", Err: err})
	}
	for want, err := range map[string]error{
		"reading the stack raincheck: no such host cloudformation.eu-wst-1.amazonaws.com: is the region right, and the network up?": call(
			&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "cloudformation.eu-wst-1.amazonaws.com", IsNotFound: true}}),
		"AWS does not know these credentials: `aws sts get-caller-identity` must work in this shell first": call(
			&smithy.GenericAPIError{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."}),
		"the AWS credentials have expired; sign in again": call(&smithy.GenericAPIError{Code: "ExpiredToken"}),
		"reading the stack raincheck: the credentials may not do this: no": call(
			&smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}),
	} {
		if got := awsWords(err); got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := errors.New("something else"); awsWords(err).Error() != err.Error() || awsWords(nil) != nil {
		t.Error("what is not usual was changed")
	}
}
