package bypass

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxCodeLife is the longest that a code may be good for. It bounds how long a
// replaced key must be kept, and so how often keys can be rotated.
const MaxCodeLife = 7 * 24 * time.Hour

var (
	// ErrCode means that this was never a code of ours: mistyped, cut off,
	// another stack's, or guessed. It does not say which, and takes the same time
	// for all of them.
	ErrCode = errors.New("that code is not right")
	// ErrCodeExpired means that the code is ours and its time is over.
	ErrCodeExpired = errors.New("that code has expired")
)

// Code is a bypass code in its canonical form: twenty symbols of Crockford's
// base32, upper case, no hyphens. It is what the store keys the code's item by.
//
// The symbols hold 100 bits, the highest first: 1 of version (0), 3 of key id,
// 24 of expiry (minutes since 2020-01-01T00:00Z, which lasts until November
// 2051), 32 random, 40 of HMAC-SHA256 over the 60 before them.
//
// A Code redacts itself in logs.
type Code string

const (
	codeSymbols = 20
	crockford   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

var codeEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// symbolOf maps a byte to its five bits, 0xff when it is none. O reads as 0, I
// and L as 1, lower case as upper case.
var symbolOf = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(crockford) {
		t[crockford[i]] = byte(i)
		t[strings.ToLower(crockford)[i]] = byte(i)
	}
	t['O'], t['o'] = 0, 0
	t['I'], t['i'], t['L'], t['l'] = 1, 1, 1, 1
	return t
}()

// IssueCode makes a code that is good until expires, rounded up to the minute
// so that it never dies before the time that its mail names. The four random
// bytes come from random, which should be crypto/rand.Reader; the caller makes
// sure that the code is not taken yet, and draws again if it is.
func (k *Keyring) IssueCode(now, expires time.Time, random io.Reader) (Code, error) {
	if !expires.After(now) || expires.Sub(now) > MaxCodeLife {
		return "", fmt.Errorf("issuing a code: it would be good for %s, and must be for more than nothing and at most %s", expires.Sub(now), MaxCodeLife)
	}
	minutes := (expires.Sub(codeEpoch) + time.Minute - 1) / time.Minute
	if minutes < 0 || minutes >= 1<<24 {
		return "", fmt.Errorf("issuing a code: %s is outside the years 2020 to 2051 that a code can name", expires.UTC().Format(time.RFC3339))
	}
	var r [4]byte
	if _, err := io.ReadFull(random, r[:]); err != nil {
		return "", fmt.Errorf("issuing a code: reading randomness: %w", err)
	}
	c := k.signer(now)
	head := uint64(c.id)<<56 | uint64(minutes)<<32 | uint64(binary.BigEndian.Uint32(r[:]))
	return encodeCode(head, codeMAC(c.code, head)), nil
}

// ParseCode reads what a person typed or pasted, forgiving case, O for 0, I and
// L for 1, and spaces, hyphens and dashes anywhere; and what comes with a paste:
// the whole link or its query, words before it with a colon or without, quotes and punctuation around it,
// full-width letters. It checks the form only; anything else is ErrCode.
func ParseCode(s string) (Code, error) {
	// Longer than any honest link or code with all its blanks: not worth reading.
	if len(s) > maxTypedCode || !utf8.ValidString(s) {
		return "", ErrCode
	}
	if code, err := parseCode(s); err == nil {
		return code, nil
	}
	s = unwrap(s)
	code, err := parseCode(s)
	// "Your code is ABCDE-…": words before it, without a colon.
	for words := 0; err != nil && words < maxWords; words++ {
		_, rest, more := strings.Cut(strings.TrimLeftFunc(s, unicode.IsSpace), " ")
		if !more {
			break
		}
		s = rest
		code, err = parseCode(s)
	}
	return code, err
}

const (
	maxTypedCode = 512
	// maxWords is how many words may stand before a code.
	maxWords = 5
)

