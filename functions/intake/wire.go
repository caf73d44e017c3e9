package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/functions/internal/httpapi"
	"raincheck/functions/internal/report"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/email"
	"raincheck/pkg/intake"
)

// serve answers one event of the HTTP API.
type serve func(context.Context, httpapi.Event) (events.APIGatewayV2HTTPResponse, error)

// waitingRoom is the function: the room on its services. Logs and metrics go to out.
func waitingRoom(c config, cfg aws.Config, out io.Writer) (serve, error) {
	log := report.Begin(out)
	meter := &report.Meter{Stack: c.Stack, Out: out, Now: time.Now}
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
		Count: meter.Count,
	}.Handler()
	if err != nil {
		return nil, err
	}
	return httpapi.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer meter.Flush(r.Context())
		room.ServeHTTP(w, r)
	}), log), nil
}
