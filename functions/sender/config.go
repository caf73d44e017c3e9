package main

import (
	"errors"
	"fmt"
	"net/mail"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/sender"
	"raincheck/pkg/smtp"
)

// config is what the template sets for the sender.
//
// It has more than 15 fields: one for each variable of the template.
type config struct {
	// Stack names the stack in metrics.
	Stack string `env:"STACK,required"`
	// Table is the waitlist.
	Table string `env:"TABLE,required"`
	// KeysSecret is the ARN of the key ring.
	KeysSecret string `env:"KEYS_SECRET,required"`
	// Mailer is ses or smtp. SMTP* name the relay, and the secret that holds
	// {"user":"...","password":"..."}; empty does not log in.
	Mailer     string `env:"MAILER" envDefault:"ses"`
	SMTPHost   string `env:"SMTP_HOST"`
	SMTPPort   int    `env:"SMTP_PORT" envDefault:"587"`
	SMTPSecret string `env:"SMTP_SECRET"`
	// ConfigurationSet is SES's, which says where the events of a mail go.
	ConfigurationSet string `env:"CONFIGURATION_SET,required"`
	// From is the address that writes, under the name of the site, ReplyTo the one
	// that takes answers; empty leaves them to From.
	From    string `env:"FROM,required"`
	ReplyTo string `env:"REPLY_TO"`
	// SiteHost is the site's, and its name while its words have none.
	SiteHost string `env:"SITE_HOST,required"`
	// CodeLife is how long a code is good, from the minute in which it is sent. It
	// must outlive the check for an unanswered mail and bring the second one's
	// reader time to use it.
	CodeLife time.Duration `env:"CODE_LIFE" envDefault:"24h"`

	// TestAddress is one that is known to take mail: mails that are refused are held
	// against it before sending pauses.
	TestAddress string `env:"TEST_ADDRESS" envDefault:"success@simulator.amazonses.com"`

	test email.Address
}

// shortest is the shortest life of a code: sender.Settings.CodeTTL.
const shortest = 30 * time.Minute

// Validate names everything that is wrong.
func (c *config) Validate() error {
	var problems []error
	var err error
	if c.CodeLife < shortest || c.CodeLife > bypass.MaxCodeLife {
		problems = append(problems, fmt.Errorf("CODE_LIFE: %s is not between %s and %s", c.CodeLife, shortest, bypass.MaxCodeLife))
	}
	if !addressOnly(c.From) {
		problems = append(problems, errors.New("FROM: want an address by itself"))
	}
	if c.ReplyTo != "" && !addressOnly(c.ReplyTo) {
		problems = append(problems, errors.New("REPLY_TO: want an address by itself"))
	}
	if c.test, err = email.Parse(c.TestAddress); err != nil {
		problems = append(problems, errors.New("TEST_ADDRESS: want an address by itself"))
	}
	switch c.Mailer {
	case "ses":
	case "smtp":
		if err := c.relay("", "").Check(); err != nil {
			problems = append(problems, fmt.Errorf("SMTP_HOST, SMTP_PORT: %w", err))
		}
	default:
		problems = append(problems, fmt.Errorf("MAILER: %q is neither ses nor smtp", c.Mailer))
	}
	return errors.Join(problems...)
}

// addressOnly reports whether a setting is an address without a name.
func addressOnly(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// relay is the mail relay, with the login that its secret holds.
func (c *config) relay(user, password string) smtp.Settings {
	return smtp.Settings{Host: c.SMTPHost, Port: c.SMTPPort, User: user, Password: password}
}

func (c *config) settings() sender.Settings {
	return sender.Settings{Site: c.SiteHost, From: c.From, ReplyTo: c.ReplyTo, Room: "https://" + c.SiteHost + gate.Room, CodeTTL: c.CodeLife, Test: c.test}
}
