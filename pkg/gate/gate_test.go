package gate_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func keys(tb testing.TB) bypass.PassKeys {
	tb.Helper()
	k, err := bypass.ParseKeyring([]byte(`{"root":"a root of a test stack, not a real one","ring":[{"id":1,"secret":"another secret of that same test stack","notBefore":"2026-03-01T11:00:00Z"}]}`))
	if err != nil {
		tb.Fatal(err)
	}
	return k.PassKeys(noon)
}

func throttled(tb testing.TB) gate.Gate {
	return gate.Gate{
		Mode: gate.Throttle, Admit: 0.42, Salt: "0123456789abcdef", Until: noon.Add(10 * time.Minute), Stale: 0.05,
		Switched: noon.Add(-time.Hour), Settings: gate.DefaultSettings(), Keys: keys(tb),
	}
}

func base(tb testing.TB) gate.Base {
	return gate.Base{Mode: gate.Throttle, Salt: "0123456789abcdef", Failure: gate.FailHold, Stale: 0.05, Settings: gate.DefaultSettings(), Keys: keys(tb)}
}

func TestDocumentsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := gate.Gate{
			Mode: rapid.SampledFrom([]gate.Mode{gate.Open, gate.Throttle, gate.Hold, gate.Observe}).Draw(t, "mode"),
			Salt: rapid.StringMatching(`[A-Za-z0-9_-]{8,20}`).Draw(t, "salt"), Stale: rapid.Float64Range(0, 1).Draw(t, "stale"),
			Until: noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "until")) * time.Second), Switched: noon,
			Settings: gate.Settings{Languages: []string{"en", "es"}, PassLife: time.Hour, Sample: rapid.IntRange(1, 100).Draw(t, "sample")},
			Keys:     bypass.PassKeys{{ID: 0, Key: strings.Repeat("k", 32)}, {ID: 7, Key: strings.Repeat("l", 32), NotBefore: noon}},
		}
		if g.Mode == gate.Throttle || g.Mode == gate.Observe {
			g.Admit = rapid.Float64Range(0, 1).Draw(t, "admit")
		}
		doc, err := g.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := gate.DecodeGate(doc)
		if err != nil || !reflect.DeepEqual(got, g) {
			t.Fatalf("%s comes back as %+v, %v", doc, got, err)
		}
		b := gate.Base{Mode: g.Mode, Salt: g.Salt, Failure: gate.FailHold, Stale: g.Stale, Settings: g.Settings, Keys: g.Keys}
		doc, err = b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := gate.DecodeBase(doc); err != nil || !reflect.DeepEqual(got, b) {
			t.Fatalf("%s comes back as %+v, %v", doc, got, err)
		}
	})
}

