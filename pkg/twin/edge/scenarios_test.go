package edge

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

// addScenarios names every branch of the two functions in a sentence.
func addScenarios(add func(name string, change func(s *scenario)), w scene) {
	at := func(d time.Duration) time.Time { return w.now.Add(d) }

	add("a visitor who draws low comes in and is given a pass", func(s *scenario) { s.request.ip = w.in })
	add("a visitor who draws high is turned away", func(s *scenario) {})
	draw := gate.Draw(w.old.DailySalt(w.now), w.out, "browser")
	add("a draw that equals the share is turned away", func(s *scenario) { s.gate.Admit = draw })
	add("a draw just below the share comes in", func(s *scenario) { s.gate.Admit = draw + 1.0/(1<<32) })
	add("a share of 1 lets everyone in", func(s *scenario) { s.gate.Admit = 1 })
	add("a share of 0 lets nobody in", func(s *scenario) { s.gate.Admit, s.request.ip = 0, w.in })
	add("the browser's name is part of the draw", func(s *scenario) { s.header("user-agent", "browser/8 Zażółć") })
	add("no browser's name is a name too", func(s *scenario) { s.header("user-agent", "") })

	add("an IPv6 visitor draws by the first 64 bits", func(s *scenario) { s.request.ip = "2001:db8:0:7::1" })
	add("the same network written in full draws the same", func(s *scenario) { s.request.ip = "2001:0db8:0000:0007:1111:2222:3333:4444" })
	add("a zero group inside the first 64 bits", func(s *scenario) { s.request.ip = "2001:db8::7:0:0:0:1" })
	add("an address that begins with zeros", func(s *scenario) { s.request.ip = "::1" })
	add("an IPv4 address inside IPv6 draws as IPv4", func(s *scenario) { s.request.ip = "::ffff:" + w.in })

	add("hold turns everyone away", func(s *scenario) { s.gate.Mode, s.gate.Admit, s.request.ip = gate.Hold, 0, w.in })
	add("hold past its time lets the stale share in", func(s *scenario) {
		s.gate.Mode, s.gate.Admit, s.request.ip, s.now = gate.Hold, 0, w.in, at(10*time.Minute)
	})
	add("throttle in its last second still means what it says", func(s *scenario) { s.gate.Admit, s.now = 1, at(10*time.Minute-time.Second) })
	add("throttle past its time falls back to the stale share", func(s *scenario) { s.gate.Admit, s.now = 1, at(10*time.Minute) })
	add("observe lets a high draw in and counts it as turned away", func(s *scenario) { s.gate.Mode = gate.Observe })
	add("observe counts a low draw as admitted", func(s *scenario) { s.gate.Mode, s.request.ip = gate.Observe, w.in })
	add("observe does not run out", func(s *scenario) { s.gate.Mode, s.now = gate.Observe, at(24*time.Hour) })
	add("open lets everyone in with a pass", func(s *scenario) { s.gate.Mode = gate.Open })
	oneLine := `{"mode":"open"}`
	add("open written by hand lets everyone in without a pass", func(s *scenario) { s.gateText = &oneLine })
	add("open written by hand takes a pass out of the request all the same", func(s *scenario) { s.gateText = &oneLine; s.cookie(w.good) })

	add("one visitor in ten is counted, and this one is not", func(s *scenario) { s.gate.Sample = 10 })
	// counted gives the request an id by which it is counted.
	counted := func(s *scenario) {
		for i := range 100 {
			s.request.id = fmt.Sprintf("request%02d", i*7%100)
			r := gate.Request{ID: s.request.id, IP: s.request.ip, UserAgent: "browser", Method: "GET", FetchMode: "navigate", Path: "/"}
			if (gate.Known{Gate: &s.gate}).Decide(r, s.now).Visitors > 0 {
				return
			}
		}
		panic("no request's id is counted")
	}
	add("one visitor in ten is counted, and this one is as ten", func(s *scenario) { s.gate.Sample = 10; counted(s) })
	add("one in ten, admitted", func(s *scenario) { s.gate.Sample, s.request.ip = 10, w.in; counted(s) })
	add("one in ten, in open, where the draw decides nothing", func(s *scenario) { s.gate.Mode, s.gate.Sample = gate.Open, 10; counted(s) })
	add("a request's id of a few characters leaves the choice to the visitor's bits", func(s *scenario) { s.gate.Sample, s.request.id = 2, "id" })
	add("a request's id beyond ASCII", func(s *scenario) { s.gate.Sample, s.request.id = 2, "ééé𝒳-ééé𝒳-ééé𝒳" })

	add("a good pass comes back in, and the site does not see it", func(s *scenario) {
		s.request.cookies = []pair{{"session", "abc"}, {passCookie, w.good}, {"consent", "yes"}}
	})
	add("a pass at exactly half its life is not renewed", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-30*time.Minute), at(-30*time.Minute), time.Hour))
	})
	add("a pass past half its life is renewed, and keeps its kind, its first issue and its id", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Redeemed, at(-31*time.Minute), at(-31*time.Minute), time.Hour))
	})
	add("a renewal stops at 24 hours from the first issue", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-23*time.Hour-40*time.Minute), at(-50*time.Minute), time.Hour))
	})
	add("a pass that already ends at 24 hours is not renewed again", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-23*time.Hour-50*time.Minute), at(-20*time.Minute), 30*time.Minute))
	})
	add("a pass in its last second", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-time.Hour+time.Second), at(-time.Hour+time.Second), time.Hour))
	})
	add("a pass whose time is over draws like everybody", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-time.Hour), at(-time.Hour), time.Hour))
	})
	add("a pass with another MAC", func(s *scenario) { s.cookie(w.good[:len(w.good)-1] + "x") })
	add("a pass with a later expiry under the old MAC", func(s *scenario) {
		s.cookie(strings.Replace(w.good, ".1772370000.", ".1972370000.", 1))
	})
	add("another stack's pass", func(s *scenario) { s.cookie(w.pass(w.other, bypass.Drawn, w.now, w.now, time.Hour)) })
	add("a pass under a key that nobody has", func(s *scenario) { s.cookie(strings.Replace(w.good, "1.0.", "1.5.", 1)) })
	add("a pass of another version", func(s *scenario) { s.cookie(strings.Replace(w.good, "1.0.", "2.0.", 1)) })
	add("a cookie that is no pass", func(s *scenario) { s.cookie("hello") })
	add("a pass among cookies whose names every object has", func(s *scenario) {
		s.request.cookies = []pair{{"__proto__", "1"}, {"constructor", "2"}, {passCookie, w.good}}
	})
	add("an empty cookie", func(s *scenario) { s.cookie("") })
	add("a cookie of 4 KB", func(s *scenario) { s.cookie(w.good + strings.Repeat("x", 4000)) })
	add("two cookies of the name, the second good", func(s *scenario) { s.cookie("1.0.d.1.1.x.y"); s.cookie(w.good) })
	add("two cookies of the name, neither good", func(s *scenario) { s.cookie("x"); s.cookie("y") })
	add("other people's malformed cookies stay as they are", func(s *scenario) {
		s.request.ip = w.in
		s.request.cookies = []pair{{"a b", ""}, {"", "c"}, {"q", `"=;`}, {"__proto", "{}"}, {"é", "ü"}}
	})

	add("a rotated key signs nothing before its time", func(s *scenario) { s.request.ip = w.in; s.now = at(5*time.Minute - time.Second) })
	add("a rotated key signs from its time on", func(s *scenario) { s.request.ip = w.in; s.now = at(5 * time.Minute) })
	add("a pass of the old key is good after the rotation, and renewed under the new one", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Operator, at(-30*time.Minute), at(-30*time.Minute), time.Hour))
		s.now = at(6 * time.Minute)
	})
	add("a pass of the new key is good before its time, from a clock that is ahead", func(s *scenario) {
		s.cookie(w.pass(w.rotated, bypass.Drawn, at(5*time.Minute), at(5*time.Minute), time.Hour))
	})
	add("with keys to come only, whoever is lucky comes in without a pass", func(s *scenario) {
		s.request.ip, s.gate.Keys = w.in, w.rotated.PassKeys(w.now)[1:]
	})

	add("without the gate the base holds: a draw below the stale share comes in", func(s *scenario) { s.noGate, s.request.ip = true, w.in })
	add("without the gate the base holds: a draw above it is turned away", func(s *scenario) { s.noGate = true })
	add("without the gate a pass is good by the base's keys", func(s *scenario) { s.noGate = true; s.cookie(w.good) })
	add("without the gate a base that fails open lets everyone in", func(s *scenario) { s.noGate, s.base.Failure = true, gate.FailOpen })
	add("without both, open lets everyone in", func(s *scenario) { s.noGate, s.noBase = true, true })
	add("without both, hold turns away to the bare room", func(s *scenario) { s.noGate, s.noBase, s.failure = true, true, "hold" })
	add("without both, hold lets in who bears any pass", func(s *scenario) {
		s.noGate, s.noBase, s.failure = true, true, "hold"
		s.cookie("not to be checked")
	})
	add("the constant does not matter while there is a gate", func(s *scenario) { s.failure, s.request.ip = "hold", w.in })
	for _, broken := range [][2]string{
		{"cut off", `{"mode":"thro`}, {"null", `null`}, {"a number", `7`}, {"without salt and keys", `{"mode":"hold"}`},
		{"of an unknown mode", `{"mode":"shut","salt":"0123456789","pass":3600,"sample":1,"keys":[[0,"01234567890123456789012345678901",0]]}`},
	} {
		add("a gate that is "+broken[0]+" is read as missing", func(s *scenario) { s.gateText = &broken[1] })
	}

	add("a POST is never gated, and its pass is taken out", func(s *scenario) { s.request.method = "POST"; s.cookie(w.good) })
	add("a HEAD is gated", func(s *scenario) { s.request.method = "HEAD" })
	add("OPTIONS is never gated", func(s *scenario) { s.request.method = "OPTIONS" })
	add("an image is never gated, and its pass is taken out", func(s *scenario) {
		s.header("sec-fetch-mode", "no-cors")
		s.cookie(w.good)
	})
	add("a script's request for HTML is never gated where the browser says so", func(s *scenario) { s.header("sec-fetch-mode", "cors") })
	add("an old browser's navigation is told by Accept", func(s *scenario) { s.header("sec-fetch-mode", "") })
	add("an old browser's image is told by Accept", func(s *scenario) { s.header("sec-fetch-mode", ""); s.header("accept", "image/png,*/*") })
	add("an Accept that comes twice", func(s *scenario) {
		s.header("sec-fetch-mode", "")
		s.request.headers = append([]pair{{"accept", "application/xml"}}, s.request.headers...)
	})
	add("no Accept and no Sec-Fetch-Mode is no browser", func(s *scenario) { s.header("sec-fetch-mode", ""); s.header("accept", "") })
	add("a prefix to leave alone", func(s *scenario) { s.request.path = "/api/status" })
	add("a path that only looks like the prefix", func(s *scenario) { s.request.path = "/apis" })
	add("the room is left alone, pass and all", func(s *scenario) { s.request.path = "/waiting-room/en/"; s.cookie(w.good) })
	add("the bare room is left alone", func(s *scenario) { s.request.path = "/waiting-room" })
	add("a path that only looks like the room is gated", func(s *scenario) { s.request.path = "/waiting-rooms" })
	add("a client-made header is removed", func(s *scenario) { s.header(passHeader, "1.0.o.x; Path=/"); s.cookie(w.good) })
	add("a client-made header is removed on the way to the room", func(s *scenario) {
		s.header(passHeader, "1.0.o.x; Path=/")
		s.request.path = "/waiting-room/en/"
	})

	for _, l := range [][2]string{
		{"es-MX,es;q=0.9", "a Spanish browser"}, {"fr, de;q=0.9, *;q=0.5", "languages that the room has not"},
		{"en;q=0.1, es;q=0.8", "the order of the weights counts"}, {"pt-BR,pt;q=0.9", "the longer tag wins"},
		{"pt-PT", "a dialect that the room has not"}, {"es;q=0", "a weight of nothing"}, {"es;q=2, pt;q=0.5", "a weight that is none"},
		{",,;q=1,es;", "commas only"}, {strings.Repeat("xx,", 12) + "es", "the thirteenth language is not read"}, {"ES", "upper case"},
		{"\tes ;  q=0.700", "blanks"},
		{"pt-BR-x-home", "a dialect of a dialect"}, {"-es, es-;q=0.2", "hyphens at the ends"},
		{strings.Repeat("x-", 20) + "es, es;q=0.1", "a tag of 42 characters is not read"},
	} {
		add("language: "+l[1], func(s *scenario) { s.header("accept-language", l[0]) })
	}
	for _, asked := range []string{"es-MX,es;q=0.9", "es", "es-MX;q=0.1,en", "fr-CA,es;q=0.5", "es-419,en"} {
		add("a room of plain languages is asked for "+asked, func(s *scenario) {
			s.gate.Languages = []string{"en", "es"}
			s.header("accept-language", asked)
		})
	}
	add("no language", func(s *scenario) { s.header("accept-language", "") })
	add("no languages in the settings lead to the bare room", func(s *scenario) { s.gate.Languages = nil })

	for _, p := range [][3]string{
		{"a query goes along", "/apply", "state=OH&step=2"}, {"parameters without a value", "/apply", "wsdl&x="},
		{"a parameter that comes twice", "/apply", "a=1&b=2&a=3"}, {"what needs escaping", "/a%20b", "q=%C3%A9+'()*!~&r=a/b?c"},
		{"names that every object has", "/apply", "__proto__=1&constructor=2&hasOwnProperty=3&toString"},
		{"another host in front", "//example.org/", ""}, {"a backslash", "/\\example.org", ""}, {"two slashes in the query", "/go", "u=https://example.org"},
		{"a letter beyond ASCII", "/é", ""}, {"512 bytes", "/" + strings.Repeat("a", 511), ""}, {"513 bytes", "/" + strings.Repeat("a", 512), ""},
		{"the query makes it 513", "/" + strings.Repeat("a", 509), "b=c"},
	} {
		add("the way back: "+p[0], func(s *scenario) { s.request.path, s.request.query = p[1], p[2] })
	}

	response := func(cookies string) json.RawMessage {
		return json.RawMessage(`{"statusCode":200,"statusDescription":"OK","headers":{"content-type":{"value":"text/html"}}` + cookies + `}`)
	}
	finished := w.good + "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600"
	add("remember.js sets the finished cookie beside the site's own", func(s *scenario) {
		s.function, s.response = "remember", response(`,"cookies":{"session":{"value":"abc","attributes":"Path=/; HttpOnly"}}`)
		s.header(passHeader, finished)
	})
	add("remember.js sets it where the site sets none", func(s *scenario) {
		s.function, s.response = "remember", response("")
		s.header(passHeader, finished)
	})
	add("remember.js leaves an answer alone to which nothing was given", func(s *scenario) {
		s.function, s.response = "remember", response(`,"cookies":{"session":{"value":"abc","attributes":"Path=/"}}`)
	})
}
