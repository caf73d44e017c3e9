package inviter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// desk keeps the lease, what the operator wants and the controller's memory.
// Lease, Reserve and SaveState answer waitlist.ErrLease to a tick that is not
// the newest.
type desk interface {
	Control(ctx context.Context) (waitlist.Control, error)
	UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error
	SaveProgress(ctx context.Context, p waitlist.Progress) error
	Lease(ctx context.Context, tick, now, until time.Time) (waitlist.Lease, error)
	Reserve(ctx context.Context, tick, slotsUntil time.Time) error
	Release(ctx context.Context, tick time.Time) error
	State(ctx context.Context) ([]byte, error)
	SaveState(ctx context.Context, tick time.Time, state []byte) error
	Cohorts(ctx context.Context, since time.Time) ([]waitlist.Cohort, error)
}

// line finds work, a page at a time.
type line interface {
	Page(ctx context.Context, q waitlist.Query) ([]waitlist.Place, error)
	Count(ctx context.Context, q waitlist.Query) (n int, next waitlist.Mark, err error)
}

// claims moves entries. Each step answers waitlist.ErrStale when the entry has
// moved on meanwhile.
type claims interface {
	Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error
	GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error
	Retry(ctx context.Context, m waitlist.Message, due time.Time) error
	Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error
	Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Bury(ctx context.Context, key string, at time.Time) error
}

// store is all that the inviter asks of the waitlist.
type store interface {
	desk
	line
	claims
}

// queue takes messages for the sender; each is to be delivered at its slot. On
// an error some may have been taken: whoever is not sent is given back when the
// claim is due.
type queue interface {
	Enqueue(ctx context.Context, messages []waitlist.Message) error
}

// account tells what the mail service lets us do now.
type account interface {
	Account(ctx context.Context) (email.Account, error)
}

// metrics tells the site's load and the counts at the edge, for the minutes that
// began at since or later and were complete by until. A minute that is missing is
// missing, never zero.
type metrics interface {
	Load(ctx context.Context, since, until time.Time) ([]admission.Sample, error)
	Edge(ctx context.Context, since, until time.Time) ([]admission.EdgeCount, error)
}

// edge keeps the gate and the base. The ETag is the store's: it comes with a
// gate that is missing (gate.ErrMissing) or unreadable too, and a write that
// names an old one is gate.ErrChanged.
type edge interface {
	Gate(ctx context.Context) (gate.Gate, string, error)
	PutGate(ctx context.Context, g gate.Gate, etag string) (string, error)
	PutBase(ctx context.Context, b gate.Base, etag string) (string, error)
}

// Settings are what the inviter is configured with.
type Settings struct {
	// Policy is the admission law's. Its CodeTTL is the sender's.
	Policy admission.Policy
	// Gate is what the edge must know beside the decision.
	Gate gate.Settings
	// Failure is what the edge does when it cannot read the gate, Stale the share
	// that it lets in when a decision to turn people away has run out, 0 to 1.
	Failure gate.Failure
	Stale   float64
	// MaxDue bounds the due work of one tick, MaxClaims its invitations; zero is
	// DefaultMaxDue and DefaultMaxClaims. What is left over is next minute's.
	MaxDue, MaxClaims int
	// Parallel is how many requests to the store are under way at once; zero is
	// one, which makes a tick repeatable to the byte.
	Parallel int
}

// The bounds of a tick. 20,000 conditional writes, 50 at once and 5 ms each, are
// two seconds of the 50 that a tick has.
const (
	DefaultMaxDue    = 5000
	DefaultMaxClaims = 20000
)

// Service runs ticks. It is safe for concurrent use; the lease lets one of them
// act.
type Service struct {
	Settings
	Store store
	Queue queue
	Mail  account
	// Metrics is nil where the load comes by hand alone.
	Metrics metrics
	Edge    edge
	// Keys gives the key ring, cached for less than five minutes.
	Keys func(ctx context.Context) (*bypass.Keyring, error)
	Now  func() time.Time
	// Count reports a number, for metrics and alarms; nil reports nothing. Beside
	// what happened (inviter.claimed, .retried, .givenback, .expired, .taken,
	// .buried, .published, .skipped, .blind) it gives what stands: inviter.waiting,
	// .admit, .load, .loadage (seconds since the newest load, while the door turns
	// people away), .unsent (1 while people wait and no mail goes out, else 0) and
	// .halted (1 while the mail service lets us send nothing).
	Count func(name string, n float64)
	Log   *slog.Logger

	mu sync.Mutex
	// sighted says that this process has looked at the edge since it last could not
	// read the operator's wish. A switch may have been thrown at the edge alone
	// while the store was down; without such a time there is no need to pay for
	// reading the gate.
	sighted bool
	blind   bool
}

