package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// browser is what a simulated person uses: it reads the waiting room's pages as
// they are, fills in their forms and follows the link of a mail, in process and
// without a connection. One goroutine uses it at a time.
type browser struct {
	room http.Handler // the waiting room
	host string       // of the site, as a browser would send it

	answer answer
}

// answer is the page that came back.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// form is one form of a page: where it is sent, and what stands in it.
type form struct {
	action string
	fields url.Values
	read   time.Time // when, where that matters
}

var (
	languages = regexp.MustCompile(`(?is)<nav\b.*?</nav>`)
	formTag   = regexp.MustCompile(`(?is)<form\b[^>]*>`)
	inputTag  = regexp.MustCompile(`(?is)<input\b[^>]*>`)
	attribute = regexp.MustCompile(`(?i)\b(action|method|name|value|type)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))`)
)

var errForm = errors.New("the page has no form to send")

// get asks for a page and reads the last of its forms that are sent by POST, but for
// that of the languages, which is part of the navigation.
func (b *browser) get(ctx context.Context, path string) (form, error) {
	if err := b.do(ctx, http.MethodGet, path, nil); err != nil {
		return form{}, err
	}
	page := languages.ReplaceAllLiteralString(b.answer.body.String(), "")
	tags := formTag.FindAllStringIndex(page, -1)
	for _, at := range slices.Backward(tags) {
		attrs := attributes(page[at[0]:at[1]])
		if !strings.EqualFold(attrs["method"], "post") {
			continue
		}
		f := form{action: path, fields: url.Values{}}
		if attrs["action"] != "" {
			f.action = attrs["action"]
		}
		inside, _, _ := strings.Cut(page[at[1]:], "</form>")
		for _, tag := range inputTag.FindAllString(inside, -1) {
			if in := attributes(tag); in["name"] != "" && strings.EqualFold(in["type"], "hidden") {
				f.fields.Set(in["name"], in["value"])
			}
		}
		return f, nil
	}
	return form{}, fmt.Errorf("GET %s (status %d): %w", path, b.answer.status, errForm)
}

// post sends a form.
func (b *browser) post(ctx context.Context, f form) error {
	return b.do(ctx, http.MethodPost, f.action, f.fields)
}

// do asks the waiting room. The headers are those that a browser of today sends
// with a navigation from the site's own page.
func (b *browser) do(ctx context.Context, method, path string, fields url.Values) error {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return fmt.Errorf("follow %q: %w", path, err)
	}
	r := &http.Request{
		Method: method, URL: u, RequestURI: path, Host: b.host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Accept":         {"text/html"},
			"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"same-origin"},
		},
		RemoteAddr: "192.0.2.1:443", Body: http.NoBody,
	}
	if fields != nil {
		text := fields.Encode()
		r.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		r.Header["Origin"] = []string{"http://" + b.host}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
	b.answer.status, b.answer.header = 0, http.Header{}
	b.answer.body.Reset()
	b.room.ServeHTTP(&b.answer, r.WithContext(ctx))
	return nil
}

func attributes(tag string) map[string]string {
	out := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		out[strings.ToLower(m[1])] = html.UnescapeString(m[2] + m[3] + m[4])
	}
	return out
}

// cookie gives the value of a cookie that the answer sets.
func (a *answer) cookie(name string) string {
	for _, line := range a.header["Set-Cookie"] {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			value, _, _ = strings.Cut(value, ";")
			return value
		}
	}
	return ""
}

// link finds a link to a page in a mail's text, as a path of the site.
func link(text, origin, page string) (string, error) {
	for rest := text; ; {
		i := strings.Index(rest, origin)
		if i < 0 {
			return "", fmt.Errorf("the mail has no link to %s", page)
		}
		rest = rest[i+len(origin):]
		end := strings.IndexAny(rest, " \t\r\n<>\"")
		if end < 0 {
			end = len(rest)
		}
		if path := rest[:end]; strings.Contains(path, page) {
			return path, nil
		}
	}
}
