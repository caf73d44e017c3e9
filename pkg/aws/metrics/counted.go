package metrics

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Counted gives a question: was the metric counted above zero in any minute from
// the one of since on? The minute that runs counts too, as far as CloudWatch
// knows it; a number that is written as a log line takes a minute or two to get
// there.
func Counted(cfg aws.Config, namespace, name, dimensions string) func(ctx context.Context, since time.Time) (bool, error) {
	m := New(cfg, Source{Preset: Custom, Full: 1, Namespace: namespace, Name: name, Statistic: "Sum", Dimensions: dimensions}, "")
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
