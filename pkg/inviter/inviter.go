package inviter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
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

// parts finds work, a page at a time.
type parts interface {
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
	Requeue(ctx context.Context, p waitlist.Place) error
	Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Bury(ctx context.Context, key string, at time.Time) error
}

// store is all that the inviter asks of the waitlist.
type store interface {
	desk
	parts
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
	// Update writes what is not nil, all or nothing.
	Update(ctx context.Context, g *gate.Gate, b *gate.Base, etag string) (string, error)
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
	// Count reports a number, for metrics and alarms; nil reports nothing.
	Count func(name metric.Name, n float64)
	Log   *slog.Logger

	mu sync.Mutex
	// edgeRead says that this process has looked at the edge since it last could not
	// read what the operator wants. A switch may have been thrown at the edge alone
	// while the store was down; without such a time nobody needs to pay for
	// reading the gate.
	edgeRead bool
	unread   bool
}

// Tick does the work of one minute. scheduled is the time for which the tick was
// meant, which names it: a tick that was done, is under way or was overtaken by a
// newer one does nothing and says so in the report. A late one works. An error means that the tick could not
// do all its work; what it did stands, and the next one goes on from there.
func (s *Service) Tick(ctx context.Context, scheduled time.Time) (Report, error) {
	when := moment{at: scheduled.UTC(), now: s.Now()}
	r := Report{Tick: when.at}
	control, err := s.readControl(ctx)
	if err != nil {
		return r, err
	}
	r.Mode = control.EffectiveMode()
	if control.Resting(when.now) && !s.controlUnread() {
		return s.skip(r, "the gate is open, nobody waits and nothing is due"), nil
	}
	lease, err := s.Store.Lease(ctx, scheduled, when.now, when.now.Add(waitlist.LeaseFor))
	switch {
	case errors.Is(err, waitlist.ErrLease):
		r.Missed = true
		return s.skip(r, "another tick is under way, or this one or a newer one was done"), nil
	case err != nil:
		return r, fmt.Errorf("taking the lease: %w", err)
	}
	r, err = s.run(ctx, when, control, lease)
	if lost := s.Store.Release(ctx, scheduled); lost != nil && !errors.Is(lost, waitlist.ErrLease) {
		err = errors.Join(err, fmt.Errorf("giving the lease back: %w", lost))
	}
	if s.Log != nil {
		s.Log.InfoContext(ctx, "tick", "report", r, "error", err)
	}
	return r, err
}

// moment is when a tick runs: at is the time that it was scheduled for, by which
// it is named, and now is when it began.
type moment struct{ at, now time.Time }

// faults are the errors that do not stop a tick.
type faults []error

func (f *faults) add(doing string, err error) { *f = append(*f, fmt.Errorf("%s: %w", doing, err)) }

// short is what an operator reads of them: the first, in at most 300 characters, and
// how many there are.
func (f faults) short() string {
	if len(f) == 0 {
		return ""
	}
	text := []rune(strings.Join(strings.Fields(f[0].Error()), " "))
	if len(text) > 300 {
		text = append(text[:300], '…')
	}
	if more := len(f) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", string(text), more)
	}
	return string(text)
}

// failures are the errors of many like requests, of which an outage may make
// thousands: the first is kept, and how many there were.
type failures struct {
	n     int
	first error
}

func (f *failures) add(err error) {
	if f.n++; f.first == nil {
		f.first = err
	}
}

func (f failures) err() error {
	if f.n < 2 {
		return f.first
	}
	return fmt.Errorf("%d requests failed, the first of them: %w", f.n, f.first)
}

