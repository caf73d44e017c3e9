package bypass

import (
	"crypto/hmac"
	"encoding/base64"
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

// maxPass bounds what is read: a pass of ours has at most 118 characters.
const maxPass = 200

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

// ErrPass means that a text is no pass of this stack, or that its time is over:
// its bearer is somebody like everybody else, so nobody needs to know which.
var ErrPass = errors.New("that pass is not good")

// Pass is what a cookie says.
type Pass struct {
	Kind Kind
	// First is when its bearer came in; renewals keep it.
	First time.Time
	// Expires is at most MaxPassLife after First.
	Expires time.Time
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

// MintPass makes the cookie value for somebody who comes in at now, good for
// life (at most MaxPassLife). id is the unique part: NewPassID's, or that of the
// good pass which the same browser already bears.
func (k *Keyring) MintPass(kind Kind, id string, now time.Time, life time.Duration) (string, error) {
	return k.PassKeys(now).Mint(Pass{Kind: kind, First: now, Expires: now.Add(min(life, MaxPassLife)), ID: id}, now)
}

// VerifyPass reads a cookie value. Its only error is ErrPass.
func (k *Keyring) VerifyPass(value string, now time.Time) (Pass, error) {
	return k.PassKeys(now).Verify(value, now)
}

// RenewPass returns a fresh cookie value for a pass that is past half of life,
// and the empty string for one that needs none yet, or that has reached
// MaxPassLife after its first issue.
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
// come by now:
//
//	1.<key id>.<kind>.<expires>.<first>.<id>.<MAC>
//
// with times in Unix seconds and the MAC over all before its dot.
func (ks PassKeys) Mint(p Pass, now time.Time) (string, error) {
	k, ok := ks.signer(now)
	switch {
	case !ok:
		return "", errors.New("making a pass: there is no key to sign it with yet")
	case !p.Kind.valid():
		return "", errors.New("making a pass: its kind is not one that we know")
	case !validPassID(p.ID):
		return "", errors.New("making a pass: its id must be 1 to 64 of the characters A-Z a-z 0-9 _ -")
	case p.Expires.Unix() > p.First.Unix()+int64(MaxPassLife/time.Second):
		return "", fmt.Errorf("making a pass: it would live past %s from its first issue", MaxPassLife)
	}
	text := "1." + strconv.Itoa(k.ID) + "." + string(p.Kind) + "." +
		strconv.FormatInt(p.Expires.Unix(), 10) + "." + strconv.FormatInt(p.First.Unix(), 10) + "." + p.ID
	return text + "." + tag([]byte(k.Key), text), nil
}

// Verify is VerifyPass with nothing but the edge's keys.
func (ks PassKeys) Verify(value string, now time.Time) (Pass, error) {
	f := strings.Split(value, ".")
	if len(value) > maxPass || len(f) != 7 || f[0] != "1" {
		return Pass{}, ErrPass
	}
	i := slices.IndexFunc(ks, func(k PassKey) bool { return strconv.Itoa(k.ID) == f[1] })
	if i < 0 {
		return Pass{}, ErrPass
	}
	text := value[:strings.LastIndexByte(value, '.')]
	if !hmac.Equal([]byte(tag([]byte(ks[i].Key), text)), []byte(f[6])) {
		return Pass{}, ErrPass
	}
	expires, err1 := strconv.ParseInt(f[3], 10, 64)
	first, err2 := strconv.ParseInt(f[4], 10, 64)
	p := Pass{Kind: Kind(f[2]), First: time.Unix(first, 0).UTC(), Expires: time.Unix(expires, 0).UTC(), ID: f[5]}
	if err1 != nil || err2 != nil || now.Unix() >= expires {
		return Pass{}, ErrPass
	}
	return p, nil
}

// Renew is RenewPass with nothing but the edge's keys.
func (ks PassKeys) Renew(p Pass, now time.Time, life time.Duration) (string, error) {
	if 2*(p.Expires.Unix()-now.Unix()) >= int64(life/time.Second) {
		return "", nil
	}
	until := min(now.Unix()+int64(life/time.Second), p.First.Unix()+int64(MaxPassLife/time.Second))
	if until <= p.Expires.Unix() {
		return "", nil
	}
	p.Expires = time.Unix(until, 0).UTC()
	return ks.Mint(p, now)
}

func (ks PassKeys) signer(now time.Time) (PassKey, bool) {
	var newest PassKey
	found := false
	for _, k := range ks {
		if !now.Before(k.NotBefore) && (!found || !k.NotBefore.Before(newest.NotBefore)) {
			newest, found = k, true
		}
	}
	return newest, found
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
