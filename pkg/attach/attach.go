// Package attach plans what has to change in a CloudFront distribution so that
// raincheck stands in front of a site, and what has to change back. It is pure:
// a configuration and a request go in, a plan in plain words and the new
// configuration come out. pkg/aws/distribution reads and writes them.
//
// # Why it edits the document and not a struct
//
// UpdateDistribution replaces the whole configuration: what the request leaves
// out is switched off. The SDK's types know the settings of the day on which
// the SDK was generated. A tool that decodes into them and encodes again
// silently switches off every setting that CloudFront has gained since, on the
// distribution of a site that is having its worst day. So the document that
// CloudFront answered is taken as bytes, the places that must change are found
// in it, and only they are replaced; everything else goes back byte for byte,
// settings that this program has never heard of, too.
//
// # What changes
//
// One origin (the waiting room's API), one behaviour for the room's pages,
// first in precedence, and the two viewer functions on each protected
// behaviour. A protected path is "*" (the default behaviour), the pattern of a
// behaviour that is there, or a new pattern; for a new one a behaviour is
// added, a copy of the one that takes those requests today and right before
// it, so that nothing about them changes but the two functions.
//
// # How it is undone
//
// A behaviour has no room for a comment, so the origin that attach adds
// carries the note of what attach did (which functions, which behaviours are
// its own) in a custom header of that origin. The note is written and removed
// in the same update as what it describes, so the two cannot disagree, and
// detach needs nothing but the distribution: it works with a broken stack.
package attach

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"raincheck/pkg/gate"
)

// Names that attach gives. There are two patterns because /waiting-room alone
// answers too (a redirect to the visitor's language), and one pattern for both
// would take the site's own /waiting-rooms.
const (
	OriginID    = "raincheck-waiting-room"
	RoomPattern = gate.Room + "/*"
	BarePattern = gate.Room
	// formerPattern is what earlier releases attached.
	formerPattern = gate.Room + "*"
	// NoteHeader carries what attach did. It says nothing secret: it reaches the
	// room's own API with every request.
	NoteHeader = "x-raincheck-attached"
	// maxNote is CloudFront's limit for the value of an origin's custom header.
	maxNote = 1783
)

// Room is what the stack made and the distribution must point to.
type Room struct {
	// Domain is the host name of the waiting room's API.
	Domain string
	// Secret is the value of gate.OriginHeader. It is in the new configuration and
	// in no plan.
	Secret string
	// CachePolicy honours the room's own Cache-Control from a minimum of 0 s
	// (CloudFront's managed policies begin at 1 s, which would keep a no-store
	// page), with no header, cookie or query in the key.
	CachePolicy string
	// OriginRequestPolicy forwards what the waiting room reads and nothing else:
	// raincheck's own cookie, a few headers, every query. The site's session
	// cookies are none of its business, and an HTTP API refuses a request with
	// more than 10,240 bytes of headers.
	OriginRequestPolicy string
	// Throttle and Remember are the ARNs of the two functions.
	Throttle, Remember string
}

// Request is what the operator asks for.
type Request struct {
	// Host is the site's host name, one of the distribution's aliases or Domain.
	Host string
	// Domain is the distribution's own name, dxxxx.cloudfront.net.
	Domain string
	// Paths are the path patterns to protect; "*" is the default behaviour.
	Paths []string
	// AlsoAffects are the distribution's other names, which are protected too
	// though the waiting room's mails and passes are for Host.
	AlsoAffects []string
	Room        Room
	// CookiePolicies are those cache policies of the distribution that put
	// cookies into the cache key (see Policies).
	CookiePolicies []string
}

// Step is one change, in words. Sign is '+' for what is added, '-' for what is
// taken off, '~' for what is changed.
type Step struct {
	Sign byte
	Text string
}

// Plan is what would change, and why it may not.
type Plan struct {
	// Steps are the changes in the order of the configuration; none means that
	// the distribution is as asked already.
	Steps []Step
	// Conflicts forbid the change; each names what to do about it.
	Conflicts []string
	// Warnings are worth reading before the change.
	Warnings []string
	// Config is the new configuration; nil with a conflict, the old one byte for
	// byte without steps.
	Config []byte
}

