package main

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
	"time"

	"golang.org/x/net/html"
)

// outcome is how a person's visit ended.
type outcome int

const (
	failed outcome = iota
	accepted
	refused
	letIn
	unanswered
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{"failed", "accepted", "refused", "let in", "unanswered"}[o]
}

// documented statuses refuse a sign-up in words that a person reads
// (docs/design.md, decision 11; 413 and 503 are the API's own).
var documented = map[int]bool{
	http.StatusConflict: true, http.StatusGone: true, http.StatusRequestEntityTooLarge: true,
	http.StatusUnprocessableEntity: true, http.StatusTooManyRequests: true, http.StatusServiceUnavailable: true,
}

// person is one visitor.
type person struct {
	*crowd
	n       int
	cookies map[string]string
}

// answer is what came back for one request.
type answer struct {
	status int
	at     *url.URL
	to     string
	body   []byte
}

var errRound = errors.New("redirects lead round in a circle")

// visit is the whole way: the protected page, the waiting room, the form.
func (p *person) visit(ctx context.Context) (outcome, error) {
	at := p.Base + p.Path
	if p.Straight {
		at = p.Base + "/waiting-room"
	}
	var a answer
	var err error
	for range 5 {
		if a, err = p.ask(ctx, "page", http.MethodGet, at, "", nil); err != nil {
			return failed, err
		}
		if a.to == "" {
			break
		}
		if at, err = p.resolve(a); err != nil {
			return failed, err
		}
	}
	switch {
	case a.to != "":
		return failed, errRound
	case !strings.HasPrefix(a.at.Path, "/waiting-room"):
		if a.status >= 500 {
			return failed, fmt.Errorf("the site answers %d", a.status)
		}
		return letIn, nil
	case documented[a.status]:
		return refused, nil
	case a.status != http.StatusOK:
		return failed, fmt.Errorf("the waiting room answers %d", a.status)
	}
	form, found := readForm(a.body)
	if !found {
		return letIn, nil // the page says that nobody has to wait, or that no addresses are taken
	}
	form.Set("email", p.address(p.n))
	if p.JSON {
		return p.postJSON(ctx, a.at.String(), form)
	}
	a, err = p.ask(ctx, "sign-up", http.MethodPost, a.at.String(), "application/x-www-form-urlencoded", []byte(form.Encode()))
	switch {
	case err != nil:
		return unanswered, err
	case a.status == http.StatusOK:
		return accepted, nil
	case documented[a.status]:
		return refused, nil
	}
	return failed, fmt.Errorf("the form answers %d", a.status)
}

// postJSON signs up as embed.js does.
func (p *person) postJSON(ctx context.Context, at string, form url.Values) (outcome, error) {
	body := map[string]string{}
	for name := range form {
		body[name] = form.Get(name)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return failed, err
	}
	a, err := p.ask(ctx, "sign-up", http.MethodPost, at, "application/json", data)
	if err != nil {
		return unanswered, err
	}
	var reply struct {
		Joined bool `json:"joined"`
	}
	switch err := json.Unmarshal(a.body, &reply); {
	case err == nil && reply.Joined && a.status == http.StatusOK:
		return accepted, nil
	case documented[a.status]:
		return refused, nil
	}
	return failed, fmt.Errorf("the form answers %d", a.status)
}

// ask sends one request and follows nothing.
func (p *person) ask(ctx context.Context, kind, method, at, contentType string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	// Each person has a browser name of their own: the throttle draws by address and
	// name, and everybody here has the same address.
	r.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (raincheck load test; person %d)", p.n))
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	r.Header.Set("Accept-Language", "en")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != nil {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Origin", p.Base)
		if contentType == "application/json" {
			r.Header.Set("Accept", "application/json")
			r.Header.Set("Sec-Fetch-Mode", "cors")
			r.Header.Set("Sec-Fetch-Dest", "empty")
		}
	}
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	began := time.Now()
	response, err := p.client.Do(r)
	if err != nil {
		p.took(kind, began, 0)
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // without the port, which is another one each time
		}
		return answer{}, fmt.Errorf("%s: %w", kind, err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	p.took(kind, began, response.StatusCode)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", kind, err)
	}
	for _, c := range response.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	a := answer{status: response.StatusCode, at: r.URL, body: page}
	if a.status >= 300 && a.status < 400 {
		a.to = response.Header.Get("Location")
	}
	return a, nil
}

func (p *person) resolve(a answer) (string, error) {
	next, err := a.at.Parse(a.to)
	if err != nil || next.Host != a.at.Host {
		return "", errors.New("a redirect leads away from the site")
	}
	return next.String(), nil
}

// readForm finds the form that takes an address, and what it sends with it.
func readForm(page []byte) (url.Values, bool) {
	var fields url.Values
	found := false
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return fields, found
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch string(name) {
			case "form":
				if found {
					return fields, true
				}
				fields = url.Values{}
			case "input":
				in := map[string]string{}
				for more {
					var key, value []byte
					key, value, more = z.TagAttr()
					in[string(key)] = string(value)
				}
				switch {
				case fields == nil:
				case in["name"] == "email":
					found = true
				case in["type"] == "hidden":
					fields.Set(in["name"], in["value"])
				}
			}
		}
	}
}
