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

// config is what the template tells the sender.
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
	// From is the address that writes, under the name of the site.
	From string `env:"FROM,required"`
	// SiteName and SiteHost are the site's, as people know it.
	SiteName string `env:"SITE_NAME,required"`
	SiteHost string `env:"SITE_HOST,required"`
	// TimeZone is the one that times are said in.
	TimeZone string `env:"TIME_ZONE" envDefault:"UTC"`
	// CodeLife is how long a code is good, from the minute in which it is sent. It
	// must outlive the check for an unanswered mail and bring the second one's
	// reader time to use it.
	CodeLife time.Duration `env:"CODE_LIFE" envDefault:"24h"`

	// TestAddress is one that is known to take mail: mails that are refused are held
	// against it before sending pauses.
	TestAddress string `env:"TEST_ADDRESS" envDefault:"success@simulator.amazonses.com"`

	zone *time.Location
	test email.Address
}

// shortest is the shortest life of a code: sender.Settings.CodeTTL.
const shortest = 30 * time.Minute

// Validate names everything that is wrong.
func (c *config) Validate() error {
	var problems []error
	var err error
	if c.zone, err = time.LoadLocation(c.TimeZone); err != nil {
		problems = append(problems, fmt.Errorf("TIME_ZONE: there is no zone %q", c.TimeZone))
	}
	if c.CodeLife < shortest || c.CodeLife > bypass.MaxCodeLife {
		problems = append(problems, fmt.Errorf("CODE_LIFE: %s is not between %s and %s", c.CodeLife, shortest, bypass.MaxCodeLife))
	}
	if a, err := mail.ParseAddress(c.From); err != nil || a.Name != "" {
		problems = append(problems, errors.New("FROM: it is no address by itself"))
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

// relay is the mail relay, with the login that its secret holds.
func (c *config) relay(user, password string) smtp.Settings {
	return smtp.Settings{Host: c.SMTPHost, Port: c.SMTPPort, User: user, Password: password}
}

func (c *config) settings() sender.Settings {
	from := mail.Address{Name: c.SiteName, Address: c.From}
	return sender.Settings{Site: c.SiteName, From: from.String(), Room: "https://" + c.SiteHost + gate.Room, Zone: c.zone, CodeTTL: c.CodeLife, Test: c.test}
}
