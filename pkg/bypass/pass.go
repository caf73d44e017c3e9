package bypass

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CookieName is the cookie that holds a pass. The prefix makes browsers refuse
// it from any other host and without Secure, so that a neighbouring subdomain
// cannot plant one.
const CookieName = "__Host-raincheck"

// MaxPassLife is how long after its first issue a pass can be renewed for.
const MaxPassLife = 24 * time.Hour

// maxPass bounds what is read: a pass of ours has at most 140 characters.
const maxPass = 200

// mac2 is how much of the MAC a pass of version 2 has, in hex digits: 132 bits, as
// in the 22 characters of base64url of version 1.
const mac2 = 33

// Kind says how somebody came in. It is one letter in the pass, and the edge
// carries it from one renewal to the next.
type Kind string

const (
	// Drawn is somebody whose draw was below the admitted share.
	Drawn Kind = "d"
	// Redeemed is somebody who was invited.
	Redeemed Kind = "r"
	// Operator is somebody who runs the site and must see it whatever the mode.
	Operator Kind = "o"
)

// ErrPass means that a text is not a pass of this stack, or that its time is over:
// its bearer is somebody like everybody else, so nobody needs to know which.
var ErrPass = errors.New("that pass is not good")

// Pass is what a cookie says.
type Pass struct {
	Kind Kind
	// First is when its bearer came in; renewals keep it.
	First time.Time
	// Expires is at most MaxPassLife after First.
	Expires time.Time
	// Renew is from when the edge renews it, which it can tell without a key. It
	// is Expires when it cannot be renewed any more, and zero in a pass of version
	// 1, which is renewed from half its life on.
	Renew time.Time
	// ID tells one bearer from another, of the characters A-Z a-z 0-9 _ -, at
	// most 64 of them; renewals keep it. A redemption is counted once per ID.
	ID string
}

// PassKey is what the edge gets of one generation of keys: enough to make and
// check passes, and nothing else.
type PassKey struct {
	// ID is 0 to 7.
	ID int
	// Key is 32 URL-safe characters, used as they stand.
	Key string
	// NotBefore is when it starts to sign; zero for the key of the root.
	NotBefore time.Time
}

