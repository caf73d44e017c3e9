package feedback

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// store is what feedback moves. All answer waitlist.ErrStale where there is
// nothing to move, and suppressing twice is suppressing once.
type store interface {
	Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error
	Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error
	Delay(ctx context.Context, ref waitlist.Ref, attempt int) error
	Arrive(ctx context.Context, ref waitlist.Ref, attempt int) error
	Bounce(ctx context.Context, ref waitlist.Ref, at time.Time) error
	Complain(ctx context.Context, ref waitlist.Ref, at time.Time) error
}

// Service applies events.
type Service struct {
	Store store
	// Configuration is the name of this stack's SES configuration set.
	Configuration string
	Now           func() time.Time
	// Count counts what happened; nil counts nothing.
	Count func(name metric.Name, n float64)
	// Log has a line for each event, with its kind and the provider: what is counted by
	// provider is counted from these, because a metric for each would be paid by the
	// month. Nil logs nothing.
	Log *slog.Logger
}

// Receive decodes an event of EventBridge and applies it. What is not ours or
// cannot be read is counted and done with: it would not get better by being
// delivered again. The error is the store's: deliver again.
func (s *Service) Receive(ctx context.Context, raw []byte) error {
	event, err := Decode(raw, s.Configuration)
	switch {
	case errors.Is(err, ErrForeign):
		s.count(metric.FeedbackForeign)
		return nil
	case err != nil:
		s.count(metric.FeedbackMalformed)
		return nil
	}
	return s.Handle(ctx, event)
}

// Handle applies one event. Applied again, late or out of order, it changes
// nothing more. The error is the store's: deliver again.
func (s *Service) Handle(ctx context.Context, e Event) error {
	if e.At.IsZero() {
		e.At = s.Now()
	}
	s.count(e.Kind.metric())
	if s.Log != nil {
		s.Log.InfoContext(ctx, "mail event", "kind", string(e.Kind), "provider", string(e.Provider))
	}
	if err := s.apply(ctx, e); err != nil && !errors.Is(err, waitlist.ErrStale) {
		return fmt.Errorf("applying a %s event: %w", e.Kind, err)
	}
	return nil
}

// quick is how long a delivery may take for which no delay can have been
// reported: SES reports one only after its first tries have failed. A quick
// delivery, which nearly all are, costs no request to note.
const quick = time.Minute

func (s *Service) apply(ctx context.Context, e Event) error {
	back := waitlist.Back{At: e.At, Until: s.Now().Add(waitlist.HoldFor), Sent: true}
	switch e.Kind {
	case HardBounce:
		return s.Store.Bounce(ctx, e.Ref, e.At)
	case Complaint:
		return s.Store.Complain(ctx, e.Ref, e.At)
	case SoftBounce:
		back.Once = true
		return s.Store.Return(ctx, e.Ref, e.Attempt, back)
	case OurBounce:
		// Only a large provider's word may stop the mail: nobody can own its domain.
		back.Ours = e.Provider != "" && e.Provider != email.Elsewhere
		return s.Store.Return(ctx, e.Ref, e.Attempt, back)
	case Rejected:
		// The mail was not sent, whatever SES answered, or would have.
		back.Sent = false
		return s.Store.Return(ctx, e.Ref, e.Attempt, back)
	case Sent, Delivered, Delayed, Replied, Reported:
		if err := s.Store.Accept(ctx, e.Ref, e.Attempt, e.At); err != nil && !errors.Is(err, waitlist.ErrStale) {
			return err
		}
	}
	switch {
	case e.Kind == Delayed:
		return s.Store.Delay(ctx, e.Ref, e.Attempt)
	case e.Kind == Delivered && e.Took > quick:
		return s.Store.Arrive(ctx, e.Ref, e.Attempt)
	}
	return nil
}

// metric is what an event of that kind is counted as.
func (k Kind) metric() metric.Name { return metric.Name("feedback." + string(k)) }

func (s *Service) count(name metric.Name) {
	if s.Count != nil {
		s.Count(name, 1)
	}
}
