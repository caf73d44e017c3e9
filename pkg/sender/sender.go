package sender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/metric"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// store is what the sender moves. Every step answers waitlist.ErrStale where the
// entry has moved on: there is nothing to do any more.
type store interface {
	Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error)
	// Words are what the operator says of the site in a language.
	Words(ctx context.Context, language string) (site.Words, error)
	// UpdateControl is how the sender pauses all sending.
	UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error
	steps
}

type steps interface {
	Begin(ctx context.Context, m waitlist.Message, t waitlist.Ticket, at time.Time) (waitlist.Entry, error)
	Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error
	GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error
	Postpone(ctx context.Context, m waitlist.Message, due time.Time) error
	Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error
	Fail(ctx context.Context, m waitlist.Message, at time.Time) error
}

// mailer sends one mail. Its error is as pkg/email says: only one that wraps
// email.ErrNotSent means that the mail did not go out.
type mailer interface {
	Send(ctx context.Context, m email.Message) (id string, err error)
}

// Settings are what a mail says beside the entry.
type Settings struct {
	// Site is the name of the site while the operator's words have none. It also
	// names the sender.
	Site string
	// From is the address that writes, ReplyTo the one that takes answers; an empty
	// one leaves answers to From.
	From, ReplyTo string
	// Room is the absolute address of the waiting room, without a slash at its end.
	Room string
	// CodeTTL is how long a code is good, from the minute in which it is sent.
	// At least 30 minutes, so that a code outlives the check for an unanswered
	// mail; at most bypass.MaxCodeLife.
	CodeTTL time.Duration
	// Test is an address that is known to take mail: SES's success simulator, or one
	// of the operator's. Refused mails are held against it before sending pauses.
	Test email.Address
}

// Service sends. It is safe for concurrent use.
type Service struct {
	Settings
	Store store
	Mail  mailer
	// Keys gives the key ring, cached for less than five minutes.
	Keys   func(ctx context.Context) (*bypass.Keyring, error)
	Now    func() time.Time
	Random io.Reader
	// Wait returns at that time, or with the context's error before. It is called
	// for a message that comes some seconds before its slot.
	Wait func(ctx context.Context, until time.Time) error
	// Count counts what happened, nil counts nothing.
	Count func(name metric.Name, n float64)
	Log   *slog.Logger

	mu       sync.Mutex
	paused   bool
	asked    time.Time
	refusals refusals
	told     time.Time
	said     map[string]said
}

// The times of a sender.
const (
	// noticeFor is how long it relies on what it read about a pause.
	noticeFor = 30 * time.Second
	// maxWait is how early a message may come and be waited for; the queue delays
	// by whole seconds.
	maxWait = 10 * time.Second
	// postpone is when a second attempt that could not be made is due again.
	postpone = 5 * time.Minute
	// leastLife is how much of its code's life a second mail must still bring.
	leastLife = 15 * time.Minute
	// redraws bounds the search for a code that is not taken: 32 random bits a
	// minute of expiry, so that even at 100,000 codes a minute one draw in 40,000
	// is taken, and the sixth practically never.
	redraws = 6
)

// Handle sends a batch, one after the other, and returns the indexes of those
// that are to be delivered again: the messages for which the store failed. All
// others are done, whatever became of them.
func (s *Service) Handle(ctx context.Context, batch []waitlist.Message) (failed []int) {
	for i, m := range batch {
		if err := s.one(ctx, m); err != nil {
			s.count(metric.SenderStore)
			s.log(ctx, "returned to the queue", m, err)
			failed = append(failed, i)
		}
	}
	return failed
}

