// Package posted reads what was posted to the waiting room, whole and within
// bounds: fields that came twice, bytes that are not text and bodies of another
// type are refused, not guessed at. It looks at the body only; handlers that expect
// something in the query read it there.
package posted

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is refused.
var (
	ErrType  = errors.New("waiting room: the body is of another type")
	ErrLarge = errors.New("waiting room: the body is too large")
	ErrBad   = errors.New("waiting room: the body cannot be read")
	ErrTwice = errors.New("waiting room: two addresses")
)

// MaxBody is the most that is read of a request: every field at its longest,
// percent-encoded, fits four times over.
const MaxBody = 16 << 10

// Reserved are the names that the forms use themselves.
var Reserved = []string{"email", "to", "stamp", "note", "code", "language", "go", "insist", "c", "r", "t"}

// What a mail program posts when its own button is pressed (RFC 8058). The mails
// do not ask for it any more: an invitation was asked for, and is not a
// subscription message (https://support.google.com/a/answer/15263077). Mails that
// are out, and programs that post all the same, do.
const (
	Unsubscribe = "List-Unsubscribe"
	OneClick    = "One-Click"
)

// ByProgram says that a mail program posted the form and no page of ours, which has
// no field of that name: in whatever case it writes it, and whatever ends the value.
func ByProgram(form url.Values) bool {
	for name := range form {
		if strings.EqualFold(strings.TrimSpace(name), Unsubscribe) {
			return true
		}
	}
	return false
}

const formKind = "application/x-www-form-urlencoded"

// kindOf is the type of what was posted; most often it is exactly a form's.
func kindOf(r *http.Request) string {
	kind := r.Header.Get("Content-Type")
	if kind != formKind {
		kind, _, _ = mime.ParseMediaType(kind)
	}
	return kind
}

// IsJSON says that JSON was posted.
func IsJSON(r *http.Request) bool { return kindOf(r) == "application/json" }

// Read reads what was posted. Its errors are those of the package. JSON is read
// where asJSON says that the page takes it. lenient takes a body of any type, as
// mail programs send them (RFC 8058 allows two), and takes one that is not a form
// for their one press.
func Read(w http.ResponseWriter, r *http.Request, asJSON, lenient bool) (url.Values, error) {
	kind := kindOf(r)
	if kind != formKind && !asJSON && !lenient {
		return nil, ErrType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, ErrLarge
		}
		return nil, ErrBad
	}
	if asJSON {
		return readJSON(body)
	}
	if kind != formKind {
		// No browser posts our form so: it is a mail program's own button.
		return url.Values{Unsubscribe: {OneClick}}, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, ErrBad
	}
	for name, values := range form {
		switch {
		case len(values) > 1 && name == "email":
			return nil, ErrTwice
		case len(values) > 1, !utf8.ValidString(name), !utf8.ValidString(values[0]):
			return nil, ErrBad
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
		return nil, ErrBad
	}
	if err := noneTwice(body, true); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &posted); err != nil {
		return nil, ErrBad
	}
	form := url.Values{}
	for name, value := range map[string]string{"email": posted.Email, "to": posted.To, "stamp": posted.Stamp, "note": posted.Note} {
		form.Set(name, value)
	}
	if posted.Insist {
		form.Set("insist", posted.Email)
	}
	for name, value := range posted.Fields {
		if !slices.Contains(Reserved, name) {
			form.Set(name, value)
		}
	}
	return form, nil
}

// noneTwice refuses an object with a name that comes twice: encoding/json would
// let the last one win, and what checks the first would have checked nothing. It
// looks into the objects inside this one where within says so; what lies deeper is
// not read, and looking at each depth again would take the square of the body.
func noneTwice(body []byte, within bool) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return ErrBad
	}
	seen := map[string]bool{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return ErrBad
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return ErrBad
		}
		if within && bytes.HasPrefix(value, []byte("{")) {
			if err := noneTwice(value, false); err != nil {
				return err
			}
		}
		// Names are matched in any case by encoding/json.
		key := strings.Map(oneCase, name.(string))
		switch {
		case seen[key] && key == strings.Map(oneCase, "email"):
			return ErrTwice
		case seen[key]:
			return ErrBad
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
