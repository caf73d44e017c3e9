package inviter

import (
	"context"
	"fmt"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Allowance is the account of a mail service that has none to ask: a relay, whose
// rate and quota are settings. What was sent is what the waitlist counted.
type Allowance struct {
	// PerSecond bounds the rate, PerDay the mails of 24 hours; PerDay 0 means unlimited.
	PerSecond, PerDay float64
	Store             interface {
		Cohorts(ctx context.Context, since time.Time) ([]waitlist.Cohort, error)
	}
	Now func() time.Time
}

// Account is what may be sent now.
func (a Allowance) Account(ctx context.Context) (email.Account, error) {
	account := email.Account{Enabled: true, PerSecond: a.PerSecond, Remaining24h: -1}
	if a.PerDay <= 0 {
		return account, nil
	}
	cohorts, err := a.Store.Cohorts(ctx, a.Now().Add(-24*time.Hour))
	if err != nil {
		return email.Account{}, fmt.Errorf("counting the mails of the day: %w", err)
	}
	account.Remaining24h = a.PerDay
	for _, c := range cohorts {
		account.Remaining24h -= float64(c.Sent)
	}
	account.Remaining24h = max(0, account.Remaining24h)
	return account, nil
}
