package gate

import "strings"

// MaxPath is the longest path that a visitor is led back to, in bytes.
const MaxPath = 512

// SafePath returns the path (and query) where a visitor wanted to go, if that is
// surely a place on this site, else "/". What is refused: anything that does not
// begin with one slash, "//" and "\" anywhere (browsers read them as the start
// of another host), anything but printable ASCII (browsers drop tabs and line
// ends, which could hide either), and more than MaxPath bytes. It is the rule
// for what comes back in a query or a form, and throttle.js keeps it too.
func SafePath(path string) string {
	if len(path) > MaxPath || !strings.HasPrefix(path, "/") || strings.Contains(path, "//") {
		return "/"
	}
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c > '~' || c == '\\' {
			return "/"
		}
	}
	return path
}

// escape is JavaScript's encodeURIComponent for ASCII.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}
