package metrics

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// The sources that are not presets.
const (
	// ByHand: a person, or cron where there is no CloudWatch, runs `raincheck load`.
	ByHand = "hand"
	// Custom is any one metric: Namespace, Name, Dimensions, Statistic.
	Custom = "metric"
	// Expression is metric math that makes one series of minutes by itself: a
	// SEARCH inside SUM or MAX, or a query of Metrics Insights.
	Expression = "expression"
)

// Source says where the site's load comes from.
type Source struct {
	// Preset is one of Presets.
	Preset string
	// Full is the value of the metric at which the site is full, in its own unit
	// and for a minute: connections, requests, per cent, milliseconds.
	Full float64
	// Resource names what is measured, as the preset asks: the part of a load
	// balancer's ARN from "app/" on, CLUSTER/SERVICE, a database's identifier, a
	// distribution's ID.
	Resource string
	// Region is where the metric is; empty is the function's own. CloudFront's are
	// in us-east-1 in any case.
	Region string

	// Namespace, Name, Statistic and Dimensions are for the preset Custom.
	// Dimensions is written Name=Value,Name=Value.
	Namespace, Name, Statistic, Dimensions string
	// Expression is for the preset Expression.
	Expression string
}

// preset is a metric that AWS makes, and how to name a resource in it.
type preset struct {
	namespace, name, statistic string
	// dimensions are the names of the resource's parts, which a slash divides
	// where there is more than one.
	dimensions []string
	fixed      map[string]string
	// what is what Resource must be, for a message.
	what string
	// flows is a metric of the same resource that is always reported, and is 0
	// while nothing flows: the metric itself says nothing then. Empty where there is
	// none, or none is needed.
	flows string
}

var presets = map[string]preset{
	"alb-connections":     {"AWS/ApplicationELB", "ActiveConnectionCount", "Sum", []string{"LoadBalancer"}, nil, "the part of the load balancer's ARN from app/ on", "ConsumedLCUs"},
	"alb-requests":        {"AWS/ApplicationELB", "RequestCount", "Sum", []string{"LoadBalancer"}, nil, "the part of the load balancer's ARN from app/ on", "ConsumedLCUs"},
	"ecs-cpu":             {"AWS/ECS", "CPUUtilization", "Average", []string{"ClusterName", "ServiceName"}, nil, "CLUSTER/SERVICE", ""},
	"rds-cpu":             {"AWS/RDS", "CPUUtilization", "Average", []string{"DBInstanceIdentifier"}, nil, "the database instance's identifier", ""},
	"cloudfront-requests": {"AWS/CloudFront", "Requests", "Sum", []string{"DistributionId"}, map[string]string{"Region": "Global"}, "the distribution's ID", ""},
	"cloudfront-5xx":      {"AWS/CloudFront", "5xxErrorRate", "Average", []string{"DistributionId"}, map[string]string{"Region": "Global"}, "the distribution's ID", ""},
	// Needs "additional metrics" switched on for the distribution.
	"cloudfront-latency": {"AWS/CloudFront", "OriginLatency", "p90", []string{"DistributionId"}, map[string]string{"Region": "Global"}, "the distribution's ID", ""},
}

// Presets lists what Source.Preset may be.
func Presets() []string {
	return append(slices.Sorted(maps.Keys(presets)), Custom, Expression, ByHand)
}

// Validate names everything that is wrong with the source.
func (s Source) Validate() error {
	var problems []error
	p, known := presets[s.Preset]
	switch {
	case s.Preset == ByHand:
		return nil
	case s.Preset == Custom:
		if s.Namespace == "" || s.Name == "" || s.Statistic == "" {
			problems = append(problems, errors.New("the source metric needs a namespace, a name and a statistic"))
		}
		if _, err := parseDimensions(s.Dimensions); err != nil {
			problems = append(problems, err)
		}
	case s.Preset == Expression:
		if strings.TrimSpace(s.Expression) == "" {
			problems = append(problems, errors.New("the source expression needs an expression"))
		}
	case !known:
		problems = append(problems, fmt.Errorf("%q is not a source of the load: it is one of %s", s.Preset, strings.Join(Presets(), ", ")))
	case s.Resource == "" || len(p.parts(s.Resource)) != len(p.dimensions) || slices.Contains(p.parts(s.Resource), ""):
		problems = append(problems, fmt.Errorf("the source %s needs a resource: %s", s.Preset, p.what))
	}
	if !(s.Full > 0) || s.Full > 1e15 {
		problems = append(problems, fmt.Errorf("the value at which the site is full is %g, and must be above 0", s.Full))
	}
	return errors.Join(problems...)
}

// parts cuts a resource into the values of its dimensions.
func (p preset) parts(resource string) []string {
	return strings.SplitN(resource, "/", len(p.dimensions))
}

// region is where the metric is, "" for the function's own.
func (s Source) region() string {
	if presets[s.Preset].namespace == "AWS/CloudFront" {
		return EdgeRegion
	}
	return s.Region
}

// queries asks for the load, under the id "load", and for what says that nothing
// flows, under "flows".
func (s Source) queries() []types.MetricDataQuery {
	period := aws.Int32(int32(minute / time.Second))
	if s.Preset == Expression {
		return []types.MetricDataQuery{{Id: aws.String("load"), Expression: &s.Expression, Period: period}}
	}
	p, known := presets[s.Preset]
	metric := &types.Metric{Namespace: &p.namespace, MetricName: &p.name}
	statistic := p.statistic
	if known {
		for i, value := range p.parts(s.Resource) {
			metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: &p.dimensions[i], Value: &value})
		}
		for name, value := range p.fixed {
			metric.Dimensions = append(metric.Dimensions, types.Dimension{Name: &name, Value: &value})
		}
	} else {
		metric.Namespace, metric.MetricName, statistic = &s.Namespace, &s.Name, s.Statistic
		metric.Dimensions, _ = parseDimensions(s.Dimensions)
	}
	queries := []types.MetricDataQuery{{Id: aws.String("load"), MetricStat: &types.MetricStat{Metric: metric, Period: period, Stat: &statistic}}}
	if p.flows != "" {
		flows := &types.Metric{Namespace: metric.Namespace, MetricName: &p.flows, Dimensions: metric.Dimensions}
		queries = append(queries, types.MetricDataQuery{Id: aws.String("flows"), MetricStat: &types.MetricStat{Metric: flows, Period: period, Stat: aws.String("Sum")}})
	}
	return queries
}

// parseDimensions reads Name=Value,Name=Value.
func parseDimensions(text string) ([]types.Dimension, error) {
	var all []types.Dimension
	if text == "" {
		return nil, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("the dimensions are not written Name=Value,Name=Value")
		}
		all = append(all, types.Dimension{Name: &name, Value: &value})
	}
	return all, nil
}
