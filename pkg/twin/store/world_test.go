package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// noon is when every story begins: a Wednesday.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const (
	configuration = "raincheck-test"
	codeTTL       = 4 * time.Hour
	visibility    = 3 * time.Minute // of a message that a sender did not finish
)

// fataler is what a story and a random one (rapid) have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is the real inviter, sender and feedback on the twins, with a clock that
// a story moves.
type world struct {
	fataler
	ctx     context.Context
	now     time.Time
	store   *store.Store
	queue   *queue.Queue
	outbox  *outbox.Outbox
	edge    *troubled
	metrics *metrics.Metrics
	ring    *bypass.Keyring

	inviter  *inviter.Service
	sender   *sender.Service
	feedback *feedback.Service

	counts map[string]float64
	told   int // mails of the outbox that SES made an event for
}

// troubled is the edge's store, of which a call can fail before it takes effect.
type troubled struct {
	*edge.Store
	before func(ctx context.Context, call string) error
}

func (e *troubled) try(ctx context.Context, call string) error {
	if e.before == nil {
		return nil
	}
	return e.before(ctx, call)
}

func (e *troubled) Gate(ctx context.Context) (gate.Gate, string, error) {
	if err := e.try(ctx, "Gate"); err != nil {
		return gate.Gate{}, "", err
	}
	return e.Store.Gate(ctx)
}

func (e *troubled) PutGate(ctx context.Context, g gate.Gate, etag string) (string, error) {
	if err := e.try(ctx, "PutGate"); err != nil {
		return "", err
	}
	return e.Store.PutGate(ctx, g, etag)
}

func (e *troubled) PutBase(ctx context.Context, b gate.Base, etag string) (string, error) {
	if err := e.try(ctx, "PutBase"); err != nil {
		return "", err
	}
	return e.Store.PutBase(ctx, b, etag)
}

// seeded is a source of bytes that is the same each time.
type seeded struct{ *rand.ChaCha8 }

func newSource(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func newWorld(t fataler) *world {
	t.Helper()
	ring, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("story", 8) + `"}`))
	if err != nil {
		t.Fatalf("key ring: %v", err)
	}
	w := &world{
		fataler: t, ctx: context.Background(), now: noon, ring: ring, counts: map[string]float64{},
		store: &store.Store{}, queue: &queue.Queue{}, outbox: &outbox.Outbox{}, metrics: &metrics.Metrics{},
	}
	clock := func() time.Time { return w.now }
	w.edge = &troubled{Store: edge.NewStore(clock, 0)}
	keys := func(context.Context) (*bypass.Keyring, error) { return w.ring, nil }
	count := func(name string, n float64) { w.counts[name] += n }
	w.outbox.Now = clock
	w.outbox.Allow(outbox.Allowance{PerSecond: 14})
	policy := admission.DefaultPolicy()
	policy.CodeTTL = admission.Duration(codeTTL)
	// Whom to invite is the stories' choice, by the operator's hand; what the law would say has its own tests.
	policy.MaxInvitesPerMinute = 0
	w.inviter = &inviter.Service{
		Settings: inviter.Settings{Policy: policy, Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.1},
		Store:    w.store, Queue: w.queue, Mail: w.outbox, Metrics: w.metrics, Edge: w.edge, Keys: keys, Now: clock, Count: count,
	}
	w.sender = w.newSender(3)
	w.feedback = &feedback.Service{Store: w.store, Configuration: configuration, Now: clock, Count: count}
	return w
}

