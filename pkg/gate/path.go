package gate

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"
)

// MaxPath is the longest path, with its query, that a visitor is led back to, in
// bytes.
const MaxPath = 1024

// SafePath returns the path and query where a visitor wanted to go, as far as
// they surely lead to a place on this site.
//
// The path becomes "/" if it does not begin with one slash and something else (a
// browser reads "//" as the start of another host), or has a control character, a
// space or a backslash (browsers drop or replace those, which could hide the
// same). The query is left out if it has one of these, or if both together are
// longer than MaxPath. What is not ASCII is percent-encoded. It is the rule for
// what comes back in a query or a form, and throttle.js keeps it too.
func SafePath(path string) string {
	path, query, _ := strings.Cut(path, "?")
	return wayBack(path, query)
}

// asked is what a visitor asked for, as throttle.js writes it into the way to the
// waiting room: the path with the query if they fit, else the path, else "/". What
// comes from there goes through SafePath, since anybody can write it.
func asked(path, query string) string {
	path, query = text(path), text(query)
	if both := path + "?" + query; query != "" && fits(both) {
		return both
	}
	if fits(path) {
		return path
	}
	return "/"
}

// fits says whether the edge encodes a path, counted as JavaScript counts. What is
// longer than most addresses must be printable: other letters are dear to encode.
func fits(path string) bool {
	if len(path) <= 128 {
		return true
	}
	odd := strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' })
	return !odd && len(path) <= MaxPath || len(utf16.Encode([]rune(path))) <= 128
}

// wayBack is SafePath for a path and a query that come apart.
func wayBack(path, query string) string {
	path = ascii(path)
	if path == "" || path[0] != '/' || strings.HasPrefix(path, "//") || len(path) > MaxPath {
		return "/"
	}
	if query = ascii(query); query != "" && len(path)+1+len(query) <= MaxPath {
		return path + "?" + query
	}
	return path
}

// ascii returns a path or a query in printable ASCII, and "" for one that is not
// safe. What was percent-encoded before stays as it was.
func ascii(part string) string {
	// The edge counts as JavaScript does, and does not look at more.
	if len(part) > MaxPath && len(utf16.Encode([]rune(part))) > MaxPath {
		return ""
	}
	printable := true
	for i := range len(part) {
		switch c := part[i]; {
		case c <= ' ', c == '\\', c == 0x7f:
			return ""
		case c > '~':
			printable = false
		}
	}
	if printable && !strings.ContainsAny(part, "\"<>[]^`{|}") {
		return part
	}
	// encodeURI of JavaScript, but for "%".
	return percentEncode(text(part), "-_.!~*'();/?:@&=+$,#%")
}

// escape is JavaScript's encodeURIComponent for ASCII.
func escape(s string) string { return percentEncode(s, "-_.!~*'()") }

// percentEncode encodes all but letters, digits and the bytes of keep.
func percentEncode(s, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// escaped finds a percent sign that does not escape a character, or one that
// nobody needs to escape, a control character, a dot, a slash or a backslash; and
// ^ and |, which few do.
// Go's patterns have no lookahead: what is right is taken out, and what is left is
// wrong.
var escaped = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)%(?:[89a-f][\da-f]|2[\da-c]|3[a-f]|[46]0|[57][bd])`)
})

// neverGated says whether a path is open to everybody whatever the gate says: the
// waiting room, and what robots and certificate authorities read.
func neverGated(path string) bool {
	return strings.HasPrefix(path+"/", Room+"/") || path == "/robots.txt" || strings.HasPrefix(path, "/.well-known/")
}

// maxPlain is the longest path that is looked at closely: the edge's work has a
// bound.
const maxPlain = 512

// plain says whether a path leads where its beginning says, and is short enough
// to find that out. Browsers spell paths like that; servers read other spellings
// in different ways. Prefixes that exempt a path count only for a plain one, and
// a path that is not plain is strict where anything is.
func plain(path string) bool {
	if path == "" || len(path) > maxPlain || strings.Contains(path, "..") || strings.Contains(path, "//") || strings.Contains(path, "/./") {
		return false
	}
	for i := range len(path) {
		// Some servers take off a semicolon and what follows it.
		if c := path[i]; c <= ' ' || c > '~' || c == '\\' || c == ';' {
			return false
		}
	}
	return !strings.Contains(path, "%") || !strings.Contains(escaped().ReplaceAllLiteralString(path, ""), "%")
}
