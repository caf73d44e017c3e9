package explain_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"

	"raincheck/pkg/aws/explain"
)

// TestTheUsualFailuresAreWords, without the SDK's chain of layers, and keep what
// was attempted.
func TestTheUsualFailuresAreWords(t *testing.T) {
	t.Parallel()
	sdk := func(err error) error {
		return fmt.Errorf("table: reading the control item: operation error DynamoDB: GetItem, exceeded maximum number of attempts, 3: %w", err)
	}
	for _, c := range []struct {
		err  error
		says string
	}{
		{sdk(context.Canceled), "table: reading the control item: interrupted"},
		{sdk(&smithy.GenericAPIError{Code: "ExpiredTokenException"}), "the AWS credentials have expired; sign in again"},
		{sdk(&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}), "table: reading the control item: the credentials may not do this: no"},
		{sdk(syscall.ECONNREFUSED), "table: reading the control item: AWS does not answer (connection refused)"},
		{sdk(&net.DNSError{Name: "dynamodb.nowhere"}), "table: reading the control item: no such host dynamodb.nowhere"},
		{sdk(context.DeadlineExceeded), "table: reading the control item: AWS did not answer in time"},
		{errors.New("else"), "else"},
	} {
		if got := explain.Error(c.err); !strings.HasPrefix(got.Error(), c.says) || strings.Contains(got.Error(), "operation error") {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	if explain.Error(nil) != nil {
		t.Error("nil is not nil")
	}
	if err := explain.Error(sdk(context.Canceled)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not a cancellation any more", err)
	}
	if err := explain.Error(sdk(&smithy.GenericAPIError{Code: "AccessDenied"})); !errors.Is(err, explain.ErrDenied) {
		t.Errorf("%v is not a denial any more", err)
	}
}