// one handles a message. Its error says that the message is to come again.
func (s *Service) one(ctx context.Context, m waitlist.Message) error {
	now := s.Now()
	if early := m.Slot.Sub(now); early > maxWait {
		return fmt.Errorf("it came %s before its slot", early.Round(time.Second))
	} else if early > 0 {
		if err := s.Wait(ctx, m.Slot); err != nil {
			return fmt.Errorf("waiting for the slot: %w", err)
		}
		now = s.Now()
	}
	if now.After(m.Slot.Add(waitlist.Grace)) {
		return s.back(ctx, m, waitlist.Claimed, metric.SenderLate)
	}
	paused, err := s.isPaused(ctx, now)
	if err != nil {
		return err
	}
	if paused {
		return s.back(ctx, m, waitlist.Claimed, metric.SenderPaused)
	}
	keys, err := s.Keys(ctx)
	if err != nil {
		return fmt.Errorf("reading the key ring: %w", err)
	}
	entry, err := s.begin(ctx, keys, m, now)
	switch {
	case errors.Is(err, waitlist.ErrStale):
		s.count(metric.SenderStale)
		return nil
	case errors.Is(err, waitlist.ErrSuppressed), errors.Is(err, waitlist.ErrUnreadable):
		return s.fail(ctx, m, now)
	case err != nil:
		return err
	}
	if !waitlist.Opens(m.Attempt) && entry.Expires.Before(now.Add(leastLife)) {
		// Not worth a mail any more; the entry ends when the code does.
		return s.settle(s.Store.Postpone(ctx, m, entry.Expires), metric.SenderLate)
	}
	mail, err := s.compose(keys, entry, s.words(ctx, entry.Language, now))
	if err != nil {
		s.log(ctx, "a mail that cannot be written", m, err)
		return s.fail(ctx, m, now)
	}
	_, err = s.Mail.Send(ctx, mail)
	return s.answer(ctx, m, err)
}

// begin draws a code until it is not taken, and writes the attempt down.
func (s *Service) begin(ctx context.Context, keys *bypass.Keyring, m waitlist.Message, now time.Time) (waitlist.Entry, error) {
	// A code names its end by the minute and is rounded up; so is what the mail says.
	expires := now.Add(s.CodeTTL + time.Minute - 1).Truncate(time.Minute)
	for range redraws {
		code, err := keys.IssueCode(now, expires, s.Random)
		if err != nil {
			return waitlist.Entry{}, err
		}
		entry, err := s.Store.Begin(ctx, m, waitlist.Ticket{Code: code, Expires: expires}, now)
		if !errors.Is(err, waitlist.ErrTaken) {
			return entry, err
		}
	}
	return waitlist.Entry{}, fmt.Errorf("drawing a code: %w, %d times", waitlist.ErrTaken, redraws)
}

func (s *Service) compose(keys *bypass.Keyring, e waitlist.Entry, words site.Words) (email.Message, error) {
	return email.Compose(email.Invitation{
		To: e.Address, Language: e.Language, Site: words, From: s.From, ReplyTo: s.ReplyTo, Room: s.Room,
		Code: e.Code.String(), LeaveToken: keys.LeaveToken(e.Key, e.Joining), Joined: e.Joined, Expires: e.Expires,
		Tags: map[string]string{
			email.TagKey: e.Key, email.TagJoining: strconv.Itoa(e.Joining), email.TagAttempt: strconv.Itoa(e.Attempt),
			email.TagProvider: string(e.Address.Provider()),
		},
	})
}

// answer does what the mail service's answer asks for.
func (s *Service) answer(ctx context.Context, m waitlist.Message, err error) error {
	now := s.Now()
	switch {
	case err == nil:
		s.accepted()
		// Should this fail, the mail is out all the same: its event says so within
		// seconds. To deliver the message again would help nobody.
		if err := s.Store.Accept(ctx, m.Ref, m.Attempt, now); err != nil && !errors.Is(err, waitlist.ErrStale) {
			s.count(metric.SenderUnrecorded)
			s.log(ctx, "sent, and not recorded: its event will", m, err)
			return nil
		}
		s.count(metric.SenderSent)
		return nil
	case !email.NotSent(err):
		// The mail may be on its way, whatever kind of error this is: to give the place
		// back would let a mailer that does not keep the contract mail somebody at
		// every tick.
		s.count(metric.SenderAmbiguous)
		s.log(ctx, "no word whether it was accepted", m, err)
		return nil
	case errors.Is(err, email.ErrRecipient):
		s.log(ctx, "refused for good", m, err)
		return s.fail(ctx, m, now)
	case errors.Is(err, email.ErrRefused):
		s.log(ctx, "refused, and not said whose fault it is", m, err)
		s.refused(ctx, m.Key, now)
		return s.returned(ctx, m, now, metric.SenderRefused)
	case errors.Is(err, email.ErrLater):
		return s.returned(ctx, m, now, metric.SenderLater)
	case errors.Is(err, email.ErrQuota):
		s.pause(ctx, now, waitlist.QuotaUsedUp, now.Add(waitlist.QuotaCheck))
		return s.back(ctx, m, waitlist.Sending, metric.SenderQuota)
	case errors.Is(err, email.ErrPaused):
		s.pause(ctx, now, "the mail service does not let us send: "+err.Error(), time.Time{})
		return s.back(ctx, m, waitlist.Sending, metric.SenderSuspended)
	}
	// Throttled, or the service could not be reached: it may be so for every mail.
	if s.tell(now) {
		s.log(ctx, "not taken; the next minute's are not logged", m, err)
	}
	return s.back(ctx, m, waitlist.Sending, metric.SenderThrottled)
}

