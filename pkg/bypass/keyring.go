package bypass

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// MinSecret is the least length, in bytes, of the root and of each secret of
// the ring. 32 characters drawn from letters and digits hold about 190 bits,
// more than the 128 that the MACs are worth.
const MinSecret = 32

// maxRing is the largest key id: a code has three bits for it, and id 0 is the
// key that derives from the root.
const maxRing = 7

// ClockGrace is how far two clocks of ours may disagree before anybody is
// refused for it.
const ClockGrace = 2 * time.Minute

// The purposes. Each is the HKDF info of its key, so that what is signed for
// one is noise to every other.
const (
	forPepper = "raincheck 1 pepper"
	forCode   = "raincheck 1 code"
	forPass   = "raincheck 1 pass"
	forLeave  = "raincheck 1 leave"
	forForm   = "raincheck 1 form"
	forSalt   = "raincheck 1 salt"
	forUse    = "raincheck 1 use"
	forNobody = "raincheck 1 nobody"

	forReceipt = "raincheck 1 receipt"
)

// Keyring holds the keys of one stack. It is safe for concurrent use: nothing
// changes it after ParseKeyring. The zero Keyring is not usable.
type Keyring struct {
	doc    document
	pepper []byte
	leave  []byte
	salt   []byte
	use    []byte
	// receipt encrypts; all others sign.
	receipt cipher.AEAD
	decoy   []byte // stands in for the key of an unknown id, so that it takes as long
	ring    []key  // oldest first; ring[0] derives from the root while that is alive
}

// key is one generation: what signs codes, forms and passes between two
// rotations.
type key struct {
	id        int
	notBefore time.Time
	// until is when its successor takes over; zero for the newest.
	until time.Time
	code  []byte
	form  []byte
	pass  string
}

// document is the secret as it is stored.
type document struct {
	Root string  `json:"root"`
	Ring []entry `json:"ring"`
}

type entry struct {
	ID        int       `json:"id"`
	Secret    string    `json:"secret"`
	NotBefore time.Time `json:"notBefore"`
}

// ParseKeyring reads the secret document:
//
//	{"root":"at least 32 characters","ring":[{"id":1,"secret":"…","notBefore":"2026-01-02T15:04:05Z"}]}
//
// ring may be absent. Errors say what is wrong and where, and never repeat a
// value.
func ParseKeyring(doc []byte) (*Keyring, error) {
	var d document
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		// What encoding/json says can quote the input, and the input is the secret.
		return nil, errors.New("secret document: it is not the JSON of a key ring (an object with root and ring)")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("secret document: something follows the JSON object")
	}
	return newKeyring(d)
}

func newKeyring(d document) (*Keyring, error) {
	if len(d.Root) < MinSecret {
		return nil, fmt.Errorf("secret document: root is %d bytes long, and at least %d are needed", len(d.Root), MinSecret)
	}
	slices.SortFunc(d.Ring, func(a, b entry) int { return a.NotBefore.Compare(b.NotBefore) })
	seen := map[int]bool{}
	for i, e := range d.Ring {
		switch {
		case e.ID < 1 || e.ID > maxRing:
			return nil, fmt.Errorf("secret document: a ring entry has the id %d, and ids go from 1 to %d", e.ID, maxRing)
		case seen[e.ID]:
			return nil, fmt.Errorf("secret document: two ring entries have the id %d", e.ID)
		case len(e.Secret) < MinSecret:
			return nil, fmt.Errorf("secret document: the secret of ring entry %d is %d bytes long, and at least %d are needed", e.ID, len(e.Secret), MinSecret)
		case e.NotBefore.IsZero():
			return nil, fmt.Errorf("secret document: ring entry %d has no notBefore", e.ID)
		case i > 0 && e.NotBefore.Equal(d.Ring[i-1].NotBefore):
			return nil, fmt.Errorf("secret document: ring entries %d and %d start at the same time", d.Ring[i-1].ID, e.ID)
		}
		seen[e.ID] = true
	}
	k := &Keyring{
		doc:    d,
		pepper: derive(d.Root, forPepper),
		leave:  derive(d.Root, forLeave),
		salt:   derive(d.Root, forSalt),
		use:    derive(d.Root, forUse),
		decoy:  derive(d.Root, forNobody),

		receipt: sealer(derive(d.Root, forReceipt)),
	}
	k.ring = append(k.ring, newKey(0, d.Root, time.Time{}))
	for _, e := range d.Ring {
		k.ring[len(k.ring)-1].until = e.NotBefore
		k.ring = append(k.ring, newKey(e.ID, e.Secret, e.NotBefore))
	}
	return k, nil
}

