package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/bypass"
)

// wire is either document as throttle.js reads it. Times are Unix seconds, a key
// is [id, key, not before], and what is absent has its zero value: a gate of
// {"mode":"open"} is whole, so that somebody without our tool can write it.
type wire struct {
	Mode     Mode      `json:"mode,omitempty"`
	Admit    *float64  `json:"admit,omitempty"`
	Fixed    bool      `json:"fixed,omitempty"`
	Salt     string    `json:"salt,omitempty"`
	Until    int64     `json:"until,omitempty"`
	Failure  Failure   `json:"failure,omitempty"`
	Stale    float64   `json:"stale,omitempty"`
	Switched int64     `json:"switched,omitempty"`
	Alone    []string  `json:"alone,omitempty"`
	Strict   []string  `json:"strict,omitempty"`
	Lang     []string  `json:"lang,omitempty"`
	Pass     int64     `json:"pass,omitempty"`
	Sample   int       `json:"sample,omitempty"`
	Keys     []wireKey `json:"keys,omitempty"`
}

type wireKey bypass.PassKey

func (k wireKey) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{k.ID, k.Key, unix(k.NotBefore)})
}

func (k *wireKey) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil || len(parts) != 3 {
		return errors.New("keys: one is not [id, key, not before]")
	}
	var at int64
	for i, into := range []any{&k.ID, &k.Key, &at} {
		if err := json.Unmarshal(parts[i], into); err != nil || string(parts[i]) == "null" {
			return errors.New("keys: one is not [id, key, not before]")
		}
	}
	if at < 0 || at > lastSecond {
		return errors.New("keys: a start is not a number of seconds since 1970")
	}
	k.NotBefore = fromUnix(at)
	return nil
}

// Encode writes the gate as it goes to the edge, after Validate. The text of
// equal gates is equal. When it is too long for the store the error says what
// to shorten.
func (g Gate) Encode() ([]byte, error) {
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	w := wire{Mode: g.Mode, Fixed: g.Fixed, Salt: g.Salt, Until: unix(g.Until), Stale: g.Stale, Switched: unix(g.Switched)}
	if g.Admit != 0 || g.Mode == Throttle || g.Mode == Observe {
		w.Admit = &g.Admit
	}
	return w.encode("gate", g.Settings, g.Keys)
}

// Encode writes the base as it goes to the edge, after Validate.
func (b Base) Encode() ([]byte, error) {
	if err := b.Validate(); err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	w := wire{Mode: b.Mode, Salt: b.Salt, Failure: b.Failure, Stale: b.Stale}
	return w.encode("base", b.Settings, b.Keys)
}

