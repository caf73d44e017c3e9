package bypass

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// RotationLead is how long after a rotation the new key signs for the first
// time. Functions read the secret again within five minutes, the inviter takes
// the pass key to the edge within one more, and the edge has it half a minute
// later: ten leave room for a tick that fails.
const RotationLead = 10 * time.Minute

// ErrRingFull means that seven keys are still needed to check what they
// signed. It takes seven rotations within a week and a day.
var ErrRingFull = errors.New("the key ring is full of keys whose codes are still good")

// Rotate returns the secret document with a new key in it that starts to sign
// RotationLead after now, and without those whose signatures have all run out.
// random gives the new secret and should be crypto/rand.Reader. The root, and
// with it every mailbox's name, stays.
func (k *Keyring) Rotate(now time.Time, random io.Reader) ([]byte, error) {
	next := document{Root: k.doc.Root, Ring: []entry{}}
	for _, e := range k.doc.Ring {
		if c, ok := k.find(e.ID); ok && !c.dead(now, MaxCodeLife) {
			next.Ring = append(next.Ring, e)
		}
	}
	id, ok := freeID(next.Ring)
	if !ok {
		oldest, _ := k.find(next.Ring[0].ID)
		return nil, fmt.Errorf("rotating: %w; the oldest can go after %s", ErrRingFull, oldest.until.Add(MaxCodeLife+ClockGrace).UTC().Format(time.RFC3339))
	}
	var secret [32]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, fmt.Errorf("rotating: reading randomness: %w", err)
	}
	start := now.UTC().Add(RotationLead).Truncate(time.Second)
	if n := len(next.Ring); n > 0 && !start.After(next.Ring[n-1].NotBefore) {
		// Keys start in the order they were made: the last to be made is the one
		// that the operator trusts.
		start = next.Ring[n-1].NotBefore.Add(time.Second)
	}
	next.Ring = append(next.Ring, entry{ID: id, Secret: base64.RawURLEncoding.EncodeToString(secret[:]), NotBefore: start})
	if _, err := newKeyring(next); err != nil {
		return nil, fmt.Errorf("rotating: the new document would not be read: %w", err)
	}
	return json.Marshal(next)
}

// freeID picks the id after the newest one that no entry has, so that an id
// rests as long as possible before it means another key.
func freeID(ring []entry) (int, bool) {
	last := 0
	if len(ring) > 0 {
		last = ring[len(ring)-1].ID
	}
	for step := range maxRing {
		id := (last+step)%maxRing + 1
		if !slices.ContainsFunc(ring, func(e entry) bool { return e.ID == id }) {
			return id, true
		}
	}
	return 0, false
}
