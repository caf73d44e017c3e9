// Package httpapi lets a net/http handler answer the events of an API Gateway
// HTTP API, payload format 2.0.
//
// awslabs' httpadapter (0.16.2, its last, of April 2024) cuts every header at its
// commas: Header.Get gives half of a User-Agent and one language. A test holds what must survive.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Event is what is read of an event. The type of aws-lambda-go has every field there
// is, and at the start of a process encoding/json looks at them all while somebody
// waits.
type Event struct {
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies"`
	Headers        map[string]string `json:"headers"`
	RequestContext struct {
		HTTP struct {
			Method   string `json:"method"`
			SourceIP string `json:"sourceIp"`
		} `json:"http"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

// Handler turns a handler into one for Lambda. A panic is logged; the visitor
// gets a plain 500, and the function lives on for the next one.
func Handler(h http.Handler, log *slog.Logger) func(context.Context, Event) (events.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, event Event) (response events.APIGatewayV2HTTPResponse, err error) {
		defer func() {
			if what := recover(); what != nil {
				log.ErrorContext(ctx, "a panic", "what", fmt.Sprint(what), "stack", string(debug.Stack()))
				response, err = plain(http.StatusInternalServerError), nil
			}
		}()
		r, err := request(ctx, event)
		if err != nil {
			return plain(http.StatusBadRequest), nil
		}
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		response = w.response()
		if r.Method == http.MethodHead {
			// net/http's server sends no body here (RFC 9110, 9.3.2), and nobody else does
			// it in Lambda.
			response.Body, response.IsBase64Encoded = "", false
		}
		return response, nil
	}
}

// request is the event as net/http would have read it from the wire.
func request(ctx context.Context, event Event) (*http.Request, error) {
	body := event.Body
	if event.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, fmt.Errorf("decoding the body: %w", err)
		}
		body = string(decoded)
	}
	target := event.RawPath
	if event.RawQueryString != "" {
		target += "?" + event.RawQueryString
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("reading the path: %w", err)
	}
	r := &http.Request{
		Method: event.RequestContext.HTTP.Method, URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(event.Headers)+1),
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		RemoteAddr: event.RequestContext.HTTP.SourceIP,
	}
	// A header that came more than once is one line here, its values joined with
	// commas: the same thing by RFC 9110 (5.3). Cookies come apart from the rest.
	values := make([]string, 0, len(event.Headers))
	for name, value := range event.Headers {
		values = append(values, value)
		r.Header[http.CanonicalHeaderKey(name)] = values[len(values)-1 : len(values) : len(values)]
	}
	if len(event.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	return r.WithContext(ctx), nil
}

// recorder keeps what a handler answers.
type recorder struct {
	header http.Header
	// sent are the headers as they were when the status was written, cookies apart.
	sent    map[string]string
	cookies []string
	status  int
	body    string
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status, w.sent = status, make(map[string]string, len(w.header))
	for name, values := range w.header {
		if name == "Set-Cookie" {
			w.cookies = slices.Clone(values)
			continue
		}
		w.sent[name] = strings.Join(values, ", ")
	}
}

func (w *recorder) Write(p []byte) (int, error) { return w.WriteString(string(p)) }

// WriteString keeps a page that is written at once as it is, without a copy.
func (w *recorder) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body += s
	return len(s), nil
}

func (w *recorder) response() events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: w.sent, Cookies: w.cookies}
	if out.Body = w.body; !utf8.ValidString(w.body) {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(w.body)), true
	}
	return out
}

func plain(status int) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: http.StatusText(status) + "\n",
		Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"},
	}
}
