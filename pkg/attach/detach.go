package attach

import (
	"slices"
	"strings"
)

// Detach plans raincheck off the distribution: the two functions, the
// behaviours that attach made, the room's behaviour and its origin. What was
// there before comes back byte for byte; what somebody changed since stays
// changed. It needs no stack: the note on the origin says what is raincheck's.
//
// Without a readable note nothing says which functions are raincheck's. To take
// off the room alone would leave throttle sending people to a page that is gone,
// so that is a conflict.
func Detach(c *Config) Plan {
	d := &attaching{c: c}
	origin := c.find("Origins", "Id", OriginID)
	if origin != nil {
		noted, ok := c.readNote(origin)
		if !ok {
			d.conflict("the origin %s bears no note of what attach did: another tool has the fragment (take it out there), or somebody removed the note (run raincheck attach with the same paths once more, which writes it again)", OriginID)
			return d.plan
		}
		d.note = noted
	}
	d.functions = d.note.Functions

	list := c.root.at("CacheBehaviors")
	var gone []*element
	for _, b := range append(slices.Clone(items(list)), c.root.at("DefaultCacheBehavior")) {
		if b == nil {
			continue
		}
		pattern := c.text(b, "PathPattern")
		switch {
		case c.text(b, "TargetOriginId") == OriginID && b.name != "DefaultCacheBehavior":
			gone = append(gone, b)
			d.step('-', "the behaviour %s, where the codes of mails already sent lead", pattern)
		case slices.Contains(d.note.Added, pattern) && d.unchanged(b, list):
			gone = append(gone, b)
			d.step('-', "the behaviour %s, which attach had made", pattern)
		default:
			d.takeOff(b)
		}
	}
	if len(gone) > 0 {
		c.resize(&d.edits, list, gone)
	}
	if origin != nil {
		c.resize(&d.edits, c.root.at("Origins"), []*element{origin})
		d.step('-', "the origin %s", OriginID)
	}
	d.plan.Config = d.edits.apply(c.raw)
	return d.plan
}

// takeOff removes the two functions from a behaviour and leaves the rest.
func (a *attaching) takeOff(b *element) {
	list := b.at("FunctionAssociations")
	var gone []*element
	for _, f := range items(list) {
		if slices.Contains(a.functions, a.c.text(f, "FunctionARN")) {
			gone = append(gone, f)
		}
	}
	if len(gone) == 0 {
		return
	}
	a.c.resize(&a.edits, list, gone)
	a.step('~', "%s: without throttle and remember", a.c.describe(b))
	if slices.Contains(a.note.Added, a.c.text(b, "PathPattern")) {
		a.warn("the behaviour %s was made by attach and has been changed since, so it stays; take it out by hand if nobody needs it", a.c.text(b, "PathPattern"))
	}
}

// unchanged says whether a behaviour that attach made is still a copy of the
// one that would take its requests without it.
func (a *attaching) unchanged(b, list *element) bool {
	pattern := a.c.text(b, "PathPattern")
	source := a.c.root.at("DefaultCacheBehavior")
	behind := false
	for _, other := range items(list) {
		if other == b {
			behind = true
			continue
		}
		p := a.c.text(other, "PathPattern")
		if behind && covers(p, pattern) && !slices.Contains(a.note.Added, p) {
			source = other
			break
		}
	}
	same := func(e *element) string {
		text := a.c.copyOf(e, pattern, "")
		parsed, err := Parse([]byte("<DistributionConfig>" + text + "</DistributionConfig>"))
		if err != nil {
			return strings.TrimSpace(text)
		}
		return parsed.compact(parsed.root)
	}
	return same(b) == same(source)
}
