// Inviter is the controller as a Lambda function: one tick a minute, by
// EventBridge Scheduler. What it does is in pkg/inviter.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/mailer"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/queue"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/inviter"
)

func main() { env.Main(run) }

// event is what the schedule sends: the minute that the tick is for, whenever it
// arrives.
type event struct {
	Scheduled time.Time `json:"scheduled"`
}

func run(_ context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	// Three tries of five seconds leave the tick of 50 time to do the rest.
	cfg := cloud.Config(environ, 5*time.Second)
	log := report.Begin(os.Stdout)
	meter := &report.Meter{Stack: c.Stack, Out: os.Stdout, Now: time.Now}
	service := &inviter.Service{
		Settings: c.settings(),
		Store:    table.New(cfg, c.Table), Queue: queue.New(cfg, c.QueueURL), Mail: mailer.New(cfg, ""),
		Metrics: metrics.New(cfg, c.source(), c.EdgeNamespace), Edge: edgestore.New(cfg, c.EdgeStore),
		Keys: secret.New(cfg, c.KeysSecret, "").Keys, Now: time.Now, Count: meter.Count, Log: log,
	}
	c.relay(service)
	lambda.Start(func(ctx context.Context, e event) (inviter.Report, error) {
		defer meter.Flush(ctx)
		if e.Scheduled.IsZero() {
			return inviter.Report{}, errors.New("the event says for which minute it is under \"scheduled\"")
		}
		r, err := service.Tick(ctx, e.Scheduled)
		return r, errors.Join(err, r.Err())
	})
	return nil
}