// unwrap takes away what came with a code.
func unwrap(s string) string {
	s = strings.Map(func(r rune) rune {
		if 0xff01 <= r && r <= 0xff5e { // full-width forms of ! to ~
			r -= 0xfee0
		}
		return r
	}, s)
	// A link's query holds the code under c; else it may stand behind a word, which
	// ends with a colon in every language.
	if rest, ok := strings.CutPrefix(strings.TrimFunc(s, wrapping), "c="); ok {
		s, _, _ = strings.Cut(rest, "&")
	} else if i := max(strings.LastIndex(s, "?c="), strings.LastIndex(s, "&c=")); i >= 0 {
		s, _, _ = strings.Cut(s[i+len("?c="):], "&")
		s, _, _ = strings.Cut(s, "#")
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.TrimFunc(s[i+1:], wrapping) != "" {
		s = s[i+1:]
	}
	return strings.TrimFunc(s, wrapping)
}

// wrapping is what stands around a code and is not of it.
func wrapping(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func parseCode(s string) (Code, error) {
	var out [codeSymbols]byte
	n := 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r):
			continue
		case r > 0x7f || symbolOf[byte(r)] == 0xff || n == codeSymbols:
			return "", ErrCode
		}
		out[n] = crockford[symbolOf[byte(r)]]
		n++
	}
	if n != codeSymbols {
		return "", ErrCode
	}
	return Code(out[:]), nil
}

// VerifyCode says whether s is a code of this stack, with no look-up anywhere.
// It returns the canonical code and when it expires, both also with
// ErrCodeExpired, which comes ClockGrace after that time. Every other fault is
// ErrCode, after the same work.
func (k *Keyring) VerifyCode(s string, now time.Time) (Code, time.Time, error) {
	code, err := ParseCode(s)
	ok := err == nil
	if !ok {
		code = "00000000000000000000" // only so that a MAC is taken all the same
	}
	head, sum := decodeCode(code)
	id, secret := int(head>>56), k.decoy
	c, known := k.find(id)
	if known {
		secret = c.code
	}
	var want, got [8]byte
	binary.BigEndian.PutUint64(want[:], codeMAC(secret, head))
	binary.BigEndian.PutUint64(got[:], sum)
	if !hmac.Equal(want[:], got[:]) || !known || !ok {
		return "", time.Time{}, ErrCode
	}
	expires := codeEpoch.Add(time.Duration(head>>32&(1<<24-1)) * time.Minute)
	if !c.until.IsZero() && expires.After(c.until.Add(MaxCodeLife+ClockGrace)) {
		// Its key had been replaced before anybody could have issued this: only a
		// thief of the old key still signs with it.
		return "", time.Time{}, ErrCode
	}
	if now.After(expires.Add(ClockGrace)) {
		return code, expires, ErrCodeExpired
	}
	return code, expires, nil
}

// codeMAC is the 40 bits over the 60 (in eight bytes, big endian).
func codeMAC(key []byte, head uint64) uint64 {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], head)
	sum := mac(key, string(b[:]))
	return binary.BigEndian.Uint64(sum[:8]) >> 24
}

func encodeCode(head, sum uint64) Code {
	var out [codeSymbols]byte
	for i := range 12 {
		out[i] = crockford[head>>(55-5*i)&31]
	}
	for i := range 8 {
		out[12+i] = crockford[sum>>(35-5*i)&31]
	}
	return Code(out[:])
}

func decodeCode(c Code) (head, sum uint64) {
	for i := range 12 {
		head = head<<5 | uint64(symbolOf[c[i]])
	}
	for i := 12; i < codeSymbols; i++ {
		sum = sum<<5 | uint64(symbolOf[c[i]])
	}
	return head, sum
}

// String returns the code as a person reads it: fives joined by hyphens. It is
// for mails and pages; string(c) is the canonical form, for the store and for a
// link.
func (c Code) String() string {
	var b strings.Builder
	for i := 0; i < len(c); i += 5 {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(string(c[i:min(i+5, len(c))]))
	}
	return b.String()
}

// LogValue redacts: a code in a log lets whoever reads the log in before the
// person it was sent to.
func (c Code) LogValue() slog.Value { return slog.StringValue("[code redacted]") }
