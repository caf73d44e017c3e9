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
// (DNS rebinding): the Host header must name this machine, or be an address,
// which no foreign page has as its name.
//
// Nothing runs while nobody looks: the page asks once a second, and stops when
// it is hidden.
package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Path is where the console lives. Nothing of a site begins like it.
const Path = "/_raincheck/"

// source is what the console shows. Both methods are called once a second by
// every browser that looks.
type source interface {
	// Snapshot says what happens now.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Series gives the minutes after the given time, oldest first.
	Series(ctx context.Context, after time.Time) (Series, error)
}

// Console is the handler for everything under Path.
type Console struct {
	// Source is what is shown.
	Source source
	// Outbox, when set, shows the mails.
	Outbox outbox
	// Controls, when set, allows changes; nil makes the console read-only.
	Controls controls
	// Switches are the commands that the page of a read-only console names; none says
	// that the switches are on the machine that runs the instance.
	Switches []Switch
	// Canaries, when set, serves `raincheck smoke`.
	Canaries canaries
	// People, when set, serves export, import, forget and bounced.
	People people
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
	mux.HandleFunc("GET "+Path+"status", c.status)
	mux.HandleFunc("GET "+Path+"{file}", c.file)
	mux.HandleFunc("GET "+Path+"api/snapshot", c.snapshot)
	mux.HandleFunc("GET "+Path+"api/series", c.series)
	mux.HandleFunc("GET "+Path+"api/outbox", c.mails)
	mux.HandleFunc("GET "+Path+"api/outbox/{id}", c.mail)
	mux.HandleFunc("GET "+Path+"outbox/{id}/html", c.rendered)
	mux.HandleFunc("POST "+Path+"api/change", c.change)
	mux.HandleFunc("POST "+Path+"api/canary", c.canary)
	mux.HandleFunc("POST "+Path+"api/person", c.person)
	mux.HandleFunc("POST "+Path+"api/export", c.export)
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

// OnThisMachine says that a request was made on this machine and by no proxy: both
// its connection and the name that it asks for are of the loopback. Whoever comes
// so may do what the one at the keyboard may.
func OnThisMachine(r *http.Request) bool {
	for _, proxy := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if r.Header.Get(proxy) != "" {
			return false
		}
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && loopback(from) && loopback(hostname(r.Host))
}

func loopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// hostname is the name in a Host header, without port and brackets.
func hostname(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return strings.Trim(strings.ToLower(strings.TrimSuffix(name, ".")), "[]")
}

// mine says whether host names this machine or one of Hosts. A name that only
// resolves to this machine does not.
func (c *Console) mine(host string) bool {
	name := hostname(host)
	return loopback(name) || net.ParseIP(name) != nil ||
		slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

func (c *Console) snapshot(w http.ResponseWriter, r *http.Request) {
	s, err := c.Source.Snapshot(r.Context())
	s.ReadOnly = c.Controls == nil
	s.Outbox, s.Switches = c.Outbox != nil, c.Switches
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