// note is what NoteHeader says.
type note struct {
	// Functions are throttle and remember, in this order.
	Functions []string `json:"functions"`
	// Added are the patterns of the behaviours that attach made.
	Added []string `json:"added,omitempty"`
}

// Attach plans raincheck onto the distribution. Doing it twice changes
// nothing the second time; paths that an earlier attach protected stay so.
func Attach(c *Config, r Request) Plan {
	a := &attaching{c: c, r: r, functions: []string{r.Room.Throttle, r.Room.Remember}}
	a.origin = c.find("Origins", "Id", OriginID)
	if a.origin != nil {
		a.note, _ = c.readNote(a.origin)
		if len(a.note.Functions) > 0 && !slices.Equal(a.note.Functions, a.functions) {
			a.conflict("another raincheck stack is attached to this distribution; detach it first: raincheck detach --distribution-id … --apply")
		}
	}
	a.note.Functions = a.functions
	if a.checkDistribution() {
		a.protect()
		a.warnOfCookies()
		a.warnOfPaths()
		a.room()
		a.originStep()
	}
	if len(a.plan.Conflicts) > 0 {
		a.plan.Steps = nil
		return a.plan
	}
	a.plan.Config = a.edits.apply(c.raw)
	return a.plan
}

// Renew plans the stack's present API and secret onto the origin of a distribution
// that Attach has changed before, and nothing else.
func Renew(c *Config, room Room) Plan {
	a := &attaching{c: c, r: Request{Room: room}, origin: c.find("Origins", "Id", OriginID)}
	readable := false
	if a.origin != nil {
		a.note, readable = c.readNote(a.origin)
	}
	if !readable {
		a.conflict("no origin of this distribution bears the note of raincheck attach: it is not attached, or another tool has the fragment")
		return a.plan
	}
	a.originStep()
	a.plan.Config = a.edits.apply(c.raw)
	return a.plan
}

// attaching is one plan being made.
type attaching struct {
	c         *Config
	r         Request
	functions []string
	origin    *element
	note      note
	plan      Plan
	edits     edits
	// added are new members of CacheBehaviors.
	added []addition
	// byCookie are behaviours that cache by cookie.
	byCookie []string
}

func (a *attaching) step(sign byte, format string, args ...any) {
	a.plan.Steps = append(a.plan.Steps, Step{sign, fmt.Sprintf(format, args...)})
}

func (a *attaching) conflict(format string, args ...any) {
	a.plan.Conflicts = append(a.plan.Conflicts, fmt.Sprintf(format, args...))
}

func (a *attaching) warn(format string, args ...any) {
	a.plan.Warnings = append(a.plan.Warnings, fmt.Sprintf(format, args...))
}

// protect puts the functions on the behaviours of the asked paths.
func (a *attaching) protect() {
	paths := slices.Clone(a.r.Paths)
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		what := valid(path)
		switch {
		case what != "":
			a.conflict("the path %q %s", path, what)
		case path == "*":
			a.protectDefault()
		case covers(RoomPattern, path) || covers(BarePattern, path):
			a.conflict("the path %s belongs to the waiting room itself and cannot be behind it", path)
		default:
			a.protectPath(path)
		}
	}
}

// protectDefault puts the functions on the default behaviour.
func (a *attaching) protectDefault() {
	a.associate("the default behaviour", a.c.root.at("DefaultCacheBehavior"))
	var others []string
	for _, b := range items(a.c.root.at("CacheBehaviors")) {
		if pattern := a.c.text(b, "PathPattern"); !isRoom(pattern) && a.open(b) {
			others = append(others, pattern)
		}
	}
	if len(others) > 0 {
		a.warn("%s come before the default behaviour and are not protected; name those that should be with --paths", strings.Join(others, ", "))
	}
}

