// Package metrics reads from CloudWatch how full the site is and what the edge
// counted.
//
// Any number that rises with the site's load will do, divided by what it is when
// the site is full. The presets name the usual ones, so that an operator says
// which load balancer and how many connections it can take, and not how
// CloudWatch spells that.
//
// A metric is late, and its newest minute is partial: a sum over half a minute is
// half of the truth and would let twice as many people in. So only minutes that
// ended before the caller's until are given, a minute that is missing is left
// out, and it is for the admission law to grow careful as the last one ages. No
// gap is filled with a zero, since a metric filter's silence means no traffic, a
// broken filter, or a throttle that nobody attached; but for a metric that AWS
// documents to be silent while nothing flows, where another one says that nothing
// did.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"raincheck/pkg/admission"
)

// EdgeRegion is where the log lines of CloudFront Functions arrive, whatever the
// region of the stack.
const EdgeRegion = "us-east-1"

// The names of the metrics that the metric filters make of the edge's lines.
const (
	Visitors = "Visitors"
	Admitted = "Admitted"
	Refused  = "Refused"
)

// minute is the period of everything read here: the law decides once a minute.
const minute = time.Minute

// Metrics reads the load of one site and the counts of its edge. It is safe for
// concurrent use.
type Metrics struct {
	load, edge asking
	source     Source
	namespace  string
}

// asking is the one method of the client, and not the client: see pkg/aws/mailer.
type asking func(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)

// New gives the metrics of a site. namespace is that of the edge's metric
// filters; empty reads no counts. Nothing is sent before the first use. The
// source must be one that Validate accepts.
func New(cfg aws.Config, source Source, namespace string) *Metrics {
	in := func(region string) asking {
		return cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) {
			if region != "" {
				o.Region = region
			}
		}).GetMetricData
	}
	return &Metrics{load: in(source.region()), edge: in(EdgeRegion), source: source, namespace: namespace}
}

// Load gives the site's load, 1.0 being full, for the minutes that began at
// since or later and ended by until, in order of time. With the source ByHand
// there is none. A load balancer reports no connections and requests while there
// are none: a minute that it says nothing of is a load of 0 if its other metric
// says that nothing flowed, and unknown otherwise.
func (m *Metrics) Load(ctx context.Context, since, until time.Time) ([]admission.Sample, error) {
	if m.source.Preset == ByHand {
		return nil, nil
	}
	series, err := read(ctx, m.load, since, until, m.source.queries())
	if err != nil {
		return nil, fmt.Errorf("metrics: reading the site's load: %w", err)
	}
	var samples []admission.Sample
	reported := map[time.Time]bool{}
	for _, p := range series["load"] {
		samples, reported[p.at] = append(samples, admission.Sample{At: p.at, Value: p.value / m.source.Full}), true
	}
	for _, p := range series["flows"] {
		if p.value == 0 && !reported[p.at] {
			samples = append(samples, admission.Sample{At: p.at})
		}
	}
	slices.SortStableFunc(samples, func(a, b admission.Sample) int { return a.At.Compare(b.At) })
	return samples, nil
}

// Edge gives what the edge counted in the minutes that began at since or later
// and ended by until. A minute of which only one number has arrived is left out.
func (m *Metrics) Edge(ctx context.Context, since, until time.Time) ([]admission.EdgeCount, error) {
	if m.namespace == "" {
		return nil, nil
	}
	series, err := read(ctx, m.edge, since, until, []types.MetricDataQuery{m.counted("visitors", Visitors), m.counted("admitted", Admitted)})
	if err != nil {
		return nil, fmt.Errorf("metrics: reading the counts at the edge: %w", err)
	}
	admitted := map[time.Time]float64{}
	for _, p := range series["admitted"] {
		admitted[p.at] = p.value
	}
	var counts []admission.EdgeCount
	for _, p := range series["visitors"] {
		if a, ok := admitted[p.at]; ok {
			counts = append(counts, admission.EdgeCount{At: p.at, Visitors: p.value, Admitted: a})
		}
	}
	return counts, nil
}

// Refused gives how many requests under strict paths were refused, or in observe
// would have been, in the minutes that have any.
func (m *Metrics) Refused(ctx context.Context, since, until time.Time) ([]admission.Sample, error) {
	if m.namespace == "" {
		return nil, nil
	}
	series, err := read(ctx, m.edge, since, until, []types.MetricDataQuery{m.counted("refused", Refused)})
	if err != nil {
		return nil, fmt.Errorf("metrics: reading what was refused at the edge: %w", err)
	}
	var samples []admission.Sample
	for _, p := range series["refused"] {
		samples = append(samples, admission.Sample{At: p.at, Value: p.value})
	}
	return samples, nil
}

// counted asks for a metric of the edge's lines, by the minute.
func (m *Metrics) counted(id, name string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: &m.namespace, MetricName: &name},
		Period: aws.Int32(int32(minute / time.Second)), Stat: aws.String("Sum"),
	}}
}

type point struct {
	at    time.Time
	value float64
}

// read asks for whole minutes within [since, until) and gives them by the id of
// the query. What is not a number from 0 up is left out.
func read(ctx context.Context, ask asking, since, until time.Time, queries []types.MetricDataQuery) (map[string][]point, error) {
	start := since.UTC().Add(minute - 1).Truncate(minute)
	end := until.UTC().Truncate(minute)
	if !start.Before(end) {
		return nil, nil
	}
	series := map[string][]point{}
	in := &cloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: &end, MetricDataQueries: queries, ScanBy: types.ScanByTimestampAscending,
	}
	for {
		page, err := ask(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, result := range page.MetricDataResults {
			id := aws.ToString(result.Id)
			if result.StatusCode == types.StatusCodeInternalError || result.StatusCode == types.StatusCodeForbidden {
				return nil, errors.New("CloudWatch answered " + string(result.StatusCode) + " for " + id)
			}
			for i, at := range result.Timestamps {
				if i < len(result.Values) && !at.Before(start) && at.Before(end) && result.Values[i] >= 0 && !math.IsInf(result.Values[i], 0) {
					series[id] = append(series[id], point{at.UTC(), result.Values[i]})
				}
			}
		}
		if page.NextToken == nil {
			return series, nil
		}
		in.NextToken = page.NextToken
	}
}
