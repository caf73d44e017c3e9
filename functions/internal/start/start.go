// Package start is what every Lambda function does before its first event: read
// its settings, find AWS, and get ready to say what happened.
//
// A function that starts slowly is slow for a person who waits, at the very
// moment when many start at once. So nothing here touches the network, and
// nothing is brought along that a function does not need: the SDK's config module
// knows six ways to find credentials and links three more services for them,
// where Lambda has exactly one way, the environment.
package start

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/caarlos0/env/v11"
)

// Main runs a function and ends the program when it could not start: Lambda
// shows what is written, and starts it anew at the next event.
func Main(run func(ctx context.Context, environ []string) error) {
	if err := run(context.Background(), os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// validator is a configuration with rules across its fields.
type validator interface{ Validate() error }

// Read fills a configuration struct from the environment, by its env tags, and
// validates it. The error names every problem at once, each by its variable, and
// repeats no value.
func Read(environ []string, into validator) error {
	var problems []error
	err := env.ParseWithOptions(into, env.Options{Environment: env.ToMap(environ)})
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, e := range all.Errors {
			problems = append(problems, plainly(e, into))
		}
	} else if err != nil {
		problems = append(problems, err)
	}
	if err := into.Validate(); err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("the configuration is not right:\n%w", err)
	}
	return nil
}

// plainly names a variable, and keeps its value out of what env says: it may be
// a secret's, put into the wrong variable.
func plainly(err error, into any) error {
	if parse, ok := errors.AsType[env.ParseError](err); ok {
		name := parse.Name
		if field, ok := reflect.TypeOf(into).Elem().FieldByName(parse.Name); ok {
			name, _, _ = strings.Cut(field.Tag.Get("env"), ",")
		}
		return fmt.Errorf("%s: what is there cannot be read as a %s", name, parse.Type)
	}
	if missing, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return fmt.Errorf("%s: it is missing", missing.Key)
	}
	return err
}

// Cloud is the SDK's configuration from what Lambda puts into the environment.
// attempt bounds one try of one request; an adapter may try again. It must be
// well under the function's own timeout, so that the function can still say what
// went wrong.
//
// A stand-in for a service is named by the variables that the SDK knows, such as
// AWS_ENDPOINT_URL_DYNAMODB.
func Cloud(environ []string, attempt time.Duration) aws.Config {
	vars := env.ToMap(environ)
	credentials := aws.Credentials{
		AccessKeyID: vars["AWS_ACCESS_KEY_ID"], SecretAccessKey: vars["AWS_SECRET_ACCESS_KEY"], SessionToken: vars["AWS_SESSION_TOKEN"],
		Source: "the function's environment",
	}
	return aws.Config{
		Region: vars["AWS_REGION"],
		// They last as long as the process: Lambda replaces it before they expire.
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			if !credentials.HasKeys() {
				return aws.Credentials{}, errors.New("the environment holds no AWS credentials")
			}
			return credentials, nil
		}),
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(attempt).WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = idle
		}),
		ConfigSources: []any{endpoints(vars)},
	}
}

// idle is how many connections to one service are kept for the next request. The
// inviter has 50 requests to the table under way at once, and the SDK keeps ten
// connections: each of the others would cost a handshake again and again, on a
// fraction of a processor.
const idle = 64

// endpoints answers the SDK's question for a service's own endpoint as its
// config module does.
type endpoints map[string]string

// GetServiceBaseEndpoint gives the endpoint of AWS_ENDPOINT_URL_SERVICE.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	value := e["AWS_ENDPOINT_URL_"+strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_"))]
	return value, value != "", nil
}