// protectPath puts the functions on the behaviour of a path, or on a copy of the
// behaviour that takes its requests today.
func (a *attaching) protectPath(path string) {
	behaviours := items(a.c.root.at("CacheBehaviors"))
	source, before := a.c.root.at("DefaultCacheBehavior"), len(behaviours)
	exact := false
	var others []string
	for i, b := range behaviours {
		pattern := a.c.text(b, "PathPattern")
		if isRoom(pattern) {
			continue
		}
		if covers(pattern, path) {
			source, before, exact = b, i, normal(pattern) == normal(path)
			break
		}
		if overlaps(pattern, path) && a.open(b) {
			others = append(others, pattern)
		}
	}
	if len(others) > 0 {
		a.warn("requests for %s that also match one of %s go to that behaviour, and are not protected; name it with --paths too if they should be", path, strings.Join(others, ", "))
	}
	switch {
	case exact:
		a.associate("the behaviour "+path, source)
	case !a.open(source):
		a.warn("the path %s needs nothing of its own: %s takes its requests and is protected", path, a.c.describe(source))
	default:
		a.copyFor(path, source, before)
	}
}

// open says that a behaviour is not protected, and the request does not name it.
func (a *attaching) open(b *element) bool { return !a.c.has(b, a.functions) && !a.asked(b) }

// asked says whether the request names this very behaviour.
func (a *attaching) asked(b *element) bool {
	return slices.ContainsFunc(a.r.Paths, func(path string) bool {
		if b.name == "DefaultCacheBehavior" {
			return path == "*"
		}
		return normal(path) == normal(a.c.text(b, "PathPattern"))
	})
}

// associate puts both functions on a behaviour that is there.
func (a *attaching) associate(name string, b *element) {
	if a.c.has(b, a.functions) {
		return
	}
	if !a.mayProtect(name, b) {
		return
	}
	a.noteCookies(b)
	if list := b.at("FunctionAssociations"); list == nil {
		a.edits.insert(b.to, associations(a.functions))
	} else {
		// mayProtect let only our own pass: half of an attachment is made whole.
		a.c.resize(&a.edits, list, items(list),
			addition{0, association("viewer-request", a.functions[0])}, addition{0, association("viewer-response", a.functions[1])})
	}
	a.step('~', "%s: throttle on viewer requests, remember on viewer responses; nothing else of it changes", name)
}

// copyFor adds a behaviour for path, a copy of source, before the member of
// that index.
func (a *attaching) copyFor(path string, source *element, before int) {
	name := "the behaviour " + path
	if !a.mayProtect(a.c.describe(source)+", of which "+path+" would be a copy,", source) {
		return
	}
	a.noteCookies(source)
	a.added = append(a.added, addition{before, a.c.copyOf(source, path, associations(a.functions))})
	a.note.Added = append(a.note.Added, path)
	place := "after the others"
	if before < len(items(a.c.root.at("CacheBehaviors"))) {
		place = "right before " + a.c.text(source, "PathPattern")
	}
	a.step('+', "%s, %s: a copy of %s, with throttle on viewer requests and remember on viewer responses", name, place, a.c.describe(source))
}

// room puts the waiting room's behaviour first.
func (a *attaching) room() {
	list := a.c.root.at("CacheBehaviors")
	var gone []*element
	former := a.c.find("CacheBehaviors", "PathPattern", formerPattern)
	if former != nil && a.c.text(former, "TargetOriginId") == OriginID {
		gone = append(gone, former)
	}
	var first []addition
	renewed := false
	for _, pattern := range []string{BarePattern, RoomPattern} {
		behaviour := roomBehaviour(a.r.Room, pattern)
		found := a.c.find("CacheBehaviors", "PathPattern", pattern)
		if found == nil && former != nil && len(gone) == 0 {
			found = former
		}
		switch {
		case found == nil:
			first = append(first, addition{0, behaviour})
		case a.c.text(found, "TargetOriginId") != OriginID:
			a.conflict("the site has a behaviour %s of its own; the waiting room needs that path", a.c.text(found, "PathPattern"))
			return
		case a.c.text(found, "CachePolicyId") != a.r.Room.CachePolicy, a.c.text(found, "OriginRequestPolicyId") != a.r.Room.OriginRequestPolicy:
			a.edits.replace(found, behaviour)
			renewed = true
		}
	}
	const both = BarePattern + " and " + RoomPattern
	switch {
	case len(gone) > 0:
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'~', "the behaviours " + both + " in the place of " + formerPattern + ", which takes other paths of the site too"})
	case len(first) > 0:
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'+', "the behaviours " + both + ", first in precedence: all methods, to the origin " + OriginID +
			"; no header, cookie or query in their cache key"})
	case renewed:
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'~', "the behaviours " + both + ": they get the stack's present policies for cache and origin requests"})
	}
	a.added = append(first, a.added...)
	if len(a.added) == 0 && len(gone) == 0 {
		return
	}
	if list == nil {
		a.edits.insert(a.c.root.at("DefaultCacheBehavior").end,
			fmt.Sprintf("<CacheBehaviors><Quantity>%d</Quantity><Items>%s</Items></CacheBehaviors>", len(a.added), joined(a.added)))
		return
	}
	a.c.resize(&a.edits, list, gone, a.added...)
}

