package edge

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"raincheck/functions/throttle"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

var update = flag.Bool("update", false, "write test/vectors/edge.json from throttle.js in goja")

// vector is one call of one of the two functions: what it is given, and what it
// must answer and print. The file is read by this test, by the twin in Go and by
// test/edge/vectors.js in njs, and names no language.
type vector struct {
	Name     string          `json:"name"`
	Function string          `json:"function"`
	Failure  string          `json:"failure,omitempty"`
	Now      int64           `json:"now"`
	Gate     *string         `json:"gate"`
	Base     *string         `json:"base"`
	Event    json.RawMessage `json:"event"`
	// Query is what event.request.rawQueryString() answers; null is undefined.
	Query  *string         `json:"query"`
	Answer json.RawMessage `json:"answer"`
	Said   []string        `json:"said"`
}

const vectorFile = "../../../test/vectors/edge.json"

func readVectors(t *testing.T) []vector {
	t.Helper()
	doc, err := os.ReadFile(filepath.FromSlash(vectorFile))
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	if err := json.Unmarshal(doc, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestVectors runs both functions, as written and as shipped, through the file.
func TestVectors(t *testing.T) {
	before, after := throttle.ShippedThrottle()
	forms := map[string]func(failure string) (request, response string){
		"written": func(f string) (string, string) { return throttle.Throttle(f), throttle.Remember() },
		"shipped": func(f string) (string, string) { return before + f + after, throttle.ShippedRemember() },
	}
	if *update {
		vectors := scenarios(t)
		for i := range vectors {
			vectors[i].Answer, vectors[i].Said = play(t, vectors[i], throttle.Throttle(vectors[i].Failure), throttle.Remember())
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		// One vector a line: a list of 500 stays readable, and so does its change.
		for i, v := range vectors {
			out.WriteByte("[,"[min(i, 1)])
			if err := enc.Encode(v); err != nil {
				t.Fatal(err)
			}
		}
		out.WriteString("]\n")
		if err := os.WriteFile(filepath.FromSlash(vectorFile), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	vectors := readVectors(t)
	for form, sources := range forms {
		t.Run(form, func(t *testing.T) {
			for _, v := range vectors {
				request, response := sources(v.Failure)
				answer, said := play(t, v, request, response)
				if diff := cmp.Diff(decoded(t, v.Answer), decoded(t, answer)); diff != "" {
					t.Errorf("%s: the answer differs (-want +got):\n%s", v.Name, diff)
				}
				if !slices.Equal(said, v.Said) {
					t.Errorf("%s: it printed %q, want %q", v.Name, said, v.Said)
				}
			}
		})
	}
	t.Run("up to date", func(t *testing.T) {
		for i, v := range scenarios(t) {
			if i >= len(vectors) || vectors[i].Name != v.Name || !cmp.Equal(decoded(t, vectors[i].Event), decoded(t, v.Event)) || !cmp.Equal(vectors[i].Gate, v.Gate) {
				t.Fatalf("%s is not what %s says: run go test ./pkg/twin/edge -run TestVectors -update and read what changed", v.Name, vectorFile)
			}
		}
	})
}

func decoded(t *testing.T, doc json.RawMessage) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// play calls the vector's function and returns its answer as JSON.
func play(t *testing.T, v vector, request, response string) (json.RawMessage, []string) {
	t.Helper()
	js := build(t, request, response)
	event, err := js.parse(nil, js.vm.ToValue(string(v.Event)))
	if err != nil {
		t.Fatal(err)
	}
	query := ""
	if v.Query != nil {
		query = *v.Query
	}
	js.rawQuery(event.ToObject(js.vm).Get("request").ToObject(js.vm), query, v.Query != nil)
	f := js.throttle
	if v.Function == "remember" {
		f = js.remember
	}
	c := &call{now: time.Unix(v.Now, 0), docs: map[string][]byte{}, said: []string{}}
	if v.Gate != nil {
		c.docs[gate.Key] = []byte(*v.Gate)
	}
	if v.Base != nil {
		c.docs[gate.BaseKey] = []byte(*v.Base)
	}
	out, err := js.run(f, c, event)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	doc, err := out.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return doc, c.said
}

var built = map[string]*engine{}

// build keeps an engine per pair of sources: the tests that use it are not
// parallel.
func build(t testing.TB, request, response string) *engine {
	t.Helper()
	if js := built[request+response]; js != nil {
		return js
	}
	a, err := compile("throttle.js", request)
	if err != nil {
		t.Fatal(err)
	}
	b, err := compile("remember.js", response)
	if err != nil {
		t.Fatal(err)
	}
	js, err := newEngine(a, b)
	if err != nil {
		t.Fatal(err)
	}
	built[request+response] = js
	return js
}

// TestTwinAgreesWithVectors puts the same file through gate.Known.Decide.
func TestTwinAgreesWithVectors(t *testing.T) {
	n := 0
	for _, v := range readVectors(t) {
		if v.Function != "throttle" {
			continue
		}
		n++
		var e struct {
			Context struct{ RequestID string }
			Viewer  struct{ IP string }
			Request struct {
				Method, URI string
				QueryString json.RawMessage
				Headers     map[string]jsonValue
				Cookies     map[string]jsonValue
			}
		}
		if err := json.Unmarshal(v.Event, &e); err != nil {
			t.Fatal(err)
		}
		header := func(name string) string { return e.Request.Headers[name].Value }
		r := gate.Request{
			ID: e.Context.RequestID, IP: e.Viewer.IP, UserAgent: header("user-agent"), Method: e.Request.Method,
			FetchDest: header("sec-fetch-dest"), FetchMode: header("sec-fetch-mode"), Purpose: header("sec-purpose") + header("purpose"), CORSMethod: header("access-control-request-method"), WebSocketKey: header("sec-websocket-key"),
			Accept: header("accept"), AcceptLanguage: header("accept-language"),
			Path: e.Request.URI, Passes: e.Request.Cookies[passCookie].all(),
		}
		if v.Query != nil {
			r.Query = *v.Query
		}
		k := gate.Known{Failure: gate.Failure(v.Failure)}
		if v.Gate != nil {
			if g, err := gate.DecodeGate([]byte(*v.Gate)); err == nil {
				k.Gate = &g
			}
		}
		if v.Base != nil {
			if b, err := gate.DecodeBase([]byte(*v.Base)); err == nil {
				k.Base = &b
			}
		}
		got := k.Decide(r, time.Unix(v.Now, 0))

		var a struct {
			StatusCode int
			Headers    map[string]jsonValue
		}
		if err := json.Unmarshal(v.Answer, &a); err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != statuses[got.Outcome] {
			t.Errorf("%s: the twin says %s, and throttle.js answers %s", v.Name, got.Outcome, v.Answer)
			continue
		}
		if got.Outcome == gate.Refused {
			got.Location = ""
		}
		location := ""
		if a.StatusCode != 0 {
			location = a.Headers["location"].Value
		}
		if got.Location != location || got.Cookie != a.Headers[passHeader].Value {
			t.Errorf("%s: the twin answers %+v, and throttle.js %s", v.Name, got, v.Answer)
		}
		var said []string
		if got.Refused > 0 {
			said = append(said, "rc2 "+itoa(got.Refused))
		}
		if got.Visitors > 0 {
			said = append(said, "rc1 "+itoa(got.Visitors)+" "+itoa(got.Admitted))
		}
		if !slices.Equal(said, v.Said) {
			t.Errorf("%s: the twin counts %q, and throttle.js %q", v.Name, said, v.Said)
		}
	}
	if n < 50 {
		t.Fatalf("only %d vectors: the file was cut off", n)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// jsonValue is CloudFront's structure of a header, a cookie or a parameter.
type jsonValue struct {
	Value      string      `json:"value"`
	MultiValue []jsonValue `json:"multiValue,omitempty"`
	there      bool
}

func (v *jsonValue) UnmarshalJSON(b []byte) error {
	type plain jsonValue
	v.there = true
	return json.Unmarshal(b, (*plain)(v))
}

func (v jsonValue) all() []string {
	if !v.there {
		return nil
	}
	if v.MultiValue == nil {
		return []string{v.Value}
	}
	var out []string
	for _, m := range v.MultiValue {
		out = append(out, m.Value)
	}
	return out
}

// eventOf is the CloudFront event of a request, as JSON.
func eventOf(kind string, q request, response json.RawMessage) json.RawMessage {
	object := func(pairs []pair) map[string]jsonValue {
		out := map[string]jsonValue{}
		for _, p := range pairs {
			v, seen := out[p.name]
			if !seen {
				out[p.name] = jsonValue{Value: p.value}
				continue
			}
			if v.MultiValue == nil {
				v.MultiValue = []jsonValue{{Value: v.Value}}
			}
			v.MultiValue = append(v.MultiValue, jsonValue{Value: p.value})
			out[p.name] = v
		}
		return out
	}
	event := map[string]any{
		"version": "1.0",
		"context": map[string]any{"distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "EDFDVBD6EXAMPLE", "eventType": kind, "requestId": q.id},
		"viewer":  map[string]any{"ip": q.ip},
		"request": map[string]any{"method": q.method, "uri": q.path, "querystring": object(splitQuery(q.query)), "headers": object(q.headers), "cookies": object(q.cookies)},
	}
	if response != nil {
		event["response"] = response
	}
	doc, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return doc
}

// scenarios are the vectors without their answers: every branch of the two
// functions, one at a time.
func scenarios(t *testing.T) []vector {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return now.Add(d) }
	ring := func(doc string) *bypass.Keyring {
		k, err := bypass.ParseKeyring([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	old := ring(`{"root":"the root of the vectors, which no stack has"}`)
	rotated := ring(`{"root":"the root of the vectors, which no stack has","ring":[{"id":3,"secret":"a second secret, also only of the vectors","notBefore":"2026-03-01T12:05:00Z"}]}`)
	other := ring(`{"root":"the root of somebody else's stack of vectors"}`)
	const id = "VectorEXAMPLE_0123456789"
	pass := func(k *bypass.Keyring, kind bypass.Kind, first, minted time.Time, life time.Duration) string {
		v, err := k.PassKeys(minted).Mint(bypass.Pass{Kind: kind, First: first, Expires: minted.Add(life), ID: id}, minted)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	good := pass(old, bypass.Redeemed, now, now, time.Hour)
	settings := gate.Settings{LeaveAlone: []string{"/api/", "/healthz"}, Languages: []string{"en", "es", "pt", "pt-br"}, PassLife: time.Hour, Sample: 1}
	g := gate.Gate{
		Mode: gate.Throttle, Admit: 0.5, Salt: old.DailySalt(now), Until: at(10 * time.Minute), Stale: 0.05,
		Switched: at(-time.Hour), Settings: settings, Keys: rotated.PassKeys(now),
	}
	b := gate.Base{Mode: gate.Throttle, Salt: g.Salt, Failure: gate.FailHold, Stale: 0.05, Settings: settings, Keys: g.Keys}
	find := func(fits func(float64) bool) string {
		for i := range 256 {
			if ip := "192.0.2." + itoa(i); fits(gate.Draw(g.Salt, ip, "browser")) {
				return ip
			}
		}
		t.Fatal("no address draws like that")
		return ""
	}
	in := find(func(d float64) bool { return d < 0.04 })
	out := find(func(d float64) bool { return d > 0.6 })
	text := func(doc []byte, err error) *string {
		if err != nil {
			t.Fatal(err)
		}
		s := string(doc)
		return &s
	}

	var all []vector
	add := func(name string, change func(v *scenario)) {
		s := scenario{now: now, failure: "open", gate: g, base: b, function: "throttle", request: request{
			id: "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==", ip: out, method: "GET", path: "/apply",
			headers: []pair{{"accept", "text/html,*/*;q=0.8"}, {"accept-language", "en-US,en;q=0.9"}, {"sec-fetch-dest", "document"}, {"sec-fetch-mode", "navigate"}, {"user-agent", "browser"}},
		}}
		change(&s)
		v := vector{Name: name, Function: s.function, Failure: s.failure, Now: s.now.Unix(), Event: eventOf("viewer-request", s.request, nil)}
		if s.request.mark {
			v.Query = &s.request.query
		}
		switch {
		case s.gateText != nil:
			v.Gate = s.gateText
		case !s.noGate:
			v.Gate = text(s.gate.Encode())
		}
		if !s.noBase {
			v.Base = text(s.base.Encode())
		}
		if s.function == "remember" {
			v.Failure, v.Gate, v.Base = "", nil, nil
			v.Event = eventOf("viewer-response", s.request, s.response)
		}
		all = append(all, v)
	}
	addScenarios(add, scene{now: now, in: in, out: out, good: good, id: id, old: old, rotated: rotated, other: other, pass: pass})
	return all
}

// scenario is a vector in the making.
type scenario struct {
	now            time.Time
	function       string
	failure        string
	gate           gate.Gate
	gateText       *string
	base           gate.Base
	noGate, noBase bool
	request        request
	response       json.RawMessage
}

func (s *scenario) cookie(value string) {
	s.request.cookies = append(s.request.cookies, pair{passCookie, value})
}

func (s *scenario) header(name, value string) {
	s.request.headers = slices.DeleteFunc(s.request.headers, func(p pair) bool { return p.name == name })
	if value != "" {
		s.request.headers = append(s.request.headers, pair{name, value})
	}
}

// scene is what the scenarios share.
type scene struct {
	now                 time.Time
	in, out, good, id   string
	old, rotated, other *bypass.Keyring
	pass                func(k *bypass.Keyring, kind bypass.Kind, first, minted time.Time, life time.Duration) string
}
