package edge

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

// fuzzed is an edge whose documents and clock a fuzz target sets.
func fuzzed(f *testing.F, failure gate.Failure) *Edge {
	f.Helper()
	e, err := New(Options{Now: func() time.Time { return fuzzNow }, Store: NewStore(func() time.Time { return fuzzNow }, 0), Failure: failure})
	if err != nil {
		f.Fatal(err)
	}
	return e
}

var fuzzNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// FuzzTwin looks for a visitor about whom throttle.js and the twin in Go
// disagree. knobs turns the gate: mode, documents missing, keys, sample,
// languages, how far past its time, and what kind of pass the visitor bears.
func FuzzTwin(f *testing.F) {
	for _, knobs := range []uint64{0, 1, 2, 3, 0x10, 0x20, 0x30, 0x40, 0x100, 0x200, 0x300, 0x400, 0x1000, 0x2000, 0x7700, 1 << 20, 1<<20 | 1<<24} {
		f.Add(knobs, uint32(1<<31), []byte{192, 0, 2, 1}, "browser", "GET", "document navigate  ", "text/html", "es-MX,es;q=0.9,en;q=0.8", "/apply", "a=1&b=2&a=3", "", "id-1")
		f.Add(knobs, uint32(1<<31), []byte{192, 0, 2, 1}, "Googlebot", "GET", "document navigate prefetch ", "text/html", "", "/api/../b", "u=//x", "", "id-1")
		f.Add(knobs, uint32(1<<31), []byte{192, 0, 2, 1}, "browser", "POST", "empty cors  ", "application/json", "en", "/STRICT/%41", "", "", "id-1")
		f.Add(knobs, uint32(1<<31), []byte{192, 0, 2, 1}, "browser", "GET", "    dGhlIHNhbXBsZQ==", "", "", "/live", "", "", "id-1")
		f.Add(knobs, uint32(1<<31), []byte{192, 0, 2, 1}, "", "OPTIONS", "   PUT", "", "", "/strict/é", "%\xff", "", "id-1")
	}
	f.Add(uint64(1), uint32(0), []byte{1, 1, 2, 0}, "", "GET", "   ", "text/html", "0", "0", "0", "", "\xe8")
	f.Add(uint64(1), uint32(0), []byte{0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8}, "\xff", "HEAD", "", "*/*, text/html", "pt-BR ;q=0.9,\t*", "/waiting-room", "2=x&1=y&__proto__=z&=", "1.0.d.1.1.x.y", "")
	edges := map[gate.Failure]*Edge{gate.FailOpen: fuzzed(f, gate.FailOpen), gate.FailHold: fuzzed(f, gate.FailHold)}
	ring, err := bypass.ParseKeyring([]byte(`{"root":"a root of a fuzz target, not a real one!","ring":[{"id":2,"secret":"another secret of that fuzz target, too","notBefore":"2026-03-01T11:30:00Z"},{"id":5,"secret":"a third secret of that fuzz target, to come","notBefore":"2026-03-01T12:05:00Z"}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, knobs uint64, admit uint32, address []byte, agent, method, fetch, accept, language, path, query, cookie, id string) {
		pick := func(n uint64) uint64 { k := knobs % n; knobs /= n; return k }
		g := gate.Gate{
			Mode:  []gate.Mode{gate.Throttle, gate.Hold, gate.Observe, gate.Open}[pick(4)],
			Admit: float64(admit) / (1<<32 - 1), Salt: ring.DailySalt(fuzzNow), Stale: float64(admit>>16) / (1<<16 - 1), Keys: ring.PassKeys(fuzzNow),
			Settings: gate.Settings{PassLife: time.Duration(1+pick(100)) * time.Minute, Sample: int(1 + pick(4))},
		}
		if g.Mode == gate.Hold {
			g.Admit = 0
		}
		g.Until = fuzzNow.Add(time.Duration(int64(pick(4))-1) * time.Second)
		g.Languages = [][]string{nil, {"en"}, {"en", "es"}, {"en", "pt", "pt-br", "zh-hans"}}[pick(4)]
		g.LeaveAlone = [][]string{nil, {"/api/"}, {"/a", "/b"}}[pick(3)]
		if len(g.Languages) > 0 {
			g.Strict = [][]string{nil, {"/strict/"}, {"/a/x", "/s"}}[pick(3)]
		}
		g.Keys = [][]bypass.PassKey{g.Keys, g.Keys[:1], g.Keys[2:], {g.Keys[2], g.Keys[0], g.Keys[1]}}[pick(4)]
		b := gate.Base{Mode: g.Mode, Failure: []gate.Failure{gate.FailHold, gate.FailOpen}[pick(2)], Stale: g.Stale, Salt: g.Salt, Settings: g.Settings, Keys: g.Keys}
		e := edges[[]gate.Failure{gate.FailHold, gate.FailOpen}[pick(2)]]
		var docs documents
		missing := pick(4)
		if missing&1 == 0 {
			docs.gate, err = g.Encode()
		}
		if err == nil && missing&2 == 0 {
			docs.base, err = b.Encode()
		}
		if err != nil {
			t.Fatal(err)
		}
		ip, ok := netip.AddrFromSlice(address)
		if !ok {
			t.Skip("no address")
		}
		// CloudFront hands over a path that begins with a slash (RFC 9112, 3.2.1), and
		// the edge takes an answer without one for a fault of the function.
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		// CloudFront's ids have no other characters in front.
		if id = strings.Map(func(r rune) rune {
			if r < 128 && (r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return r
			}
			return -1
		}, id); id == "" {
			id = "id"
		}
		// Five headers in one.
		headers := append(strings.SplitN(fetch, " ", 5), "", "", "", "", "")
		r := gate.Request{
			ID: id, IP: ip.String(), UserAgent: agent, Method: method, FetchDest: headers[0], FetchMode: headers[1], Purpose: headers[2], CORSMethod: headers[3], WebSocketKey: headers[4],
			Accept: accept, AcceptLanguage: language, Path: path, Query: query,
		}
		switch pick(4) {
		case 1:
			r.Passes = []string{cookie}
		case 2:
			// A good one, of any age.
			first := fuzzNow.Add(-time.Duration(pick(1500)) * time.Minute)
			minted := fuzzNow.Add(-time.Duration(pick(100)) * time.Minute)
			p := bypass.Pass{Kind: bypass.Redeemed, First: first, Expires: minted.Add(time.Duration(pick(60)) * time.Minute), ID: "x"}
			if pick(2) == 1 {
				p.Renew = minted.Add(time.Duration(pick(60)) * time.Minute)
			}
			if value, err := g.Keys.Mint(p, minted); err == nil {
				r.Passes = []string{value}
			}
		case 3:
			r.Passes = []string{cookie, "", cookie + "x", "1"}
			if value, err := g.Keys.Mint(bypass.NewPass(bypass.Drawn, "x", fuzzNow.Add(-40*time.Minute), time.Hour), fuzzNow); err == nil {
				r.Passes[pick(4)] = value
			}
		}
		v := e.read(docs).Decide(r, fuzzNow)
		a, err := e.request(fromFacts(r), docs)
		if err != nil {
			t.Fatalf("throttle.js: %v", err)
		}
		if err := a.differs(r, v); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzDocuments puts any text in the store. The site answers whatever it is, and
// where Go can read it the two agree.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{`{"mode":"open"}`, `{"mode":"hold"}`, `null`, `[]`, `"`, `{"mode":"throttle","salt":1,"keys":2,"pass":3,"sample":4}`, `{"mode":"observe","salt":"x","keys":[[]],"pass":1,"sample":1}`,
		`{"mode":"throttle","admit":0.5,"salt":"0123456789","until":1772367000,"keys":[[0,"01234567890123456789012345678901",0]],"pass":3600,"sample":1,"alone":["/api/"],"lang":["en"]}`,
		`{"failure":"hold","mode":"open","salt":"0123456789","keys":[[0,"01234567890123456789012345678901",0]],"pass":3600,"sample":1}`} {
		f.Add(s, s)
	}
	e := fuzzed(f, gate.FailHold)
	f.Fuzz(func(t *testing.T, first, second string) {
		docs := documents{gate: []byte(first), base: []byte(second)}
		r := gate.Request{ID: "id", IP: "192.0.2.1", UserAgent: "browser", Method: "GET", FetchMode: "navigate", Path: "/apply"}
		a, err := e.request(fromFacts(r), docs)
		if err != nil {
			t.Fatalf("throttle.js: %v", err)
		}
		if _, err := gate.DecodeGate(docs.gate); err != nil {
			// The edge is more forgiving than Go, which writes these documents.
			return
		}
		if err := a.differs(r, e.read(docs).Decide(r, fuzzNow)); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
	})
}
