package email

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// What Parse can say of an address. A page has a sentence for each; none of
// them repeats what was typed.
var (
	// ErrEmpty: nothing was typed.
	ErrEmpty = errors.New("email: no address")
	// ErrFormat: this is not an address, or not one that is safe to mail to.
	ErrFormat = errors.New("email: not an address")
	// ErrDash: the domain has a dash that is not a hyphen, as word processors write
	// it; it could not exist. Suggest gives the address with hyphens. It is an
	// ErrFormat too.
	ErrDash error = dash{}
	// ErrLetters: the part before the @ has letters outside ASCII. Such addresses
	// exist (RFC 6531), and few mail services, SES not among them, can write to one.
	ErrLetters = errors.New("email: letters before the @ that mail cannot carry")
)

type dash struct{}

func (dash) Error() string        { return "email: a dash in the domain that is not a hyphen" }
func (dash) Is(target error) bool { return target == ErrFormat }

// The limits of RFC 5321 (4.5.3.1.1 and, with the angle brackets taken off the
// path, 4.5.3.1.3), in bytes. maxTyped bounds what is looked at: what is longer
// before stripping was not typed by anybody.
const (
	maxLocal   = 64
	maxAddress = 254
	maxTyped   = 1024
)

// Address is an e-mail address that has been checked: a dot-atom of ASCII, an @,
// and a domain of at least two labels in its ASCII form. Its letters before the
// @ are as they were typed, because a server may tell them apart; its domain is
// lower case. The zero Address is none. Two are equal under == if mail to both
// goes the same way.
//
// It prints as a redaction everywhere; Reveal gives it.
type Address struct{ local, domain string }

// domains maps a domain for a look-up (UTS 46, so that ＥＸＡＭＰＬＥ.com and
// bücher.de become what DNS knows) and refuses what DNS could not hold.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true),
	idna.VerifyDNSLength(true), idna.BidiRule(), idna.CheckJoiners(true))

// Parse reads an address as a person types or pastes it. Its errors are
// ErrEmpty, ErrFormat, ErrDash and ErrLetters.
func Parse(typed string) (Address, error) {
	if !utf8.ValidString(typed) || len(typed) > maxTyped {
		return Address{}, ErrFormat
	}
	s := strip(typed)
	if s == "" {
		return Address{}, ErrEmpty
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || strings.Contains(domain, "@") {
		return Address{}, ErrFormat
	}
	if strings.ContainsFunc(domain, foreignDash) {
		return Address{}, ErrDash
	}
	ascii, err := parseDomain(domain)
	if err != nil {
		return Address{}, err
	}
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	if len(local)+1+len(ascii) > maxAddress {
		return Address{}, ErrFormat
	}
	return Address{local, ascii}, nil
}

// strip takes away what nobody means to type and what comes with a paste: blanks
// and invisible characters around the address, the angle brackets of a mail
// program, a mailto: with its query, the punctuation of the sentence it was copied
// from, and quotes. Full-width letters become the plain ones that they stand for. U+202D and
// U+202E, which turn the direction of text, stay and are refused later: an address
// that reads differently from what it is was made to deceive.
func strip(typed string) string {
	ascii := true
	s := strings.Map(func(r rune) rune {
		if 0xff01 <= r && r <= 0xff5e { // full-width forms of ! to ~, as Japanese keyboards write them
			r -= 0xfee0
		}
		ascii = ascii && (r < utf8.RuneSelf || invisible(r) || joiner(r))
		return r
	}, strings.TrimFunc(typed, around))
	s = strings.Map(func(r rune) rune {
		// Between letters that join, a joiner is a letter of the name; elsewhere it
		// came with the paste.
		if invisible(r) || ascii && joiner(r) {
			return -1
		}
		return r
	}, s)
	for before := ""; s != before; {
		before = s
		s = strings.TrimFunc(strings.TrimRightFunc(strings.TrimLeftFunc(s, punctuation), ending), around)
		for _, pair := range pairs {
			if inner, ok := strings.CutPrefix(s, pair[0]); ok {
				if inner, ok = strings.CutSuffix(inner, pair[1]); ok {
					s = inner
				}
			}
		}
		if len(s) >= len("mailto:") && strings.EqualFold(s[:len("mailto:")], "mailto:") {
			s, _, _ = strings.Cut(strings.TrimPrefix(s[len("mailto:"):], "//"), "?")
			if plain, err := url.PathUnescape(s); err == nil {
				s = plain
			}
		}
	}
	return s
}

// pairs stand around an address where it is quoted. One of a pair alone is not taken
// away: some of them may begin a name, and the other may have been cut off with a part
// of it.
var pairs = [][2]string{
	{"<", ">"}, {"(", ")"}, {"[", "]"}, {"{", "}"}, {`"`, `"`}, {"'", "'"}, {"`", "`"},
	{"“", "”"}, {"„", "“"}, {"„", "”"}, {"”", "”"}, {"‘", "’"}, {"‚", "‘"}, {"«", "»"}, {"»", "«"}, {"「", "」"}, {"『", "』"}, {"【", "】"}, {"《", "》"},
}

// punctuation comes before the words that an address was copied with, and after
// them. A full stop at the beginning is not one of them: it is a slip that changes
// the address.
func punctuation(r rune) bool { return r == ',' || r == ';' || around(r) }

// ending is punctuation, and what else ends a sentence. No domain ends with it.
func ending(r rune) bool { return punctuation(r) || strings.ContainsRune(".:!?…、。،؛؟", r) }

// around are characters that an address never begins or ends with: blanks,
// invisible ones, and the marks and isolates that a program puts around a text
// whose direction differs from its own.
func around(r rune) bool {
	switch {
	case unicode.IsSpace(r), invisible(r), joiner(r):
		return true
	case 0x200b <= r && r <= 0x200f, 0x202a <= r && r <= 0x202c, 0x2060 <= r && r <= 0x2064, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return r == 0x061c || r == 0x180e
}

// invisible characters: soft hyphen, zero width space, the marks of a
// direction, word joiner, byte order mark.
func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return true
	}
	return false
}

