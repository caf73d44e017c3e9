package main

// config is what the template sets for feedback.
type config struct {
	// Stack names the stack in metrics.
	Stack string `env:"STACK,required"`
	// Table is the waitlist.
	Table string `env:"TABLE,required"`
	// ConfigurationSet is SES's: events about mails of another one are not ours.
	ConfigurationSet string `env:"CONFIGURATION_SET,required"`
}

// Validate finds nothing more: all three are names of the stack's own parts.
func (c *config) Validate() error { return nil }
