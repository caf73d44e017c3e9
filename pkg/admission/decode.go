package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// What is read of others, policies and observations, is read strictly, and what is
// wrong with it is said by the name of its field.

// strict decodes exactly one JSON value with no unknown field.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if e, ok := errors.AsType[*time.ParseError](err); ok {
			return fmt.Errorf("%s: %q is no time such as 2013-12-23T11:04:00Z", fieldOf(data, e.Value), e.Value)
		}
		if e, ok := errors.AsType[notDuration](err); ok {
			return fmt.Errorf("%s: %w", fieldOf(data, string(e)), e)
		}
		if strings.Contains(err.Error(), "Time.UnmarshalJSON") {
			return fmt.Errorf("%s: it is a text such as \"2013-12-23T11:04:00Z\"", noText(data))
		}
		return plainly(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more after the end of the object")
	}
	return nil
}

// fieldOf is the path to the first string of that value, since the decoder does
// not say where a text that it could not use stood.
func fieldOf(data []byte, value string) string {
	return pathTo(data, func(_ string, v any) bool { return v == value })
}

// noText is the path to the first time that is no text, for the same reason.
func noText(data []byte) string {
	return pathTo(data, func(name string, v any) bool {
		_, text := v.(string)
		return !text && v != nil && (name == "time" || name == "at" || name == "invited")
	})
}

// pathTo is the path to the first value, with the name of its field, that is the
// one sought.
func pathTo(data []byte, sought func(name string, v any) bool) string {
	var all any
	if err := json.Unmarshal(data, &all); err != nil {
		return "a time"
	}
	var find func(at any, name, path string) string
	find = func(at any, name, path string) string {
		switch at := at.(type) {
		case []any:
			for i, v := range at {
				if found := find(v, name, fmt.Sprintf("%s[%d]", path, i)); found != "" {
					return found
				}
			}
			return ""
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(at)) {
				if found := find(at[name], name, strings.TrimPrefix(path+"."+name, ".")); found != "" {
					return found
				}
			}
			return ""
		}
		if sought(name, at) {
			return path
		}
		return ""
	}
	if path := find(all, "", ""); path != "" {
		return path
	}
	return "a time"
}

// plainly puts what encoding/json says into words that name the field.
func plainly(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := e.Field
		if field == "" {
			field = "the object"
		}
		wants := ""
		switch e.Type.Kind() {
		case reflect.Int:
			wants = ", only a whole number"
		case reflect.Float64:
			wants = ", only a number"
		}
		return fmt.Errorf("%s: a JSON %s cannot stand there%s", field, e.Value, wants)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("this is no JSON (at character %d: %w)", e.Offset, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("this is no JSON (it ends too early)")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
