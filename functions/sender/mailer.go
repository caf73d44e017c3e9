package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"raincheck/pkg/aws/mailer"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/email"
	"raincheck/pkg/smtp"
)

// mailing is what sends: SES, or a relay.
type mailing interface {
	Send(ctx context.Context, m email.Message) (id string, err error)
}

// newMailer gives the one that the settings name. The relay's login is read once:
// who changes it deploys, or waits for the next new function.
func newMailer(ctx context.Context, cfg aws.Config, c config) (mailing, error) {
	if c.Mailer == "ses" {
		return mailer.New(cfg, c.ConfigurationSet), nil
	}
	var login struct{ User, Password string }
	if c.SMTPSecret != "" {
		if err := secret.JSON(ctx, cfg, c.SMTPSecret, &login); err != nil {
			return nil, fmt.Errorf("SMTP_SECRET: %w", err)
		}
	}
	return smtp.New(c.relay(login.User, login.Password))
}
