// Package document reads JSON that people write by hand and save with whatever
// editor is there.
package document

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON makes of a file what encoding/json reads: UTF-8 without a byte order mark,
// from UTF-16 as well. It refuses, by its line, what encoding/json would pass over: a
// letter in an older encoding, and a name that stands twice in one object, of which
// only the last would count. What is not JSON otherwise is left for the reader to
// say.
func JSON(data []byte) ([]byte, error) {
	text, err := utf8Of(data)
	if err != nil {
		return nil, err
	}
	return text, Once(text)
}

func utf8Of(data []byte) ([]byte, error) {
	zero := func(i int) bool { return len(data) > i && data[i] == 0 }
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), zero(1) && zero(3) && !zero(0):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("\xfe\xff")), zero(0) && zero(2) && !zero(1):
		order = binary.BigEndian
	}
	if order != nil {
		if len(data)%2 != 0 {
			return nil, errors.New("the file looks like UTF-16 and ends within a letter: save it as UTF-8")
		}
		units := make([]uint16, len(data)/2)
		for i := range units {
			units[i] = order.Uint16(data[2*i:])
		}
		data = []byte(string(utf16.Decode(units)))
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return nil, fmt.Errorf("%sa letter is not in UTF-8: save the file as UTF-8", lineOf(data, at))
		}
		at += size
	}
	return data, nil
}

// Once refuses a name that stands twice in one object.
func Once(data []byte) error {
	type level struct {
		names map[string]bool // of an object; nil for a list
		value bool            // the next token is a value
	}
	var open []*level
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return nil // the end, or what the reader of the document will say better
		}
		var in *level
		if len(open) > 0 {
			in = open[len(open)-1]
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if name, ok := token.(string); ok && in != nil && in.names != nil && !in.value {
			if in.names[name] {
				return fmt.Errorf("%sthe name %q stands twice, and only the last one would count", lineOf(data, int(d.InputOffset())), name)
			}
			in.names[name], in.value = true, true
			continue
		}
		if in != nil {
			in.value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, &level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, &level{})
		}
	}
}

// lineOf names the line of a byte, from 1; a document of one line is a line of
// something else.
func lineOf(data []byte, at int) string {
	if !bytes.ContainsRune(bytes.TrimSpace(data), '\n') {
		return ""
	}
	return fmt.Sprintf("line %d: ", 1+bytes.Count(data[:min(at, len(data))], []byte("\n")))
}
