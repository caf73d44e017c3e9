package report

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"raincheck/pkg/metric"
	"raincheck/pkg/version"
)

// TestAMetricIsOneLine in the embedded metric format: CloudWatch makes metrics of
// what _aws names, under the very names that stand beside it.
func TestAMetricIsOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	meter := &Meter{Stack: `a "stack" of mine`, Out: &out, Now: func() time.Time { return at }}
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
	meter.Count("inviter.unsent", 0)         // a zero is a number too
	meter.Count("inviter.load", math.Inf(1)) // JSON has no word for it
	meter.Flush(ctx)
	var line struct {
		Stack, Request, Msg string
		Time                time.Time
		Sent                float64  `json:"sender.sent"`
		Unsent              *float64 `json:"inviter.unsent"`
		AWS                 struct {
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
	if line.Stack != meter.Stack || line.Msg != "metrics" || !line.Time.Equal(at) || line.Request != "the-request" || line.Sent != 10 || line.Unsent == nil || line.AWS.Timestamp != at.UnixMilli() ||
		len(about) != 1 || about[0].Namespace != metric.Namespace || len(about[0].Dimensions) != 1 || about[0].Dimensions[0][0] != "Stack" ||
		len(about[0].Metrics) != 2 || about[0].Metrics[0].Name != "inviter.unsent" || about[0].Metrics[1].Name != "sender.sent" {
		t.Errorf("the line is %s", out.String())
	}
	out.Reset()
	meter.Flush(ctx)
	if out.Len() != 0 {
		t.Errorf("the numbers are reported again: %s", out.String())
	}
}

// TestTheFirstLineSaysTheVersion: whoever reads the logs of a stack knows which
// raincheck wrote them.
func TestTheFirstLineSaysTheVersion(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Begin(&out)
	var line struct{ Msg, Version string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Msg != "starting" || line.Version != version.String() {
		t.Errorf("%s: %v", out.String(), err)
	}
}
