package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/console"
)

// consoleCmd shows a deployed stack on a page.
type consoleCmd struct {
	deployed
	Port int `default:"8090" help:"Port to listen on, on this machine only; 0 picks a free one (${default})."`
}

// Help is shown by --help.
func (c *consoleCmd) Help() string {
	return "The page of the local console over a deployed stack: load against target, the share let straight in, who waits, and why. It is read-only, and can be left on a wall: " +
		"the switches are commands. AWS is asked every few seconds while somebody looks, the store at the edge once a minute, and nothing otherwise."
}

// Run serves until it is interrupted.
func (c *consoleCmd) Run(e *env) error {
	if c.Port < 0 || c.Port > 65535 {
		return badInput("--port %d: a port is between 0 and 65535", c.Port)
	}
	s, err := c.session(e)
	if err != nil {
		return err
	}
	d, err := s.deployment(e)
	if err != nil {
		return err
	}
	listeners, err := console.Listen("localhost", c.Port)
	if err != nil {
		return err
	}
	d.Edge = edgestore.Reading(s.cfg, s.Outputs[outEdge])
	page := &console.Console{Source: d.watched(s.history(e)), Switches: console.SwitchesOf(s.Name), Log: slog.New(slog.NewTextHandler(e.stderr, nil))}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(console.Path, http.StatusSeeOther)) // what somebody types
	mux.Handle("/", page.Handler())
	server := console.Server(mux)
	fmt.Fprintf(e.stdout, "The stack %s, read-only: http://%s%s\n", s.Name, listeners[0].Addr(), console.Path)
	go func() {
		<-e.ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		// Whoever still reads a page is cut off after two seconds.
		_ = server.Shutdown(ending)
	}()
	if err := server.Serve(listeners[0]); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the console: %w", err)
	}
	return nil
}
