package main

import (
	"errors"
	"strings"
)

// config is what the template sets for the canary.
type config struct {
	// Stack names the stack in metrics, of which one is asked for too.
	Stack string `env:"STACK,required"`
	// Table is the waitlist, QueueURL the queue to the sender.
	Table    string `env:"TABLE,required"`
	QueueURL string `env:"QUEUE_URL,required"`
	// KeysSecret is the ARN of the key ring, EdgeStore of the KeyValueStore.
	KeysSecret string `env:"KEYS_SECRET,required"`
	EdgeStore  string `env:"EDGE_STORE,required"`
	// SiteHost is the site's, as people know it, and Path a protected path of it.
	SiteHost string `env:"SITE_HOST,required"`
	Path     string `env:"SMOKE_PATH" envDefault:"/"`
}

// Validate names everything that is wrong.
func (c *config) Validate() error {
	if !strings.HasPrefix(c.Path, "/") {
		return errors.New("SMOKE_PATH: a path of the site begins with /")
	}
	return nil
}
