package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"raincheck/pkg/metric"
)

// Own reads a metric of raincheck's own, of a stack, by one of CloudWatch's
// statistics.
func Own(cfg aws.Config, name metric.Name, stack, statistic string) *Metrics {
	return New(cfg, own(name, stack, statistic), "")
}

func own(name metric.Name, stack, statistic string) Source {
	return Source{Preset: Custom, Full: 1, Namespace: metric.Namespace, Name: string(name), Statistic: statistic, Dimensions: metric.Dimension + "=" + stack}
}

// LastHour gives the sums of metrics of a stack over the hour before now, by one
// request. One that was not reported in it is left out.
func LastHour(ctx context.Context, cfg aws.Config, names []metric.Name, stack string, now time.Time) (map[metric.Name]int, error) {
	queries := make([]types.MetricDataQuery, len(names))
	for i, name := range names {
		queries[i] = own(name, stack, "Sum").queries()[0]
		queries[i].Id = aws.String(fmt.Sprintf("m%d", i))
	}
	series, err := read(ctx, cloudwatch.NewFromConfig(cfg).GetMetricData, now.Add(-time.Hour), now, queries)
	if err != nil {
		return nil, fmt.Errorf("metrics: reading the counts of the last hour: %w", err)
	}
	sums := map[metric.Name]int{}
	for i, name := range names {
		for _, p := range series[*queries[i].Id] {
			sums[name] += int(p.value)
		}
	}
	return sums, nil
}

// BusiestDay is the most mails that the account sent by SES in a day of the last 14,
// in this region, whatever sent them.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-cloudwatch.html
func BusiestDay(ctx context.Context, cfg aws.Config, now time.Time) (int, error) {
	const day = 24 * time.Hour
	tomorrow := now.UTC().Truncate(day).Add(day)
	sent := Source{Preset: Custom, Namespace: "AWS/SES", Name: "Send", Statistic: "Sum"}.queries()
	sent[0].MetricStat.Period = aws.Int32(int32(day / time.Second))
	series, err := read(ctx, cloudwatch.NewFromConfig(cfg).GetMetricData, tomorrow.Add(-14*day), tomorrow, sent)
	if err != nil {
		return 0, fmt.Errorf("metrics: reading how much the account has mailed: %w", err)
	}
	most := 0.0
	for _, p := range series[*sent[0].Id] {
		most = max(most, p.value)
	}
	return int(most), nil
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
