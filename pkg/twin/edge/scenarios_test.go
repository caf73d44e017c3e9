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
	add("hold has no end, also where an old inviter wrote one", func(s *scenario) {
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

	add("a good pass comes back in, and the site does not see it", func(s *scenario) {
		s.request.cookies = []pair{{"session", "abc"}, {passCookie, w.good}, {"consent", "yes"}}
	})
	add("a pass of version 1 with more than half its life is not renewed", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-30*time.Minute+time.Second), at(-30*time.Minute+time.Second), time.Hour))
	})
	add("a pass of version 1 at exactly half its life is renewed, as version 2", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-30*time.Minute), at(-30*time.Minute), time.Hour))
	})
	add("a pass past half its life is renewed, and keeps its kind, its first issue and its id", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Redeemed, at(-31*time.Minute), at(-31*time.Minute), time.Hour))
	})
	add("a renewal stops at 24 hours from the first issue", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-23*time.Hour-40*time.Minute), at(-50*time.Minute), time.Hour))
	})
	add("a pass of version 1 that already ends at 24 hours is renewed to the same end", func(s *scenario) {
		s.cookie(w.pass(w.old, bypass.Drawn, at(-23*time.Hour-50*time.Minute), at(-20*time.Minute), 30*time.Minute))
	})
	second := func(first, minted, now time.Time) string {
		p := bypass.NewPass(bypass.Drawn, w.id, minted, time.Hour)
		if !first.Equal(minted) {
			p.First = first
			value, err := w.old.RenewPass(bypass.Pass{Kind: p.Kind, ID: p.ID, First: first, Expires: minted.Add(time.Minute)}, minted, time.Hour)
			if err != nil {
				panic(err)
			}
			return value
		}
		value, err := w.old.PassKeys(minted).Mint(p, minted)
		if err != nil {
			panic(err)
		}
		return value
	}
	half := second(at(-30*time.Minute), at(-30*time.Minute), w.now)
	early := second(at(-30*time.Minute+time.Second), at(-30*time.Minute+time.Second), w.now)
	add("a pass of version 2 is not renewed before its time", func(s *scenario) { s.cookie(early) })
	add("a pass of version 2 is renewed from its time on", func(s *scenario) { s.cookie(half) })
	add("a pass of version 2 at the end of its day is not renewed", func(s *scenario) {
		s.cookie(second(at(-23*time.Hour-50*time.Minute), at(-20*time.Minute), w.now))
	})
	add("a pass of version 2 whose time is over", func(s *scenario) { s.cookie(second(at(-time.Hour), at(-time.Hour), w.now)) })
	add("a pass of version 2 with another MAC", func(s *scenario) { s.cookie(half[:len(half)-1] + "g") })
	add("a pass of version 2 with its MAC in capitals", func(s *scenario) { s.cookie(half[:len(half)-33] + strings.ToUpper(half[len(half)-33:])) })
	add("a pass of version 2 that is called version 1", func(s *scenario) { s.cookie("1" + half[1:]) })
	add("a form that is sent renews", func(s *scenario) { s.request.method = "POST"; s.cookie(half) })
	add("a form that is sent does not renew before the time", func(s *scenario) { s.request.method = "POST"; s.cookie(early) })
	fetch := func(s *scenario) {
		s.header("sec-fetch-dest", "empty")
		s.header("sec-fetch-mode", "cors")
		s.header("accept", "*/*")
	}
	add("a script's fetch renews", func(s *scenario) { fetch(s); s.cookie(half) })
	add("a script's fetch with a pass of version 1 renews", func(s *scenario) {
		fetch(s)
		s.cookie(w.pass(w.old, bypass.Redeemed, at(-31*time.Minute), at(-31*time.Minute), time.Hour))
	})
	add("a script's DELETE without a pass passes", func(s *scenario) { fetch(s); s.request.method = "DELETE" })
	add("a frame renews", func(s *scenario) { s.header("sec-fetch-dest", "iframe"); s.cookie(half) })
	for _, dest := range []string{"image", "style", "script", "font"} {
		add("what never renews: "+dest, func(s *scenario) {
			s.header("sec-fetch-dest", dest)
			s.header("sec-fetch-mode", "no-cors")
			s.cookie(half)
		})
	}
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
	add("a cookie that is not a pass", func(s *scenario) { s.cookie("hello") })
	add("a pass among cookies whose names every object has", func(s *scenario) {
		s.request.cookies = []pair{{"__proto__", "1"}, {"constructor", "2"}, {passCookie, w.good}}
	})
	add("an empty cookie", func(s *scenario) { s.cookie("") })
	add("a cookie of 4 KB", func(s *scenario) { s.cookie(w.good + strings.Repeat("x", 4000)) })
	add("two cookies of the name, the second good", func(s *scenario) { s.cookie("1.0.d.1.1.x.y"); s.cookie(w.good) })
	add("two cookies of the name, the first forged of version 1", func(s *scenario) { s.cookie(w.good[:len(w.good)-1] + "x"); s.cookie(w.good) })
	add("two cookies of the name, the first forged of version 2", func(s *scenario) { s.cookie(half[:len(half)-1] + "g"); s.cookie(w.good) })
	add("three cookies of the name, the third good", func(s *scenario) { s.cookie("x"); s.cookie("y"); s.cookie(w.good) })
	add("a fetch with two cookies of the name, the second to be renewed", func(s *scenario) { fetch(s); s.cookie(early[:len(early)-1] + "g"); s.cookie(half) })
	add("a fetch with two cookies of the name, the first not to be renewed yet", func(s *scenario) { fetch(s); s.cookie(early); s.cookie(half) })
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

	tables(add, w)

	add("a POST is never gated, and its pass is taken out", func(s *scenario) { s.request.method = "POST"; s.cookie(w.good) })
	add("a HEAD is gated", func(s *scenario) { s.request.method = "HEAD" })
	add("OPTIONS is never gated", func(s *scenario) { s.request.method = "OPTIONS" })
	add("an image is never gated, and its pass is taken out", func(s *scenario) {
		s.header("sec-fetch-dest", "image")
		s.header("sec-fetch-mode", "no-cors")
		s.cookie(w.good)
	})
	add("a script's request for HTML is never gated where the browser says so", func(s *scenario) {
		s.header("sec-fetch-dest", "empty")
		s.header("sec-fetch-mode", "cors")
	})
	add("a page that a service worker passes on", func(s *scenario) { s.header("sec-fetch-dest", "empty") })
	add("a file that is to be saved", func(s *scenario) { s.header("sec-fetch-dest", "empty"); s.header("accept", "") })
	add("a page that a service worker passes on, with a pass", func(s *scenario) { s.header("sec-fetch-dest", "empty"); s.cookie(w.good) })
	// Chrome says nothing of what it asks for, and others one of these two.
	for _, says := range [][2]string{{"", ""}, {"empty", "websocket"}, {"websocket", "websocket"}} {
		socket := func(s *scenario) {
			s.header("sec-fetch-dest", says[0])
			s.header("sec-fetch-mode", says[1])
			s.header("accept", "")
			s.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
			s.request.path = "/live"
		}
		name := "a WebSocket that says " + says[0] + " " + says[1]
		add(name, socket)
		add(name+", in a hold", func(s *scenario) { socket(s); s.gate.Mode, s.gate.Admit = gate.Hold, 0 })
		add(name+" renews a pass", func(s *scenario) { socket(s); s.cookie(half) })
		add(name+", under a strict path", func(s *scenario) { socket(s); s.gate.Strict = []string{"/live"} })
		add(name+", under a strict path, with a pass", func(s *scenario) { socket(s); s.gate.Strict = []string{"/live"}; s.cookie(w.good) })
	}
	add("Chrome 76 to 79 say the mode alone: a page", func(s *scenario) { s.header("sec-fetch-dest", "") })
	add("Chrome 76 to 79 say the mode alone: an image", func(s *scenario) { s.header("sec-fetch-dest", ""); s.header("sec-fetch-mode", "no-cors") })
	old := func(accept, path string) func(*scenario) {
		return func(s *scenario) {
			s.header("sec-fetch-dest", "")
			s.header("sec-fetch-mode", "")
			s.header("accept", accept)
			s.request.path = path
		}
	}
	add("an old browser's navigation is told by Accept", old("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "/apply"))
	add("an old browser's navigation in capitals", old("Text/HTML", "/apply"))
	add("XHTML first", old("application/xhtml+xml;q=1", "/apply"))
	add("HTML that is not first is not a page", old("application/json, text/html", "/apply"))
	add("a type that only begins like HTML", old("text/html5", "/apply"))
	add("an old browser's image is told by Accept", old("image/png,*/*", "/apply"))
	add("an old browser's style is told by Accept", old("text/css,*/*;q=0.1", "/site.css"))
	add("anything at all, as curl asks, is a page", old("*/*", "/apply"))
	add("anything at all, as an old browser asks for a script, is told by its name", old("*/*", "/static/app.JS"))
	add("anything at all, with a weight, of a font", old("*/*;q=0.8", "/static/font.woff2"))
	add("a dot in a directory is not an asset's name", old("*/*", "/v1.css/apply"))
	add("a page whose name has an ending", old("*/*", "/apply.php"))
	add("no Accept is a page, as some programs ask", old("", "/apply"))
	add("no Accept, and an asset's name", old("", "/logo.png"))
	add("the page of a browser that asks for all as for HTML", old("text/html, application/xml;q=0.9, application/xhtml+xml, image/png, */*;q=0.1", "/apply"))
	add("its image is told by its name", old("text/html, application/xml;q=0.9, application/xhtml+xml, image/png, */*;q=0.1", "/logo.png"))
	add("a page fetched ahead by Chrome before 95", func(s *scenario) { s.header("purpose", "prefetch") })
	add("a page that Safari shows small", func(s *scenario) { s.header("purpose", "preview") })
	add("a type with blanks around", old(" text/html ;q=1", "/apply"))
	add("an empty type first", old(",image/png", "/apply"))
	for _, accept := range []string{"application/json", "application/json, text/javascript, */*; q=0.01", "application/json, text/plain, */*", "image/png", "text/css,*/*;q=0.1"} {
		add("an old browser with a pass to renew asks for "+accept, func(s *scenario) { old(accept, "/data")(s); s.cookie(half) })
	}
	for _, name := range []string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 8_1 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like Gecko) Version/8.0 Mobile/12B411 Safari/600.1.4 (compatible; YandexMobileBot/3.0; +http://yandex.com/bots)",
		"Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
		"Mozilla/5.0 (compatible; SeznamBot/4.0; +https://o-seznam.cz/napoveda/vyhledavani/en/seznambot-crawler/)", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
		"Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
		"Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; Embedded Web Browser from: http://bsalsa.com/)", "Mozilla/5.0 (Linux; Android 10; CUBOT_X18_Plus) AppleWebKit/537.36 Chrome/90.0 Mobile Safari/537.36", "okhttp/4.9.3",
	} {
		add("in a hold comes "+name, func(s *scenario) { s.gate.Mode, s.gate.Admit = gate.Hold, 0; s.header("user-agent", name) })
	}
	add("an Accept that comes twice is read once", func(s *scenario) {
		old("application/xml", "/apply")(s)
		s.request.headers = append(s.request.headers, pair{"accept", "text/html"})
	})
	for _, path := range []string{"/robots.txt", "/robots.txt.html", "/.well-known/security.txt", "/.well-known/../apply", "/.well-known"} {
		add("what robots and authorities ask for: "+path, func(s *scenario) { s.request.path = path })
	}
	for _, path := range []string{"/waiting-room/../apply", "/waiting-room/%2e%2e/apply", "/waiting-room/..%2fapply", "/waiting-room//apply", "/waiting-room\\apply", "/waiting-room/%5c../apply", "/waiting-room/./en/", "/api/..%2fapply", "/api/%2E%2E/apply", "/api//apply", "/api/../apply", "/api/" + strings.Repeat("a", 508)} {
		add("no exemption for a path that may lead elsewhere: "+path[:min(len(path), 40)], func(s *scenario) { s.request.path = path })
	}
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
		{",,;q=1,es;", "commas only"}, {strings.Repeat("xx,", 5) + "es", "the sixth language is read"}, {strings.Repeat("xx,", 6) + "es", "the seventh is not"}, {"ES", "upper case"},
		{"\tes ;  q=0.700", "blanks"},
		{"pt-BR-x-home", "a dialect of a dialect"}, {"-es, es-;q=0.2", "hyphens at the ends"},
		{strings.Repeat("x-", 20) + "es, es;q=0.1", "a tag of 42 characters is not read"},
		{strings.Repeat("es-", 100) + "es", "a tag that goes on for ever is tried eight times"}, {"es;q=1.5,pt;q=0.1", "a weight above 1"}, {"es\t", "a tab"},
		{"de-DE,de;q=0.9,fr-FR;q=0.8,fr;q=0.7,es-ES;q=0.6", "the eighth tag is looked up"}, {"de-DE,de;q=0.9,fr-FR;q=0.8,fr;q=0.7,it-IT;q=0.6,es;q=0.5", "the ninth tag is not"},
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
		{"a query goes along", "/apply", "state=OH&step=2"}, {"parameters without a value", "/apply", "wsdl&x="}, {"brackets of PHP", "/apply", "a[]=1"}, {"what encodeURI encodes", "/apply", "a={|}^`\"<>"},
		{"a parameter that comes twice", "/apply", "a=1&b=2&a=3"}, {"what needs escaping", "/a%20b", "q=%C3%A9+'()*!~&r=a/b?c"},
		{"names that every object has", "/apply", "__proto__=1&constructor=2&hasOwnProperty=3&toString"},
		{"another host in front", "//example.org/", ""}, {"a backslash", "/\\example.org", ""}, {"two slashes later on", "/go//on", "u=https://example.org"},
		{"a letter beyond ASCII", "/é", ""}, {"letters beyond ASCII beside what is escaped", "/a%20é/%", "q=ü%20"}, {"1,024 bytes", "/" + strings.Repeat("a", 1023), ""}, {"1,025 bytes", "/" + strings.Repeat("a", 1024), ""},
		{"the query makes it 1,024", "/" + strings.Repeat("a", 1019), "b=c"}, {"the query makes it 1,025", "/" + strings.Repeat("a", 1020), "b=c"},
		{"an address to come back to", "/apply", "step=2&redirect_uri=https://www.example.org/cb"}, {"an address without a scheme", "/apply", "plan=gold&ref=//cdn.example.org"},
		{"a link of an advertisement", "/apply", "gclid=" + strings.Repeat("Cj0KCQ", 90)}, {"a query that does not fit", "/apply", "token=" + strings.Repeat("x", 1100)},
		{"a query with a space", "/apply", "a b"}, {"a query with a backslash", "/apply", "a\\b"}, {"a percent sign alone", "/%", "%"}, {"half an escape", "/%2", "a=%e"},
		{"a control character", "/\x01", ""}, {"a space", "/a b", ""}, {"letters that do not fit when escaped", "/" + strings.Repeat("é", 180), ""}, {"128 letters", "/" + strings.Repeat("é", 127), ""}, {"129 letters", "/" + strings.Repeat("é", 128), ""},
		{"a long query of letters", "/apply", strings.Repeat("é", 300)}, {"a long query with a semicolon", "/apply", strings.Repeat("a=1&amp;", 40)},
		{"a query twice as long as a URL may be", "/apply", strings.Repeat("?&a", 5000)},
	} {
		add("the way back: "+p[0], func(s *scenario) { s.request.path, s.request.query, s.request.mark = p[1], p[2], p[2] != "" })
	}
	add("the way back: a question mark alone", func(s *scenario) { s.request.mark = true })

	for _, ip := range []string{"::ffff:c000:201", "::FFFF:C000:0201", "0:0:0:0:0:ffff:c000:201", "::ffff:192.0.2.1", "::c000:201", "64:ff9b::192.0.2.1", "::", "1::", "2001:db8::192.0.2.1"} {
		add("the address "+ip, func(s *scenario) { s.request.ip = ip })
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

// tables are the answers that operators read in a table: what each kind of
// request gets in each mode, and what happens when the edge cannot read a current
// decision.
func tables(add func(name string, change func(s *scenario)), w scene) {
	at := func(d time.Duration) time.Time { return w.now.Add(d) }
	fetch := func(s *scenario) {
		s.header("sec-fetch-dest", "empty")
		s.header("sec-fetch-mode", "cors")
		s.header("accept", "application/json")
	}
	kinds := []struct {
		name string
		ask  func(*scenario)
	}{
		{"a page", func(s *scenario) {}},
		{"a page fetched ahead", func(s *scenario) { s.header("sec-purpose", "prefetch;prerender") }},
		{"a search engine", func(s *scenario) {
			const name = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
			s.header("user-agent", name)
			unlucky := s.request.ip != w.in
			for i := 0; (gate.Draw(s.gate.Salt, s.request.ip, name) > 0.6) != unlucky; i++ {
				s.request.ip = fmt.Sprint("198.51.100.", i)
			}
		}},
		{"a frame", func(s *scenario) { s.header("sec-fetch-dest", "iframe") }},
		{"an image", func(s *scenario) { s.header("sec-fetch-dest", "image"); s.header("sec-fetch-mode", "no-cors") }},
		{"a strict page", func(s *scenario) { s.request.path = "/account/start" }},
		{"a strict page in capitals", func(s *scenario) { s.request.path = "/Account/start" }},
		{"a strict fetch", func(s *scenario) { fetch(s); s.request.path = "/account/data" }},
		{"a strict form that is sent", func(s *scenario) { s.request.method, s.request.path = "POST", "/account/data" }},
		{"a strict image", func(s *scenario) {
			s.header("sec-fetch-dest", "image")
			s.header("sec-fetch-mode", "no-cors")
			s.request.path = "/account/photo.png"
		}},
		{"a strict page fetched ahead", func(s *scenario) { s.header("sec-purpose", "prefetch"); s.request.path = "/account/start" }},
		{"a strict preflight", func(s *scenario) {
			s.request.method, s.request.path = "OPTIONS", "/account/data"
			s.header("access-control-request-method", "PUT")
		}},
		{"OPTIONS that is not a preflight", func(s *scenario) { s.request.method, s.request.path = "OPTIONS", "/account/data" }},
		{"a path to leave alone that is strict", func(s *scenario) { s.request.path = "/api/account" }},
	}
	for _, mode := range []struct {
		name string
		set  func(*scenario)
	}{
		{"throttle at 0.5, unlucky", func(s *scenario) {}},
		{"throttle at 0.5, lucky", func(s *scenario) { s.request.ip = w.in }},
		{"throttle at 1", func(s *scenario) { s.gate.Admit = 1 }},
		{"hold", func(s *scenario) { s.gate.Mode, s.gate.Admit, s.gate.Until = gate.Hold, 0, time.Time{} }},
		{"observe", func(s *scenario) { s.gate.Mode = gate.Observe }},
		{"open", func(s *scenario) { s.gate.Mode = gate.Open }},
	} {
		for _, kind := range kinds {
			for _, pass := range []bool{false, true} {
				name := mode.name + ": " + kind.name
				if pass {
					name += ", with a pass"
				}
				add(name, func(s *scenario) {
					s.gate.Strict = []string{"/account/", "/api/account"}
					mode.set(s)
					kind.ask(s)
					if pass {
						s.cookie(w.good)
					}
				})
			}
		}
	}
	for _, path := range []string{"//account/data", "/x/../account/data", "/x/%2e%2e/account/data", "/x%2faccount/data", "/%61ccount/data", "/./account/data", "/\\account/data", "/account%2Fdata", "/account;x/data", "/account;/data", "/;/account/data", "/acc%6Funt/", "/é", "/x;y", "/accounts", "/a%20b", "/a%7Cb", "/a%4", "/100%", "/%%20", "/a%zz", "/acc%0Aount/data", "/a%00", "/a%1f", "/waiting-room/%41", "/.well-known/%41", "/%d0%bf%D0%A0", "/" + strings.Repeat("%20", 170), "/" + strings.Repeat("%20", 171), "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 512)} {
		add("strict paths and "+path[:min(len(path), 40)], func(s *scenario) {
			s.gate.Strict = []string{"/account/"}
			s.request.method, s.request.path = "POST", path
		})
	}
	add("a strict path asks for JSON among others", func(s *scenario) {
		fetch(s)
		s.header("accept", "application/problem+json, text/plain")
		s.gate.Strict, s.request.path = []string{"/account/"}, "/account/"
	})

	// The table of docs/design.md, decision 43. The law's decision, past its end, is above.
	fixed := func(admit float64) func(*scenario) {
		return func(s *scenario) {
			s.gate.Admit, s.gate.Fixed, s.gate.Until, s.now = admit, true, time.Time{}, at(2*time.Hour)
			s.base.Failure, s.base.Stale = gate.FailHold, admit
		}
	}
	for _, mode := range []struct {
		name string
		set  func(*scenario)
	}{
		{"the law's share", func(s *scenario) {}},
		{"hold", func(s *scenario) {
			s.gate.Mode, s.gate.Admit, s.gate.Until, s.now = gate.Hold, 0, time.Time{}, at(2*time.Hour)
			s.base.Mode, s.base.Failure, s.base.Stale = gate.Hold, gate.FailHold, 0
		}},
		{"a fixed share of 0", fixed(0)},
		{"a fixed share of 0.5", fixed(0.5)},
		{"open", func(s *scenario) {
			s.gate.Mode, s.gate.Until, s.now = gate.Open, time.Time{}, at(2*time.Hour)
			s.base.Mode, s.base.Failure = gate.Open, gate.FailOpen
		}},
	} {
		for _, failure := range []struct {
			name string
			set  func(*scenario)
		}{
			{"two hours without a tick", func(s *scenario) {}},
			{"the gate is missing", func(s *scenario) { s.noGate = true }},
			{"both are missing, open was deployed", func(s *scenario) { s.noGate, s.noBase = true, true }},
			{"both are missing, hold was deployed", func(s *scenario) { s.noGate, s.noBase, s.failure = true, true, "hold" }},
		} {
			for _, who := range []string{"lucky", "unlucky", "with a pass", "a form", "a page fetched ahead"} {
				add("when the edge cannot read a decision: "+mode.name+", "+failure.name+": "+who, func(s *scenario) {
					s.gate.Stale, s.base.Stale = 0.25, 0.25
					mode.set(s)
					failure.set(s)
					switch who {
					case "lucky":
						s.request.ip = w.in
					case "with a pass":
						s.cookie(w.pass(w.old, bypass.Drawn, s.now, s.now, time.Hour))
					case "a form":
						s.request.method = "POST"
					case "a page fetched ahead":
						s.header("sec-purpose", "prefetch")
					}
				})
			}
		}
	}
}
