// Package outbox is a mail service in memory: it keeps what it is given, with
// the rate and the quota of an account.
package outbox

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/twin"
)

// Outbox is the mail service, whose mails stay here to be read. It keeps the
// account's rate and its rolling 24 hours as SES does, and is safe for concurrent
// use.
type Outbox struct {
	// Probe watches the calls; nil for none. An error of its Before hook stands
	// for what the service answers (email.ErrThrottled and its like), one of its
	// After hook for an answer that was lost after the mail was accepted.
	Probe *twin.Probe
	Now   func() time.Time
	// Arrived, where set, is called with every mail that was accepted, and says
	// whether its text is worth keeping: a day of simulated mails would fill the
	// memory. What is not kept has only its tags.
	Arrived func(Mail) (keep bool)
	// Refuse, where set, is asked about every mail first. Its error is the service's refusal of that mail, one of the sentinels
	// of pkg/email.
	Refuse func(email.Message) error

	mu      sync.Mutex
	account Allowance
	tokens  float64
	filled  time.Time
	mails   []Mail
	expired int // mails before this index no longer count against the day
}

// Allowance is what the account may do.
type Allowance struct {
	// PerSecond bounds the rate, PerDay the mails of 24 rolling hours; zero is no
	// bound.
	PerSecond, PerDay float64
	// Suspended, when set, is why nothing may be sent.
	Suspended string
}

// Mail is one that was accepted.
type Mail struct {
	// ID is the service's name for it: its number in the outbox, from 0.
	ID string
	At time.Time
	email.Message
}

// Allow sets what the account may do from now on.
func (o *Outbox) Allow(a Allowance) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.account = a
}

// Send accepts a mail, or says why not: email.ErrPaused, ErrQuota, ErrThrottled,
// or what Refuse says.
func (o *Outbox) Send(ctx context.Context, m email.Message) (id string, err error) {
	err = o.Probe.Watch(ctx, "Send", func() error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%w: %w", email.ErrNotSent, err)
		}
		if o.Refuse != nil {
			if err := o.Refuse(m); err != nil {
				return err
			}
		}
		mail, n, err := o.accept(m)
		if err != nil {
			return err
		}
		id = mail.ID
		if o.Arrived != nil && !o.Arrived(mail) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.mails[n].Message = email.Message{Tags: m.Tags}
		}
		return nil
	})
	return id, err
}

func (o *Outbox) accept(m email.Message) (Mail, int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.Now()
	switch {
	case o.account.Suspended != "":
		return Mail{}, 0, fmt.Errorf("%w: %s", email.ErrPaused, o.account.Suspended)
	case o.remaining(now) == 0:
		return Mail{}, 0, email.ErrQuota
	case !o.token(now):
		return Mail{}, 0, email.ErrThrottled
	}
	n := len(o.mails)
	mail := Mail{ID: "mail-" + strconv.Itoa(n), At: now, Message: m}
	o.mails = append(o.mails, mail)
	return mail, n, nil
}

// token takes one mail of the rate: a bucket that holds a second's mails, as SES
// allows bursts that its average does not pass.
func (o *Outbox) token(now time.Time) bool {
	rate := o.account.PerSecond
	if rate <= 0 {
		return true
	}
	full := math.Max(1, rate)
	if o.filled.IsZero() {
		o.tokens = full
	} else if d := now.Sub(o.filled); d > 0 {
		o.tokens = math.Min(full, o.tokens+rate*d.Seconds())
	}
	o.filled = now
	// Rounded, so that mails exactly at the rate are not refused for the last bit.
	if o.tokens < 1-1e-6 {
		return false
	}
	o.tokens--
	return true
}

// remaining is what is left of the day; -1 means unlimited.
func (o *Outbox) remaining(now time.Time) float64 {
	if o.account.PerDay <= 0 {
		return -1
	}
	for o.expired < len(o.mails) && !o.mails[o.expired].At.After(now.Add(-24*time.Hour)) {
		o.expired++
	}
	return math.Max(0, o.account.PerDay-float64(len(o.mails)-o.expired))
}

// Account says what the account may do now.
func (o *Outbox) Account(ctx context.Context) (a email.Account, err error) {
	err = o.Probe.Watch(ctx, "Account", func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		a = email.Account{
			PerSecond: o.account.PerSecond, Remaining24h: o.remaining(o.Now()),
			Enabled: o.account.Suspended == "", Because: o.account.Suspended,
		}
		if a.PerSecond <= 0 {
			a.PerSecond = unbounded
		}
		return nil
	})
	return a, err
}

// unbounded stands for a rate without a bound: more than any day needs, and few
// enough to divide by.
const unbounded = 100_000

// Mails returns those from number on, oldest first.
func (o *Outbox) Mails(from int) []Mail {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.mails[min(max(from, 0), len(o.mails)):])
}

// Len is how many were accepted.
func (o *Outbox) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.mails)
}
