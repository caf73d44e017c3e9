package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/metrics"
	"raincheck/pkg/aws/queue"
	"raincheck/pkg/aws/secret"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/smoke"
	"raincheck/pkg/terminal"
	"raincheck/pkg/waitlist"
)

// smokeCmd sends a canary through a running raincheck.
type smokeCmd struct {
	where
	Path     string        `default:"/" help:"A protected path of the site (${default})."`
	Patience time.Duration `default:"5m" help:"How long the whole way may take (${default}): word of a delivery takes two minutes to become a number."`
	Site     string        `env:"RAINCHECK_SITE" placeholder:"URL" help:"Where visitors reach the site, if not yet at https://HOST: the distribution's own name, before the DNS points to it."`
	NoMetric bool          `help:"Do not write the metric smoke.failed (a deployed stack)."`
	JSON     bool          `name:"json" help:"As JSON, when it is over."`
}

// Help is shown by --help.
func (c *smokeCmd) Help() string {
	return "One invented person, at the mailbox simulator of SES, goes the whole way through the real host: the waiting room, the line, an invitation (its own entry alone, beside the law), " +
		"the mail, word of its delivery, the code, the site with its pass, the gate; and is removed again. Nobody else is invited or mailed for it. " +
		"For every five minutes, deploy with Smoke=on: the same runs as a function and raises the alarm Smoke.\n\n" +
		"Exit status: 0 it went the whole way, or an operator has switched off what it needs (it says so); 1 it did not; 2 the command is wrong. " +
		"On a stack it writes the metric smoke.failed, 0 or 1."
}

// Run sends one canary.
func (c *smokeCmd) Run(e *env) error {
	if !strings.HasPrefix(c.Path, "/") {
		return badInput("--path %s: a path of the site begins with /", c.Path)
	}
	if c.Patience <= 0 {
		return badInput("--patience %s: it takes some time", c.Patience)
	}
	if u, err := url.Parse(c.Site); c.Site != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return badInput("--site %s: it is an address such as https://www.example.org", c.Site)
	}
	service := &smoke.Service{Path: c.Path, Now: e.now, Wait: smoke.Wait, Tag: strings.ToLower(rand.Text()[:12])}
	var name string
	var s *session
	var err error
	if c.Stack == "" {
		name, err = c.onInstance(service)
	} else if s, err = (deployed{Stack: c.Stack}).session(e); err == nil {
		name, err = "the stack "+s.Name, c.onStack(e, s, service)
	}
	if err != nil {
		return err
	}
	if !c.JSON {
		fmt.Fprintf(e.stdout, "A canary through %s, at %s%s:\n", name, service.Site, c.Path)
		again := ""
		if terminal.Is(e.stdout) {
			again = "\r\x1b[K"
			service.Begun = func(name string) { fmt.Fprintf(e.stdout, "  … %s", name) }
		}
		service.Told = func(step smoke.Step) {
			sign := "·"
			if step.Failed {
				sign = "x"
			}
			fmt.Fprint(e.stdout, again)
			fmt.Fprintf(e.stdout, "  %s %-9s %7.2f s  %s\n", sign, step.Name, step.Took.Seconds(), step.Says)
		}
	}
	ctx, cancel := context.WithTimeout(e.ctx, c.Patience)
	defer cancel()
	result, failed := service.Run(ctx)
	if s != nil && !c.NoMetric && result.Off == "" {
		if err := metrics.PutFailed(context.WithoutCancel(e.ctx), s.cfg, metric.SmokeFailed, s.Name, failed != nil, e.now()); err != nil {
			fmt.Fprintf(e.stderr, "raincheck: the metric smoke.failed could not be written: %v\n", awsWords(err))
		}
	}
	if c.JSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(result); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	switch {
	case failed != nil:
		return awsWords(fmt.Errorf("the canary did not come through: %w", failed))
	case result.Off != "" && !c.JSON:
		fmt.Fprintf(e.stdout, "Not tried to the end: %s.\n", result.Off)
	case !c.JSON:
		fmt.Fprintf(e.stdout, "It came through, in %.1f s.\n", result.Took.Seconds())
	}
	return nil
}

// onStack wires the canary to a deployed stack. functions/smoke does the same.
func (c *smokeCmd) onStack(e *env, s *session, service *smoke.Service) error {
	out, err := s.Need(outTable, outQueue, outKeys, outEdge)
	if err != nil {
		return err
	}
	service.Site = "https://" + s.Parameters["SiteHost"]
	if c.Site != "" {
		service.Site = strings.TrimSuffix(c.Site, "/")
	}
	edge := edgestore.Reading(s.cfg, out[3])
	service.Line = smoke.Own{Store: table.New(s.cfg, out[0]), Queue: queue.New(s.cfg, out[1]), Keys: secret.New(s.cfg, out[2], "").Keys, Now: e.now}
	service.Gate = func(ctx context.Context) (gate.Gate, error) {
		g, _, err := edge.Gate(ctx)
		return g, err
	}
	service.Delivered = metrics.Counted(s.cfg, metric.FeedbackDelivered, s.Name)
	return nil
}

// onInstance wires the canary to a local instance.
func (c *smokeCmd) onInstance(service *smoke.Service) (string, error) {
	here, err := c.instance()
	if err != nil {
		return "", err
	}
	service.Site = here.Site()
	place := localPlace(here)
	service.Line = place
	service.Delivered = func(ctx context.Context, _ time.Time) (bool, error) {
		address, err := smoke.Address(service.Tag)
		if err != nil {
			return false, err
		}
		p, err := place.ask(ctx, "look", address)
		return p.Delivered, err
	}
	service.Gate = func(ctx context.Context) (gate.Gate, error) {
		snapshot, err := here.status(ctx)
		if err != nil {
			return gate.Gate{}, err
		}
		var shown struct {
			Mode  gate.Mode `json:"mode"`
			Admit float64   `json:"admit"`
			Until int64     `json:"until"`
		}
		if err := json.Unmarshal(snapshot.Gate, &shown); err != nil {
			return gate.Gate{}, errors.New("the instance has no gate yet")
		}
		g := gate.Gate{Mode: shown.Mode, Admit: shown.Admit}
		if shown.Until != 0 && snapshot.Now.Unix() >= shown.Until {
			// The instance's time is its own: told on the wall's clock, it is over.
			g.Until = time.Unix(0, 0)
		}
		return g, nil
	}
	return here.name(), nil
}

// localPlace is the canary's place in the line of a local instance.
type localPlace struct{ *console.Client }

func (l localPlace) ask(ctx context.Context, do string, a email.Address) (console.CanaryPlace, error) {
	return l.Canary(ctx, console.Canary{Do: do, Address: a.Reveal()})
}

// Look finds the place.
func (l localPlace) Look(ctx context.Context, a email.Address) (smoke.Seen, error) {
	place, err := l.ask(ctx, "look", a)
	if err == nil && !place.There {
		err = waitlist.ErrUnknown
	}
	return smoke.Seen{Mine: place.Mine, Age: place.Age, Stage: place.Stage, Code: place.Code}, err
}

// Invite has it invited.
func (l localPlace) Invite(ctx context.Context, a email.Address) error {
	place, err := l.ask(ctx, "invite", a)
	if err == nil && place.Off != "" {
		err = fmt.Errorf("%w: the mail is paused", smoke.ErrOff)
	}
	return err
}

// Forget removes it.
func (l localPlace) Forget(ctx context.Context, a email.Address) error {
	_, err := l.ask(ctx, "forget", a)
	return err
}