// LogValue redacts.
func (k PassKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// String redacts.
func (k PassKey) String() string { return "[pass key " + strconv.Itoa(k.ID) + " redacted]" }

// GoString redacts, for %#v.
func (k PassKey) GoString() string { return k.String() }

// PassKeys are the pass keys of a stack, oldest first.
type PassKeys []PassKey

// PassKeys returns what the edge needs at now: the keys that sign or will, and
// the replaced ones of which a pass can still be alive. The set changes with
// time alone, when a replaced key has outlived its passes; whoever publishes it
// compares it with what is published.
func (k *Keyring) PassKeys(now time.Time) PassKeys {
	var out PassKeys
	for _, c := range k.ring {
		if !c.dead(now, MaxPassLife) {
			out = append(out, PassKey{ID: c.id, Key: c.pass, NotBefore: c.notBefore})
		}
	}
	return out
}

// NewPass is the pass of somebody who comes in at now, good for life (at most
// MaxPassLife), of version 2.
func NewPass(kind Kind, id string, now time.Time, life time.Duration) Pass {
	return Pass{Kind: kind, First: now, ID: id}.lasting(now, life)
}

// lasting returns the pass as it is made or renewed at now.
func (p Pass) lasting(now time.Time, life time.Duration) Pass {
	end := p.First.Unix() + int64(MaxPassLife/time.Second)
	seconds := int64(life / time.Second)
	p.Expires = time.Unix(min(now.Unix()+seconds, end), 0).UTC()
	p.Renew = p.Expires
	if p.Expires.Unix() < end {
		p.Renew = time.Unix(now.Unix()+seconds/2, 0).UTC()
	}
	return p
}

// Due says whether a pass that is good for life from one renewal to the next is
// to be renewed at now.
func (p Pass) Due(now time.Time, life time.Duration) bool {
	if !p.Renew.IsZero() {
		return now.Unix() >= p.Renew.Unix()
	}
	return 2*(p.Expires.Unix()-now.Unix()) <= int64(life/time.Second)
}

// MintPass makes the cookie value for somebody who comes in at now, good for
// life (at most MaxPassLife), of version 1: the edge alone makes version 2. id is the unique part: NewPassID's, or that of the
// good pass which the same browser already bears.
func (k *Keyring) MintPass(kind Kind, id string, now time.Time, life time.Duration) (string, error) {
	return k.PassKeys(now).Mint(Pass{Kind: kind, First: now, Expires: now.Add(min(life, MaxPassLife)), ID: id}, now)
}

// VerifyPass reads a cookie value. Its only error is ErrPass.
func (k *Keyring) VerifyPass(value string, now time.Time) (Pass, error) {
	return k.PassKeys(now).Verify(value, now)
}

// RenewPass returns a fresh cookie value, of version 2, for a pass that is due,
// and the empty string for one that is not. A pass never lives longer than
// MaxPassLife from its first issue.
func (k *Keyring) RenewPass(p Pass, now time.Time, life time.Duration) (string, error) {
	return k.PassKeys(now).Renew(p, now, life)
}

// NewPassID draws a unique part: 16 characters, 96 bits from random.
func NewPassID(random io.Reader) (string, error) {
	var b [12]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("making a pass: reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// PassID makes the unique part from what identifies a browser for the moment
// (its address and user agent, say), so that a form posted twice before the
// first answer came back counts as one use. It is a keyed hash: what went in
// cannot be told from it.
func (k *Keyring) PassID(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		// The length in front keeps ("a","bc") and ("ab","c") apart.
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return base64.RawURLEncoding.EncodeToString(mac(k.use, b.String())[:12])
}

// Mint makes the cookie value for p, signed with the newest key whose time has
// come by now. Without Renew it is of version 1, else of version 2:
//
//	1.<key id>.<kind>.<expires>.<first>.<id>.<MAC>
//	2.<key id>.<kind>.<expires>.<renew>.<first>.<id>.<MAC>
//
// with times in Unix seconds and the MAC over all before its dot: 22 characters
// of base64url in version 1, and 33 of lower-case hex in version 2, which the edge
// can compare as numbers.
func (ks PassKeys) Mint(p Pass, now time.Time) (string, error) {
	k, ok := ks.signer(now)
	switch {
	case !ok:
		return "", errors.New("making a pass: no key to sign it with yet")
	case !p.Kind.valid():
		return "", errors.New("making a pass: its kind is not one that we know")
	case !validPassID(p.ID):
		return "", errors.New("making a pass: its id must be 1 to 64 of the characters A-Z a-z 0-9 _ -")
	case p.Expires.Unix() > p.First.Unix()+int64(MaxPassLife/time.Second):
		return "", fmt.Errorf("making a pass: it would live past %s from its first issue", MaxPassLife)
	}
	version, renew := "1.", ""
	if !p.Renew.IsZero() {
		version, renew = "2.", strconv.FormatInt(p.Renew.Unix(), 10)+"."
	}
	text := version + strconv.Itoa(k.ID) + "." + string(p.Kind) + "." +
		strconv.FormatInt(p.Expires.Unix(), 10) + "." + renew + strconv.FormatInt(p.First.Unix(), 10) + "." + p.ID
	return text + "." + passMAC(k, text), nil
}

// passMAC is the MAC of a pass whose text begins with its version.
func passMAC(k PassKey, text string) string {
	if text[0] == '1' {
		return tag([]byte(k.Key), text)
	}
	return hex.EncodeToString(mac([]byte(k.Key), text))[:mac2]
}

// Verify is VerifyPass with nothing but the edge's keys.
func (ks PassKeys) Verify(value string, now time.Time) (Pass, error) {
	f := strings.Split(value, ".")
	if len(value) > maxPass || !(f[0] == "1" && len(f) == 7 || f[0] == "2" && len(f) == 8) {
		return Pass{}, ErrPass
	}
	i := slices.IndexFunc(ks, func(k PassKey) bool { return strconv.Itoa(k.ID) == f[1] })
	if i < 0 {
		return Pass{}, ErrPass
	}
	text, given := value[:strings.LastIndexByte(value, '.')], f[len(f)-1]
	if !hmac.Equal([]byte(passMAC(ks[i], text)), []byte(given)) {
		return Pass{}, ErrPass
	}
	// Seconds in the order of their fields: expires, renew in version 2, first.
	var seconds []int64
	for _, field := range f[3 : len(f)-2] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Pass{}, ErrPass
		}
		seconds = append(seconds, n)
	}
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	p := Pass{Kind: Kind(f[2]), First: at(seconds[len(seconds)-1]), Expires: at(seconds[0]), ID: f[len(f)-2]}
	if len(seconds) == 3 {
		p.Renew = at(seconds[1])
	}
	if now.Unix() >= p.Expires.Unix() {
		return Pass{}, ErrPass
	}
	return p, nil
}

// Renew is RenewPass with nothing but the edge's keys.
func (ks PassKeys) Renew(p Pass, now time.Time, life time.Duration) (string, error) {
	if !p.Due(now, life) {
		return "", nil
	}
	return ks.Mint(p.lasting(now, life), now)
}

// signer returns the key that signs at now, the last whose time has come.
func (ks PassKeys) signer(now time.Time) (PassKey, bool) {
	for _, k := range slices.Backward(ks) {
		if !now.Before(k.NotBefore) {
			return k, true
		}
	}
	return PassKey{}, false
}

func (k Kind) valid() bool { return k == Drawn || k == Redeemed || k == Operator }

func validPassID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	return strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// CookieAttributes are the attributes of the pass cookie, with Max-Age for what
// is left of it at now. Expires is not among them: it would be read on the
// visitor's clock, which may be wrong by years. Strict would drop the cookie on
// the click from a mail.
func CookieAttributes(p Pass, now time.Time) string {
	return cookieAttributes + strconv.FormatInt(max(0, p.Expires.Unix()-now.Unix()), 10)
}

const cookieAttributes = "Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="
