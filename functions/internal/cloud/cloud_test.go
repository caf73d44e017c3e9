package cloud

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestConfigIsWhatLambdaSays(t *testing.T) {
	t.Parallel()
	cfg := Config([]string{"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://stand-in"}, 3*time.Second)
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || cfg.Region != "eu-west-1" || got.AccessKeyID != "a" || got.SecretAccessKey != "b" || got.SessionToken != "c" {
		t.Errorf("region %q, credentials %v", cfg.Region, err)
	}
	e := cfg.ConfigSources[0].(endpoints)
	if at, found, err := e.GetServiceBaseEndpoint(t.Context(), "Secrets Manager"); at != "http://stand-in" || !found || err != nil {
		t.Errorf("the endpoint is %q, %v, %v", at, found, err)
	}
	if _, found, _ := e.GetServiceBaseEndpoint(t.Context(), "DynamoDB"); found {
		t.Error("an endpoint that nobody named")
	}
	client := cfg.HTTPClient.(*awshttp.BuildableClient)
	if client.GetTimeout() != 3*time.Second || client.GetTransport().MaxIdleConnsPerHost != idle || client.GetTransport().MaxIdleConns < idle {
		t.Errorf("a try may take %s, and %d connections are kept", client.GetTimeout(), client.GetTransport().MaxIdleConnsPerHost)
	}
	if client.GetTransport().Proxy == nil {
		t.Error("the usual proxy is forgotten")
	}
	if _, err := Config(nil, time.Second).Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials out of nothing")
	}
}

// TestEveryServiceHasItsEndpoint by the SDK's own order: the variable of the service
// before the one for all.
func TestEveryServiceHasItsEndpoint(t *testing.T) {
	t.Parallel()
	vars := []string{"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://all", "AWS_ENDPOINT_URL_SQS=http://one"}
	cfg := Config(vars, time.Second)
	if got := aws.ToString(dynamodb.NewFromConfig(cfg).Options().BaseEndpoint); got != "http://all" {
		t.Errorf("DynamoDB is asked at %q", got)
	}
	if got := aws.ToString(sqs.NewFromConfig(cfg).Options().BaseEndpoint); got != "http://one" {
		t.Errorf("SQS is asked at %q", got)
	}
	cfg = Config(append(vars, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"), time.Second)
	if got := sqs.NewFromConfig(cfg).Options().BaseEndpoint; got != nil {
		t.Errorf("an endpoint that is to be ignored: %q", *got)
	}
}
