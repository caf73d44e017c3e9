package gate

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"raincheck/pkg/bypass"
)

// Known is what an edge can read at a moment: both documents, one, or none.
type Known struct {
	Gate *Gate
	Base *Base
	// Failure is the constant joined into the code at deploy, for when there is
	// neither.
	Failure Failure
}

// Request is what the edge looks at in a request.
type Request struct {
	// ID is the request's own, unique among all requests of all edges.
	ID string
	// IP is the client's address, in any usual spelling.
	IP        string
	UserAgent string
	Method    string
	// FetchDest, FetchMode and Purpose are the headers Sec-Fetch-Dest,
	// Sec-Fetch-Mode and Sec-Purpose, or Purpose without it; empty when absent.
	FetchDest, FetchMode, Purpose string
	// Accept and AcceptLanguage are the headers of the name, each the first of
	// them; empty when absent.
	Accept, AcceptLanguage string
	// CORSMethod is Access-Control-Request-Method, which a preflight has.
	CORSMethod string
	// WebSocketKey is Sec-WebSocket-Key, which the handshake of a WebSocket has.
	// CloudFront hides Upgrade from functions.
	WebSocketKey string
	// Path and Query are as they stand in the request line, Query without its
	// question mark.
	Path, Query string
	// Passes are the values of the pass cookie: none, one, or in an odd browser
	// more.
	Passes []string
}

// Outcome is what becomes of a request.
type Outcome string

const (
	// Alone is a request that is not gated.
	Alone Outcome = "alone"
	// Returning is one with a good pass.
	Returning Outcome = "returning"
	// Admitted is a new visitor who comes in.
	Admitted Outcome = "admitted"
	// Observed is one who would have been turned away, were it not for the mode.
	Observed Outcome = "observed"
	// TurnedAway is one who is sent to the waiting room.
	TurnedAway Outcome = "turned away"
	// Later is a machine that is asked to come again: a search engine that would be
	// turned away, or a page fetched ahead by somebody without a pass.
	Later Outcome = "later"
	// Refused is a request under a strict path without a good pass.
	Refused Outcome = "refused"
)

// Verdict is what the edge decided, and why.
type Verdict struct {
	Outcome Outcome
	// Share is the share of new visitors that was admitted, 0 to 1, and Draw the
	// visitor's number; both 0 when nothing was drawn.
	Share, Draw float64
	// Visitors and Admitted are what the edge's log counts this request as:
	// nothing, or the sample's N.
	Visitors, Admitted int
	// Refused is what the edge's log counts this request as under a strict path,
	// where it was refused, or in observe would have been: nothing, or the sample's
	// N.
	Refused int
	// Cookie is what the pass cookie is set to, attributes included; empty when
	// it is not set.
	Cookie string
	// Location is where to, when turned away, and the waiting room's address when
	// refused.
	Location string
}

// Pass returns the value of Cookie without its attributes.
func (v Verdict) Pass() string {
	value, _, _ := strings.Cut(v.Cookie, ";")
	return value
}

// terms are what one of the documents comes down to, for a new visitor.
type terms struct {
	Settings
	share   float64
	open    bool
	observe bool
	salt    string
	keys    bypass.PassKeys
}

// purpose is what a request is for.
type purpose int

const (
	// forPreflight asks whether another request may be made. It is never gated.
	forPreflight purpose = iota
	// forPage starts a visit.
	forPage
	// forLater fetches a page ahead.
	forLater
	// forWork is what somebody does on the site, frames included, since a payment
	// comes back in one; it is not gated and renews a pass.
	forWork
	// forAsset is an image, a style, a script or a font. It does neither.
	forAsset
)

// pages are what a page asks for first, and files how the names of files end that
// are not pages.
const (
	pages = " text/html application/xhtml+xml */* "
	files = " avif css gif ico jpeg jpg js json mjs mp3 mp4 otf png svg ttf webm webmanifest webp woff woff2 "
)

func (r Request) purpose() purpose {
	if r.Method != "GET" && r.Method != "HEAD" || r.WebSocketKey != "" {
		if r.Method == "OPTIONS" && r.CORSMethod != "" {
			return forPreflight
		}
		return forWork
	}
	if strings.HasPrefix(r.Purpose, "prefetch") {
		return forLater
	}
	dest, mode := head(r.FetchDest), head(r.FetchMode)
	navigates := mode == "navigate"
	switch {
	// A page that a service worker passes on has the destination empty, as a fetch
	// and a download have.
	case dest == "document", navigates && (dest == "" || dest == "empty" && strings.Contains(head(r.Accept), "html")):
		return forPage
	case navigates, dest == "empty":
		return forWork
	case dest != "", mode != "":
		return forAsset
	}
	accept := lower(head(r.Accept))
	first, _, _ := strings.Cut(accept, ",")
	first, _, _ = strings.Cut(first, ";")
	// The last twelve of JavaScript's characters are in the last 36 bytes.
	end := utf16.Encode([]rune(r.Path[max(0, len(r.Path)-36):]))
	name := lower(string(utf16.Decode(end[max(0, len(end)-12):])))
	name = name[strings.LastIndexByte(name, '.')+1:]
	lists := func(list, word string) bool { return strings.Contains(list, " "+word+" ") }
	switch first = strings.TrimFunc(first, blank); {
	case (first == "" || lists(pages, first)) && !lists(files, name):
		return forPage
	case strings.Contains(accept, "json"):
		return forWork
	}
	return forAsset
}