// foreignDash is a dash that is not a hyphen: Unicode's dashes, minus signs, and
// what looks like one of them (modifier letter minus, hyphen bullet, heavy minus, the
// lines that tables are drawn with). The domain mapping of UTS 46 takes some of them
// for a hyphen and keeps others, and mail to those goes to a domain that cannot
// exist.
func foreignDash(r rune) bool {
	return r != '-' && unicode.Is(unicode.Pd, r) || strings.ContainsRune("\u2212\u207b\u208b\u02d7\u2043\u2796\u2500\u2501", r)
}

func joiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

func parseDomain(domain string) (string, error) {
	ascii, err := domains.ToASCII(domain)
	labels := strings.FieldsFunc(domain, func(r rune) bool { return strings.ContainsRune(".。．｡", r) })
	// UTS 46 takes symbols and punctuation, which no top level domain has.
	odd := func(r rune) bool { return unicode.IsSymbol(r) || r != '-' && unicode.IsPunct(r) }
	if err != nil || len(labels) < 2 || strings.ContainsFunc(labels[len(labels)-1], odd) {
		return "", ErrFormat
	}
	ascii = strings.ToLower(ascii)
	dot := strings.LastIndexByte(ascii, '.')
	top := ascii[dot+1:]
	// No top level domain is shorter than two letters or has a digit outside
	// punycode: what looks so is an IP address or a slip.
	if dot < 1 || len(top) < 2 || !strings.HasPrefix(top, "xn--") && strings.Trim(top, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", ErrFormat
	}
	return ascii, nil
}

// atext is RFC 5322's, beside letters and digits.
const atext = "!#$%&'*+-/=?^_`{|}~"

func checkLocal(local string) error {
	letters := false
	for _, r := range local {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', strings.ContainsRune(atext, r):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)):
			letters = true
		default:
			return ErrFormat
		}
	}
	switch {
	case local == "", strings.HasPrefix(local, "."), strings.HasSuffix(local, "."), strings.Contains(local, ".."):
		return ErrFormat
	case letters:
		return ErrLetters
	case len(local) > maxLocal:
		return ErrFormat
	}
	return nil
}

// IsZero reports whether the address is missing: an ended entry keeps none.
func (a Address) IsZero() bool { return a == Address{} }

// Reveal is the address itself, for mailing and for storage and for nothing
// else. It is ASCII, at most 254 bytes, without a blank or a line end, and Parse
// gives the same Address for it. The zero Address reveals the empty string.
func (a Address) Reveal() string {
	if a.IsZero() {
		return ""
	}
	return a.local + "@" + a.domain
}

// Mailbox is what the address is kept under, once it has gone through a keyed
// hash: lower case and without its plus tag, so that one person with a thousand
// tags has one place. Like Reveal it must not be logged.
//
// One kind of tag counts: those of GameDay at SES's mailbox simulator, behind
// which is nobody, so that a rehearsal can fill the line. It gives a flood nothing
// that any domain of its own would not.
func (a Address) Mailbox() string {
	if a.IsZero() {
		return ""
	}
	local := a.local
	if i := strings.IndexByte(local, '+'); i > 0 && !(a.domain == simulator && strings.HasPrefix(local[i+1:], GameDay)) {
		local = local[:i]
	}
	return strings.ToLower(local) + "@" + a.domain
}

// GameDay begins the tags of invented people, each with a mailbox of its own:
// success+gameday-000001@simulator.amazonses.com (docs/gameday.md).
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
const GameDay = "gameday-"

// simulator is the domain of SES's mailbox simulator.
const simulator = "simulator.amazonses.com"

const redacted = "[address redacted]"

// Format redacts, for every verb of fmt.
func (a Address) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// String redacts.
func (a Address) String() string { return redacted }

// GoString redacts.
func (a Address) GoString() string { return redacted }

// LogValue redacts.
func (a Address) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText redacts, in JSON and in whatever else asks for text: what is
// stored is what Reveal gives, said out at that place.
func (a Address) MarshalText() ([]byte, error) { return []byte(redacted), nil }
