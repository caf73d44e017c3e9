// Package twintest is the whole of raincheck on the twins for tests: the real
// inviter, sender and feedback on the in-memory store, queue, outbox, metrics
// and edge, with a clock that the test moves. A test of one of them begins with
// NewWorld, puts people on the waitlist (Join), lets minutes pass (Minute) and
// looks at where everybody stands (WantStage). Stories of all of them together
// stand beside this package.
package twintest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/metric"
	"raincheck/pkg/sender"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

// Noon is when every story begins: a Wednesday.
var Noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// What every world is configured with.
const (
	Configuration = "raincheck-test"
	CodeTTL       = 4 * time.Hour
	// Visibility is how long the queue hides a message that a sender did not finish.
	Visibility = 3 * time.Minute
)

// TB is what a World asks of its test: *testing.T, *testing.B and *rapid.T have it.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// World is the real inviter, sender and feedback on the twins. A call that fails
// unexpectedly ends the test.
type World struct {
	TB
	// Ctx is the context of every call.
	Ctx context.Context
	// Now is the time; only the test moves it, and Deliver.
	Now     time.Time
	Store   *store.Store
	Queue   *queue.Queue
	Outbox  *outbox.Outbox
	Edge    *Edge
	Metrics *metrics.Metrics
	Ring    *bypass.Keyring

	Inviter  *inviter.Service
	Sender   *sender.Service
	Feedback *feedback.Service
	// Counts sums up every number that was reported, by its name.
	Counts map[metric.Name]float64

	reported int // mails of the outbox for which ReportSent made an event
}

// Edge is the edge's store. A call can be made to fail before it takes effect.
type Edge struct {
	*edge.Store
	// Before is called with a call's name; its error is the caller's.
	Before func(ctx context.Context, call string) error
}

func (e *Edge) try(ctx context.Context, call string) error {
	if e.Before == nil {
		return nil
	}
	return e.Before(ctx, call)
}

// Gate is the store's.
func (e *Edge) Gate(ctx context.Context) (gate.Gate, string, error) {
	if err := e.try(ctx, "Gate"); err != nil {
		return gate.Gate{}, "", err
	}
	return e.Store.Gate(ctx)
}

// Update is the store's.
func (e *Edge) Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error) {
	if err := e.try(ctx, "Update"); err != nil {
		return "", err
	}
	return e.Store.Update(ctx, g, b, etag)
}

// Random gives the same bytes each time, for a seed.
func Random(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

// NewWorld is a world at Noon with nobody on the waitlist and the gate open.
func NewWorld(t TB) *World {
	t.Helper()
	ring, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("story", 8) + `"}`))
	if err != nil {
		t.Fatalf("key ring: %v", err)
	}
	w := &World{
		TB: t, Ctx: context.Background(), Now: Noon, Ring: ring, Counts: map[metric.Name]float64{},
		Store: &store.Store{}, Queue: &queue.Queue{}, Outbox: &outbox.Outbox{}, Metrics: &metrics.Metrics{},
	}
	clock := func() time.Time { return w.Now }
	w.Edge = &Edge{Store: edge.NewStore(clock, 0)}
	keys := func(context.Context) (*bypass.Keyring, error) { return w.Ring, nil }
	count := func(name metric.Name, n float64) { w.Counts[name] += n }
	w.Outbox.Now = clock
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	policy := admission.DefaultPolicy()
	policy.CodeTTL = admission.Duration(CodeTTL)
	// Whom to invite is the stories' choice, by the operator's hand; what the law would say has its own tests.
	policy.MaxInvitesPerMinute = 0
	w.Inviter = &inviter.Service{
		Settings: inviter.Settings{Policy: policy, Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.1},
		Store:    w.Store, Queue: w.Queue, Mail: w.Outbox, Metrics: w.Metrics, Edge: w.Edge, Keys: keys, Now: clock, Count: count,
	}
	w.Sender = w.NewSender(3)
	w.Feedback = &feedback.Service{Store: w.Store, Configuration: Configuration, Now: clock, Count: count}
	return w
}

// NewSender is another sender on the same world, as each running function is one.
func (w *World) NewSender(seed byte) *sender.Service {
	test, err := email.Parse("success@simulator.amazonses.com")
	w.Must(err)
	return &sender.Service{
		Settings: sender.Settings{
			Site: "Example Exchange", From: "invitations@example.com", Room: "https://www.example.com/waiting-room", CodeTTL: CodeTTL,
			Test: test,
		},
		Store: w.Store, Mail: w.Outbox,
		Keys:   func(context.Context) (*bypass.Keyring, error) { return w.Ring, nil },
		Now:    func() time.Time { return w.Now },
		Random: Random(seed),
		Wait: func(_ context.Context, until time.Time) error {
			w.Now = until
			return nil
		},
		Count: func(name metric.Name, n float64) { w.Counts[name] += n },
	}
}

// Must ends the test on an error.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

// Want ends the test unless the error is the one wanted.
func (w *World) Want(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("error is %v, want %v", err, want)
	}
}

// Signup is what somebody of that name hands in now.
func (w *World) Signup(name string) waitlist.Signup {
	w.Helper()
	a, err := email.Parse(name + "@example.org")
	w.Must(err)
	return waitlist.Signup{Key: w.Ring.Mailbox(a.Mailbox()), Address: a, Language: "en", Wanted: "/apply", At: w.Now}
}

// Join puts people on the waitlist, a second after one another.
func (w *World) Join(names ...string) (refs []waitlist.Ref) {
	w.Helper()
	for _, name := range names {
		j, err := w.Store.Join(w.Ctx, w.Signup(name))
		w.Must(err)
		if !j.New {
			w.Fatalf("%s did not join", name)
		}
		refs = append(refs, j.Ref)
		w.Now = w.Now.Add(time.Second)
	}
	return refs
}

