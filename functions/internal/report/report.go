// Package report says what a Lambda function did: log lines, and the metric
// lines from which CloudWatch makes metrics.
package report

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"raincheck/pkg/metric"
	"raincheck/pkg/version"
)

// Logger writes one JSON object a line, with the id of the request that it
// belongs to.
func Logger(w io.Writer) *slog.Logger {
	return slog.New(withRequest{slog.NewJSONHandler(w, nil)})
}

// Begin is a Logger whose first line says which version starts.
func Begin(w io.Writer) *slog.Logger {
	log := Logger(w)
	log.Info("starting", "version", version.String())
	return log
}

// withRequest adds the request's id to every record.
type withRequest struct{ slog.Handler }

// Handle writes a record.
func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("request", lc.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the id on derived loggers.
func (h withRequest) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id on derived loggers.
func (h withRequest) WithGroup(name string) slog.Handler {
	return withRequest{h.Handler.WithGroup(name)}
}

// Meter gathers the numbers of one event and writes them as one line in
// CloudWatch's embedded metric format, from which CloudWatch makes metrics with
// no request of ours:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
// An event with no number writes nothing, so that a stack at rest makes no
// metric that costs money. It is safe for concurrent use.
type Meter struct {
	// Stack is the one dimension.
	Stack string
	Log   *slog.Logger
	Now   func() time.Time

	mu      sync.Mutex
	numbers map[metric.Name]float64
}

// quiet are counted once a minute by a stack at rest: they stand in the log, and
// would cost a metric each.
var quiet = []metric.Name{metric.InviterSkipped}

// Count adds to a number of this event.
func (m *Meter) Count(name metric.Name, n float64) {
	if slices.Contains(quiet, name) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.numbers == nil {
		m.numbers = map[metric.Name]float64{}
	}
	m.numbers[name] += n
}

// Flush writes what was counted and sets the counts back to zero.
func (m *Meter) Flush(ctx context.Context) {
	m.mu.Lock()
	numbers := m.numbers
	m.numbers = nil
	m.mu.Unlock()
	if len(numbers) == 0 {
		return
	}
	type number struct{ Name metric.Name }
	type directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []number
	}
	about := directive{Namespace: metric.Namespace, Dimensions: [][]string{{metric.Dimension}}}
	attrs := []slog.Attr{slog.String(metric.Dimension, m.Stack)}
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		about.Metrics = append(about.Metrics, number{name})
		attrs = append(attrs, slog.Float64(string(name), numbers[name]))
	}
	attrs = append(attrs, slog.Any("_aws", struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}{m.Now().UnixMilli(), []directive{about}}))
	m.Log.LogAttrs(ctx, slog.LevelInfo, "metrics", attrs...)
}
