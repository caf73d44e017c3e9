package inviter_test

import (
	"fmt"
	"testing"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// TestMailIsTheBottleneck: an empty site, two thousand waiting, 14 mails a
// second. A minute takes 840, of which 0.95 are planned for; the margin is taken
// once.
func TestMailIsTheBottleneck(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	w.Inviter.Policy.MaxInvitesPerMinute = 20_000
	w.Inviter.Policy.Capacity = 100_000
	address := w.Signup("somebody").Address
	for i := range 4000 {
		if _, err := w.Store.Join(w.Ctx, waitlist.Signup{Key: fmt.Sprintf("key-%d", i), Address: address, Language: "en", At: w.Now}); err != nil {
			t.Fatal(err)
		}
	}
	w.Throttle(0)
	var claimed []int
	for range 6 {
		w.Metrics.AddLoad(admission.Sample{At: w.Now.Truncate(time.Minute).Add(-time.Minute), Value: 0.1})
		w.Metrics.AddEdge(admission.EdgeCount{At: w.Now.Truncate(time.Minute).Add(-time.Minute)})
		claimed = append(claimed, w.Minute().Claimed)
	}
	most := 0
	for _, n := range claimed {
		most = max(most, n)
	}
	if want := int(0.95 * 14 * 60); most != want {
		t.Errorf("the ticks claimed %d, the most %d; a minute of mails is %d", claimed, most, want)
	}
}