// isRoom says whether a pattern is one of the waiting room's.
func isRoom(pattern string) bool {
	return pattern == BarePattern || pattern == RoomPattern || pattern == formerPattern
}

// originStep adds the room's origin, or renews it.
func (a *attaching) originStep() {
	text, err := json.Marshal(a.note)
	if err != nil || len(text) > maxNote {
		a.conflict("too many new path patterns: what attach keeps about them must fit %d bytes; use fewer and wider ones", maxNote)
		return
	}
	want := originFor(a.r.Room, string(text))
	switch {
	case a.origin == nil:
		origins := a.c.root.at("Origins")
		a.c.resize(&a.edits, origins, nil, addition{len(items(origins)), want})
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'+', "the origin " + OriginID + ": " + a.r.Room.Domain + ", https only, with the stack's secret in a header"})
	case a.c.text(a.origin, "DomainName") != a.r.Room.Domain,
		a.c.header(a.origin, gate.OriginHeader) != a.r.Room.Secret:
		a.edits.replace(a.origin, want)
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'~', "the origin " + OriginID + ": the stack's API or its secret is another one now"})
	case a.c.header(a.origin, NoteHeader) != string(text):
		a.edits.replace(a.origin, want)
		a.plan.Steps = slices.Insert(a.plan.Steps, 0, Step{'~', "the origin " + OriginID + ": its note of what attach added"})
	}
}

// describe names a behaviour in words.
func (c *Config) describe(b *element) string {
	if b.name == "DefaultCacheBehavior" {
		return "the default behaviour"
	}
	return "the behaviour " + c.text(b, "PathPattern")
}

// find gives the member of a list whose element key says value.
func (c *Config) find(list, key, value string) *element {
	for _, e := range items(c.root.at(list)) {
		if c.text(e, key) == value {
			return e
		}
	}
	return nil
}

// header is the value of a custom header of an origin.
func (c *Config) header(origin *element, name string) string {
	for _, h := range items(origin.at("CustomHeaders")) {
		if strings.EqualFold(c.text(h, "HeaderName"), name) {
			return c.text(h, "HeaderValue")
		}
	}
	return ""
}

// readNote reads what attach wrote on its origin; false when it cannot.
func (c *Config) readNote(origin *element) (note, bool) {
	var n note
	err := json.Unmarshal([]byte(c.header(origin, NoteHeader)), &n)
	return n, err == nil && len(n.Functions) == 2
}

// has says whether both functions are on the behaviour.
func (c *Config) has(b *element, functions []string) bool {
	var found int
	for _, f := range items(b.at("FunctionAssociations")) {
		if slices.Contains(functions, c.text(f, "FunctionARN")) {
			found++
		}
	}
	return found == 2
}

// String is the plan as an operator reads it.
func (p Plan) String() string {
	var out strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&out, "  %c %s\n", s.Sign, s.Text)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&out, "  ! %s\n", w)
	}
	for _, c := range p.Conflicts {
		fmt.Fprintf(&out, "  x %s\n", c)
	}
	return out.String()
}
