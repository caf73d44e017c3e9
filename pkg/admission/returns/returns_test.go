package returns_test

import (
	"testing"
	"time"

	"raincheck/pkg/admission/returns"
)

// TestHalfComeWithinTenMinutes: after two hours in which half of those invited came,
// all of them within ten minutes, the forecast says so.
func TestHalfComeWithinTenMinutes(t *testing.T) {
	t.Parallel()
	var people returns.People
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for range 120 {
		var news returns.News
		for age := 1; age <= 10; age++ {
			news.Redeemed = append(news.Redeemed, returns.Cohort{Invited: now.Add(-time.Duration(age) * time.Minute), Count: 5})
		}
		people.Update(news, now.Unix(), 1)
		people.Invite(now.Unix(), 100)
		now = now.Add(time.Minute)
	}
	f := people.Forecast(now.Unix(), 24*time.Hour)
	soon := 0.0
	for _, share := range f.Fresh[:12] {
		soon += share
	}
	if f.Usual < 0.4 || f.Usual > 0.6 || soon < 0.9*f.Rate {
		t.Errorf("%.2f are expected, %.2f of them within 12 minutes, want half, and nearly all of them", f.Usual, soon/f.Rate)
	}
}
