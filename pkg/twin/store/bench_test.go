package store_test

import (
	"fmt"
	"testing"
	"time"

	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/waitlist"
)

// bench lets a benchmark be a world's fataler.
type bench struct{ *testing.B }

// BenchmarkMinute is a busy minute of the whole loop on the twins, with 100,000
// waiting: a tick that invites 600, their mails, 300 first uses and 600 joins.
// A day at 600 times its speed has 100 ms for a minute.
func BenchmarkMinute(b *testing.B) {
	w := newWorld(bench{b})
	w.outbox.Allow(outbox.Allowance{PerSecond: 14})
	address := w.signup("somebody").Address
	n := 0
	join := func() {
		n++
		su := waitlist.Signup{Key: fmt.Sprintf("key-%d", n), Address: address, Language: "en", At: w.now}
		if _, err := w.store.Join(w.ctx, su); err != nil {
			b.Fatal(err)
		}
	}
	w.outbox.Arrived = func(outbox.Mail) bool { return false }
	for range 100_000 {
		join()
	}
	var out []waitlist.Entry
	for b.Loop() {
		w.throttle(600)
		w.minute()
		for range 600 {
			join()
		}
		out = out[:0]
		for _, m := range w.outbox.Mails(max(0, w.outbox.Len()-300)) {
			if e, err := w.store.Entry(w.ctx, m.Tags["key"]); err == nil && e.Code != "" {
				out = append(out, e)
			}
		}
		for _, e := range out {
			if _, err := w.store.Redeem(w.ctx, waitlist.Redemption{Code: e.Code, Use: "phone", At: w.now.Add(-time.Second)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(w.outbox.Len())/float64(b.N), "mails/op")
}