func newKey(id int, secret string, notBefore time.Time) key {
	return key{
		id:        id,
		notBefore: notBefore,
		code:      derive(secret, forCode),
		form:      derive(secret, forForm),
		// The edge passes the key to its HMAC as the text it finds in the gate,
		// so the text is the key: 24 bytes, 192 bits, in 32 characters.
		pass: base64.RawURLEncoding.EncodeToString(derive(secret, forPass)[:24]),
	}
}

// derive makes the key for a purpose. HKDF fails only when asked for more than
// 255 hashes of output; we ask for one.
func derive(secret, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, sha256.Size)
	if err != nil {
		panic("bypass: deriving a key: " + err.Error())
	}
	return out
}

// sealer is AES-256-GCM under a derived key, whose length it always accepts.
func sealer(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("bypass: a key to seal with: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("bypass: a key to seal with: " + err.Error())
	}
	return aead
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

// tag is the MAC of a text as text: 132 bits in 22 characters.
func tag(key []byte, text string) string {
	return base64.RawURLEncoding.EncodeToString(mac(key, text))[:22]
}

// signer returns the key that signs at now: the newest whose time has come.
func (k *Keyring) signer(now time.Time) key {
	newest := k.ring[0]
	for _, c := range k.ring[1:] {
		if !now.Before(c.notBefore) {
			newest = c
		}
	}
	return newest
}

// find returns the key with the id, whatever its time: a signature of a key
// whose time has not come here may be from a clock that is ahead.
func (k *Keyring) find(id int) (key, bool) {
	i := slices.IndexFunc(k.ring, func(c key) bool { return c.id == id })
	if i < 0 {
		return key{}, false
	}
	return k.ring[i], true
}

// dead says whether everything that the key can have signed, each living at
// most life, has run out by now. Clocks that are late to see the successor are
// given grace.
func (c key) dead(now time.Time, life time.Duration) bool {
	return !c.until.IsZero() && now.After(c.until.Add(life+ClockGrace))
}

// Mailbox returns the name under which the waitlist keeps a mailbox: 28
// URL-safe characters, 168 bits of HMAC under the pepper. Without the root
// nobody can tell from a name whose it is, nor try out addresses.
func (k *Keyring) Mailbox(mailbox string) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.pepper, mailbox)[:21])
}

// RowKey is the key under which the report of an import knows the rows of a
// list, so that whoever has the report cannot try out addresses.
func (k *Keyring) RowKey() []byte { return mac(k.pepper, "rows of an import\n") }

// DailySalt returns the gate's salt for the UTC day of t: 16 URL-safe
// characters. With another salt everybody draws again, so the salt in force may
// outlive its day (the inviter changes it at a moment when nobody is turned
// away, if such a moment comes).
func (k *Keyring) DailySalt(t time.Time) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.salt, t.UTC().Format(time.DateOnly))[:12])
}

const redacted = "[key ring redacted]"

// String redacts.
func (k *Keyring) String() string { return redacted }

// GoString redacts, for %#v.
func (k *Keyring) GoString() string { return redacted }

// Format redacts for every verb of fmt.
func (k *Keyring) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// LogValue redacts.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON redacts: the secret document leaves only through Rotate.
func (k *Keyring) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