// run is a tick under its lease. Each step takes what it needs and returns what
// it found or changed; an error ends the tick, a fault is kept for the end.
func (s *Service) run(ctx context.Context, when moment, control waitlist.Control, lease waitlist.Lease) (Report, error) {
	report := Report{Tick: when.at, Mode: control.EffectiveMode()}
	var faults faults
	if behind := when.at.Sub(when.now); behind > time.Minute {
		faults = append(faults, fmt.Errorf("this clock is %s behind the schedule's: what is due is done late, and codes live longer", behind.Round(time.Second)))
	}
	memory, law, err := s.readMemory(ctx, &faults)
	if err != nil {
		return report, err
	}
	control, memory.Gate, err = s.applySwitch(ctx, when.now, control, memory.Gate, &faults)
	report.Mode = control.EffectiveMode()
	if err != nil {
		return report, err
	}
	control, account, err := s.endPause(ctx, when.now, control, &faults)
	report.Mode = control.EffectiveMode()
	if err != nil {
		return report, err
	}

	seen, err := s.observe(ctx, when.now, control, memory, &faults)
	report.Seen = seen.Seen
	if err != nil {
		return report, err
	}
	memory.Tally = seen.tally
	if seen.tally.Waiting > 0 && !control.Paused {
		account = s.askAccount(ctx, account, &faults)
	}

	memory.Pace = nextPace(memory.Pace, seen.returned > 0 && !control.Paused && memory.Report.Paused == "")
	report.Decision, law = s.decide(when, control, account, memory, seen, law)
	report.Numbers = report.Decision.Numbers
	memory.Begun, memory.Seen, memory.Since = true, seen.cohorts, seen.since
	memory.Refusals = memory.Refusals.next(seen.news, control.Paused)
	report.Paused = whyPaused(control, account)
	mail := mailing{account: account, pace: memory.Pace, paused: report.Paused}
	if mail.paused == "" && memory.Refusals.many() {
		report.Paused = memory.Refusals.String()
		mail.paused, mail.person = report.Paused, true
	}

	control, ruled, edge, written := s.publishGate(ctx, when.now, control, report.Decision, memory.Gate, memory.Tally.Waiting > 0, &faults)
	memory.Gate, report.Published = edge, written
	report.Mode, report.Admit, report.Fixed = ruled.mode, ruled.admit, ruled.fixed

	control, report.Because, report.Done, err = s.work(ctx, when, control, plan{
		invite: report.Decision.Invite, because: ruled.because, waiting: memory.Tally.Waiting, slotsUntil: lease.SlotsUntil, mail: mail,
	}, &faults)
	if err != nil {
		faults = append(faults, err)
	}
	s.countDone(report.Done)
	memory.Tally.Waiting += report.GivenBack + report.Requeued
	memory.Tally = memory.Tally.Take(report.gone)
	report.Waiting = memory.Tally.Waiting

	memory.Waits = memory.Waits.Add(when.at, report.waits)
	memory.Progress = s.saveProgress(ctx, when, memory.Progress, memory.Waits, report, &faults)
	s.countState(report, control, s.rest(ctx, when.now, control, ruled.mode, memory, &faults))
	report.Fault = faults.short()
	memory.Report = report
	s.saveMemory(ctx, when, memory, law, &faults)
	return report, errors.Join(faults...)
}

// readControl reads what the operator wants. Without it a tick does nothing: the
// gate stays as it is.
func (s *Service) readControl(ctx context.Context) (waitlist.Control, error) {
	control, err := s.Store.Control(ctx)
	if err != nil {
		s.markUnread()
		s.count(metric.InviterBlind, 1)
		return control, fmt.Errorf("reading what the operator wants; the gate stays as it is: %w", err)
	}
	return control, nil
}

func (s *Service) skip(r Report, why string) Report {
	s.count(metric.InviterSkipped, 1)
	r.Skipped = why
	return r
}

// markUnread notes that what the operator wants could not be read.
func (s *Service) markUnread() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread, s.edgeRead = true, false
}

// controlUnread says that what the operator wants could not be read a short while ago.
func (s *Service) controlUnread() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unread
}

// mustReadEdge says whether the edge must be read for a newer switch.
func (s *Service) mustReadEdge() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.edgeRead
}

func (s *Service) markEdgeRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread, s.edgeRead = false, true
}

func (s *Service) count(name metric.Name, n float64) {
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
