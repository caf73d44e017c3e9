package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// PutFailed writes 1 as a metric of a stack when something failed and 0 when it
// did not. The functions write theirs as log lines; this is for a program that
// runs elsewhere.
func PutFailed(ctx context.Context, cfg aws.Config, namespace, name, stack string, failed bool, at time.Time) error {
	value := 0.0
	if failed {
		value = 1
	}
	_, err := cloudwatch.NewFromConfig(cfg).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace: &namespace,
		MetricData: []types.MetricDatum{{MetricName: &name, Timestamp: &at, Value: &value,
			Dimensions: []types.Dimension{{Name: aws.String("Stack"), Value: &stack}}}},
	})
	return err
}
