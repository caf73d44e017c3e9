package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
	// FetchMode, Accept and AcceptLanguage are the headers of the name; empty
	// when absent.
	FetchMode, Accept, AcceptLanguage string
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
	// Cookie is what the pass cookie is set to, attributes included; empty when
	// it is not set.
	Cookie string
	// Location is where to, when turned away.
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

// Decide is throttle.js in Go: the same facts give the same answer. It reads no
// clock and changes nothing.
func (k Known) Decide(r Request, now time.Time) Verdict {
	now = now.Truncate(time.Second)
	if r.Path == Room || strings.HasPrefix(r.Path, Room+"/") || !startsVisit(r) {
		return Verdict{Outcome: Alone}
	}
	t, ok := k.terms(now)
	if !ok {
		if k.Failure != FailHold || len(r.Passes) > 0 {
			return Verdict{Outcome: Alone}
		}
		return Verdict{Outcome: TurnedAway, Location: location(r, nil)}
	}
	if slices.ContainsFunc(t.LeaveAlone, func(p string) bool { return strings.HasPrefix(r.Path, p) }) {
		return Verdict{Outcome: Alone}
	}
	if v, ok := t.returning(r, now); ok {
		return v
	}
	return t.newcomer(r, now)
}

// returning lets in whoever bears a good pass, and renews it past half its life.
func (t terms) returning(r Request, now time.Time) (v Verdict, ok bool) {
	for _, value := range r.Passes[:min(3, len(r.Passes))] {
		p, err := t.keys.Verify(value, now)
		if err != nil {
			continue
		}
		v := Verdict{Outcome: Returning}
		if fresh, err := t.keys.Renew(p, now, t.PassLife); err == nil && fresh != "" {
			p, _ = t.keys.Verify(fresh, now)
			v.Cookie = fresh + "; " + bypass.CookieAttributes(p, now)
		}
		return v, true
	}
	return Verdict{}, false
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
			v.Outcome = TurnedAway
		}
	}
	if t.Sample > 0 && counted(bits, r.ID, t.Sample) {
		v.Visitors = t.Sample
		if v.Outcome == Admitted {
			v.Admitted = t.Sample
		}
	}
	if v.Outcome == TurnedAway {
		v.Location = location(r, t.Languages)
		return v
	}
	if t.PassLife > 0 {
		id := sha256.Sum256([]byte(text(r.ID)))
		p := bypass.Pass{Kind: bypass.Drawn, First: now, Expires: now.Add(t.PassLife), ID: hex.EncodeToString(id[4:16])}
		if value, err := t.keys.Mint(p, now); err == nil {
			v.Cookie = value + "; " + bypass.CookieAttributes(p, now)
		}
	}
	return v
}

func startsVisit(r Request) bool {
	if r.Method != "GET" && r.Method != "HEAD" {
		return false
	}
	if r.FetchMode != "" {
		return r.FetchMode == "navigate"
	}
	return strings.Contains(r.Accept, "text/html")
}

// terms are the gate's where there is one, else the base's.
func (k Known) terms(now time.Time) (terms, bool) {
	if g := k.Gate; g != nil {
		t := terms{Settings: g.Settings, salt: g.Salt, keys: g.Keys, open: g.Mode == Open, observe: g.Mode == Observe}
		switch {
		case g.Mode == Observe || g.Mode == Throttle && g.InForce(now):
			t.share = g.Admit
		case !g.InForce(now):
			t.share = g.Stale
		}
		return t, true
	}
	if b := k.Base; b != nil {
		return terms{Settings: b.Settings, salt: b.Salt, keys: b.Keys, open: b.Failure != FailHold, share: b.Stale}, true
	}
	return terms{}, false
}

func location(r Request, languages []string) string {
	room := Room
	if len(languages) > 0 {
		room += "/" + Language(r.AcceptLanguage, languages) + "/"
	}
	return room + "?to=" + escape(SafePath(r.Path+query(r.Query)))
}

var accepted = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[ \t]*([A-Za-z0-9-]{1,40})[ \t]*(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$`)
})

// Language picks the known language that an Accept-Language header wants most;
// the first one is the default. The room's bare address chooses by it too, so
// that a person's language does not hang on which of the two answered.
func Language(accept string, known []string) string {
	best, top := known[0], 0.0
	parts := strings.Split(accept, ",")
	for _, part := range parts[:min(12, len(parts))] {
		m := accepted().FindStringSubmatch(part)
		if m == nil {
			continue
		}
		q := 1.0
		if m[2] != "" {
			q, _ = strconv.ParseFloat(m[2], 64)
		}
		if q <= top {
			continue
		}
		tag, found := strings.ToLower(m[1])+"-", ""
		for _, l := range known {
			if len(l) > len(found) && strings.HasPrefix(tag, l+"-") {
				found = l
			}
		}
		if found != "" {
			best, top = found, q
		}
	}
	return best
}

// query returns a query as throttle.js puts it together again from the object
// that CloudFront makes of it: values of one name stand together, and names that
// are whole numbers come first, as they do in every JavaScript object.
func query(raw string) string {
	var names []string
	values := map[string][]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if _, seen := values[name]; !seen {
			names = append(names, name)
		}
		if value != "" {
			value = "=" + value
		}
		values[name] = append(values[name], name+value)
	}
	slices.SortStableFunc(names, func(a, b string) int {
		x, isX := index(a)
		y, isY := index(b)
		switch {
		case isX && isY:
			return int(x) - int(y)
		case isX:
			return -1
		case isY:
			return 1
		}
		return 0
	})
	var b strings.Builder
	for _, name := range names {
		for _, pair := range values[name] {
			b.WriteByte("?&"[min(b.Len(), 1)])
			b.WriteString(pair)
		}
	}
	return b.String()
}

// index says whether a property name is an array index of JavaScript's.
func index(name string) (int64, bool) {
	n, err := strconv.ParseUint(name, 10, 32)
	return int64(n), err == nil && n < 1<<32-1 && strconv.FormatUint(n, 10) == name
}
