package demo

import (
	"context"
	"sync"
	"time"

	"raincheck/pkg/demo/relay"
	"raincheck/pkg/demo/virtual"
	"raincheck/pkg/demo/wallgate"
	"raincheck/pkg/sender"
	words "raincheck/pkg/site"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// A person at a browser lives by the clock on the wall, and the line by virtual
// time, which may be hours ahead or in another year. What the person holds (the
// form's stamp, the pass, the code) is made and checked by the wall; what the
// line keeps (the place, when something is due) is in virtual time. The two meet
// here alone. What the person is told is the virtual time, which the console shows.

// guests are the people at a browser, and what serves them.
type guests struct {
	store    *personStore
	sender   *sender.Service
	gate     *wallgate.Gate
	carriage relay.Carriage
	kept     map[waitlist.Ref]bool // their joinings of an earlier run
}

// personStore is the waitlist as the use cases that serve a person see it: they
// run on the wall's clock, and it turns their times into virtual ones.
type personStore struct {
	*store.Store
	clock *virtual.Clock
	wall  func() time.Time

	mu sync.Mutex
	// here are the joinings of people: their mail goes out through the sender
	// that runs on the wall's clock. The value says that the joining is one of this
	// run, and so counts in its sums.
	here map[waitlist.Ref]bool
	// joined counts the places that they took, redeemed the first uses of codes.
	joined, redeemed int
}

// Join takes a place at the end of the virtual line. One that the disk did not take yet stands all the same.
func (p *personStore) Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error) {
	s.At = p.clock.Now()
	joined, err := p.Store.Join(ctx, s)
	if joined.New {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.here[joined.Ref] = true
		p.joined++
	}
	return joined, err
}

// Redeem uses a code.
func (p *personStore) Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error) {
	r.At = p.clock.Now()
	redeemed, err := p.Store.Redeem(ctx, r)
	if redeemed.First {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.here[redeemed.Ticket.Ref] {
			p.redeemed++
		}
	}
	return redeemed, err
}

// Rejoin takes an old place again.
func (p *personStore) Rejoin(ctx context.Context, s waitlist.Signup, expired waitlist.Ref) (waitlist.Joined, error) {
	s.At = p.clock.Now()
	joined, err := p.Store.Rejoin(ctx, s, expired)
	if joined.New {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.here[joined.Ref] = true
	}
	return joined, err
}

// Expire ends a joining whose code died by the wall.
func (p *personStore) Expire(ctx context.Context, ref waitlist.Ref, _ time.Time) error {
	return p.Store.Expire(ctx, ref, p.clock.Now())
}

// Quiet notes that no further mail is wanted.
func (p *personStore) Quiet(ctx context.Context, ref waitlist.Ref, _ time.Time) error {
	return p.Store.Quiet(ctx, ref, p.clock.Now())
}

// Leave ends the joining.
func (p *personStore) Leave(ctx context.Context, ref waitlist.Ref, _ time.Time) error {
	return p.Store.Leave(ctx, ref, p.clock.Now())
}

// Begin writes down that a mail is about to go out. The code lives by the wall;
// the line waits for it, and the mail says so, as long as that may take in virtual
// time.
func (p *personStore) Begin(ctx context.Context, m waitlist.Message, t waitlist.Ticket, at time.Time) (waitlist.Entry, error) {
	now := p.clock.Now()
	t.Expires = now.Add(time.Duration(float64(t.Expires.Sub(at)) * max(1, p.clock.Speed()))).Truncate(time.Minute)
	return p.Store.Begin(ctx, m, t, now)
}

// NoticeIn gives the times of the line by the wall, by which the person's waiting
// room lives.
func (p *personStore) NoticeIn(ctx context.Context, language string) (waitlist.Control, waitlist.Progress, words.Words, error) {
	c, progress, w, err := p.Store.NoticeIn(ctx, language)
	for _, t := range []*time.Time{&progress.Front, &progress.Waited.At} {
		if !t.IsZero() {
			*t = p.clock.Wall(*t)
		}
	}
	if c.Said != nil {
		said := *c.Said
		said.Until = p.clock.Wall(said.Until)
		c.Said = &said
	}
	return c, progress, w, err
}

// Accept tells that the mail went out.
func (p *personStore) Accept(ctx context.Context, ref waitlist.Ref, attempt int, _ time.Time) error {
	return p.Store.Accept(ctx, ref, attempt, p.clock.Now())
}

// Postpone makes a second attempt that was not made due again.
func (p *personStore) Postpone(ctx context.Context, m waitlist.Message, due time.Time) error {
	return p.Store.Postpone(ctx, m, p.clock.Now().Add(due.Sub(p.wall())))
}

// Return gives a place back that is not to be claimed again for a while.
func (p *personStore) Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error {
	now := p.clock.Now()
	b.At, b.Until = now, now.Add(b.Until.Sub(b.At))
	return p.Store.Return(ctx, ref, attempt, b)
}

// UpdateControl is how the sender pauses all mail, until a time by the wall.
func (p *personStore) UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error {
	return p.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		before := c.ResumeAt
		err := change(c)
		if !c.ResumeAt.IsZero() && !c.ResumeAt.Equal(before) {
			c.ResumeAt = p.clock.Now().Add(c.ResumeAt.Sub(p.wall()))
		}
		return err
	})
}

// Fail ends an entry that no mail can reach.
func (p *personStore) Fail(ctx context.Context, m waitlist.Message, _ time.Time) error {
	return p.Store.Fail(ctx, m, p.clock.Now())
}

// is says whether a joining is a person's.
func (p *personStore) is(ref waitlist.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.here[ref]
	return ok
}

// earlier says that a joining is a person's, and does not count in this run's sums.
func (p *personStore) earlier(ref waitlist.Ref) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, ok := p.here[ref]
	return ok && !now
}

// totals are what people did, for the sums at the end: who did not redeem stands as invited.
func (p *personStore) totals() Line {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Line{Used: p.redeemed, Invited: p.joined - p.redeemed}
}
