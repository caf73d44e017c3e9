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
// its second, however busy the machine is. 2.9 million people come to the door
// on the HealthCare.gov day; each of them is decided about one by one, as many
// mails are written as were written then, and it takes less than ten minutes.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/demo/site"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/operator"
	"raincheck/pkg/sender"
	"raincheck/pkg/simulation"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
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
	// Seed makes the crowd's chances. With Repeatable the codes come from it too:
	// two runs are then the same to the byte, and nobody's secrets are safe.
	Seed       uint64
	Repeatable bool
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
	config Config
	clock  *clock
	random io.Reader
	keys   *bypass.Keyring

	store    *store.Store
	queue    *queue.Queue
	outbox   *outbox.Outbox
	metrics  *metrics.Metrics
	document *edge.Store
	plane    *operator.Plane

	edge     *edge.Edge
	inviter  *inviter.Service
	sender   *sender.Service
	feedback *feedback.Service
	crowd    *crowd
	record   record

	person  *personStore
	letters *sender.Service // the sender of people's mails
	gate    *personGate
	handler http.Handler
	post    post
	kept    map[waitlist.Ref]bool // people's joinings of an earlier run

	end        time.Time // of the story; zero when it has none
	begun      bool
	people     float64 // of the running minute
	rest       float64 // of a person, left over from the last minute
	conditions *conditions

	mu       sync.Mutex // guards what a console reads or changes
	report   inviter.Report
	totals   Totals
	onSite   int
	demand   float64 // by hand; negative follows the story
	capacity float64
	problems []error
}

// New makes an instance. Nothing moves before Run.
func New(c Config) (*Instance, error) {
	in := &Instance{config: c, queue: &queue.Queue{}, metrics: &metrics.Metrics{}, demand: -1, capacity: c.Story.Site.Capacity}
	if in.config.Log == nil {
		in.config.Log = slog.New(slog.DiscardHandler)
	}
	in.random = rand.Reader
	if c.Repeatable {
		var seed [32]byte
		seed[0], seed[1] = byte(c.Seed), byte(c.Seed>>8)
		in.random = mathrand.NewChaCha8(seed)
	}
	if err := in.open(); err != nil {
		return nil, err
	}
	if err := in.goOn(); err != nil {
		return nil, errors.Join(err, in.store.Close())
	}
	story := in.config.Story
	if story.Minutes > 0 {
		in.end = story.Start.Add(time.Duration(story.Minutes) * time.Minute)
	}
	// Until Run, time passes only when asked to: the warming up is done at once.
	in.clock = newClock(story.Start, 0, c.Now)
	in.person = &personStore{Store: in.store, clock: in.clock, wall: c.Now, here: in.kept}
	if err := in.wire(); err != nil {
		return nil, errors.Join(err, in.store.Close())
	}
	return in, nil
}

// open brings the waitlist and the keys, kept or new.
func (in *Instance) open() error {
	in.store = &store.Store{}
	secret := in.config.Data
	if secret != "" {
		if err := os.MkdirAll(secret, 0o700); err != nil {
			return fmt.Errorf("keep the waitlist: %w", err)
		}
		store, err := store.Open(in.config.Data)
		if err != nil {
			return fmt.Errorf("keep the waitlist: %w", err)
		}
		in.store = store
		secret = filepath.Join(secret, "secret.json")
		if doc, err := os.ReadFile(secret); err == nil {
			in.keys, err = bypass.ParseKeyring(doc)
			if err != nil {
				return fmt.Errorf("%s: %w", secret, err)
			}
			return nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("read the key ring: %w", err)
		}
	}
	var root [32]byte
	if _, err := io.ReadFull(in.random, root[:]); err != nil {
		return fmt.Errorf("draw a secret: %w", err)
	}
	doc, err := json.Marshal(map[string]string{"root": fmt.Sprintf("%x", root)})
	if err != nil {
		return fmt.Errorf("write the key ring: %w", err)
	}
	if secret != "" {
		if err := os.WriteFile(secret, doc, 0o600); err != nil {
			return fmt.Errorf("keep the key ring: %w", err)
		}
	}
	in.keys, err = bypass.ParseKeyring(doc)
	return err
}

