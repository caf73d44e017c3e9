// Sender mails the invitations as a Lambda function behind the queue. What it
// does is in pkg/sender.
package main

import (
	"context"
	"crypto/rand"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/sender"
)

func main() { env.Main(run) }

func run(ctx context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	// SES answers within a second; what took five is in doubt and is waited for by
	// its event. Ten mails of a batch then still fit the function's 60 s.
	cfg := cloud.Config(environ, 5*time.Second)
	log := report.Begin(os.Stdout)
	mail, err := newMailer(ctx, cfg, c)
	if err != nil {
		return err
	}
	meter := &report.Meter{Stack: c.Stack, Out: os.Stdout, Now: time.Now}
	service := &sender.Service{
		Settings: c.settings(),
		Store:    table.New(cfg, c.Table), Mail: mail, Keys: secret.New(cfg, c.KeysSecret, "").Keys,
		Now: time.Now, Random: rand.Reader, Wait: wait, Count: meter.Count, Log: log,
	}
	lambda.Start(handler(service.Handle, meter, log))
	return nil
}

// wait returns at a time, or when the function has to end.
func wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
