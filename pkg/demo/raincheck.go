package demo

import (
	"context"
	"fmt"
	"io"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/demo/recent"
	"raincheck/pkg/demo/site"
	"raincheck/pkg/demo/wallgate"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/operator"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
)

// raincheck is what a deployed stack is made of: the use cases on the twins of
// their adapters.
type raincheck struct {
	random io.Reader
	keys   *bypass.Keyring

	store    *store.Store
	queue    *queue.Queue
	outbox   *outbox.Outbox
	metrics  *metrics.Metrics
	document *edge.Store

	edge     *edge.Edge
	inviter  *inviter.Service
	sender   *sender.Service
	feedback *feedback.Service
	plane    *operator.Plane
	hour     *recent.Sums
}

func (in *Instance) keyring(context.Context) (*bypass.Keyring, error) { return in.keys, nil }

// wire puts the use cases on their twins.
func (in *Instance) wire() error {
	c := in.config
	var err error
	in.document = edge.NewStore(in.clock.Now, edge.Propagation)
	in.plane = &operator.Plane{
		Site: operator.Site{Name: c.Story.Name, Target: c.Story.Policy.Target, Capacity: c.Story.Site.Capacity},
		Desk: in.store, Edge: in.document, Now: in.clock.Now, Trouble: in.store.Trouble,
	}
	in.edge, err = edge.New(edge.Options{Now: in.clock.Now, Store: in.document, Failure: gate.FailOpen, ForwardedFor: true, Log: c.Log})
	if err != nil {
		return fmt.Errorf("start the edge: %w", err)
	}
	in.hour = recent.NewSums(operator.Hourly())
	in.outbox = &outbox.Outbox{Now: in.clock.Now, Arrived: in.post.take}
	in.apply(c.conditions)
	in.inviter = &inviter.Service{
		Settings: inviter.Settings{Policy: c.Story.Policy, Gate: in.sample(in.settings()), Failure: gate.FailOpen, Stale: 0.2},
		Store:    in.store, Queue: in.queue, Mail: mailer{in}, Metrics: in.metrics, Edge: in.document,
		Keys: in.keyring, Now: in.clock.Now, Log: c.Log,
	}
	mails := sender.Settings{
		Site: site.Name, From: senderAddress, Room: c.Origin + gate.Room,
		CodeTTL: time.Duration(c.Story.Policy.CodeTTL),
	}
	in.sender = &sender.Service{Settings: mails, Store: in.store, Mail: in.outbox, Keys: in.keyring, Now: in.clock.Now, Random: in.random, Wait: never, Count: in.happened, Log: c.Log}
	in.feedback = &feedback.Service{Store: in.store, Now: in.clock.Now, Count: in.happened}

	mails.From = in.mails()
	in.guests.sender = &sender.Service{Settings: mails, Store: in.guests.store, Mail: mailer{in}, Keys: in.keyring, Now: c.Now, Random: in.random, Wait: never, Count: in.happened, Log: c.Log}
	in.guests.gate = &wallgate.Gate{Crowd: in.document, Own: edge.NewStore(c.Now, 0), Clock: in.clock, Wall: c.Now}

	crowds := &crowdStore{Store: in.store}
	crowdRoom, err := in.room(crowds, in.clock.Now, nil, 0)
	if err != nil {
		return err
	}
	in.crowd = newCrowd(in, crowds, crowdRoom)
	personRoom, err := in.room(in.guests.store, c.Now, in.clock.Virtual, time.Second)
	if err != nil {
		return err
	}
	return in.serve(personRoom)
}

// never waits: a message is handed to the sender when its second has come.
func never(context.Context, time.Time) error { return nil }

// settings are what the edge knows beside the decision.
func (in *Instance) settings() gate.Settings {
	s := gate.DefaultSettings()
	if len(in.config.Languages) > 0 {
		s.Languages = in.config.Languages
	}
	// A person at the demonstration shall not lose their place to a coffee.
	s.PassLife = time.Hour
	return s
}