// Crowd puts n people on the waitlist.
func (w *World) Crowd(n int) []waitlist.Ref {
	w.Helper()
	var refs []waitlist.Ref
	for i := range n {
		refs = append(refs, w.Join(fmt.Sprintf("person-%03d", i))...)
	}
	return refs
}

// Operate changes what the operator wants.
func (w *World) Operate(change func(c *waitlist.Control)) {
	w.Helper()
	w.Must(w.Store.UpdateControl(w.Ctx, func(c *waitlist.Control) error { change(c); return nil }))
}

// Throttle fixes the share of new visitors at one half, and asks for that many
// invitations.
func (w *World) Throttle(invite int) {
	w.Helper()
	half := 0.5
	w.Operate(func(c *waitlist.Control) {
		if c.EffectiveMode() != gate.Throttle {
			c.Mode, c.Admit, c.Switched = gate.Throttle, &half, w.Now
		}
		c.InviteNow = invite
	})
}

// Tick moves to the next full minute and runs the inviter.
func (w *World) Tick() inviter.Report {
	w.Helper()
	w.Now = w.Now.Truncate(time.Minute).Add(time.Minute)
	r, err := w.Inviter.Tick(w.Ctx, w.Now)
	w.Must(err)
	return r
}

// Deliver lets the queue run until that time, in batches, as it would.
func (w *World) Deliver(until time.Time) {
	w.Helper()
	for {
		next, ok := w.Queue.Next()
		if !ok || next.After(until) {
			break
		}
		if next.After(w.Now) {
			w.Now = next
		}
		w.Handle(w.Sender, w.Queue.Receive(w.Now, 10))
	}
	if until.After(w.Now) {
		w.Now = until
	}
}

// Handle gives a sender a batch; what it did not finish becomes visible again.
func (w *World) Handle(s *sender.Service, batch []waitlist.Message) []int {
	failed := s.Handle(w.Ctx, batch)
	for _, i := range failed {
		w.Queue.Return(batch[i], w.Now.Add(Visibility))
	}
	return failed
}

// Minute is a tick and the mails until just before the next.
func (w *World) Minute() inviter.Report {
	w.Helper()
	r := w.Tick()
	w.Deliver(w.Now.Add(59 * time.Second))
	return r
}

// Event is what SES reports about a mail.
func (w *World) Event(kind feedback.Kind, m outbox.Mail) feedback.Event {
	w.Helper()
	e := feedback.Event{Kind: kind, At: w.Now}
	e.Key = m.Tags[email.TagKey]
	_, err := fmt.Sscan(m.Tags[email.TagJoining]+" "+m.Tags[email.TagAttempt], &e.Joining, &e.Attempt)
	w.Must(err)
	return e
}

// ReportSent lets SES report the sending of every mail that it has not reported.
func (w *World) ReportSent() {
	w.Helper()
	for _, m := range w.Outbox.Mails(w.reported) {
		w.reported++
		w.Must(w.Feedback.Handle(w.Ctx, w.Event(feedback.Sent, m)))
	}
}

// Stage is where somebody stands in that joining.
func (w *World) Stage(ref waitlist.Ref) waitlist.Stage {
	w.Helper()
	e, err := w.Store.Entry(w.Ctx, ref.Key)
	w.Must(err)
	if e.Joining != ref.Joining {
		w.Fatalf("another joining: %d, not %d", e.Joining, ref.Joining)
	}
	return e.Stage
}

// WantStage ends the test unless all of them stand there.
func (w *World) WantStage(want waitlist.Stage, refs ...waitlist.Ref) {
	w.Helper()
	for i, ref := range refs {
		if got := w.Stage(ref); got != want {
			w.Fatalf("person %d of %d is %s, want %s", i, len(refs), got, want)
		}
	}
}

// Mails is how many mails each got.
func (w *World) Mails() map[string]int {
	n := map[string]int{}
	for _, m := range w.Outbox.Mails(0) {
		n[m.Tags[email.TagKey]]++
	}
	return n
}

// Code is the code in the last mail to somebody.
func (w *World) Code(ref waitlist.Ref) bypass.Code {
	w.Helper()
	all := w.Outbox.Mails(0)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Tags["key"] == ref.Key {
			_, rest, _ := strings.Cut(all[i].Text, "/code?c=")
			code, _, err := w.Ring.VerifyCode(strings.Fields(rest)[0], w.Now)
			w.Must(err)
			return code
		}
	}
	w.Fatalf("no mail to %s", ref.Key)
	return ""
}

// Redeem uses the code in the last mail to somebody.
func (w *World) Redeem(ref waitlist.Ref, use string) waitlist.Redeemed {
	w.Helper()
	r, err := w.Store.Redeem(w.Ctx, waitlist.Redemption{Code: w.Code(ref), Use: use, At: w.Now})
	w.Must(err)
	return r
}

// Once makes a Probe that fails the first call of that name: before it takes
// effect, or after, when the answer is lost.
func Once(call string, after bool, err error) *twin.Probe {
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

// MailFault makes the mail service answer some mails, by their number from 0,
// with an error: before they are accepted, or after.
func MailFault(after bool, faults map[int]error) *twin.Probe {
	n := -1
	hook := func(_ context.Context, call string) error {
		if call != "Send" {
			return nil
		}
		n++
		return faults[n]
	}
	if after {
		return &twin.Probe{After: hook}
	}
	return &twin.Probe{Before: hook}
}