// robot says whether a browser's name is that of a robot, as search engines write
// it: (compatible; examplebot/1.0; +http://www.example.com/bot.html). A service
// that watches whether the site is up leaves out the plus, and follows a redirect.
func (r Request) robot() bool {
	name := head(r.UserAgent)
	if !strings.Contains(name, "+http") {
		return false
	}
	name = lower(name)
	return strings.Contains(name, "bot") || strings.Contains(name, "spider")
}

// Decide is throttle.js in Go: the same facts give the same answer. It reads no
// clock and changes nothing.
func (k Known) Decide(r Request, now time.Time) Verdict {
	now = now.Truncate(time.Second)
	what := r.purpose()
	if neverGated(r.Path) && plain(r.Path) || what == forPreflight {
		return Verdict{Outcome: Alone}
	}
	t, ok := k.terms(now)
	if !ok {
		if k.Failure != FailHold || len(r.Passes) > 0 || what > forLater {
			return Verdict{Outcome: Alone}
		}
		return t.turnAway(r, what)
	}
	under := func(path string) func(string) bool {
		return func(prefix string) bool { return strings.HasPrefix(path, prefix) }
	}
	if slices.ContainsFunc(t.LeaveAlone, under(r.Path)) && plain(r.Path) {
		return Verdict{Outcome: Alone}
	}
	closing := !t.open && !t.observe && t.share < 1
	strict := (closing || t.observe) && len(t.Strict) > 0 && (!plain(r.Path) || slices.ContainsFunc(t.Strict, under(strings.ToLower(r.Path))))
	if strict || what <= forLater || what == forWork && (len(r.Passes) > 1 || len(r.Passes) > 0 && due(r.Passes[0], now, t.PassLife)) {
		if v, ok := t.returning(r, what, now); ok {
			return v
		}
	}
	switch {
	case what == forLater && closing:
		return t.turnAway(r, what)
	case what == forLater:
		return Verdict{Outcome: Alone}
	case strict:
		return t.withoutPass(r, what, closing, now)
	case what != forPage:
		return Verdict{Outcome: Alone}
	}
	return t.newcomer(r, now)
}

// withoutPass answers a request for a strict path that bears no good pass: with a
// refusal where somebody may be turned away, else by counting it alone.
func (t terms) withoutPass(r Request, what purpose, closing bool, now time.Time) Verdict {
	v := Verdict{Outcome: Alone}
	switch {
	case closing:
		v = Verdict{Outcome: Refused, Location: room(r, t.Languages)}
	case what == forPage:
		v = t.newcomer(r, now)
		v.Visitors, v.Admitted = 0, 0
	}
	if counted(0, r.ID, t.Sample) {
		v.Refused = t.Sample
	}
	return v
}

// due says whether a cookie's value, which nobody has verified yet, says that it
// is to be renewed. What somebody does on the site costs no HMAC before that.
func due(value string, now time.Time, life time.Duration) bool {
	if strings.HasPrefix(value, "2") {
		renew, ok := seconds(value, 17)
		return ok && renew <= now.Unix()
	}
	expires, ok := seconds(value, 6)
	return ok && 2*(expires-now.Unix()) <= int64(life/time.Second)
}

// seconds reads the number that begins at a byte of a pass that nobody has
// verified.
func seconds(value string, from int) (n int64, ok bool) {
	value = value[min(from, len(value)):]
	digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
	n, err := strconv.ParseInt(value[:digits], 10, 64)
	return n, err == nil
}

// returning lets in whoever bears a good pass, and renews it when it is due.
func (t terms) returning(r Request, what purpose, now time.Time) (v Verdict, ok bool) {
	for _, value := range r.Passes[:min(2, len(r.Passes))] {
		p, err := t.keys.Verify(value, now)
		if err != nil {
			if t.dear(value, now) {
				break
			}
			continue
		}
		v := Verdict{Outcome: Returning}
		if what == forAsset || t.PassLife == 0 {
			return v, true
		}
		if fresh, err := t.keys.Renew(p, now, t.PassLife); err == nil && fresh != "" {
			p, _ = t.keys.Verify(fresh, now)
			v.Cookie = fresh + "; " + bypass.CookieAttributes(p, now)
		}
		return v, true
	}
	return Verdict{}, false
}