func (w wire) encode(name string, s Settings, keys bypass.PassKeys) ([]byte, error) {
	w.Alone, w.Strict, w.Lang, w.Sample = s.LeaveAlone, s.Strict, s.Languages, s.Sample
	w.Pass = int64(s.PassLife / time.Second)
	for _, k := range keys {
		w.Keys = append(w.Keys, wireKey(k))
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	doc := bytes.TrimSuffix(out.Bytes(), []byte("\n"))
	if len(doc) > MaxDocument {
		return nil, fmt.Errorf("%s: it is %d bytes long and the edge's store takes %d: shorten %s; the %d pass keys take the most of the rest",
			name, len(doc), MaxDocument, s.longest(), len(keys))
	}
	return doc, nil
}

// Document is one of the two as it stands in the store.
type Document struct{ Key, Value string }

// Documents encodes a gate and a base that are to be written in one call; nil
// stays as it is. The error is that of Encode.
func Documents(g *Gate, b *Base) ([]Document, error) {
	var out []Document
	if g != nil {
		doc, err := g.Encode()
		if err != nil {
			return nil, err
		}
		out = append(out, Document{Key, string(doc)})
	}
	if b != nil {
		doc, err := b.Encode()
		if err != nil {
			return nil, err
		}
		out = append(out, Document{BaseKey, string(doc)})
	}
	return out, nil
}

// DecodeGate reads a gate, strictly: an unknown field, a field in other letters
// (which throttle.js would not see) or a value out of its range is an error.
func DecodeGate(doc []byte) (Gate, error) {
	w, err := decode(doc)
	if err == nil && w.Failure != "" {
		err = errors.New("failure is a field of the base")
	}
	if err != nil {
		return Gate{}, fmt.Errorf("gate: %w", err)
	}
	g := Gate{
		Mode: w.Mode, Fixed: w.Fixed, Salt: w.Salt, Until: fromUnix(w.Until), Stale: w.Stale,
		Switched: fromUnix(w.Switched), Settings: w.settings(), Keys: w.keys(),
	}
	if w.Admit != nil {
		g.Admit = *w.Admit
	}
	if err := g.Validate(); err != nil {
		return Gate{}, fmt.Errorf("gate: %w", err)
	}
	return g, nil
}

// DecodeBase reads a base, as strictly.
func DecodeBase(doc []byte) (Base, error) {
	w, err := decode(doc)
	if err == nil && (w.Admit != nil || w.Fixed || w.Until != 0 || w.Switched != 0) {
		err = errors.New("admit, fixed, until and switched are fields of the gate")
	}
	if err != nil {
		return Base{}, fmt.Errorf("base: %w", err)
	}
	b := Base{Mode: w.Mode, Salt: w.Salt, Failure: w.Failure, Stale: w.Stale, Settings: w.settings(), Keys: w.keys()}
	if err := b.Validate(); err != nil {
		return Base{}, fmt.Errorf("base: %w", err)
	}
	return b, nil
}

var wireFields = []string{"mode", "admit", "fixed", "salt", "until", "failure", "stale", "switched", "alone", "strict", "lang", "pass", "sample", "keys"}

func decode(doc []byte) (wire, error) {
	var w wire
	if len(doc) > MaxDocument {
		return w, fmt.Errorf("it is %d bytes long and the edge's store takes %d", len(doc), MaxDocument)
	}
	var fields map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(doc))
	if err := dec.Decode(&fields); err != nil || fields == nil {
		return w, errors.New("it is no JSON object")
	}
	if _, err := dec.Token(); err != io.EOF {
		return w, errors.New("something follows the JSON object")
	}
	for name, value := range fields {
		if !slices.Contains(wireFields, name) {
			return w, fmt.Errorf("it has a field %q, which is not one of %s", name, strings.Join(wireFields, " "))
		}
		if string(value) == "null" {
			return w, fmt.Errorf("its field %s is null", name)
		}
	}
	if err := json.Unmarshal(doc, &w); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			// Not err itself: it quotes the value, which may be a key.
			return w, fmt.Errorf("its field %s has a value of the wrong type", wrong.Field)
		}
		return w, err
	}
	// What a Go value could not hold, or JavaScript not exactly.
	for name, v := range map[string]int64{"until": w.Until, "switched": w.Switched, "pass": w.Pass} {
		if v < 0 || v > lastSecond {
			return w, fmt.Errorf("its field %s is %d, which is not a number of seconds", name, v)
		}
	}
	if w.Pass > int64(bypass.MaxPassLife/time.Second) {
		return w, fmt.Errorf("pass: %d seconds are more than %s", w.Pass, bypass.MaxPassLife)
	}
	if len(w.Alone) == 0 {
		w.Alone = nil
	}
	if len(w.Strict) == 0 {
		w.Strict = nil
	}
	if len(w.Lang) == 0 {
		w.Lang = nil
	}
	return w, nil
}

// lastSecond is the end of the year 9999, which every clock and calendar can
// name.
const lastSecond = 253402300799

func (w wire) settings() Settings {
	return Settings{LeaveAlone: w.Alone, Strict: w.Strict, Languages: w.Lang, PassLife: time.Duration(w.Pass) * time.Second, Sample: w.Sample}
}

func (w wire) keys() bypass.PassKeys {
	var out bypass.PassKeys
	for _, k := range w.Keys {
		out = append(out, bypass.PassKey(k))
	}
	return out
}

// unix is t in seconds, 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
