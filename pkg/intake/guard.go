package intake

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

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

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// readForm reads what was posted, whole and within bounds: fields that came
// twice, bytes that are not text and bodies of another type are refused, not
// guessed at. It looks at the body only; handlers that expect something in the
// query read it there. lenient takes a body of any type, as mail programs send
// them (RFC 8058 allows two), and takes one that is not a form for their one press.
func readForm(w http.ResponseWriter, r *http.Request, asJSON, lenient bool) (url.Values, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" && !asJSON && !lenient {
		return nil, errType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, errLarge
		}
		return nil, errBad
	}
	if asJSON {
		return readJSON(body)
	}
	if kind != "application/x-www-form-urlencoded" {
		// No browser posts our form so: it is a mail program's own button.
		return url.Values{unsubscribe: {oneClick}}, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errBad
	}
	for name, values := range form {
		switch {
		case len(values) > 1 && name == "email":
			return nil, errTwice
		case len(values) > 1, !utf8.ValidString(name), !utf8.ValidString(values[0]):
			return nil, errBad
		}
	}
	return form, nil
}

// readJSON reads the same form from the body that embed.js posts:
//
//	{"email":"name@example.com","to":"/apply","stamp":"…","note":"","fields":{"state":"VT"}}
//
// "insist":true says that the address is meant as it is, after a suggestion.
func readJSON(body []byte) (url.Values, error) {
	var posted struct {
		Email  string            `json:"email"`
		To     string            `json:"to"`
		Stamp  string            `json:"stamp"`
		Note   string            `json:"note"`
		Insist bool              `json:"insist"`
		Fields map[string]string `json:"fields"`
	}
	// encoding/json would put U+FFFD in the place of bytes that are not text.
	if !utf8.Valid(body) {
		return nil, errBad
	}
	if err := noneTwice(body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &posted); err != nil {
		return nil, errBad
	}
	form := url.Values{}
	for name, value := range map[string]string{"email": posted.Email, "to": posted.To, "stamp": posted.Stamp, "note": posted.Note} {
		form.Set(name, value)
	}
	if posted.Insist {
		form.Set("insist", posted.Email)
	}
	for name, value := range posted.Fields {
		if !slices.Contains(reserved, name) {
			form.Set(name, value)
		}
	}
	return form, nil
}

// noneTwice refuses an object with a name that comes twice: encoding/json would
// let the last one win, and what checks the first would have checked nothing.
func noneTwice(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errBad
	}
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return errBad
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return errBad
		}
		if bytes.HasPrefix(value, []byte("{")) {
			if err := noneTwice(value); err != nil {
				return err
			}
		}
		// Names are matched in any case by encoding/json.
		key := strings.Map(oneCase, name.(string))
		switch {
		case seen[key] && key == strings.Map(oneCase, "email"):
			return errTwice
		case seen[key]:
			return errBad
		}
		seen[key] = true
	}
	return nil
}

// oneCase is the same rune for all that differ in case alone, as strings.EqualFold
// has them.
func oneCase(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
