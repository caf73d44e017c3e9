package console

import (
	"bytes"
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

	"raincheck/pkg/operator"
)

// Client asks the console of a running demo, by the API that its page uses.
type Client struct {
	base string
	http *http.Client
}

// NewClient is for the instance at an address such as http://localhost:8080; an
// error says that it is not one.
func NewClient(address string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("invalid address %s: want one such as http://localhost:8080", address)
	}
	return &Client{base: strings.TrimSuffix(address, "/"), http: &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 16}, // an import asks side by side
	}}, nil
}

// Site is the address of the site that the instance protects.
func (c *Client) Site() string { return c.base }

// Name says in a few words what is asked.
func (c *Client) Name() string { return "the local instance at " + c.base }

// Snapshot is GET api/snapshot.
func (c *Client) Snapshot(ctx context.Context) (s Snapshot, err error) {
	err = c.Get(ctx, "snapshot", &s)
	return s, err
}

// Change is POST api/change. The error is operator.ErrChange when the change
// makes no sense.
func (c *Client) Change(ctx context.Context, change Change) error {
	return c.ask(ctx, http.MethodPost, "change", change, new(Snapshot))
}

// Canary is POST api/canary.
func (c *Client) Canary(ctx context.Context, canary Canary) (place CanaryPlace, err error) {
	err = c.ask(ctx, http.MethodPost, "canary", canary, &place)
	return place, err
}

// Get reads what the API has under a name, such as "series?after=0".
func (c *Client) Get(ctx context.Context, name string, answer any) error {
	return c.ask(ctx, http.MethodGet, name, nil, answer)
}

// refused is an answer that the request makes no sense.
type refused struct{ error }

func (refused) Is(target error) bool { return target == operator.ErrChange }

// stopped is a question that the caller took back.
type stopped struct{ error }

func (stopped) Unwrap() error { return context.Canceled }

func (c *Client) ask(ctx context.Context, method, name string, question, answer any) error {
	response, err := c.send(ctx, c.http, method, name, question)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s answers something else than raincheck: %w", c.Name(), err)
	}
	return nil
}

// send asks, and gives an answer that is not an error.
func (c *Client) send(ctx context.Context, by *http.Client, method, name string, question any) (*http.Response, error) {
	var body []byte
	if question != nil {
		var err error
		if body, err = json.Marshal(question); err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+Path+"api/"+name, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.Name(), err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := by.Do(request)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, stopped{fmt.Errorf("stopped before %s had answered", c.Name())}
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not answer: %w", c.Name(), plainly(err))
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	// What cannot be read of the answer is not needed: the status says enough.
	said, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	problem := fmt.Errorf("%s says %d: %s", c.Name(), response.StatusCode, strings.TrimSpace(string(said)))
	if response.StatusCode == http.StatusUnprocessableEntity {
		return nil, refused{problem}
	}
	return nil, problem
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
