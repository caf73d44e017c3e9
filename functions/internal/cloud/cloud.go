// Package cloud configures the AWS SDK for a Lambda function.
//
// A function that starts slowly is slow for a person who waits, at the moment
// when many start at once. So nothing here touches the network, and the SDK's
// config module is not used: it knows six ways to find credentials and links
// three more services for them, where Lambda has exactly one way, the environment.
package cloud

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Config is the SDK's configuration from what Lambda puts into the environment.
// attempt bounds one try of one request; an adapter may try again. It must be
// well under the function's own timeout, so that the function can still say what
// went wrong.
//
// Another endpoint is named by the variables that the SDK and the aws command
// know: AWS_ENDPOINT_URL for every service, and AWS_ENDPOINT_URL_DYNAMODB and its
// like for one, which is the stronger. AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true
// puts both out of force.
func Config(environ []string, attempt time.Duration) aws.Config {
	vars := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	credentials := aws.Credentials{
		AccessKeyID: vars["AWS_ACCESS_KEY_ID"], SecretAccessKey: vars["AWS_SECRET_ACCESS_KEY"], SessionToken: vars["AWS_SESSION_TOKEN"],
		Source: "the function's environment",
	}
	cfg := aws.Config{
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
	}
	if vars["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] != "true" {
		cfg.ConfigSources = []any{endpoints(vars)}
		if all := vars["AWS_ENDPOINT_URL"]; all != "" {
			cfg.BaseEndpoint = &all
		}
	}
	return cfg
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
