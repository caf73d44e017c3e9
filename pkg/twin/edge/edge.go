package edge

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"raincheck/functions/throttle"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

const (
	passCookie = bypass.CookieName
	passHeader = "x-raincheck"
)

// Faults are what can be made to go wrong at the edge. The zero value is a good
// day.
type Faults struct {
	// GateMissing and BaseMissing hide a document from the edge.
	GateMissing, BaseMissing bool
	// StoreLost makes the store's handle throw.
	StoreLost bool
	// CryptoLost makes every hash throw.
	CryptoLost bool
}

// Options are what an Edge is made of.
type Options struct {
	// Now is the edge's clock.
	Now func() time.Time
	// Store is where gate and base come from.
	Store *Store
	// Failure is the constant that is joined into the code at deploy.
	Failure gate.Failure
	// ForwardedFor believes the first address of X-Forwarded-For: for simulated
	// visitors, who all come from one machine. Never in front of strangers.
	ForwardedFor bool
	// Throttle and Remember are the functions' sources, at most MaxCode bytes each;
	// empty for raincheck's own as they are shipped.
	Throttle, Remember string
	// Log takes what goes wrong in a function; nil for nowhere.
	Log *slog.Logger
}

// Edge runs the two functions in front of a site. It is safe for concurrent use.
type Edge struct {
	o       Options
	counts  Counts
	engines chan *engine // as many as processors: an engine waits for nothing
	faults  atomic.Pointer[Faults]
	known   sync.Mutex
	seen    documents
	parsed  gate.Known
}

// documents are the two as the edge has them at a moment.
type documents struct{ gate, base []byte }

// New reads the functions and returns the edge, or what is wrong with them.
func New(o Options) (*Edge, error) {
	if o.Throttle == "" {
		before, after := throttle.ShippedThrottle()
		o.Throttle = before + string(o.Failure) + after
	}
	if o.Remember == "" {
		o.Remember = throttle.ShippedRemember()
	}
	for name, source := range map[string]string{"throttle.js": o.Throttle, "remember.js": o.Remember} {
		if len(source) > MaxCode {
			return nil, fmt.Errorf("reading %s: %d bytes, and CloudFront takes %d", name, len(source), MaxCode)
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	request, err := compile("throttle.js", o.Throttle)
	if err != nil {
		return nil, err
	}
	response, err := compile("remember.js", o.Remember)
	if err != nil {
		return nil, err
	}
	e := &Edge{o: o, engines: make(chan *engine, runtime.GOMAXPROCS(0))}
	e.faults.Store(&Faults{})
	for range cap(e.engines) {
		engine, err := newEngine(request, response)
		if err != nil {
			return nil, err
		}
		e.engines <- engine
	}
	return e, nil
}

// Counts returns what the edge counted.
func (e *Edge) Counts() *Counts { return &e.counts }

// SetFaults makes things go wrong from now on, or right again.
func (e *Edge) SetFaults(f Faults) { e.faults.Store(&f) }

// documents returns what the functions can read now.
func (e *Edge) documents() documents {
	f := e.faults.Load()
	var d documents
	if !f.GateMissing && !f.StoreLost {
		d.gate = e.o.Store.AtEdge(gate.Key)
	}
	if !f.BaseMissing && !f.StoreLost {
		d.base = e.o.Store.AtEdge(gate.BaseKey)
	}
	return d
}

// Handler returns the edge in front of a site.
func (e *Edge) Handler(site http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := fromHTTP(r, rand.Text(), e.client(r))
		a, err := e.request(q, e.documents())
		if r.Context().Err() != nil {
			return // nobody reads the answer
		}
		if err != nil {
			e.o.Log.Error("throttle.js failed", "error", err)
			http.Error(w, "502 The edge function failed.", http.StatusBadGateway)
			return
		}
		if a.response != nil {
			for _, h := range a.response.headers {
				w.Header().Add(h.name, h.value)
			}
			for _, c := range a.cookies {
				w.Header().Add("Set-Cookie", c.name+"="+c.value)
			}
			w.WriteHeader(a.response.status)
			io.WriteString(w, a.response.body)
			return
		}
		in := r.Clone(r.Context())
		a.apply(in)
		q.headers, q.cookies = a.headers, a.cookies
		out := &responseWriter{ResponseWriter: w, edge: e, request: q}
		site.ServeHTTP(out, in)
		if !out.begun {
			out.WriteHeader(http.StatusOK)
		}
	})
}

// answer is what throttle.js made of a request.
type answer struct {
	headers  []pair
	cookies  []pair
	response *response
	said     []string
}

type response struct {
	status  int
	headers []pair
	body    string
}

