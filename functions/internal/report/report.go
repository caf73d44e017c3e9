// Package report says what a Lambda function did: log lines, and the metric
// lines from which CloudWatch makes metrics.
package report

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
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
	// Out is where the lines go. The format is written by hand: every sign-up has a
	// line, and slog takes ten times as long over the part that is the same each time.
	Out io.Writer
	Now func() time.Time

	mu      sync.Mutex
	numbers []number
	line    []byte // of the last event, to be written over
}

type number struct {
	name metric.Name
	n    float64
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
	for i := range m.numbers {
		if m.numbers[i].name == name {
			m.numbers[i].n += n
			return
		}
	}
	m.numbers = append(m.numbers, number{name, n})
}

// Flush writes what was counted and sets the counts back to zero. What is not a
// number in JSON (an infinity) is left out.
func (m *Meter) Flush(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	numbers := slices.DeleteFunc(m.numbers, func(n number) bool { return math.IsNaN(n.n) || math.IsInf(n.n, 0) })
	m.numbers = numbers[:0]
	if len(numbers) == 0 {
		return
	}
	slices.SortFunc(numbers, func(a, b number) int { return cmp.Compare(a.name, b.name) })
	now := m.Now()
	b := append(m.line[:0], `{"time":"`...)
	b = now.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"INFO","msg":"metrics","`+metric.Dimension+`":`...)
	b = appendText(b, m.Stack)
	for _, n := range numbers {
		b = appendText(append(b, ','), string(n.name))
		b = strconv.AppendFloat(append(b, ':'), n.n, 'f', -1, 64)
	}
	b = append(b, `,"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, now.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":"`+metric.Namespace+`","Dimensions":[["`+metric.Dimension+`"]],"Metrics":[`...)
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(append(b, `{"Name":`...), string(n.name)), '}')
	}
	b = append(b, `]}]}`...)
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		b = appendText(append(b, `,"request":`...), lc.AwsRequestID)
	}
	m.line = append(b, "}\n"...)
	// As for a line of the log, nobody is there to be told of a failure.
	_, _ = m.Out.Write(m.line)
}

// appendText adds a text as JSON.
func appendText(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
