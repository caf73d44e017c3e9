package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/console"
	"raincheck/pkg/demo"
	"raincheck/pkg/demo/relay"
	"raincheck/pkg/email"
	"raincheck/pkg/simulation"
)

// localCmd runs everything on this machine.
type localCmd struct {
	Port      int      `default:"8080" help:"Port to listen on; 0 picks a free one."`
	Host      string   `default:"localhost" help:"Name or address to listen on as well (${default} alone). Whoever comes from elsewhere sees the console without its switches and without the mails."`
	Speed     float64  `default:"30" help:"How many times faster than a clock virtual time may pass: 1 to 600. 0 is as fast as the machine can."`
	Crowd     string   `enum:"simulated,none" default:"simulated" help:"Who comes beside you: simulated people, or none. --crowd=none --speed 1 is a plain instance on one machine."`
	Trace     string   `placeholder:"FILE" help:"Live a recorded day: a CSV file (minute,timestamp,count), or hcgov, HealthCare.gov on 23 December 2013."`
	Words     string   `placeholder:"FILE" help:"What the pages say of the site, as for 'raincheck words set'."`
	Languages []string `placeholder:"TAG,…" help:"The languages of the pages, the default first (en,es)."`
	Capacity  float64  `placeholder:"N" help:"How many visitors at once the site bears."`
	Policy    string   `placeholder:"FILE" help:"The admission policy, as JSON."`
	Data      string   `placeholder:"DIR" help:"Keep the waitlist in this folder over restarts, as lines of JSON."`
	Seed      uint64   `default:"1" help:"Another crowd."`
	Headless  bool     `help:"Serve nothing: live the trace as fast as the speed allows and print the totals."`
	relay.Flags
	Verbose bool `help:"Log what the use cases log, to standard error."`
}

// Help is shown by --help.
func (c *localCmd) Help() string {
	return "A demonstration site stands behind the emulated edge; the waiting room, the inviter and the sender are the real ones; " +
		"the mails stay here, to be read on the console, unless --smtp names a relay for those to people. With a trace, it ends when the day has been lived and everybody who " +
		"left an address has been invited; Ctrl-C ends it before, with the totals so far. " +
		"The pass is a cookie that browsers take from https and from localhost only, and Safari not even from localhost: " +
		"under another name people are turned away again. Everything is served on localhost; --host adds a name, under which the console is read-only and shows no mail."
}

// Run starts the instance and keeps it until its day ends or it is interrupted.
func (c *localCmd) Run(e *env) error {
	story, err := c.story(e.now())
	if err != nil {
		return err
	}
	if c.Port < 0 || c.Port > 65535 {
		return badInput("--port %d: a port is between 0 and 65535", c.Port)
	}
	if c.Speed != 0 && (c.Speed < 1 || c.Speed > 600) {
		return badInput("--speed %g: it is between 1 and 600, or 0 for as fast as it goes", c.Speed)
	}
	if c.Headless && story.Minutes == 0 {
		return badInput("--headless: name a day that ends, with --trace")
	}
	config := demo.Config{
		Story: story, Speed: c.Speed, Data: c.Data, Seed: c.Seed, Hosts: []string{c.Host}, Now: e.now,
		Origin: "http://localhost:8080", Languages: c.Languages,
	}
	for _, tag := range c.Languages {
		if _, ok := email.LanguageOf(tag); !ok {
			return badInput("--languages: unknown language %q; there are %s", tag, strings.Join(email.Tags(), ", "))
		}
	}
	if config.Relay, err = c.Open(e.lookup); err != nil {
		return usageError{err}
	}
	if c.Words != "" {
		if config.Words, err = (wordsFile{c.Words}).read(e); err != nil {
			return err
		}
	}
	if c.Verbose {
		config.Log = slog.New(slog.NewTextHandler(e.stderr, nil))
	}
	// Half a million mails and pages are made in minutes and thrown away at once;
	// the memory is there to collect them less often. Without a crowd it is for who waits.
	collect := 300
	if c.Crowd == "none" {
		collect = 50
	}
	defer debug.SetGCPercent(debug.SetGCPercent(collect))
	if c.Headless {
		return c.live(e, config, nil)
	}
	listeners, err := console.Listen(c.Host, c.Port)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listeners[0].Addr().String())
	if err != nil {
		return fmt.Errorf("read the address: %w", err)
	}
	config.Origin = "http://" + net.JoinHostPort(c.name(), port)
	return c.live(e, config, listeners)
}

