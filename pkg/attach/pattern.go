package attach

import "strings"

// CloudFront's path patterns know * (any characters, none too) and ? (exactly
// one), are case-sensitive, and mean the same with and without the leading
// slash. The first behaviour of the list whose pattern matches takes the
// request; the default behaviour takes the rest.

// normal is the pattern with its leading slash.
func normal(pattern string) string {
	if strings.HasPrefix(pattern, "/") || strings.HasPrefix(pattern, "*") {
		return pattern
	}
	return "/" + pattern
}

// covers says whether every path that narrow matches is matched by wide.
// It reads narrow's wildcards as characters that only an equal or wider
// wildcard matches: never wrongly yes, and no only for contrived patterns
// (`?*` against `*?`).
func covers(wide, narrow string) bool {
	return match(normal(wide), normal(narrow), func(w, n byte) bool {
		return w == n && n != '*' || w == '?' && n != '*'
	}, false)
}

// overlaps says whether some path is matched by both.
func overlaps(a, b string) bool {
	return match(normal(a), normal(b), func(x, y byte) bool {
		return x == y || x == '?' || y == '?'
	}, true)
}

// match walks the two patterns together. In a, * swallows any part of b; with
// both set, * of b swallows any part of a as well.
func match(a, b string, same func(a, b byte) bool, both bool) bool {
	// reached[j]: the part of a read so far matches b[:j].
	reached := make([]bool, len(b)+1)
	reached[0] = true
	if both {
		for j := 1; j <= len(b) && b[j-1] == '*'; j++ {
			reached[j] = true
		}
	}
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		for j := 0; j <= len(b); j++ {
			switch {
			case a[i] == '*':
				next[j] = reached[j] || j > 0 && next[j-1]
			case j > 0 && both && b[j-1] == '*':
				next[j] = next[j-1] || reached[j]
			case j > 0:
				next[j] = reached[j-1] && same(a[i], b[j-1])
			}
		}
		reached = next
	}
	return reached[len(b)]
}

// valid says what is wrong with a pattern that somebody typed; empty for
// nothing. The characters are those that CloudFront documents for a path
// pattern.
func valid(pattern string) string {
	switch {
	case pattern == "":
		return "is empty"
	case pattern != "*" && !strings.HasPrefix(pattern, "/"):
		return "does not begin with /"
	case len(pattern) > 255:
		return "is longer than 255 characters"
	}
	for _, c := range pattern {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.*?$/~\"'@:+&", c) {
			return "has a character that CloudFront does not take in a path pattern: " + string(c)
		}
	}
	return ""
}
