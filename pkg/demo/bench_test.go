package demo

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
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

// BenchmarkSignupOverHTTP sends sign-ups over connections, a hundred at once, to an
// instance that keeps its waitlist, and to a bare server that appends the form to a
// file and flushes it to the disk before it answers: many flushes in one (the
// instance does that too), or one for each. It prints how many sign-ups a second the
// instance takes for one of the bare server's.
func BenchmarkSignupOverHTTP(b *testing.B) {
	in, err := New(Config{Story: Alone(noon), Origin: "http://localhost:8080", Now: func() time.Time { return noon }, Data: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	in.begin(b.Context())
	live := func() { in.clock.Run(b.Context(), in.clock.Now().Add(3*time.Minute)) }
	live()
	if err := in.Change(b.Context(), console.Change{Change: operator.Change{Mode: gate.Hold}}); err != nil {
		b.Fatal(err)
	}
	live()
	reader := browser{room: in.Handler(), host: "localhost:8080"}
	join, err := reader.get(b.Context(), "/waiting-room/en/?to=%2Fapply")
	if err != nil {
		b.Fatal(err)
	}
	action, err := url.Parse(join.action)
	if err != nil {
		b.Fatal(err)
	}
	var seconds []float64
	for _, server := range []http.Handler{in.Handler(), &bare{file: lines(b), together: true}, &bare{file: lines(b)}} {
		here := httptest.NewServer(server)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
		began := time.Now()
		var next atomic.Int64
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
					form := url.Values{}
					maps.Copy(form, join.fields)
					form.Set("email", fmt.Sprintf("somebody%d@example.com", i))
					r, err := http.NewRequest(http.MethodPost, here.URL+action.RequestURI(), strings.NewReader(form.Encode()))
					if err != nil {
						b.Error(err)
						return
					}
					r.Host = "localhost:8080"
					r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"text/html"}}
					answer, err := client.Do(r)
					if err != nil {
						b.Error(err)
						return
					}
					_, err = io.Copy(io.Discard, answer.Body)
					if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
						b.Errorf("sign-up %d: %s, %v", i, answer.Status, err)
						return
					}
				}
			})
		}
		all.Wait()
		seconds = append(seconds, time.Since(began).Seconds())
		here.Close()
	}
	b.ReportMetric(float64(b.N)/seconds[0], "sign-ups/s")
	b.ReportMetric(seconds[1]/seconds[0], "of-bare-together")
	b.ReportMetric(seconds[2]/seconds[0], "of-bare")
}

func lines(b *testing.B) *os.File {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "lines"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = file.Close() })
	return file
}

// bare is a server that appends a line and flushes it.
type bare struct {
	together bool

	mu      sync.Mutex
	file    *os.File
	flush   sync.Mutex
	written int
	flushed int
}

func (s *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.keep(append(body, '\n'))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "You are in the line.")
}

func (s *bare) keep(line []byte) error {
	s.mu.Lock()
	if _, err := s.file.Write(line); err != nil {
		s.mu.Unlock()
		return err
	}
	s.written++
	mine := s.written
	s.mu.Unlock()
	s.flush.Lock()
	defer s.flush.Unlock()
	if s.together && s.flushed >= mine {
		return nil
	}
	s.mu.Lock()
	upTo := s.written
	s.mu.Unlock()
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.flushed = upTo
	return nil
}