// newSender is another sender on the same world, as each running function is one.
func (w *world) newSender(seed byte) *sender.Service {
	return &sender.Service{
		Settings: sender.Settings{
			Site: "Example Exchange", From: "Example Exchange <invitations@example.com>", Room: "https://www.example.com/waiting-room", CodeTTL: codeTTL,
		},
		Store: w.store, Mail: w.outbox,
		Keys:   func(context.Context) (*bypass.Keyring, error) { return w.ring, nil },
		Now:    func() time.Time { return w.now },
		Random: seeded{newSource(seed)},
		Wait: func(_ context.Context, until time.Time) error {
			w.now = until
			return nil
		},
		Count: func(name string, n float64) { w.counts[name] += n },
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

func (w *world) want(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("error is %v, want %v", err, want)
	}
}

// signup is what somebody of that name hands in now.
func (w *world) signup(name string) waitlist.Signup {
	w.Helper()
	a, err := email.Parse(name + "@example.org")
	w.must(err)
	return waitlist.Signup{Key: w.ring.Mailbox(a.Mailbox()), Address: a, Language: "en", Wanted: "/apply", At: w.now}
}

// join puts people in the line, a second after one another.
func (w *world) join(names ...string) (refs []waitlist.Ref) {
	w.Helper()
	for _, name := range names {
		j, err := w.store.Join(w.ctx, w.signup(name))
		w.must(err)
		if !j.New {
			w.Fatalf("%s did not join", name)
		}
		refs = append(refs, j.Ref)
		w.now = w.now.Add(time.Second)
	}
	return refs
}

// crowd puts n people in the line.
func (w *world) crowd(n int) []waitlist.Ref {
	w.Helper()
	var refs []waitlist.Ref
	for i := range n {
		refs = append(refs, w.join(fmt.Sprintf("person-%03d", i))...)
	}
	return refs
}

// wish is the operator changing what they want.
func (w *world) wish(change func(c *waitlist.Control)) {
	w.Helper()
	w.must(w.store.UpdateControl(w.ctx, func(c *waitlist.Control) error { change(c); return nil }))
}

// throttle is the operator closing the door to half, and asking for invitations.
func (w *world) throttle(invite int) {
	w.Helper()
	half := 0.5
	w.wish(func(c *waitlist.Control) {
		if c.Door() != gate.Throttle {
			c.Mode, c.Admit, c.Switched = gate.Throttle, &half, w.now
		}
		c.InviteNow = invite
	})
}

// tick moves to the next full minute and runs the inviter.
func (w *world) tick() inviter.Report {
	w.Helper()
	w.now = w.now.Truncate(time.Minute).Add(time.Minute)
	r, err := w.inviter.Tick(w.ctx, w.now)
	w.must(err)
	return r
}

// deliver lets the queue run until that time, in batches, as it would.
func (w *world) deliver(until time.Time) {
	w.Helper()
	for {
		next, ok := w.queue.Next()
		if !ok || next.After(until) {
			break
		}
		if next.After(w.now) {
			w.now = next
		}
		w.handle(w.sender, w.queue.Receive(w.now, 10))
	}
	if until.After(w.now) {
		w.now = until
	}
}

// handle gives a sender a batch; what it did not finish becomes visible again.
func (w *world) handle(s *sender.Service, batch []waitlist.Message) []int {
	failed := s.Handle(w.ctx, batch)
	for _, i := range failed {
		w.queue.Return(batch[i], w.now.Add(visibility))
	}
	return failed
}

// minute is a tick and the mails until just before the next.
func (w *world) minute() inviter.Report {
	w.Helper()
	r := w.tick()
	w.deliver(w.now.Add(59 * time.Second))
	return r
}

// event is what SES reports about a mail.
func (w *world) event(kind feedback.Kind, m outbox.Mail) feedback.Event {
	w.Helper()
	e := feedback.Event{Kind: kind, At: w.now}
	e.Key = m.Tags["key"]
	_, err := fmt.Sscan(m.Tags["joining"]+" "+m.Tags["attempt"], &e.Joining, &e.Attempt)
	w.must(err)
	return e
}

// answers lets SES report the sending of every mail that it has not reported.
func (w *world) answers() {
	w.Helper()
	for _, m := range w.outbox.Mails(w.told) {
		w.told++
		w.must(w.feedback.Handle(w.ctx, w.event(feedback.Sent, m)))
	}
}

func (w *world) stage(ref waitlist.Ref) waitlist.Stage {
	w.Helper()
	e, err := w.store.Entry(w.ctx, ref.Key)
	w.must(err)
	if e.Joining != ref.Joining {
		w.Fatalf("another joining: %d, not %d", e.Joining, ref.Joining)
	}
	return e.Stage
}

func (w *world) stages(want waitlist.Stage, refs ...waitlist.Ref) {
	w.Helper()
	for i, ref := range refs {
		if got := w.stage(ref); got != want {
			w.Fatalf("person %d of %d is %s, want %s", i, len(refs), got, want)
		}
	}
}

// mails is how many mails each got.
func (w *world) mails() map[string]int {
	n := map[string]int{}
	for _, m := range w.outbox.Mails(0) {
		n[m.Tags["key"]]++
	}
	return n
}

// code is the code in the last mail to somebody.
func (w *world) code(ref waitlist.Ref) bypass.Code {
	w.Helper()
	all := w.outbox.Mails(0)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Tags["key"] == ref.Key {
			_, rest, _ := strings.Cut(all[i].Text, "/code?c=")
			code, _, err := w.ring.VerifyCode(strings.Fields(rest)[0], w.now)
			w.must(err)
			return code
		}
	}
	w.Fatalf("no mail to %s", ref.Key)
	return ""
}