// engine waits for an engine that is free, as long as somebody waits for the answer:
// an edge that fell behind would else decide about people who have given up, and
// about nobody in time.
func (e *Edge) engine(q request) (*engine, error) {
	select {
	case js := <-e.engines:
		return js, nil
	case <-q.gone:
		return nil, errors.New("the visitor has gone")
	}
}

// request runs throttle.js.
func (e *Edge) request(q request, docs documents) (answer, error) {
	f := e.faults.Load()
	c := &call{now: e.o.Now(), docs: map[string][]byte{gate.Key: docs.gate, gate.BaseKey: docs.base}, lost: f.StoreLost, mute: f.CryptoLost}
	js, err := e.engine(q)
	if err != nil {
		return answer{}, err
	}
	defer func() { e.engines <- js }()
	out, err := js.run(js.throttle, c, js.event("viewer-request", q, nil))
	if err != nil {
		return answer{}, err
	}
	for _, line := range c.said {
		if n, ok := parseLine(line); ok {
			n.At = c.now
			e.counts.add(n)
		} else {
			e.o.Log.Warn("throttle.js said", "line", line)
		}
	}
	a, err := js.readAnswer(q, out)
	if err != nil {
		return answer{}, fmt.Errorf("throttle.js: %w", err)
	}
	a.said = c.said
	return a, nil
}

// apply changes the request to what throttle.js let through. Headers that
// CloudFront hides stay as they are. Cookies stay as they were written, but for
// those that throttle.js took out.
func (a answer) apply(r *http.Request) {
	for name := range r.Header {
		if lower := strings.ToLower(name); lower != "cookie" && !hidden(lower) {
			delete(r.Header, name)
		}
	}
	for _, h := range a.headers {
		if h.name != "host" {
			r.Header.Add(h.name, h.value)
		}
	}
	left := map[string]bool{}
	for _, c := range a.cookies {
		left[c.name] = true
	}
	var lines []string
	for _, line := range r.Header["Cookie"] {
		parts := strings.Split(line, ";")
		parts = slices.DeleteFunc(parts, func(part string) bool {
			name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
			return strings.TrimSpace(part) != "" && !left[text(name)]
		})
		if line = strings.TrimLeft(strings.Join(parts, ";"), " "); line != "" {
			lines = append(lines, line)
		}
	}
	delete(r.Header, "Cookie")
	if len(lines) > 0 {
		r.Header["Cookie"] = lines
	}
}

// client is the address that CloudFront would see.
func (e *Edge) client(r *http.Request) string {
	if e.o.ForwardedFor {
		first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
		if a, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
			return a.Unmap().WithZone("").String()
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return host
}

// responseWriter runs remember.js when the site's answer begins.
type responseWriter struct {
	http.ResponseWriter
	edge    *Edge
	request request
	begun   bool
	failed  bool
}

// Unwrap is for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *responseWriter) WriteHeader(status int) {
	if w.begun || status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.begun = true
	if status < 400 {
		if err := w.edge.respond(w.request, status, w.Header()); err != nil {
			w.edge.o.Log.Error("remember.js failed", "error", err)
			w.failed = true
			http.Error(w.ResponseWriter, "502 The edge function failed.", http.StatusBadGateway)
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *responseWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.failed {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Flush is what a site that streams calls.
func (w *responseWriter) Flush() {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if !w.failed {
		// A writer that cannot flush sends all of it at the end.
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
}

// respond runs remember.js over the headers of the site's answer.
func (e *Edge) respond(q request, status int, header http.Header) error {
	js, err := e.engine(q)
	if err != nil {
		return err
	}
	defer func() { e.engines <- js }()
	var headers []pair
	for name, values := range header {
		if lower := strings.ToLower(name); lower != "set-cookie" && !hidden(lower) {
			for _, v := range values {
				headers = append(headers, pair{lower, v})
			}
		}
	}
	in := js.vm.NewObject()
	in.Set("statusCode", status)
	in.Set("statusDescription", http.StatusText(status))
	in.Set("headers", js.values(headers))
	cookies := js.vm.NewObject()
	in.Set("cookies", cookies)
	before := map[string]bool{}
	for _, line := range header["Set-Cookie"] {
		value, attributes, _ := strings.Cut(line, ";")
		name, value, _ := strings.Cut(value, "=")
		one := js.vm.NewObject()
		one.Set("value", value)
		one.Set("attributes", strings.TrimSpace(attributes))
		cookies.DefineDataProperty(name, one, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		before[name] = true
	}
	out, err := js.run(js.remember, &call{now: e.o.Now()}, js.event("viewer-response", q, in))
	if err != nil {
		return err
	}
	after, err := js.setCookies(out)
	if err != nil {
		return err
	}
	for _, c := range after {
		if !before[c.name] {
			header.Add("Set-Cookie", c.name+"="+c.value)
		}
	}
	return nil
}
