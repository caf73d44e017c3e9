package email

import (
	"slices"
	"strings"
	"unicode"
)

// The domains that a slip of the finger is held against: the largest providers of
// mailboxes, under their names and endings. Short names (aol, live, msn, me) are
// left out of the single edits: too many domains of other people are one letter
// away. Their endings are still looked at.
var (
	spelled = []string{
		"gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "rocketmail.com",
		"protonmail.com", "comcast.net", "verizon.net", "bellsouth.net", "sbcglobal.net", "earthlink.net", "btinternet.com", "t-online.de",
	}
	// abroad are the country forms of the same names.
	abroad = map[string][]string{
		"yahoo":   {"co.uk", "fr", "de", "es", "it", "ca", "in", "co.in", "com.br", "com.mx", "com.ar", "com.au", "com.ph", "com.tw", "co.jp", "co.id", "com.sg", "ie"},
		"hotmail": {"co.uk", "fr", "de", "es", "it", "ca", "be", "nl", "com.br", "com.ar"},
		"outlook": {"fr", "de", "es", "it", "pt", "be", "com.br", "com.au", "jp", "in"},
	}
	endings = map[string]string{
		"gmail": "com", "googlemail": "com", "yahoo": "com", "hotmail": "com", "outlook": "com", "icloud": "com", "aol": "com", "live": "com", "msn": "com",
	}
	// wrongEndings are not endings of those names, and are typed for theirs, as those of
	// noEndings are.
	wrongEndings = []string{"om", "cm", "co", "c", "net", "org"}
	// noEndings are slips that are not a top level domain at all, under whatever name.
	noEndings = map[string]string{
		"con": "com", "cmo": "com", "ocm": "com", "vom": "com", "xom": "com", "cpm": "com", "cim": "com", "clm": "com", "cok": "com", "comm": "com", "coom": "com",
		"ney": "net", "nrt": "net", "nte": "net", "ogr": "org", "prg": "org", "orgg": "org",
	}
	// neighbours are providers of their own that are one edit from one of the above.
	neighbours = []string{"mail.com", "email.com", "ymail.com", "xmail.com", "fmail.com"}
)

// Suggest gives the address that somebody most likely meant: a dash that is a
// hyphen, a provider's domain that is one edit away (a letter doubled, left out,
// swapped with the next, or another), its name with a wrong ending or without a
// dot, and an ending that no domain has. It says false where nothing is likely, and
// always for a domain that is itself a known provider's. Nothing is changed unasked:
// the person decides.
//
// The suggestion is an address as a person would write it, and must not be logged.
func Suggest(typed string) (suggestion string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	local, domain, found := strings.Cut(strip(typed), "@")
	if !found || checkLocal(local) != nil {
		return "", false
	}
	plain := strings.Map(func(r rune) rune {
		if foreignDash(r) {
			return '-'
		}
		return unicode.ToLower(r)
	}, domain)
	meant := plain
	if dot := strings.LastIndexByte(meant, '.'); dot >= 0 && noEndings[meant[dot+1:]] != "" {
		meant = meant[:dot+1] + noEndings[meant[dot+1:]]
	}
	for _, domain := range []string{plain, meant} {
		if better, ok := suggestDomain(domain); ok {
			meant = better
			break
		}
	}
	suggestion = local + "@" + meant
	want, err := Parse(suggestion)
	// A capital I with a dot, as Turkish keyboards write it, is a small i here and
	// another letter to the domain mapping.
	if got, asItIs := Parse(typed); err != nil || asItIs == nil && got == want {
		return "", false
	}
	return suggestion, true
}

func suggestDomain(domain string) (string, bool) {
	if ownDomain(domain) || len(domain) > 30 {
		return "", false
	}
	for _, target := range spelled {
		if oneEdit(domain, target) {
			return target, true
		}
	}
	name, ending, dotted := strings.Cut(domain, ".")
	for target, countries := range abroad {
		if !oneEdit(name, target) {
			continue
		}
		for _, e := range countries {
			if ending == e {
				return target + "." + e, true
			}
		}
	}
	if !dotted {
		for target, right := range endings {
			if domain == target || domain == target+right {
				return target + "." + right, true
			}
		}
		return "", false
	}
	if right := endings[name]; right != "" && (noEndings[ending] != "" || slices.Contains(wrongEndings, ending)) {
		return name + "." + right, true
	}
	return "", false
}

// ownDomain says that a domain is a provider's as it stands.
func ownDomain(domain string) bool {
	if provided[domain] != "" {
		return true
	}
	for _, list := range [][]string{spelled, neighbours} {
		for _, d := range list {
			if domain == d {
				return true
			}
		}
	}
	name, ending, _ := strings.Cut(domain, ".")
	for _, e := range abroad[name] {
		if ending == e {
			return true
		}
	}
	return false
}

// oneEdit says that typed and target differ by one letter more, one less, one other,
// or two neighbours swapped.
func oneEdit(typed, target string) bool {
	a, b := []rune(typed), []rune(target)
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch {
	case len(b) == len(a)+1:
		return slices.Equal(a[i:], b[i+1:])
	case len(a) != len(b) || i == len(a):
		return false
	case slices.Equal(a[i+1:], b[i+1:]):
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}