// TestWrittenByHand is the line at the top of the runbook, for somebody without
// our tool.
func TestWrittenByHand(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{"mode":"open"}`, ` { "mode" : "open" , "switched" : 1772366400 } `} {
		g, err := gate.DecodeGate([]byte(doc))
		if err != nil || g.Mode != gate.Open {
			t.Errorf("%s: %v, %v", doc, g, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good, err := throttled(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, now string) string {
		out := strings.Replace(string(good), old, now, 1)
		if out == string(good) {
			t.Fatalf("%s has no %s", good, old)
		}
		return out
	}
	for name, c := range map[string]struct{ doc, says string }{
		"nothing":            {"", "no JSON object"},
		"null":               {"null", "no JSON object"},
		"a list":             {"[]", "no JSON object"},
		"two documents":      {`{"mode":"open"}{}`, "follows"},
		"no mode":            {`{}`, "mode"},
		"an unknown mode":    {`{"mode":"shut"}`, `"shut"`},
		"an unknown field":   {`{"mode":"open","admitt":1}`, "admitt"},
		"other letters":      {`{"Mode":"open"}`, "Mode"},
		"a null":             {with(`"admit":0.42`, `"admit":null`), "admit is null"},
		"a share of 2":       {with(`"admit":0.42`, `"admit":2`), "admit is 2"},
		"a share below 0":    {with(`"stale":0.05`, `"stale":-0.05`), "stale is -0.05"},
		"a share as text":    {with(`"admit":0.42`, `"admit":"0.42"`), "admit"},
		"no salt":            {with(`"salt":"0123456789abcdef",`, ``), "salt"},
		"a salt of quotes":   {with(`"salt":"0123456789abcdef"`, `"salt":"\"\"\"\"\"\"\"\"\"\""`), "salt"},
		"no until":           {with(`"until":1772367000,`, ``), "until"},
		"no keys":            {`{"mode":"hold","until":1,"salt":"0123456789","pass":3600,"sample":1}`, "keys"},
		"a key of two":       {with(`"keys":[[0,`, `"keys":[[`), "keys"},
		"a key id of 8":      {with(`"keys":[[0,`, `"keys":[[8,`), "id is 8"},
		"a key twice":        {with(`"keys":[[0,`, `"keys":[[1,`), "twice"},
		"a short key":        {`{"mode":"open","keys":[[0,"short",0]]}`, "key 0"},
		"a pass of a second": {with(`"pass":3600`, `"pass":1`), "pass"},
		"a pass of a week":   {with(`"pass":3600`, `"pass":604800`), "pass"},
		"a sample below 0":   {with(`"sample":10`, `"sample":-1`), "sample"},
		"a language":         {with(`"lang":["en"`, `"lang":["EN/"`), "lang"},
		"a language twice":   {with(`"lang":["en","es"]`, `"lang":["en","en"]`), "twice"},
		"a prefix":           {`{"mode":"open","alone":["api"]}`, "alone"},
		"everything alone":   {`{"mode":"open","alone":["/"]}`, "alone"},
		"a failure":          {`{"mode":"open","failure":"open"}`, "failure"},
		"admit in hold":      {with(`"mode":"throttle"`, `"mode":"hold"`), "hold"},
		"too long":           {`{"mode":"open","alone":["/` + strings.Repeat("a", 1024) + `"]}`, "1024"},
	} {
		_, err := gate.DecodeGate([]byte(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.says)
		}
	}
	for name, doc := range map[string]string{
		"a gate": string(good), "no failure": `{"mode":"open"}`, "a hold without keys": `{"mode":"open","failure":"hold"}`, "another failure": `{"mode":"open","failure":"shut"}`,
	} {
		if _, err := gate.DecodeBase([]byte(doc)); err == nil {
			t.Errorf("%s was read as a base", name)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*gate.Gate)
		says   string
	}{
		"NaN":         {func(g *gate.Gate) { g.Admit = math.NaN() }, "admit is NaN"},
		"infinity":    {func(g *gate.Gate) { g.Stale = math.Inf(1) }, "stale is +Inf"},
		"nanoseconds": {func(g *gate.Gate) { g.Until = g.Until.Add(1) }, "until"},
		"two at once": {func(g *gate.Gate) { g.Admit, g.Sample = 7, -1 }, "sample"},
		"too much":    {func(g *gate.Gate) { g.LeaveAlone = manyPrefixes }, "shorten the 40 prefixes"},
	} {
		g := throttled(t)
		c.change(&g)
		if doc, err := g.Encode(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %s, %v", name, doc, err)
		}
	}
}

var manyPrefixes = func() (out []string) {
	for i := range 40 {
		out = append(out, fmt.Sprintf("/some/prefix/or/other/%d/", i))
	}
	return out
}()

// TestRoomForARotation holds the document to its kilobyte in the worst week: the
// paths of 17 languages, three keys, and eight prefixes in both settings together.
func TestRoomForARotation(t *testing.T) {
	t.Parallel()
	s := gate.Settings{
		LeaveAlone: []string{"/api/public/", "/healthz", "/static/", "/account/callback", "/webhooks/payments/"}, Strict: []string{"/api/orders/", "/account/", "/checkout/confirm"},
		Languages: []string{"en", "es", "zh-hans", "zh-hant", "vi", "ko", "ru", "ar", "ht", "fr", "pl", "pt", "it", "de", "ja", "fa", "tl"}, PassLife: time.Hour, Sample: 10,
	}
	if err := s.Fit(); err != nil {
		t.Error(err)
	}
	for longest, change := range map[string]func(){
		"strict prefixes":         func() { s.Strict = append(s.Strict, "/"+strings.Repeat("a", 500)) },
		"prefixes to leave alone": func() { s.LeaveAlone = append(s.LeaveAlone, "/"+strings.Repeat("a", 500)) },
	} {
		was := s
		change()
		if err := s.Fit(); err == nil || !strings.Contains(err.Error(), longest) {
			t.Errorf("too many %s: %v", longest, err)
		}
		s = was
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	t.Parallel()
	g, b := throttled(t), base(t)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("all", "gate", g, "base", b)
	out := log.String() + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", g, g, g, &g, b, b, &b)
	for _, s := range []string{g.Salt, g.Keys[0].Key, g.Keys[1].Key} {
		if strings.Contains(out, s) {
			t.Errorf("%q came out in %s", s, out)
		}
	}
	if r := g.Redacted(); r.Keys != nil || r.Salt != "" || r.Admit != g.Admit {
		t.Errorf("redacted: %v", r)
	}
}

func TestDraws(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../test/vectors/bypass.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Draws []struct {
			Salt, IP, UserAgent, Network string
			Bits                         float64
		}
	}
	if err := json.Unmarshal(doc, &v); err != nil || len(v.Draws) < 8 {
		t.Fatal(err, len(v.Draws))
	}
	for _, d := range v.Draws {
		if got := gate.Draw(d.Salt, d.IP, d.UserAgent); got != d.Bits/(1<<32) || gate.Network(d.IP) != d.Network {
			t.Errorf("%s (%s), %q: %v, want %v in %s", d.IP, gate.Network(d.IP), d.UserAgent, got, d.Bits/(1<<32), d.Network)
		}
	}
	// Of many visitors the share below a is a: five standard deviations of 20,000.
	const n = 20_000
	for _, a := range []float64{0.05, 0.5, 0.95} {
		below := 0
		for i := range n {
			if gate.Draw("0123456789", fmt.Sprintf("10.%d.%d.7", i>>8, i&255), "browser") < a {
				below++
			}
		}
		if share := float64(below) / n; math.Abs(share-a) > 5*math.Sqrt(a*(1-a)/n) {
			t.Errorf("the share below %v is %v", a, share)
		}
	}
}

// TestRaisingTheShareOnlyAddsPeople is what makes reloading useless.
func TestRaisingTheShareOnlyAddsPeople(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := throttledFor(t)
		a, b := rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		r := gate.Request{
			ID: "id", IP: fmt.Sprintf("192.0.%d.%d", rapid.IntRange(0, 255).Draw(t, "x"), rapid.IntRange(0, 255).Draw(t, "y")),
			UserAgent: rapid.String().Draw(t, "agent"), Method: "GET", FetchMode: "navigate", Path: "/",
		}
		g.Admit = min(a, b)
		less := gate.Known{Gate: &g}.Decide(r, noon)
		again := gate.Known{Gate: &g}.Decide(r, noon.Add(time.Minute))
		h := g
		h.Admit = max(a, b)
		more := gate.Known{Gate: &h}.Decide(r, noon)
		if less.Outcome == gate.Admitted && more.Outcome != gate.Admitted || less.Outcome != again.Outcome {
			t.Fatalf("%v at %v, %v at %v", less.Outcome, g.Admit, more.Outcome, h.Admit)
		}
	})
}

func throttledFor(t *rapid.T) gate.Gate {
	return gate.Gate{
		Mode: gate.Throttle, Salt: "0123456789abcdef", Until: noon.Add(10 * time.Minute), Settings: gate.DefaultSettings(),
		Keys: bypass.PassKeys{{ID: 0, Key: strings.Repeat("k", 32)}},
	}
}

func TestSafePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/": "/", "/apply": "/apply", "/apply?x=1&y=a%2Fb": "/apply?x=1&y=a%2Fb", "/@x": "/@x", "/a/./b": "/a/./b",
		"": "/", "apply": "/", "//example.org": "/", "//": "/", "/a//b": "/a//b", "/\\example.org": "/", "/a\\b": "/", "https://example.org/": "/",
		"/\t/example.org": "/", "/a b": "/", "/a\r\nSet-Cookie: x": "/", "/\x00": "/", "/\x7f": "/", "/é": "/%C3%A9", "/\xff": "/%EF%BF%BD", " /": "/", "/%": "/%", "/%é": "/%%C3%A9",
		"/apply?step=2&redirect_uri=https://www.example.org/cb": "/apply?step=2&redirect_uri=https://www.example.org/cb",
		"/apply?plan=gold&ref=//cdn.example.org":                "/apply?plan=gold&ref=//cdn.example.org", "/apply?a b": "/apply", "/apply?a\\b": "/apply", "/apply?é": "/apply?%C3%A9",
		"/apply?": "/apply", "/apply?x=?": "/apply?x=?", "/apply?ad=" + strings.Repeat("x", 550): "/apply?ad=" + strings.Repeat("x", 550),
		"/apply?" + strings.Repeat("x", 1017): "/apply?" + strings.Repeat("x", 1017), "/apply?" + strings.Repeat("x", 1018): "/apply", "/" + strings.Repeat("é", 171): "/",
		"javascript:alert(1)": "/", "/" + strings.Repeat("a", 1023): "/" + strings.Repeat("a", 1023), "/" + strings.Repeat("a", 1024): "/",
	} {
		if got := gate.SafePath(path); got != want {
			t.Errorf("SafePath(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for _, m := range []gate.Mode{gate.Open, gate.Throttle, gate.Hold, gate.Observe} {
		if got, err := gate.ParseMode(string(m)); got != m || err != nil {
			t.Errorf("%s: %s, %v", m, got, err)
		}
	}
	if _, err := gate.ParseMode("Open"); err == nil || !strings.Contains(err.Error(), "hold or observe") {
		t.Errorf("a mode that is none: %v", err)
	}
	if _, err := gate.ParseFailure("closed"); err == nil {
		t.Error("a failure that is none")
	}
}