func (w *world) redeem(ref waitlist.Ref, use string) waitlist.Redeemed {
	w.Helper()
	r, err := w.store.Redeem(w.ctx, waitlist.Redemption{Code: w.code(ref), Use: use, At: w.now})
	w.must(err)
	return r
}

// once makes a Probe that fails the first call of that name: before it takes
// effect, or after, when the answer is lost.
func once(call string, after bool, err error) *twin.Probe {
	done := false
	hook := func(_ context.Context, c string) error {
		if c != call || done {
			return nil
		}
		done = true
		return err
	}
	if after {
		return &twin.Probe{After: hook}
	}
	return &twin.Probe{Before: hook}
}

func TestTheWholeLoop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refs := w.join("ann", "bob", "eve")
	w.throttle(2)
	r := w.minute()
	if r.Claimed != 2 || r.Mode != gate.Throttle || r.Admit != 0.5 || !r.Fixed || !r.Published {
		t.Fatalf("the report is %+v", r)
	}
	g, _, err := w.edge.Gate(w.ctx)
	w.must(err)
	if g.Mode != gate.Throttle || g.Admit != 0.5 || !g.InForce(w.now) || g.InForce(w.now.Add(10*time.Minute)) {
		t.Fatalf("the gate is %v", g)
	}
	w.stages(waitlist.Invited, refs[:2]...)
	w.stages(waitlist.Waiting, refs[2])
	if got := w.redeem(refs[0], "phone"); !got.First || got.Ticket.Wanted != "/apply" {
		t.Fatalf("redeemed %+v", got)
	}
	if r = w.minute(); r.Sent != 2 || r.Redeemed != 1 || r.Waiting != 1 || r.Claimed != 0 {
		t.Fatalf("the next report is %+v", r)
	}
	c, p, err := w.store.Notice(w.ctx)
	w.must(err)
	if c.InviteNow != 0 || !p.Front.Equal(noon.Add(time.Second)) || p.Open {
		t.Fatalf("the notice is %+v, %+v", c, p)
	}
	stored, err := w.store.State(w.ctx)
	w.must(err)
	if last, err := inviter.LastReport(stored); err != nil || last.Tick != r.Tick || last.Waiting != 1 {
		t.Fatalf("the stored report is %+v, %v", last, err)
	}
	// Nobody comes any more; the code dies.
	for w.now.Before(noon.Add(codeTTL + 5*time.Minute)) {
		w.minute()
	}
	w.stages(waitlist.Expired, refs[1])
	if w.counts["inviter.expired"] != 1 {
		t.Fatalf("counted %v", w.counts)
	}
}
