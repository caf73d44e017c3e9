// Package smoke is the canary: one invented person who goes the whole way
// through a running raincheck, as anybody does, and is then removed. It tells on
// the first day whether everything is joined up, and every five minutes whether
// it still is.
//
// The person's mailbox is SES's mailbox simulator, which takes every mail and
// answers as a mail server does, so that the canary sends real mail to nobody
// and hurts no reputation. The form, the redemption and the visit go by HTTP
// through the site's real host. Two things do not:
//
//   - The invitation. The canary asks for its own entry alone, beside the law: it
//     claims it and asks the sender for its mail, as the inviter does with the
//     oldest. Nobody else is invited for its sake, and the law counts one person
//     more who came back.
//   - The code. Only the mail has it, and nobody reads the simulator's mail. The
//     sender writes the code into the entry before it sends, so that a second
//     attempt sends the same one (docs/design.md, decision 20): the canary reads it there. To
//     derive it again is impossible, as half of it is random; a mailbox of our own
//     would be one more thing that can be down.
//
// All tags of the simulator's mailbox are one mailbox to raincheck, so two
// canaries never run at once: a second one sees the first one's entry and says
// so. What one that died left behind, the next one removes.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// line is the canary's own place in the line.
type line interface {
	// Look finds it; waitlist.ErrUnknown when there is none.
	Look(ctx context.Context, a email.Address) (Seen, error)
	// Invite has it invited, and nobody else. ErrOff when an operator has stopped
	// the mail; nil when it was invited by somebody else meanwhile.
	Invite(ctx context.Context, a email.Address) error
	// Forget removes it; nil when there is none.
	Forget(ctx context.Context, a email.Address) error
}

// Seen is what the line knows of the canary.
type Seen struct {
	// Mine says that the place was taken with this very address, its tag included.
	Mine bool `json:"mine"`
	// Age is how long ago it was taken.
	Age   time.Duration  `json:"age"`
	Stage waitlist.Stage `json:"stage"`
	// Code is the bypass code, from the first attempt to send it on.
	Code string `json:"code,omitempty"`
}

var (
	// ErrOff: an operator has switched off what the canary needs, so that there is
	// nothing to try. It is not a failure.
	ErrOff = errors.New("switched off by an operator")
	// ErrBusy: another canary is on its way.
	ErrBusy = errors.New("another canary is on its way; they share one mailbox")
)

// Service sends canaries.
type Service struct {
	// Site is where visitors go, such as https://www.example.org, and Path a path
	// of it that is protected.
	Site, Path string
	// Transport is how; nil is http.DefaultTransport.
	Transport http.RoundTripper
	Line      line
	// Delivered says whether word of a delivery has come back since a time; nil
	// does not ask.
	Delivered func(ctx context.Context, since time.Time) (bool, error)
	// Gate reads what the edge has; nil does not look.
	Gate func(ctx context.Context) (gate.Gate, error)
	// Now is the clock, Wait returns after a while or with the context's error.
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error
	// Tag makes the address one of its own; letters and digits.
	Tag string
	// Begun hears of each step's name when it begins, Told of the step when it has
	// ended; nil for nobody.
	Begun func(name string)
	Told  func(Step)
}

// Step is one step of the way.
type Step struct {
	Name string        `json:"name"`
	Took time.Duration `json:"took"`
	// Says is what was seen, or what went wrong.
	Says   string `json:"says"`
	Failed bool   `json:"failed,omitempty"`
}

// Result is how it went.
type Result struct {
	Steps []Step        `json:"steps"`
	Took  time.Duration `json:"took"`
	// Failed names the step that failed, Off the reason why there was nothing to
	// try; both empty when it went the whole way.
	Failed string `json:"failed,omitempty"`
	Off    string `json:"off,omitempty"`
}

// Address is the simulator's mailbox that takes every mail, with a tag.
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
func Address(tag string) (email.Address, error) {
	return email.Parse("success+" + tag + "@simulator.amazonses.com")
}

const (
	// stale is when a place that another canary left is nobody's any more: longer
	// than one may take.
	stale = 10 * time.Minute
	// every is how often the line is looked at.
	every = time.Second
	// request bounds one request to the site.
	request = 15 * time.Second
	// clearing bounds the removal of the traces, which is tried after the context
	// has ended too.
	clearing = 20 * time.Second
)

// Run sends one canary, and removes its traces however far it came. The error
// is the first thing that went wrong; what was switched off is none. The context
// bounds how long it waits.
func (s *Service) Run(ctx context.Context) (Result, error) {
	w := &walk{Service: s, began: s.Now()}
	var err error
	if w.address, err = Address(s.Tag); err != nil {
		return w.result, fmt.Errorf("smoke: the tag %q: %w", s.Tag, err)
	}
	if _, err := url.Parse(s.Site + s.Path); err != nil || !strings.HasPrefix(s.Path, "/") {
		return w.result, fmt.Errorf("smoke: %s%s is not the address of a page", s.Site, s.Path)
	}
	err = w.along(ctx)
	if errors.Is(err, ErrOff) {
		w.result.Off, err = err.Error(), nil
	}
	if w.placed {
		// Also after a failure, and when time has run out.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearing)
		defer cancel()
		err = errors.Join(err, w.step("forget", func() (string, error) {
			return "its traces are removed", s.Line.Forget(ctx, w.address)
		}))
	}
	w.result.Took = s.Now().Sub(w.began)
	return w.result, err
}

// reserve is what of a function's time is kept for removing the traces.
const reserve = clearing + 5*time.Second

// Report runs one canary as a function does: it ends early enough to remove the
// traces, counts smoke.failed (0 or 1; nothing when an operator has switched off
// what it needs) and logs how it went. A failure is in the result and the count
// and is not an error: the function did its work, and must not be tried again.
func (s *Service) Report(ctx context.Context, log *slog.Logger, count func(name metric.Name, n float64)) (Result, error) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-reserve))
		defer cancel()
	}
	result, err := s.Run(ctx)
	switch {
	case err != nil:
		count(metric.SmokeFailed, 1)
		log.ErrorContext(ctx, "the canary did not come through", "error", err, "failed", result.Failed)
	case result.Off != "":
		log.InfoContext(ctx, "the canary was not tried to the end", "because", result.Off)
	default:
		count(metric.SmokeFailed, 0)
		log.InfoContext(ctx, "the canary came through", "seconds", result.Took.Seconds())
	}
	return result, nil
}

// Wait returns after a while, or with the context's error before: for Service.Wait.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
