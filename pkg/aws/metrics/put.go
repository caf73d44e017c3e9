package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"raincheck/pkg/metric"
)

// PutFailed writes 1 as a metric of a stack when something failed and 0 when it
// did not. The functions write theirs as log lines; this is for a program that
// runs elsewhere.
func PutFailed(ctx context.Context, cfg aws.Config, name metric.Name, stack string, failed bool, at time.Time) error {
	value := 0.0
	if failed {
		value = 1
	}
	_, err := cloudwatch.NewFromConfig(cfg).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: aws.String(metric.Namespace),
		MetricData: []types.MetricDatum{{MetricName: aws.String(string(name)), Timestamp: &at, Value: &value,
			Dimensions: []types.Dimension{{Name: aws.String(metric.Dimension), Value: &stack}}}},
	})
	return err
}
