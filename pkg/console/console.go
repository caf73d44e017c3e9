// Package console is the page that shows what raincheck does and why: load
// against target, the share let straight in, who waits, who was invited and
// came back, the mails, the gate; and, where it is allowed, the switches.
//
// The same page serves two masters. On a local instance it has everything. Over
// a deployed stack (`raincheck console`) it is read-only: the state in front of
// everybody who decides, so it must be safe to leave open on a wall. Both feed
// it through one small JSON API, described at Snapshot, Series and Change, and
// the page shows only what the API offers.
//
// A console that listens on localhost is reachable from every page that the
// operator's browser has open. Two attacks are met here and nowhere else. A
// foreign page may post to it (cross-site request forgery): everything that
// changes something is a POST with a JSON body and goes through
// http.CrossOriginProtection. And a foreign page may have its own name resolve
// to 127.0.0.1 and then read the outbox with its codes as its "same origin"
// (DNS rebinding): the Host header must name this machine.
//
// Nothing runs while nobody looks: the page asks once a second, and stops when
// it is hidden.
package console

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"raincheck/pkg/chart"
	"raincheck/pkg/operator"
)

// Path is where the console lives. Nothing of a site begins like it.
const Path = "/_raincheck/"

//go:embed page
var page embed.FS

// library is what draws the charts; the console carries it, since it must work
// on a machine that reaches nothing.
var library = map[string][]byte{"uPlot.iife.min.js": chart.Script, "uPlot.min.css": chart.Style, "uPlot.LICENSE.txt": chart.License}

// source is what the console shows. Both methods are called once a second by
// every browser that looks.
type source interface {
	// Snapshot says what happens now.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Series gives the minutes after the given time, oldest first.
	Series(ctx context.Context, after time.Time) (Series, error)
}

// outbox is the mail that a local instance would have sent.
type outbox interface {
	// Mails lists the newest mails first, without their text.
	Mails(ctx context.Context, limit int) ([]Mail, error)
	// Mail gives one in full; false when it is not kept any more.
	Mail(ctx context.Context, id string) (Mail, bool, error)
}

// controls is what may be changed. Its error is shown to the person who asked.
type controls interface {
	Change(ctx context.Context, change Change) error
}

// Console is the handler for everything under Path.
type Console struct {
	// Source is what is shown.
	Source source
	// Outbox, when set, shows the mails.
	Outbox outbox
	// Controls, when set, allows changes; nil makes the console read-only.
	Controls controls
	// Canaries, when set, serves `raincheck smoke`.
	Canaries canaries
	// Hosts are names, beside those of this machine, under which the console may
	// be asked for. Anything else is refused (DNS rebinding).
	Hosts []string
	// Log takes what went wrong inside; strangers get a plain line.
	Log *slog.Logger
}

// Handler serves the page and the API.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"{$}", c.index)
	mux.HandleFunc("GET "+Path+"{file}", c.file)
	mux.HandleFunc("GET "+Path+"api/snapshot", c.snapshot)
	mux.HandleFunc("GET "+Path+"api/series", c.series)
	mux.HandleFunc("GET "+Path+"api/outbox", c.mails)
	mux.HandleFunc("GET "+Path+"api/outbox/{id}", c.mail)
	mux.HandleFunc("GET "+Path+"outbox/{id}/html", c.rendered)
	mux.HandleFunc("POST "+Path+"api/change", c.change)
	mux.HandleFunc("POST "+Path+"api/canary", c.canary)
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.mine(r.Host) {
			http.Error(w, "The console answers only under a name of this machine.", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
}

// mine says whether host names this machine or one of Hosts. A name that only
// resolves to this machine does not.
func (c *Console) mine(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil && ip.IsLoopback() {
		return true
	}
	for _, h := range c.Hosts {
		if strings.EqualFold(name, h) {
			return true
		}
	}
	return false
}

func (c *Console) index(w http.ResponseWriter, r *http.Request) { c.embedded(w, "console.html") }

func (c *Console) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if body, ok := library[name]; ok {
		contentType(w, name)
		w.Write(body)
		return
	}
	if name == "console.html" {
		http.NotFound(w, r)
		return
	}
	c.embedded(w, name)
}