// dear says whether a pass that is not good is of version 1 and was refused for
// its MAC alone, which costs the edge as much as three of version 2. It tries no
// other after it.
func (t terms) dear(value string, now time.Time) bool {
	expires, ok := seconds(value, 6)
	known := func(k bypass.PassKey) bool { return strings.HasPrefix(value[2:], strconv.Itoa(k.ID)) }
	return ok && value[0] == '1' && len(value) <= 200 && expires > now.Unix() && slices.ContainsFunc(t.keys, known)
}

// newcomer decides about somebody without a good pass, counts them, and gives a
// pass to whoever comes in.
func (t terms) newcomer(r Request, now time.Time) Verdict {
	v := Verdict{Outcome: Admitted}
	var bits uint64
	if t.salt != "" {
		bits = drawBits(t.salt, r.IP, r.UserAgent)
	}
	if !t.open {
		v.Share, v.Draw = t.share, number(bits)
		switch {
		case v.Draw < v.Share:
		case t.observe:
			v.Outcome = Observed
		default:
			away := t.turnAway(r, forPage)
			v.Outcome, v.Location = away.Outcome, away.Location
		}
	}
	if v.Outcome != Later && counted(bits, r.ID, t.Sample) {
		v.Visitors = t.Sample
		if v.Outcome == Admitted {
			v.Admitted = t.Sample
		}
	}
	if v.Outcome == TurnedAway || v.Outcome == Later {
		return v
	}
	if t.PassLife > 0 {
		p := bypass.NewPass(bypass.Drawn, r.ID[:min(24, len(r.ID))], now, t.PassLife)
		if value, err := t.keys.Mint(p, now); err == nil {
			v.Cookie = value + "; " + bypass.CookieAttributes(p, now)
		}
	}
	return v
}

// turnAway sends a person to the waiting room, and asks a machine to come again.
// What is fetched ahead, or for a search engine, must not be a redirect: it would
// be shown, or found, when the site has long been open.
func (t terms) turnAway(r Request, what purpose) Verdict {
	if what == forLater || r.robot() {
		return Verdict{Outcome: Later}
	}
	return Verdict{Outcome: TurnedAway, Location: room(r, t.Languages) + "?to=" + escape(asked(r.Path, r.Query))}
}

// terms are the gate's where there is one, else the base's.
func (k Known) terms(now time.Time) (terms, bool) {
	if g := k.Gate; g != nil {
		t := terms{Settings: g.Settings, salt: g.Salt, keys: g.Keys, open: g.Mode == Open, observe: g.Mode == Observe}
		switch {
		case g.Mode == Observe || g.Mode == Throttle && g.InForce(now):
			t.share = g.Admit
		case g.Mode == Throttle:
			t.share = g.Stale
		}
		return t, true
	}
	if b := k.Base; b != nil {
		return terms{Settings: b.Settings, salt: b.Salt, keys: b.Keys, open: b.Failure != FailHold, share: b.Stale}, true
	}
	return terms{}, false
}

// room is the waiting room's address in the visitor's language, where the room's
// are known.
func room(r Request, languages []string) string {
	if len(languages) == 0 {
		return Room
	}
	return Room + "/" + Language(head(r.AcceptLanguage), languages) + "/"
}

// Language picks the known language that an Accept-Language header wants most;
// the first one is the default. It looks at six of the header's and looks up eight
// tags in all. The room's bare address chooses by it too, so
// that a person's language does not hang on which of the two answered.
func Language(accept string, known []string) string {
	// Weights have at most three digits behind the point (RFC 9110, 12.4.2), and
	// compare as text. What is not a weight is taken for one.
	best, top := known[0], "0.000"
	left := 8
	parts := strings.Split(lower(accept), ",")
	for _, part := range parts[:min(6, len(parts))] {
		if top >= "1" {
			break
		}
		tag, _, found := strings.Cut(part, ";")
		weight := "1"
		if found {
			weight = part[strings.IndexByte(part, '=')+1:]
		}
		if slices.Compare(utf16.Encode([]rune(weight)), utf16.Encode([]rune(top))) <= 0 {
			continue
		}
		// es-us, then es.
		for tag = strings.TrimFunc(tag, blank); tag != "" && left > 0; left-- {
			if slices.Contains(known, tag) {
				best, top = tag, weight
				break
			}
			tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
		}
	}
	return best
}

// blank is what JavaScript's trim takes off.
func blank(r rune) bool { return r == '\ufeff' || r != '\u0085' && unicode.IsSpace(r) }

// lower is JavaScript's toLowerCase, as far as what is looked for in it goes.
func lower(s string) string { return strings.ToLower(strings.ReplaceAll(s, "İ", "i\u0307")) }
