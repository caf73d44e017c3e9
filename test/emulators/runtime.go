package emulators

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/twin/edge"
)

// TryThrottle runs the code of a viewer request function on a test event, as
// CloudFront's TestFunction does, in the engine of the local edge, with what a
// KeyValueStore has now.
func TryThrottle(code string, store *KeyValue, event []byte) ([]byte, error) {
	type values map[string]struct {
		Value string `json:"value"`
	}
	var e struct {
		Context struct{ EventType, RequestID string }
		Viewer  struct{ IP string }
		Request struct {
			Method, URI      string
			Headers, Cookies values
		}
	}
	if err := json.Unmarshal(event, &e); err != nil || e.Context.EventType != "viewer-request" || e.Context.RequestID == "" || e.Viewer.IP == "" {
		return nil, fmt.Errorf("the event is not a viewer request with a requestId and an address: %w", err)
	}
	documents := edge.NewStore(time.Now, 0)
	for _, key := range []string{gate.Key, gate.BaseKey} {
		if text, ok := store.Value(key); ok {
			_, etag, _ := documents.Get(context.Background(), key) // the error is that there is none yet
			if _, err := documents.Put(context.Background(), key, []byte(text), etag); err != nil {
				return nil, err
			}
		}
	}
	twin, err := edge.New(edge.Options{Now: time.Now, Store: documents, Throttle: code})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(e.Request.Method, "https://"+e.Request.Headers["host"].Value+e.Request.URI, nil)
	if err != nil {
		return nil, err
	}
	r.RemoteAddr = e.Viewer.IP + ":1"
	for name, h := range e.Request.Headers {
		r.Header.Set(name, h.Value)
	}
	for name, c := range e.Request.Cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: c.Value})
	}
	var passed *http.Request
	w := httptest.NewRecorder()
	twin.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r })).ServeHTTP(w, r)
	if passed != nil {
		left := values{}
		for _, c := range passed.Cookies() {
			v := left[c.Name]
			v.Value = c.Value
			left[c.Name] = v
		}
		return json.Marshal(map[string]any{"request": map[string]any{"method": passed.Method, "uri": passed.URL.Path, "cookies": left}})
	}
	headers := map[string]map[string]string{}
	for name := range w.Header() {
		headers[http.CanonicalHeaderKey(name)] = map[string]string{"value": w.Header().Get(name)}
		headers["location"] = map[string]string{"value": w.Header().Get("Location")}
	}
	if w.Code == http.StatusBadGateway {
		return nil, fmt.Errorf("the function failed")
	}
	return json.Marshal(map[string]any{"response": map[string]any{"statusCode": w.Code, "headers": headers}})
}
