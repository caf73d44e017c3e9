package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/pkg/metric"
)

// Own reads a metric of raincheck's own, of a stack, by one of CloudWatch's
// statistics.
func Own(cfg aws.Config, name metric.Name, stack, statistic string) *Metrics {
	return New(cfg, Source{Preset: Custom, Full: 1, Namespace: metric.Namespace, Name: string(name), Statistic: statistic, Dimensions: metric.Dimension + "=" + stack}, "")
}

// LastHour is the sum of a metric of a stack over the hour before now.
func LastHour(ctx context.Context, cfg aws.Config, name metric.Name, stack string, now time.Time) (n int, err error) {
	samples, err := Own(cfg, name, stack, "Sum").Load(ctx, now.Add(-time.Hour), now)
	for _, minute := range samples {
		n += int(minute.Value)
	}
	return n, err
}

// Counted gives a question: was a metric of a stack counted above zero in any minute from
// the one of since on? The minute that runs counts too, as far as CloudWatch
// knows it; a number that is written as a log line takes a minute or two to get
// there.
func Counted(cfg aws.Config, name metric.Name, stack string) func(ctx context.Context, since time.Time) (bool, error) {
	m := Own(cfg, name, stack, "Sum")
	return func(ctx context.Context, since time.Time) (bool, error) {
		// Far enough ahead of since that no minute between it and now is left out,
		// whatever the clocks say.
		samples, err := m.Load(ctx, since.Truncate(minute), since.Add(time.Hour))
		for _, s := range samples {
			if s.Value > 0 {
				return true, err
			}
		}
		return false, err
	}
}
