package main

import (
	"encoding/json"
	"errors"
	"time"

	"raincheck/pkg/intake"
)

// config is what the template sets for the waiting room.
type config struct {
	// Stack names the stack in metrics.
	Stack string `env:"STACK,required"`
	// Table is the waitlist.
	Table string `env:"TABLE,required"`
	// KeysSecret and OriginSecret are ARNs: of the key ring, and of the value of the
	// header that only CloudFront knows.
	KeysSecret   string `env:"KEYS_SECRET,required"`
	OriginSecret string `env:"ORIGIN_SECRET,required"`
	// SiteHost is the host that people use: forms are taken from its pages alone.
	// What they know the site as is in its words, not here.
	SiteHost string `env:"SITE_HOST,required"`
	// From is the address that invitations come from, for the pages to name.
	From string `env:"FROM,required"`
	// Languages are those of the pages, the default first.
	Languages []string `env:"LANGUAGES,required"`
	// Fields are what the form asks for beside the address, as JSON: at most three
	// of {"name":"state","labels":{"en":"State","es":"Estado"}}.
	Fields string `env:"FIELDS" envDefault:"[]"`
	// PassLife is how long a pass is good between renewals, as the gate says it.
	PassLife time.Duration `env:"PASS_LIFE" envDefault:"1h"`
	// Embedders are origins of other sites whose pages may carry embed.js.
	Embedders []string `env:"EMBEDDERS"`

	fields []intake.Field
}

// Validate reads what is more than one word, and names all that is wrong. The
// rest is the room's own to check.
func (c *config) Validate() error {
	if err := json.Unmarshal([]byte(c.Fields), &c.fields); err != nil {
		return errors.New("FIELDS: it is not a JSON list of fields, each with a name and labels")
	}
	return nil
}