// tell says once a minute that a line may be logged.
func (s *Service) tell(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.told); !s.told.IsZero() && 0 <= age && age < time.Minute {
		return false
	}
	s.told = now
	return true
}

// returned is for a mail that was certainly not sent, and for which it is not
// certain that the next try would fare better: the place is given back and held
// for a while, so that it does not stay at the head of the line, and the rounds of
// the joining bound how often it is tried.
func (s *Service) returned(ctx context.Context, m waitlist.Message, now time.Time, why metric.Name) error {
	return s.settle(s.Store.Return(ctx, m.Ref, m.Attempt, waitlist.Back{At: now, Until: now.Add(waitlist.HoldFor)}), why)
}

// back is for a mail that was certainly not sent: a first attempt returns to its
// place in the line. A second stays in sending and is asked for again: when it
// was begun with a new due time, and otherwise at the one that asking for it set.
func (s *Service) back(ctx context.Context, m waitlist.Message, from waitlist.Stage, why metric.Name) error {
	switch {
	case waitlist.Opens(m.Attempt):
		return s.settle(s.Store.GiveBack(ctx, m, from), why)
	case from == waitlist.Sending:
		return s.settle(s.Store.Postpone(ctx, m, s.Now().Add(postpone)), why)
	}
	s.count(why)
	return nil
}

func (s *Service) fail(ctx context.Context, m waitlist.Message, now time.Time) error {
	return s.settle(s.Store.Fail(ctx, m, now), metric.SenderFailed)
}

// settle counts a step that was taken, and swallows one that was not needed.
func (s *Service) settle(err error, name metric.Name) error {
	switch {
	case errors.Is(err, waitlist.ErrStale):
		s.count(metric.SenderStale)
		return nil
	case err != nil:
		return err
	}
	s.count(name)
	return nil
}

// isPaused reads the operator's switch, through a cache of 30 s.
func (s *Service) isPaused(ctx context.Context, now time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked.IsZero() || now.Sub(s.asked) >= noticeFor || now.Before(s.asked) {
		control, _, err := s.Store.Notice(ctx)
		if err != nil {
			return false, fmt.Errorf("reading whether sending is paused: %w", err)
		}
		s.paused, s.asked = control.Paused, now
	}
	return s.paused, nil
}

// pause stops all senders: this one at once, the others within the life of their
// notice. An error while writing it is not returned: each of them will meet
// the same answer of the mail service.
func (s *Service) pause(ctx context.Context, now time.Time, because string, resume time.Time) {
	s.mu.Lock()
	s.paused, s.asked = true, now
	s.mu.Unlock()
	err := s.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		c.Pause(because, resume)
		return nil
	})
	if s.Log != nil {
		s.Log.WarnContext(ctx, "sending is paused", "because", because, "resume", resume, "error", err)
	}
}

func (s *Service) count(name metric.Name) {
	if s.Count != nil {
		s.Count(name, 1)
	}
}

func (s *Service) log(ctx context.Context, what string, m waitlist.Message, err error) {
	if s.Log != nil {
		s.Log.WarnContext(ctx, "sender: "+what, "message", m.ID(), "error", err)
	}
}
