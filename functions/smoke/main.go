// Smoke is the canary as a Lambda function: every five minutes one invented
// person goes the whole way. What it does is in pkg/smoke.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/queue"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/metric"
	"raincheck/pkg/smoke"
)

func main() { env.Main(run) }

func run(_ context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	cfg := cloud.Config(environ, 5*time.Second)
	log := report.Begin(os.Stdout)
	meter := &report.Meter{Stack: c.Stack, Out: os.Stdout, Now: time.Now}
	gate := smoke.Seldom(edgestore.Reading(cfg, c.EdgeStore).Gate, time.Now)
	service := smoke.Service{
		Site: "https://" + c.SiteHost, Path: c.Path,
		Line:      smoke.Own{Store: table.New(cfg, c.Table), Queue: queue.New(cfg, c.QueueURL), Keys: secret.New(cfg, c.KeysSecret, "").Keys, Now: time.Now},
		Delivered: metrics.Counted(cfg, metric.FeedbackDelivered, c.Stack),
		Now:       time.Now, Wait: smoke.Wait,
	}
	lambda.Start(func(ctx context.Context) (smoke.Result, error) {
		defer meter.Flush(ctx)
		one := service
		one.Gate = gate()
		one.Tag = strings.ToLower(rand.Text()[:12])
		return one.Report(ctx, log, meter.Count)
	})
	return nil
}