// name is what links lead to: an address that stands for all of the machine's is
// nothing that a browser can ask for.
func (c *localCmd) name() string {
	if ip := net.ParseIP(c.Host); ip != nil && ip.IsUnspecified() {
		return "localhost"
	}
	return c.Host
}

// story is the day that the flags ask for.
func (c *localCmd) story(now time.Time) (demo.Story, error) {
	story := demo.Demonstration(now)
	if c.Crowd == "none" {
		if c.Trace != "" || c.Headless {
			return story, badInput("--crowd=none: a trace is a crowd, and without one nothing happens by itself; leave out --trace and --headless")
		}
		story = demo.Alone(now)
	}
	if c.Trace != "" {
		trace, err := simulation.Demand(c.Trace, time.Minute)
		if err != nil {
			return story, usageError{err}
		}
		story = demo.Replay(trace)
	}
	if c.Policy != "" {
		data, err := os.ReadFile(c.Policy)
		if err != nil {
			return story, badInput("--policy: %w", err)
		}
		if story.Policy, err = admission.DecodePolicy(data); err != nil {
			return story, badInput("--policy %s: %w", c.Policy, err)
		}
	}
	if c.Capacity != 0 {
		if c.Capacity < 1 || c.Capacity > 1e9 {
			return story, badInput("--capacity %g: it is a number of visitors, 1 or more", c.Capacity)
		}
		// The policy keeps its own, if it names one: what the site bears and what
		// the law believes may differ.
		if c.Policy == "" {
			story.Policy.Capacity = c.Capacity
		}
		story.Site.Capacity = c.Capacity
	}
	return story, nil
}

// live runs the instance, served on the listeners if there are any.
func (c *localCmd) live(e *env, config demo.Config, listeners []net.Listener) (err error) {
	progress := dayLine(e, &config)
	instance, err := demo.New(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, instance.Close()) }()
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	if listeners != nil {
		if config.Story.Warm > 0 {
			fmt.Fprintf(e.stdout, "Living through the first %d minutes, so that there is something to see…\n", config.Story.Warm)
		}
		if err := instance.Warm(ctx); err != nil {
			return err
		}
		server := console.Server(instance.Handler())
		for _, listener := range listeners {
			go func() {
				if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
					fmt.Fprintln(e.stderr, "raincheck: serving stopped:", err)
					stop()
				}
			}()
		}
		defer server.Close()
		c.welcome(e.stdout, config.Origin)
	}
	began := e.now()
	totals, err := instance.Run(ctx)
	progress.Leave()
	switch {
	case e.ctx.Err() != nil:
		fmt.Fprintln(e.stdout, "\nStopped. So far:")
	default:
		fmt.Fprintf(e.stdout, "\nThe day is over, after %s. In all:\n", e.now().Sub(began).Round(time.Second))
	}
	totals.Print(e.stdout)
	if err == nil {
		fmt.Fprintln(e.stdout, totals.Sums())
	}
	return err
}

// welcome says what to open.
func (c *localCmd) welcome(w io.Writer, origin string) {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(origin, "http://"))
	busy := "it is busy, and you may have to wait"
	if c.Crowd == "none" {
		busy = "nobody but you comes; open, on the console, lets you in, and hold turns you away"
	}
	mails := "Mails are read on the console."
	if c.SMTP != "" {
		mails = "People are mailed through " + c.SMTP + ", from " + c.From + "."
	}
	fmt.Fprintf(w, `
raincheck runs. Open both:

  %-42s the site: %s
  %-42s the console: what happens and why, the mails, the switches

%s Virtual time passes up to %g times as fast as a clock. Ctrl-C ends it.
`, origin+"/apply", busy, "http://localhost:"+port+console.Path, mails, c.Speed)
	if c.Host != "localhost" {
		fmt.Fprintf(w, `
Note: it can be reached from elsewhere, as %s. From there the console
shows what happens, and neither the mails nor the switches: those are for
localhost. The pass is a cookie with the prefix __Host-, which browsers take from
https and from localhost only: elsewhere people get in once and are turned away
again at their next page.
`, c.Host)
	}
	fmt.Fprintln(w)
}