// Tick does the work of one minute. scheduled is the time for which the tick was
// meant, which names it: a tick that was done, is under way or is a minute late
// does nothing and says so in the report. An error means that the tick could not
// do all its work; what it did stands, and the next one goes on from there.
func (s *Service) Tick(ctx context.Context, scheduled time.Time) (Report, error) {
	now := s.Now()
	r := Report{Tick: scheduled.UTC()}
	if waitlist.Stale(scheduled, now) {
		return s.skip(r, fmt.Sprintf("the tick is %s late", now.Sub(scheduled).Round(time.Second))), nil
	}
	control, err := s.Store.Control(ctx)
	s.see(err)
	if err != nil {
		s.count("inviter.blind", 1)
		return r, fmt.Errorf("reading what the operator wants; the gate stays as it is: %w", err)
	}
	r.Mode = control.Door()
	if control.Resting(now) && !s.blinded() {
		return s.skip(r, "the door is open, nobody waits and nothing is due"), nil
	}
	lease, err := s.Store.Lease(ctx, scheduled, now, now.Add(waitlist.LeaseFor))
	switch {
	case errors.Is(err, waitlist.ErrLease):
		return s.skip(r, "another tick has the lease, or this one was done"), nil
	case err != nil:
		return r, fmt.Errorf("taking the lease: %w", err)
	}
	t := &tick{Service: s, now: now, at: scheduled.UTC(), control: control, lease: lease, report: r}
	err = t.run(ctx)
	if lost := s.Store.Release(ctx, scheduled); lost != nil && !errors.Is(lost, waitlist.ErrLease) {
		err = errors.Join(err, fmt.Errorf("giving the lease back: %w", lost))
	}
	if s.Log != nil {
		s.Log.InfoContext(ctx, "tick", "report", t.report, "error", err)
	}
	return t.report, err
}

// tick is one run under the lease.
type tick struct {
	*Service
	now, at time.Time
	control waitlist.Control
	lease   waitlist.Lease
	state   state
	law     admission.State
	report  Report

	account email.Account
	asked   bool
	seen    observed
	// failures are what did not stop the tick.
	failures []error
}

func (t *tick) run(ctx context.Context) error {
	if err := t.load(ctx); err != nil {
		return err
	}
	if err := t.wishes(ctx); err != nil {
		return err
	}
	if err := t.observe(ctx); err != nil {
		return err
	}
	t.decide()
	t.publish(ctx)
	if err := t.work(ctx); err != nil {
		t.failures = append(t.failures, err)
	}
	t.finish(ctx)
	return errors.Join(t.failures...)
}

// finish tells the pages and remembers.
func (t *tick) finish(ctx context.Context) {
	progress := waitlist.Progress{Front: t.state.Progress.Front, Open: t.open()}
	if !t.report.Front.IsZero() {
		progress.Front = t.report.Front
	}
	if progress.Front != t.state.Progress.Front || progress.Open != t.state.Progress.Open || t.state.Progress.At.IsZero() {
		progress.At = t.at
		if err := t.Store.SaveProgress(ctx, progress); err != nil {
			t.fault("saving the progress", err)
		} else {
			t.state.Progress = progress
		}
	}
	t.report.Waiting = t.state.Tally.Waiting
	// A number that is reported is a metric, and a metric is paid by the month: a
	// stack at rest has none.
	if !t.rest(ctx) {
		t.count("inviter.waiting", float64(t.report.Waiting))
		t.count("inviter.admit", t.report.Admit)
		t.count("inviter.unsent", t.unsent())
	}
	if t.halted() {
		t.count("inviter.halted", 1)
	}
	t.state.Report = t.report
	var data []byte
	law, err := t.law.Encode()
	if err == nil {
		t.state.Law = law
		data, err = t.state.encode()
	}
	if err == nil {
		err = t.Store.SaveState(ctx, t.at, data)
	}
	if err != nil {
		t.fault("saving the controller's memory", err)
	}
}

// unsent is 1 for a minute in which people waited and no mail became known to
// have gone out.
func (t *tick) unsent() float64 {
	if t.state.Tally.Waiting > 0 && t.report.Sent == 0 {
		return 1
	}
	return 0
}

// halted says that nothing is sent, and that no operator wanted it so.
func (t *tick) halted() bool {
	byOperator := t.control.Paused && t.control.PausedBecause == ""
	return t.report.Paused != "" && !byOperator
}

// open says that nobody is turned away at the door.
func (t *tick) open() bool {
	switch t.report.Mode {
	case gate.Open, gate.Observe:
		return true
	case gate.Throttle:
		return t.report.Admit >= 1 && t.state.Tally.Waiting == 0
	}
	return false
}

// rest notes that there was nothing to do, so that the next ticks can end after
// reading one item, and says whether it did.
func (t *tick) rest(ctx context.Context) bool {
	if t.report.Mode != gate.Open || t.control.Paused || t.control.InviteNow > 0 || t.state.Tally.Waiting > 0 || len(t.failures) > 0 || t.state.Gate.Pending {
		return false
	}
	out, _, err := t.tally(ctx, t.queries(true))
	if err != nil || out > 0 {
		return false
	}
	version := t.control.Version
	err = t.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		// A switch that was thrown since this tick began is for the next one to see.
		if c.Version == version {
			c.Idle = t.now
		}
		return nil
	})
	if err != nil {
		t.fault("noting that there is nothing to do", err)
	}
	return err == nil
}

func (t *tick) fault(what string, err error) {
	t.failures = append(t.failures, fmt.Errorf("%s: %w", what, err))
}

func (s *Service) skip(r Report, why string) Report {
	s.count("inviter.skipped", 1)
	r.Skipped = why
	return r
}

func (s *Service) see(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.blind, s.sighted = true, false
	}
}

// blinded says that the operator's wish could not be read a short while ago.
func (s *Service) blinded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind
}

// look says whether the edge is to be looked at for a newer switch.
func (s *Service) look() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.sighted
}

func (s *Service) looked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind, s.sighted = false, true
}

func (s *Service) count(name string, n float64) {
	if s.Count != nil {
		s.Count(name, n)
	}
}

// each runs f for 0 to n-1, Parallel at once.
func (s *Service) each(n int, f func(i int)) {
	workers := min(max(1, s.Parallel), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
