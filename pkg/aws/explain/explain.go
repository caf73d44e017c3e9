// Package explain puts the usual failures of a call to AWS into words for an
// operator: no credentials, not allowed, no such host, a fault of AWS's own.
package explain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrDenied means that AWS answers, and these credentials may not do it.
var ErrDenied = errors.New("the credentials may not do this")

// ErrCredentials means that AWS does not take the credentials of this shell, or that
// there are none: nothing of AWS can be asked.
var ErrCredentials = errors.New("AWS does not take these credentials")

// strange is the text of an ErrCredentials.
type strange string

func (s strange) Error() string      { return string(s) }
func (strange) Is(target error) bool { return target == ErrCredentials }

// errInterrupted is an operator's Ctrl-C.
var errInterrupted = interrupted{}

type interrupted struct{}

func (interrupted) Error() string { return "interrupted" }

// Unwrap keeps it a context.Canceled.
func (interrupted) Unwrap() error { return context.Canceled }

// Error says the usual failures of a call to AWS in words. What is not
// usual stays as it is.
func Error(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", attempted(err), errInterrupted)
	}
	text := err.Error()
	if strings.Contains(text, "get credentials") || strings.Contains(text, "get identity") || strings.Contains(text, "no EC2 IMDS role found") {
		return strange("there are no AWS credentials: `aws sts get-caller-identity` must work in this shell first")
	}
	said := func(what string) error { return fmt.Errorf("%s: %s", attempted(err), what) }
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch api.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException":
			return strange("the AWS credentials have expired; sign in again")
		case "InvalidClientTokenId", "UnrecognizedClientException":
			return strange("AWS does not know these credentials: `aws sts get-caller-identity` must work in this shell first")
		case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
			return fmt.Errorf("%s: %w: %s", attempted(err), ErrDenied, api.ErrorMessage())
		}
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && r.HTTPStatusCode() >= 500 {
		return said(fmt.Sprintf("AWS has a fault of its own (%d); try again in a minute", r.HTTPStatusCode()))
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && !dns.IsTimeout {
		return said("no such host " + dns.Name + ": is the region right, and the network up?")
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