// goOn has a kept waitlist go on after the last thing that happened to it: its
// virtual time may have been far ahead of the wall. A recorded day keeps its
// hours.
func (in *Instance) goOn() error {
	var last time.Time
	in.kept = map[waitlist.Ref]bool{}
	err := in.store.Each(context.Background(), func(e waitlist.Entry) error {
		for _, t := range []time.Time{e.Joined, e.Claim, e.Invited, e.Ended} {
			if t.After(last) {
				last = t
			}
		}
		if !e.Address.IsZero() && !simulated(e.Address.Reveal()) {
			in.kept[e.Ref] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the kept waitlist: %w", err)
	}
	story := &in.config.Story
	step := time.Minute
	if story.Minutes > 0 {
		step = 24 * time.Hour
	}
	for !story.Start.After(last) {
		story.Start = story.Start.Add(step * (1 + last.Sub(story.Start)/step))
	}
	return nil
}

func (in *Instance) keyring(context.Context) (*bypass.Keyring, error) { return in.keys, nil }

// wire puts the use cases on their twins.
func (in *Instance) wire() error {
	c := in.config
	var err error
	in.document = edge.NewStore(in.clock.Now, edge.Propagation)
	in.plane = &operator.Plane{
		Site: operator.Site{Name: c.Story.Name, Target: c.Story.Policy.Target, Capacity: c.Story.Site.Capacity},
		Desk: in.store, Edge: in.document, Now: in.clock.Now,
	}
	in.edge, err = edge.New(edge.Options{Now: in.clock.Now, Store: in.document, Failure: gate.FailOpen, ForwardedFor: true, Log: c.Log})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	in.outbox = &outbox.Outbox{Now: in.clock.Now, Arrived: in.post.take}
	in.apply(c.conditions)
	in.inviter = &inviter.Service{
		Settings: inviter.Settings{Policy: c.Story.Policy, Gate: in.sample(settings()), Failure: gate.FailOpen, Stale: 0.2},
		Store:    in.store, Queue: in.queue, Mail: in.outbox, Metrics: in.metrics, Edge: in.document,
		Keys: in.keyring, Now: in.clock.Now, Log: c.Log,
	}
	mails := sender.Settings{
		Site: site.Name, From: site.Name + " <" + senderAddress + ">", Room: c.Origin + gate.Room,
		CodeTTL: time.Duration(c.Story.Policy.CodeTTL),
	}
	in.sender = &sender.Service{Settings: mails, Store: in.store, Mail: in.outbox, Keys: in.keyring, Now: in.clock.Now, Random: in.random, Wait: never, Log: c.Log}
	in.feedback = &feedback.Service{Store: in.store, Now: in.clock.Now}

	in.letters = &sender.Service{Settings: mails, Store: in.person, Mail: in.outbox, Keys: in.keyring, Now: c.Now, Random: in.random, Wait: never, Log: c.Log}
	in.gate = &personGate{crowd: in.document, own: edge.NewStore(c.Now, 0), clock: in.clock, wall: c.Now}

	crowds := &crowdStore{Store: in.store}
	crowdRoom, err := in.room(crowds, in.clock.Now, 0)
	if err != nil {
		return err
	}
	in.crowd = newCrowd(in, crowds, crowdRoom)
	personRoom, err := in.room(in.person, c.Now, time.Second)
	if err != nil {
		return err
	}
	return in.serve(personRoom)
}

// never waits: a message is handed to the sender when its second has come.
func never(context.Context, time.Time) error { return nil }

// settings are what the edge knows beside the decision.
func settings() gate.Settings {
	s := gate.DefaultSettings()
	// A person at the demonstration shall not lose their place to a coffee.
	s.PassLife = time.Hour
	return s
}

// Handler is everything that the instance serves: the site behind the edge, the
// waiting room, the console.
func (in *Instance) Handler() http.Handler { return in.handler }

// Warm lives through the beginning of the story, as fast as the machine can.
func (in *Instance) Warm(ctx context.Context) error {
	in.begin(ctx)
	in.clock.run(ctx, in.config.Story.Start.Add(time.Duration(in.config.Story.Warm)*time.Minute))
	return in.failure()
}

// Run lives the story until its end, and on until everybody who waits has been
// invited and every code has ended, or until ctx is done. The totals are those
// of the end; the error is what did not work or does not add up.
func (in *Instance) Run(ctx context.Context) (Totals, error) {
	in.begin(ctx)
	in.clock.setSpeed(in.config.Speed)
	in.clock.run(ctx, time.Time{})
	totals, err := in.count(context.WithoutCancel(ctx))
	if err == nil {
		err = totals.Check(in.person.totals())
	}
	return totals, errors.Join(in.failure(), err)
}

// Close writes what is to be kept.
func (in *Instance) Close() error { return in.store.Close() }

// begin sets the world going, once: its seconds and its minutes ask for the next.
func (in *Instance) begin(ctx context.Context) {
	if in.begun {
		return
	}
	in.begun = true
	start := in.config.Story.Start
	in.switchTo(ctx, func(c *waitlist.Control) error {
		if c.Switched.IsZero() {
			c.Mode, c.Switched = gate.Throttle, start
		}
		return nil
	})
	in.clock.at(start, func() { in.everyMinute(ctx, 0) })
	in.clock.at(start, func() { in.everySecond(ctx, 0) })
}

func (in *Instance) switchTo(ctx context.Context, change func(*waitlist.Control) error) {
	if err := in.store.UpdateControl(ctx, change); err != nil {
		in.failed(fmt.Errorf("set the first switch: %w", err))
	}
}

// everySecond brings the people and the mails of one second.
func (in *Instance) everySecond(ctx context.Context, second int) {
	if second%60 == 0 {
		in.mu.Lock()
		demand := in.demand
		in.mu.Unlock()
		if demand < 0 {
			demand = in.config.Story.Demand(second / 60)
		}
		in.people, in.rest = math.Modf(demand + in.rest)
	}
	if in.end.IsZero() || in.clock.Now().Before(in.end) {
		// Of the minute's people, this second's: the parts add up to the whole.
		part := func(s int) int { return int(in.people * float64(s) / 60) }
		for range part(second%60+1) - part(second%60) {
			in.crowd.arrive(ctx)
		}
	}
	in.deliver(ctx)
	in.clock.at(in.config.Story.Start.Add(time.Duration(second+1)*time.Second), func() { in.everySecond(ctx, second+1) })
}

// everyMinute ends one minute and begins the next with a tick of the inviter.
func (in *Instance) everyMinute(ctx context.Context, minute int) {
	now := in.clock.Now()
	if minute > 0 {
		in.minuteEnds(now)
	}
	if in.config.Story.Cut && !now.Before(in.end) {
		in.clock.halt()
		return
	}
	report, err := in.tick(ctx, minute, now)
	if err != nil && ctx.Err() == nil {
		in.failed(fmt.Errorf("tick of %s: %w", now.Format("15:04"), err))
	}
	in.crowd.totals.Expired += report.Expired
	if report.Skipped == "" {
		in.mu.Lock()
		in.report = report
		in.mu.Unlock()
	}
	if in.config.Minute != nil {
		in.config.Minute(now, in.crowd.totals)
	}
	if in.over(ctx, now) {
		in.clock.halt()
		return
	}
	in.clock.at(now.Add(time.Minute), func() { in.everyMinute(ctx, minute+1) })
}

// tick is the inviter's, unless the conditions have it missed.
func (in *Instance) tick(ctx context.Context, minute int, now time.Time) (inviter.Report, error) {
	if in.conditions.misses(minute) {
		return inviter.Report{Skipped: "the tick was missed"}, nil
	}
	return in.inviter.Tick(ctx, now)
}

// minuteEnds tells the metrics and the console what the minute was.
func (in *Instance) minuteEnds(now time.Time) {
	c := in.crowd
	c.leave()
	at := now.Add(-time.Minute)
	in.mu.Lock()
	in.totals, in.onSite = c.totals, c.onSite
	// What a metric averages over a minute lies between its beginning and its end.
	bears := in.conditions.bears(c.minuteOf(at), in.capacity)
	mean := float64(c.before+c.onSite) / 2 / bears
	load := float64(c.onSite) / bears
	report := in.report
	in.mu.Unlock()
	c.before = c.onSite
	in.metrics.AddLoad(admission.Sample{At: at, Value: in.conditions.measured(mean)})
	counted := admission.EdgeCount{At: at}
	for _, m := range in.edge.Counts().Between(at, now) {
		counted.Visitors, counted.Admitted = float64(m.Visitors), float64(m.Admitted)
	}
	in.metrics.AddEdge(counted)
	in.record.add(minute{
		at: at, load: load, target: in.config.Story.Policy.Target, admit: report.Admit,
		visitors: c.minute.visitors, admitted: c.minute.admitted, joined: c.minute.joined,
		waiting: report.Waiting, line: c.totals.Joined - c.totals.Invited, onSite: c.onSite, demand: c.minute.demand,
		claimed: report.Claimed, because: report.Because, invited: c.minute.invited, redeemed: c.minute.redeemed,
	})
	c.minute = flows{}
}

// settles is how long after the end of a story the last mails and codes may
// take: a code lives for a day, and the last may be mailed hours later.
const settles = 48 * time.Hour

// over says that the story has ended and nothing will happen to anybody any more.
func (in *Instance) over(ctx context.Context, now time.Time) bool {
	if in.end.IsZero() || now.Before(in.end) {
		return false
	}
	if now.After(in.end.Add(settles)) {
		return true
	}
	if in.queue.Len() > 0 || in.crowd.totals.Deciding > 0 {
		return false
	}
	control, err := in.store.Control(ctx)
	if err != nil {
		return false
	}
	for shard := range control.Readers() {
		for _, due := range []bool{false, true} {
			n, _, err := in.store.Count(ctx, waitlist.Query{Part: waitlist.Part{Due: due, Shard: shard}})
			if n > 0 || err != nil {
				return false
			}
		}
	}
	return true
}

// failed notes a defect. The world goes on: the console and the end of the run
// say so.
func (in *Instance) failed(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.problems) < maxProblems {
		in.problems = append(in.problems, err)
	}
	in.config.Log.Error("local", "error", err)
}

const maxProblems = 20

func (in *Instance) failure() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return errors.Join(in.problems...)
}
