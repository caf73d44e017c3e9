package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"raincheck/pkg/console"
)

// plane is the control plane that the switches act on: a local instance or a
// deployed stack. It knows two things, so that every switch is the same word
// with the same meaning on both.
type plane interface {
	// name says in a few words what is acted on.
	name() string
	// status says what happens now.
	status(ctx context.Context) (console.Snapshot, error)
	// change does it. Opening must not need anything that can be down beside the
	// edge itself.
	change(ctx context.Context, change console.Change) error
}

// where are the flags that choose a plane: the deployed stack, if one is
// named, else the local instance.
type where struct {
	Stack string `env:"RAINCHECK_STACK" placeholder:"NAME" help:"The deployed stack to act on; without one, the local instance."`
	URL   string `name:"url" placeholder:"URL" help:"The local instance to act on (http://localhost:8080)."`
}

// localURL is where a local instance is without --url.
const localURL = "http://localhost:8080"

// Validate refuses to guess: a stack named in the environment, long ago, must
// not be switched by somebody who means the instance of their --url.
func (w where) Validate() error {
	if w.Stack != "" && w.URL != "" {
		return fmt.Errorf("--url names a local instance and --stack or RAINCHECK_STACK the stack %s: name one of them (--stack= is no stack)", w.Stack)
	}
	return nil
}

func (w where) plane(e *env) (plane, error) {
	if w.Stack != "" {
		s, err := deployed{Stack: w.Stack}.session(e)
		if err != nil {
			return nil, err
		}
		return s.deployment(e)
	}
	return w.instance()
}

// instance is the local instance.
func (w where) instance() (*localPlane, error) {
	at := cmp.Or(w.URL, localURL)
	u, err := url.Parse(at)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, badInput("--url %s: it is an address such as %s", at, localURL)
	}
	return &localPlane{base: strings.TrimSuffix(at, "/") + console.Path + "api/", client: &http.Client{Timeout: 10 * time.Second}}, nil
}

// localPlane talks to `raincheck local`, by the API that its console uses.
type localPlane struct {
	base   string
	client *http.Client
}

func (p *localPlane) name() string {
	return "the local instance at " + strings.TrimSuffix(p.base, console.Path+"api/")
}

func (p *localPlane) status(ctx context.Context) (console.Snapshot, error) {
	var s console.Snapshot
	return s, p.ask(ctx, http.MethodGet, "snapshot", nil, &s)
}

func (p *localPlane) change(ctx context.Context, change console.Change) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("write the change: %w", err)
	}
	return p.ask(ctx, http.MethodPost, "change", body, new(console.Snapshot))
}

func (p *localPlane) ask(ctx context.Context, method, what string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, p.base+what, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask %s: %w", p.name(), err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", p.name(), plainly(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		problem := fmt.Errorf("%s says %d: %s", p.name(), response.StatusCode, strings.TrimSpace(string(said)))
		if response.StatusCode == http.StatusUnprocessableEntity {
			return usageError{problem}
		}
		return problem
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s answers something else than raincheck: %w", p.name(), err)
	}
	return nil
}

// plainly says the usual failures of a connection in words.
func plainly(err error) error {
	switch e, ok := errors.AsType[net.Error](err); {
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nothing listens there; start it with `raincheck local` or name it with --url; a deployed stack is named with --stack")
	case ok && e.Timeout():
		return errors.New("no answer within 10 seconds")
	}
	return err
}
