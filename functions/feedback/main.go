// Feedback hears what became of the mails, as a Lambda function for the events
// that SES puts on EventBridge's bus. What it does is in pkg/feedback.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/feedback"
)

func main() { env.Main(run) }

func run(_ context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	// Three tries of three seconds are within the function's 15.
	cfg := cloud.Config(environ, 3*time.Second)
	log := report.Begin(os.Stdout)
	meter := &report.Meter{Stack: c.Stack, Out: os.Stdout, Now: time.Now}
	service := &feedback.Service{
		Store: table.New(cfg, c.Table), Configuration: c.ConfigurationSet, Now: time.Now, Count: meter.Count, Log: log,
	}
	lambda.Start(func(ctx context.Context, event json.RawMessage) error {
		defer meter.Flush(ctx)
		return service.Receive(ctx, event)
	})
	return nil
}
