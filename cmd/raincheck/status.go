package main

import (
	"encoding/json"
	"io"
)

// statusCmd shows one screen.
type statusCmd struct {
	where
	JSON bool `name:"json" help:"As JSON, the fields of the console's api/snapshot: stable, for scripts."`
}

// Run prints what happens now and why.
func (c *statusCmd) Run(e *env) error {
	p, err := c.plane(e)
	if err != nil {
		return err
	}
	s, err := p.counted(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		return out.Encode(s)
	}
	_, err = io.WriteString(e.stdout, s.Text())
	return err
}
