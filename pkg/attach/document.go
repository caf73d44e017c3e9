package attach

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// element is one XML element and where it stands in the document's bytes.
type element struct {
	name string
	// start and end hold the whole element, its tags included; from and to what
	// is between the tags. In <a/> from and to are both end.
	start, end, from, to int
	children             []*element
}

// Config is a DistributionConfig exactly as CloudFront answered it, and where
// each element of it stands.
type Config struct {
	raw  []byte
	root *element
}

// Parse reads a DistributionConfig document. An error means that it is not one.
func Parse(raw []byte) (*Config, error) {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var root *element
	var open []*element
	for {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		after := int(decoder.InputOffset())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("attach: the distribution's configuration is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local, start: before, from: after}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			} else {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			e := open[len(open)-1]
			open = open[:len(open)-1]
			e.to, e.end = before, after
		}
	}
	if root == nil || root.name != "DistributionConfig" {
		return nil, errors.New("attach: the document is not a DistributionConfig")
	}
	return &Config{raw: raw, root: root}, nil
}

// at walks down by names; nil when an element on the way is not there.
func (e *element) at(names ...string) *element {
	for _, name := range names {
		if e == nil {
			return nil
		}
		i := slices.IndexFunc(e.children, func(child *element) bool { return child.name == name })
		if i < 0 {
			return nil
		}
		e = e.children[i]
	}
	return e
}

// text is what the element at names says; empty when it is not there.
func (c *Config) text(e *element, names ...string) string {
	found := e.at(names...)
	if found == nil || len(found.children) > 0 {
		return ""
	}
	var text struct {
		Value string `xml:",chardata"`
	}
	if err := xml.Unmarshal(c.raw[found.start:found.end], &text); err != nil {
		return ""
	}
	return strings.TrimSpace(text.Value)
}

// items are the members of one of CloudFront's lists, <X><Quantity/><Items/></X>.
func items(list *element) []*element {
	if found := list.at("Items"); found != nil {
		return found.children
	}
	return nil
}

// compact is the element without white space between tags, for comparing what
// two behaviours say.
func (c *Config) compact(e *element) string {
	var out strings.Builder
	for part := range bytes.SplitSeq(c.raw[e.from:e.to], []byte("<")) {
		text := bytes.TrimSpace(part)
		if len(text) > 0 {
			out.WriteByte('<')
			out.Write(text)
		}
	}
	return out.String()
}

// edit replaces the bytes [start, end) by text.
type edit struct {
	start, end int
	text       string
}

// edits are changes of one document, all by the offsets of the original. What
// no edit names stays byte for byte: a setting that this program has never
// heard of, too.
type edits struct {
	list []edit
}

func (s *edits) insert(at int, text string)   { s.list = append(s.list, edit{at, at, text}) }
func (s *edits) remove(e *element)            { s.list = append(s.list, edit{e.start, e.end, ""}) }
func (s *edits) replace(e *element, t string) { s.list = append(s.list, edit{e.start, e.end, t}) }

// apply gives the changed document. Insertions at one place keep their order.
func (s *edits) apply(raw []byte) []byte {
	slices.SortStableFunc(s.list, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var out []byte
	at := 0
	for _, e := range s.list {
		out = append(out, raw[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
	}
	return append(out, raw[at:]...)
}

// resize changes one of CloudFront's lists: added goes in by position (before
// the member of that index), gone members come out, and Quantity follows,
// which CloudFront checks. A list left empty loses its Items element, as
// CloudFront itself writes it.
func (c *Config) resize(s *edits, list *element, gone []*element, added ...addition) {
	if list == nil || list.at("Quantity") == nil {
		return // no list of CloudFront's; Attach has refused it before, and nothing of ours can be in it
	}
	members := items(list)
	total := len(members) - len(gone) + len(added)
	quantity := list.at("Quantity")
	s.replace(quantity, "<Quantity>"+strconv.Itoa(total)+"</Quantity>")
	holder := list.at("Items")
	if len(members) == 0 {
		if holder != nil {
			s.remove(holder)
		}
		if total > 0 {
			s.insert(quantity.end, "<Items>"+joined(added)+"</Items>")
		}
		return
	}
	if total == 0 {
		s.remove(holder)
		return
	}
	if len(gone) == len(members) {
		s.list = append(s.list, edit{holder.from, holder.to, joined(added)})
		return
	}
	for _, e := range gone {
		s.remove(e)
	}
	for _, a := range added {
		switch {
		case a.before == 0:
			s.insert(holder.from, a.text) // right behind the tag, so that white space before the first stays before it
		case a.before < len(members):
			s.insert(members[a.before].start, a.text)
		default:
			s.insert(members[len(members)-1].end, a.text)
		}
	}
}

// addition is a new member of a list.
type addition struct {
	before int
	text   string
}

func joined(list []addition) string {
	var out strings.Builder
	for _, a := range list {
		out.WriteString(a.text)
	}
	return out.String()
}

// escape makes text safe between tags.
func escape(text string) string {
	var out strings.Builder
	// A strings.Builder takes every write.
	_ = xml.EscapeText(&out, []byte(text))
	return out.String()
}
