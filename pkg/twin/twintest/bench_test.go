package twintest_test

import (
	"fmt"
	"testing"
	"time"

	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// bench lets a benchmark be a world's fataler.
type bench struct{ *testing.B }

// BenchmarkMinute is a busy minute of the whole loop on the twins, with 100,000
// waiting: a tick that invites 600, their mails, 300 first uses and 600 joins.
// A day at 600 times its speed has 100 ms for a minute.
func BenchmarkMinute(b *testing.B) {
	w := twintest.NewWorld(bench{b})
	w.Outbox.Allow(outbox.Allowance{PerSecond: 14})
	address := w.Signup("somebody").Address
	n := 0
	join := func() {
		n++
		su := waitlist.Signup{Key: fmt.Sprintf("key-%d", n), Address: address, Language: "en", At: w.Now}
		if _, err := w.Store.Join(w.Ctx, su); err != nil {
			b.Fatal(err)
		}
	}
	w.Outbox.Arrived = func(outbox.Mail) bool { return false }
	for range 100_000 {
		join()
	}
	var out []waitlist.Entry
	for b.Loop() {
		w.Throttle(600)
		w.Minute()
		for range 600 {
			join()
		}
		out = out[:0]
		for _, m := range w.Outbox.Mails(max(0, w.Outbox.Len()-300)) {
			if e, err := w.Store.Entry(w.Ctx, m.Tags["key"]); err == nil && e.Code != "" {
				out = append(out, e)
			}
		}
		for _, e := range out {
			if _, err := w.Store.Redeem(w.Ctx, waitlist.Redemption{Code: e.Code, Use: "phone", At: w.Now.Add(-time.Second)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(w.Outbox.Len())/float64(b.N), "mails/op")
}
