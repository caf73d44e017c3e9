package start

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

type settings struct {
	Table string        `env:"TABLE,required"`
	Life  time.Duration `env:"LIFE" envDefault:"4h"`
	Share float64       `env:"SHARE" envDefault:"0.5"`
}

func (s *settings) Validate() error {
	if s.Share > 1 {
		return errors.New("SHARE: it is more than all")
	}
	return nil
}

func TestReadNamesEveryProblemAndRepeatsNoValue(t *testing.T) {
	t.Parallel()
	var good settings
	if err := Read([]string{"TABLE=line"}, &good); err != nil || good.Table != "line" || good.Life != 4*time.Hour {
		t.Fatalf("%+v, %v", good, err)
	}
	err := Read([]string{"LIFE=a-secret-in-the-wrong-place", "SHARE=2"}, &settings{})
	if err == nil {
		t.Fatal("it starts")
	}
	for _, want := range []string{"TABLE: it is missing", "LIFE: ", "SHARE: it is more than all"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the value is repeated: %v", err)
	}
}

func TestCloudIsWhatLambdaSays(t *testing.T) {
	t.Parallel()
	cfg := Cloud([]string{"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://stand-in"}, 3*time.Second)
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
	if _, err := Cloud(nil, time.Second).Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials out of nothing")
	}
}

// TestAMetricIsOneLine in the embedded metric format: CloudWatch makes metrics of
// what _aws names, under the very names that stand beside it.
func TestAMetricIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	meter := &Meter{Stack: "raincheck", Log: Logger(&out), Now: func() time.Time { return at }}
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "the-request"})
	meter.Count("inviter.skipped", 1) // once a minute, by a stack at rest
	meter.Flush(ctx)
	if out.Len() != 0 {
		t.Fatalf("a stack at rest reports: %s", out.String())
	}
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() { meter.Count("sender.sent", 1) })
	}
	wait.Wait()
	meter.Count("inviter.unsent", 0) // a zero is a number too
	meter.Flush(ctx)
	var line struct {
		Stack, Request string
		Sent           float64  `json:"sender.sent"`
		Unsent         *float64 `json:"inviter.unsent"`
		AWS            struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%v: %s", err, out.String())
	}
	about := line.AWS.CloudWatchMetrics
	if line.Stack != "raincheck" || line.Request != "the-request" || line.Sent != 10 || line.Unsent == nil || line.AWS.Timestamp != at.UnixMilli() ||
		len(about) != 1 || about[0].Namespace != Namespace || len(about[0].Dimensions) != 1 || about[0].Dimensions[0][0] != "Stack" ||
		len(about[0].Metrics) != 2 || about[0].Metrics[0].Name != "inviter.unsent" || about[0].Metrics[1].Name != "sender.sent" {
		t.Errorf("the line is %s", out.String())
	}
	out.Reset()
	meter.Flush(ctx)
	if out.Len() != 0 {
		t.Errorf("the numbers are reported again: %s", out.String())
	}
}
