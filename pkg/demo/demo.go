// Package demo is the whole of raincheck on one machine: the emulated edge in
// front of a demonstration site, the waiting room, the inviter, the sender and
// the mails, with a crowd of simulated visitors and room for a person at a
// browser.
//
// Nothing in it decides anything. The use cases are the deployed ones on twins
// of their adapters, the edge runs the deployed code, and what the crowd does to
// the line it does through the waiting room's own pages and the links of its own
// mails. What goes wrong here goes wrong there.
//
// Time is virtual (see clock): hours pass in minutes and everything happens at
// its second, however busy the machine is.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"raincheck/pkg/demo/relay"
	"raincheck/pkg/demo/virtual"
	"raincheck/pkg/simulation"
	words "raincheck/pkg/site"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/queue"
)

// Config is what an instance is made of.
type Config struct {
	// Story is the day to live.
	Story Story
	// Speed is how many virtual seconds may pass in one of the wall's, 1 to 600; 0
	// is as many as the machine can do.
	Speed float64
	// Origin is how the browser reaches the instance: http://localhost:8080.
	Origin string
	// Data, when set, is a folder in which the waitlist is kept over restarts.
	Data string
	// Reading, when set, is called while a kept waitlist is read, with the bytes so far and in all.
	Reading func(read, all int64)
	// Seed makes the crowd's chances. With Repeatable the codes come from it too:
	// two runs are then the same to the byte, and nobody's secrets are safe.
	Seed       uint64
	Repeatable bool
	// Words, when set, are what the pages say of the site, by language; Languages are
	// those of the pages, the default first, English and Spanish when none are named.
	Words     map[string]words.Words
	Languages []string
	// Relay, when set, mails people at a browser; without it their mails stay here.
	Relay *relay.Relay
	// Hosts are names beside localhost under which the console answers.
	Hosts []string
	// Now is the wall's clock.
	Now func() time.Time
	// Log takes what the use cases log; nil for nowhere.
	Log *slog.Logger
	// Minute, when set, is called after each virtual minute, on the goroutine of
	// the clock.
	Minute func(at time.Time, t Totals)

	conditions *simulation.Conditions
}

// Instance is one machine's raincheck. Its Handler may be used while Run runs.
type Instance struct {
	config     Config
	clock      *virtual.Clock
	conditions *conditions
	raincheck
	crowd   *crowd
	record  record
	guests  guests
	post    post
	handler http.Handler
	day     day
	board   board
}

// New makes an instance. Nothing moves before Run.
func New(c Config) (*Instance, error) {
	in := &Instance{
		config: c, raincheck: raincheck{queue: &queue.Queue{}, metrics: &metrics.Metrics{}},
		board: board{demand: -1, capacity: c.Story.Site.Capacity},
	}
	if in.config.Log == nil {
		in.config.Log = slog.New(slog.DiscardHandler)
	}
	in.random = rand.Reader
	if c.Repeatable && c.Relay == nil { // a relay is not to be repeated
		var seed [32]byte
		seed[0], seed[1] = byte(c.Seed), byte(c.Seed>>8)
		in.random = mathrand.NewChaCha8(seed)
	}
	if err := in.open(); err != nil {
		return nil, err
	}
	for tag, w := range c.Words {
		if err := in.store.SaveWords(context.Background(), tag, w); err != nil {
			return nil, errors.Join(fmt.Errorf("keep the words of the site: %w", err), in.store.Close())
		}
	}
	if err := in.resume(); err != nil {
		return nil, errors.Join(err, in.store.Close())
	}
	story := in.config.Story
	if story.Minutes > 0 {
		in.day.end = story.Start.Add(time.Duration(story.Minutes) * time.Minute)
	}
	// Until Run, time passes only when asked to: the warming up is done at once.
	in.clock = virtual.New(story.Start, 0, c.Now)
	in.guests.store = &personStore{Store: in.store, clock: in.clock, wall: c.Now, here: in.guests.kept}
	if err := in.wire(); err != nil {
		return nil, errors.Join(err, in.store.Close())
	}
	return in, nil
}

// Handler is everything that the instance serves: the site behind the edge, the
// waiting room, the console.
func (in *Instance) Handler() http.Handler { return in.handler }

// Close writes what is to be kept.
func (in *Instance) Close() error {
	in.guests.carriage.End()
	return in.store.Close()
}

// failed notes a defect. The world goes on: the console and the end of the run say so.
func (in *Instance) failed(err error) {
	in.board.note(err)
	in.config.Log.Error("local", "error", err)
}
