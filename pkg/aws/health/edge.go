package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// EdgeLogs says whether the lines of an edge function arrive in the region of cfg,
// and whether metric filters make the wanted metrics of them in the namespace. It
// looks for lines from since on.
func EdgeLogs(ctx context.Context, cfg aws.Config, function, namespace string, wanted []string, since time.Time) ([]Finding, error) {
	const mend = "Deploy functions/throttle/edge.yaml in us-east-1 (docs/deploying.md)."
	client := cloudwatchlogs.NewFromConfig(cfg)
	group := "/aws/cloudfront/function/" + function
	groups, err := client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &group})
	if err != nil {
		return nil, fmt.Errorf("reading the log groups in %s: %w", cfg.Region, err)
	}
	i := slices.IndexFunc(groups.LogGroups, func(g types.LogGroup) bool { return aws.ToString(g.LogGroupName) == group })
	if i < 0 {
		return []Finding{Bad(mend, "no log group %s in %s: the law gets no counts from the edge", group, cfg.Region)}, nil
	}
	var found []Finding
	if days := groups.LogGroups[i].RetentionInDays; days == nil {
		found = append(found, Warn(mend, "the edge's lines are kept for ever: CloudFront made the log group, not the template"))
	}
	filters, err := client.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
	if err != nil {
		return nil, fmt.Errorf("reading the metric filters of %s: %w", group, err)
	}
	var made []string
	for _, f := range filters.MetricFilters {
		for _, t := range f.MetricTransformations {
			if aws.ToString(t.MetricNamespace) == namespace && strings.Contains(aws.ToString(f.FilterPattern), "rc1") {
				made = append(made, aws.ToString(t.MetricName))
			}
		}
	}
	for _, name := range wanted {
		if !slices.Contains(made, name) {
			found = append(found, Bad(mend, "no metric filter makes %s of the edge's lines", name))
		}
	}
	lines, err := client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: aws.String("rc1"), StartTime: aws.Int64(since.UnixMilli()), Limit: aws.Int32(1)})
	if err != nil {
		return nil, fmt.Errorf("reading the lines of %s: %w", group, err)
	}
	// A page may be empty and more follow.
	if len(lines.Events) == 0 && lines.NextToken == nil {
		return append(found, Warn("Attach the functions; in mode open nothing is counted, so `raincheck observe --apply`. If that is done, see docs/operating.md, NoEdgeCounts.",
			"the edge has counted nobody in 24 hours")), nil
	}
	if len(found) == 0 {
		found = append(found, OK("the edge's lines arrive in %s and become metrics", group))
	}
	return found, nil
}
