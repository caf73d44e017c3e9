package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/intake"
)

// config is what the template tells the waiting room.
type config struct {
	// Stack names the stack in metrics.
	Stack string `env:"STACK,required"`
	// Table is the waitlist.
	Table string `env:"TABLE,required"`
	// KeysSecret and OriginSecret are ARNs: of the key ring, and of the value of the
	// header that only CloudFront knows.
	KeysSecret   string `env:"KEYS_SECRET,required"`
	OriginSecret string `env:"ORIGIN_SECRET,required"`
	// SiteName is what people know the site as, SiteHost the host that they use:
	// forms are taken from its pages alone.
	SiteName string `env:"SITE_NAME,required"`
	SiteHost string `env:"SITE_HOST,required"`
	// From is the address that invitations come from, for the pages to name.
	From string `env:"FROM,required"`
	// Languages are those of the pages, the default first.
	Languages []string `env:"LANGUAGES,required"`
	// Fields are what the form asks for beside the address, as JSON: at most three
	// of {"name":"state","labels":{"en":"State","es":"Estado"}}.
	Fields string `env:"FIELDS" envDefault:"[]"`
	// TimeZone is the one that times are said in.
	TimeZone string `env:"TIME_ZONE" envDefault:"UTC"`
	// PassLife is how long a pass is good between renewals, as the gate says it.
	PassLife time.Duration `env:"PASS_LIFE" envDefault:"1h"`
	// Embedders are origins of other sites whose pages may carry embed.js.
	Embedders []string `env:"EMBEDDERS"`

	fields []intake.Field
	zone   *time.Location
}

// Validate reads what is more than one word, and names all that is wrong. The
// rest is the room's own to check.
func (c *config) Validate() error {
	var problems []error
	var err error
	if c.zone, err = time.LoadLocation(c.TimeZone); err != nil {
		problems = append(problems, fmt.Errorf("TIME_ZONE: there is no zone %q", c.TimeZone))
	}
	if err := json.Unmarshal([]byte(c.Fields), &c.fields); err != nil {
		problems = append(problems, errors.New("FIELDS: it is no JSON list of fields, each with a name and labels"))
	}
	return errors.Join(problems...)
}
