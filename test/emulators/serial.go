package emulators

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// oneAtATime stands before a stand-in and lets one request to DynamoDB through
// at a time. Requests to other services pass side by side: a receive from a
// queue may wait for seconds.
//
// moto needs it. Its server answers each request in a thread of its own, and
// its UpdateItem reads the item, then asks the condition, then writes, with no
// lock around the three (moto/dynamodb/models/__init__.py, update_item, in
// 5.2.1): two conditional writes at once can both find their condition true,
// which is the very thing that DynamoDB promises will not happen. dynalite
// holds a lock on the item's key around them and needs no help.
type oneAtATime struct {
	mu   sync.Mutex
	next http.Handler
}

func (o *oneAtATime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_") {
		o.mu.Lock()
		defer o.mu.Unlock()
	}
	o.next.ServeHTTP(w, r)
}

// serial puts oneAtATime before a stand-in, on a port of its own.
func serial(t testing.TB, host string, behind Server) Server {
	t.Helper()
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		// As it was signed.
		r.Out.Host = r.In.Host
	}}
	return serve(t, host, &oneAtATime{next: proxy})
}

// serve runs a handler on a free port until the test ends.
func serve(t testing.TB, host string, h http.Handler) Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	listener := listen(t, host)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Server{URL: server.URL, Port: n}
}
