package demo

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/twin"
)

// quiet is a ResponseWriter that keeps the status alone.
type quiet struct {
	header http.Header
	status int
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) WriteHeader(status int)      { q.status = status }
func (q *quiet) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkSignup takes sign-ups through everything that a person's browser
// meets: the edge with throttle.js and remember.js, the waiting room, the store.
// It says how many a second, and how many requests to the store one costs.
func BenchmarkSignup(b *testing.B) {
	in, err := New(Config{Story: Demonstration(noon), Origin: "http://localhost:8080", Now: func() time.Time { return noon }})
	if err != nil {
		b.Fatal(err)
	}
	reader := browser{room: in.Handler(), host: "localhost:8080"}
	in.begin(b.Context())
	in.clock.Run(b.Context(), in.clock.Now().Add(30*time.Minute))
	join, err := reader.get(b.Context(), "/waiting-room/en/?to=%2Fapply")
	if err != nil {
		b.Fatal(err)
	}
	if !join.fields.Has("stamp") {
		b.Fatal("everybody is let in: the page has no form")
	}
	probe := &twin.Probe{}
	in.store.Probe = probe
	n := 0
	for b.Loop() {
		n++
		join.fields.Set("email", fmt.Sprintf("somebody%d@example.com", n))
		w := &quiet{header: http.Header{}}
		w.status = http.StatusOK
		r, err := http.NewRequest(http.MethodPost, join.action, strings.NewReader(join.fields.Encode()))
		if err != nil {
			b.Fatal(err)
		}
		r.Host, r.RemoteAddr = "localhost:8080", "127.0.0.1:50000"
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}
		in.Handler().ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("sign-up %d: status %d", n, w.status)
		}
	}
	calls := probe.Calls()
	if calls["Join"] != n {
		b.Fatalf("%d sign-ups and %d joins", n, calls["Join"])
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "sign-ups/s")
	b.ReportMetric(float64(probe.Total())/float64(n), "store-requests/sign-up")
}
