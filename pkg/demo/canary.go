package demo

import (
	"context"
	"errors"

	"raincheck/pkg/console"
	"raincheck/pkg/email"
	"raincheck/pkg/smoke"
	"raincheck/pkg/waitlist"
)

// Canary serves `raincheck smoke`: the place of its invented person in this
// instance's line. The person joins at the waiting room's own pages, as one at
// a browser, and lives by the wall's clock like one.
func (in *Instance) Canary(ctx context.Context, do string, a email.Address) (console.CanaryPlace, error) {
	own := smoke.Own{Store: in.store, Queue: in.queue, Keys: in.keyring, Now: in.clock.Now}
	var place console.CanaryPlace
	switch do {
	case "invite":
		err := own.Invite(ctx, a)
		if errors.Is(err, smoke.ErrOff) {
			return console.CanaryPlace{Off: err.Error()}, nil
		}
		if err != nil {
			return place, err
		}
	case "forget":
		entry, err := in.store.Entry(ctx, in.keys.Mailbox(a.Mailbox()))
		if err == nil {
			in.guests.store.forget(entry)
		}
		return place, own.Forget(ctx, a)
	}
	seen, err := own.Look(ctx, a)
	if errors.Is(err, waitlist.ErrUnknown) {
		return place, nil
	}
	if err != nil {
		return place, err
	}
	place = console.CanaryPlace{There: true, Mine: seen.Mine, Age: seen.Age, Stage: seen.Stage, Code: seen.Code}
	for _, m := range in.post.all() {
		place.Delivered = place.Delivered || m.To == a.Reveal()
	}
	return place, nil
}

// forget takes a person out of the sums at the end, whose entry is being removed.
func (p *personStore) forget(e waitlist.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.here[e.Ref]
	delete(p.here, e.Ref)
	if !counts {
		return
	}
	p.joined--
	if e.Stage == waitlist.Used {
		p.redeemed--
	}
}
