package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"

	"raincheck/pkg/gate"
)

// throughTheDoor checks that a request came through the CDN. Whoever finds the
// API's own address could otherwise go around every rule at the edge.
func (rm *room) throughTheDoor(r *http.Request) error {
	if rm.Secrets == nil {
		return nil
	}
	shown := r.Header.Get(gate.OriginHeader)
	secrets, err := rm.Secrets(r.Context(), shown)
	if err != nil {
		return fmt.Errorf("read the origin secret: %w", err)
	}
	// Hashes are of one length, so that the comparison tells nothing of a secret's.
	got := sha256.Sum256([]byte(shown))
	good := 0
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret))
		if secret != "" {
			good |= subtle.ConstantTimeCompare(got[:], want[:])
		}
	}
	if good == 0 {
		return errDirect
	}
	return nil
}

// embedder says that a request comes from a page of another site that may carry
// embed.js.
func (rm *room) embedder(r *http.Request) bool {
	return slices.Contains(rm.Embedders, r.Header.Get("Origin"))
}

// allowEmbedder lets a script of such a page read the answer.
func (rm *room) allowEmbedder(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Add("Vary", "Origin")
}
