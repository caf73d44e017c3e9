// Intake is the waiting room as a Lambda function behind an HTTP API: pages,
// sign-ups, codes. What it does is in pkg/intake.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"raincheck/functions/internal/cloud"
	"raincheck/functions/internal/env"
)

func main() { env.Main(run) }

func run(_ context.Context, environ []string) error {
	var c config
	if err := env.Read(environ, &c); err != nil {
		return err
	}
	// Three tries of two seconds are within the 8 s that the room waits.
	serve, err := waitingRoom(c, cloud.Config(environ, 2*time.Second), os.Stdout)
	if err != nil {
		return err
	}
	lambda.Start(serve)
	return nil
}
