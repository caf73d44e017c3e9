package edge

import (
	"testing"
	"time"

	"raincheck/functions/throttle"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

// floorSource does what nothing that decides by gate and draw can do without:
// one read of the store and one HMAC.
const floorSource = `
import cf from 'cloudfront';
import crypto from 'crypto';
async function handler(event) {
  const request = event.request;
  const gate = await cf.kvs().get('gate', { format: 'json' });
  const text = event.viewer.ip + '|' + request.headers['user-agent'].value;
  crypto.createHmac('sha256', gate.salt).update(text).digest('hex');
  return request;
}`

// BenchmarkThrottle and TestThrottleCostsLittle compare throttle.js with that
// floor, in the same engine, on the same events, in alternation. The least time of
// both counts: what else the machine does adds to all others.
func BenchmarkThrottle(b *testing.B) {
	for _, way := range ways(b) {
		b.Run(way.name, func(b *testing.B) {
			throttled, floor := way.timers(b)
			took, least := time.Hour, time.Hour
			for b.Loop() {
				took, least = min(took, throttled()), min(least, floor())
			}
			b.ReportMetric(float64(took/batch), "throttle-ns/call")
			b.ReportMetric(float64(least/batch), "floor-ns/call")
			b.ReportMetric(float64(took)/float64(least), "ratio")
			b.ReportMetric(way.goal, "goal")
		})
	}
}

// TestThrottleCostsLittle fails at twice the goal.
func TestThrottleCostsLittle(t *testing.T) {
	for _, way := range ways(t) {
		throttled, floor := way.timers(t)
		took, least := time.Hour, time.Hour
		for range 150 {
			took, least = min(took, throttled()), min(least, floor())
		}
		ratio := float64(took) / float64(least)
		t.Logf("goja: %s: %.2f times one read and one HMAC (goal %.1f)", way.name, ratio, way.goal)
		if ratio > 2*way.goal {
			t.Errorf("%s costs %.2f times one read and one HMAC, more than twice its goal of %.1f", way.name, ratio, way.goal)
		}
	}
}

// way is one of the ways of a page through throttle.js.
type way struct {
	name string
	goal float64
	ip   string
	pass string
	call *call
}

func ways(tb testing.TB) []way {
	tb.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	keys, err := bypass.ParseKeyring([]byte(`{"root":"a root of a test stack, not a real one"}`))
	if err != nil {
		tb.Fatal(err)
	}
	g := gate.Gate{
		Mode: gate.Throttle, Admit: 0.5, Salt: keys.DailySalt(now), Until: now.Add(10 * time.Minute), Stale: 0.05,
		Settings: gate.DefaultSettings(), Keys: keys.PassKeys(now), Switched: now,
	}
	g.LeaveAlone = []string{"/api/", "/healthz"}
	doc, err := g.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	pass := func(age time.Duration) string {
		value, err := g.Keys.Mint(bypass.NewPass(bypass.Drawn, "0123456789abcdef01234567", now.Add(-age), time.Hour), now)
		if err != nil {
			tb.Fatal(err)
		}
		return value
	}
	address := func(in bool) string {
		for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"} {
			if (gate.Draw(g.Salt, ip, agent) < g.Admit) == in {
				return ip
			}
		}
		tb.Fatal("no such address")
		return ""
	}
	c := &call{now: now, docs: map[string][]byte{gate.Key: doc}}
	return []way{
		{"returning", 1.5, address(false), pass(time.Minute), c},
		{"renewed", 2, address(false), pass(40 * time.Minute), c},
		{"admitted", 1.7, address(true), "", c},
		{"turned away", 1.7, address(false), "", c},
	}
}

func (w way) timers(tb testing.TB) (throttled, floor func() time.Duration) {
	tb.Helper()
	return timer(tb, throttle.Throttle("open"), w.call, w.ip, w.pass), timer(tb, floorSource, w.call, w.ip, w.pass)
}

// batch is how many calls are timed together.
const batch = 20

const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"

func timer(b testing.TB, source string, c *call, ip, pass string) func() time.Duration {
	p, err := compile("bench", source)
	if err != nil {
		b.Fatal(err)
	}
	r, err := compile("remember.js", throttle.Remember())
	if err != nil {
		b.Fatal(err)
	}
	js, err := newEngine(p, r)
	if err != nil {
		b.Fatal(err)
	}
	q := request{
		id: "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==", ip: ip, method: "GET", path: "/apply", query: "state=OH", mark: true,
		headers: []pair{
			{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"},
			{"accept-encoding", "gzip, deflate, br"}, {"accept-language", "es-US,es;q=0.9,en;q=0.8"}, {"host", "www.example.com"},
			{"priority", "u=0, i"}, {"sec-ch-ua", `"Chromium";v="138", "Not=A?Brand";v="8"`}, {"sec-ch-ua-mobile", "?0"}, {"sec-ch-ua-platform", `"Linux"`},
			{"sec-fetch-dest", "document"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-site", "none"}, {"sec-fetch-user", "?1"},
			{"upgrade-insecure-requests", "1"}, {"user-agent", agent},
		},
		cookies: []pair{{"session", "abc"}, {"consent", "yes"}},
	}
	if pass != "" {
		q.cookies = append(q.cookies, pair{passCookie, pass})
	}
	return func() time.Duration {
		events := make([]any, batch)
		for i := range events {
			events[i] = js.event("viewer-request", q, nil)
		}
		start := time.Now()
		for _, event := range events {
			if _, err := js.run(js.throttle, c, js.vm.ToValue(event)); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
}