func (c *Console) embedded(w http.ResponseWriter, name string) {
	body, err := page.ReadFile("page/" + name)
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	contentType(w, name)
	w.Write(body)
}

// contentType knows the few kinds that there are, and so does not depend on
// what the machine's own table says of .js.
func contentType(w http.ResponseWriter, name string) {
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
	kind, ok := kinds[name[strings.LastIndex(name, "."):]]
	if !ok {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
}

func (c *Console) snapshot(w http.ResponseWriter, r *http.Request) {
	s, err := c.Source.Snapshot(r.Context())
	s.ReadOnly = c.Controls == nil
	s.Outbox = c.Outbox != nil
	c.answer(w, s, err)
}

func (c *Console) series(w http.ResponseWriter, r *http.Request) {
	var after time.Time
	if v := r.URL.Query().Get("after"); v != "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			http.Error(w, "after is a time in seconds since 1970.", http.StatusUnprocessableEntity)
			return
		}
		after = time.Unix(seconds, 0).UTC()
	}
	s, err := c.Source.Series(r.Context(), after)
	c.answer(w, s, err)
}

// mailsShown is how many mails the list has: more than a person reads, and
// little enough to send every few seconds.
const mailsShown = 100

func (c *Console) mails(w http.ResponseWriter, r *http.Request) {
	if c.Outbox == nil {
		http.NotFound(w, r)
		return
	}
	list, err := c.Outbox.Mails(r.Context(), mailsShown)
	if list == nil {
		list = []Mail{}
	}
	c.answer(w, list, err)
}

func (c *Console) mail(w http.ResponseWriter, r *http.Request) {
	if mail, ok := c.read(w, r); ok {
		c.answer(w, mail, nil)
	}
}

// rendered is the HTML of a mail for an iframe. Its own policy shuts out
// scripts, pictures and forms; a link opens in a new tab, as in a mail program.
func (c *Console) rendered(w http.ResponseWriter, r *http.Request) {
	mail, ok := c.read(w, r)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	h.Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, withTarget(mail.HTML))
}

// withTarget makes every link of a mail open in a new tab.
func withTarget(html string) string {
	const base = `<base target="_blank">`
	if i := strings.Index(html, "<head>"); i >= 0 {
		return html[:i+len("<head>")] + base + html[i+len("<head>"):]
	}
	return base + html
}

func (c *Console) read(w http.ResponseWriter, r *http.Request) (Mail, bool) {
	if c.Outbox == nil {
		http.NotFound(w, r)
		return Mail{}, false
	}
	mail, ok, err := c.Outbox.Mail(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		c.answer(w, nil, err)
	case !ok:
		http.Error(w, "That mail is not kept any more.", http.StatusNotFound)
	}
	return mail, ok && err == nil
}

// maxBody is far above the largest change.
const maxBody = 16 << 10

// isJSON says that a request's body is JSON. A form of a foreign page can send
// text/plain without asking; JSON it cannot. This stands behind
// CrossOriginProtection, for old browsers.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

func (c *Console) change(w http.ResponseWriter, r *http.Request) {
	if c.Controls == nil {
		http.Error(w, "This console is read-only.", http.StatusForbidden)
		return
	}
	if !isJSON(r) {
		http.Error(w, "A change is JSON.", http.StatusUnsupportedMediaType)
		return
	}
	change, err := decodeChange(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = c.Controls.Change(r.Context(), change)
	}
	if err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, operator.ErrChange) {
			status = http.StatusUnprocessableEntity
		}
		http.Error(w, err.Error(), status)
		return
	}
	c.snapshot(w, r)
}

func decodeChange(body io.Reader) (Change, error) {
	var change Change
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(&change); err != nil {
		return change, fmt.Errorf("%w: %v", operator.ErrChange, err)
	}
	return change, change.Validate()
}

func (c *Console) answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		if c.Log != nil {
			c.Log.Error("console", "error", err)
		}
		http.Error(w, "The instance could not answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil && c.Log != nil {
		c.Log.Debug("console: the browser went away", "error", err)
	}
}
