package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/console"
	"raincheck/pkg/demo/site"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake"
	"raincheck/pkg/metric"
	words "raincheck/pkg/site"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/waitlist"
)

// roomStore is what the waiting room asks of the waitlist.
type roomStore interface {
	Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)
	Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error)
	Leave(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Quiet(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Ticket(ctx context.Context, code bypass.Code) (waitlist.Ticket, error)
	Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Rejoin(ctx context.Context, s waitlist.Signup, expired waitlist.Ref) (waitlist.Joined, error)
	NoticeIn(ctx context.Context, language string) (waitlist.Control, waitlist.Progress, words.Words, error)
}

// room is the waiting room on a store and a clock; shown gives its times as readers
// see them.
func (in *Instance) room(store roomStore, now func() time.Time, shown func(time.Time) time.Time, notice time.Duration) (http.Handler, error) {
	return intake.Service{
		Settings: intake.Settings{
			Site: site.Name, Sender: in.mails(), PassLife: in.settings().PassLife, Languages: in.settings().Languages, Origins: []string{in.config.Origin},
		},
		Store: store, Keys: in.keyring, Now: now, Shown: shown, NoticeLife: notice, Log: in.config.Log,
		Count: in.happened,
		// The address of a connection from this machine is always the same; a browser
		// adds its name, and that is enough to tell two of them apart here.
		Viewer: func(r *http.Request) string {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			return host
		},
	}.Handler()
}

// happened counts what happened by the clock that the console shows.
func (in *Instance) happened(name metric.Name, n float64) { in.hour.Add(in.clock.Now(), name, int(n)) }

// senderAddress is where the invitations of the demonstration come from.
const senderAddress = "no-reply@benefits.example"

// mails is where people's invitations come from.
func (in *Instance) mails() string {
	if in.config.Relay != nil {
		return in.config.Relay.From
	}
	return senderAddress
}

// serve puts the edge in front of the site and the waiting room, as a
// distribution with two behaviours does, and the console beside it.
func (in *Instance) serve(room http.Handler) error {
	c := in.config
	front, err := edge.New(edge.Options{Now: c.Now, Store: in.guests.gate.Own, Failure: gate.FailOpen, Log: c.Log})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	pages := site.Handler()
	behind := front.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == gate.Room || strings.HasPrefix(r.URL.Path, gate.Room+"/") {
			room.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))
	// Whoever looks from elsewhere sees what happens, and neither mails nor switches.
	panel := (&console.Console{Source: in, Outbox: in, Controls: in, Canaries: in, People: in, Log: c.Log}).Handler()
	window := (&console.Console{Source: in, Hosts: c.Hosts, Log: c.Log}).Handler()
	in.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, console.Path) {
			if console.OnThisMachine(r) {
				panel.ServeHTTP(w, r)
			} else {
				window.ServeHTTP(w, r)
			}
			return
		}
		if err := in.guests.gate.Follow(r.Context()); err != nil {
			in.failed(fmt.Errorf("bring the gate to the person's edge: %w", err))
		}
		behind.ServeHTTP(w, r)
	})
	return nil
}
