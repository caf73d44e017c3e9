package main

// localCmd runs everything on this machine.
type localCmd struct {
	Port int `default:"8080" help:"Port to listen on, on this machine only; 0 picks a free one."`
}

// Run starts the instance and keeps it until interrupted.
func (c *localCmd) Run(e *env) error {
	if c.Port < 0 || c.Port > 65535 {
		return badInput("--port %d: a port is between 0 and 65535", c.Port)
	}
	<-e.ctx.Done()
	return nil
}
