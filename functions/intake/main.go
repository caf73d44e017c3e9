// Intake is the waiting room as a Lambda function behind an HTTP API: pages,
// sign-ups, codes. What it does is in pkg/intake.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
	"raincheck/functions/internal/httpapi"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/email"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
)

func main() { env.Main(run) }

func run(_ context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	// Three tries of two seconds are within the 8 s that the room waits.
	cfg := cloud.Config(environ, 2*time.Second)
	log := report.Begin(os.Stdout)
	meter := &report.Meter{Stack: c.Stack, Log: log, Now: time.Now}
	secrets := secret.New(cfg, c.KeysSecret, c.OriginSecret)
	room, err := intake.Service{
		Settings: intake.Settings{
			Site: c.SiteHost, Sender: c.From, Languages: email.Offered(c.Languages), Fields: c.fields,
			PassLife: c.PassLife, Origins: []string{"https://" + c.SiteHost}, Embedders: c.Embedders,
		},
		Store: table.New(cfg, c.Table), Keys: secrets.Keys,
		Secrets: func(ctx context.Context, shown string) ([]string, error) {
			secrets.Meet(ctx, shown)
			return secrets.Origin(ctx)
		},
		// CloudFront and the API put one address each.
		Viewer: intake.Forwarded(2),
		Now:    time.Now, Log: log,
		Count: func(name string, n int) { meter.Count(metric.Name("intake."+name), float64(n)) },
	}.Handler()
	if err != nil {
		return err
	}
	lambda.Start(httpapi.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer meter.Flush(r.Context())
		room.ServeHTTP(w, r)
	}), log))
	return nil
}
