package document

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

// Strict decodes exactly one JSON value. It refuses, by the path of its field,
// what encoding/json would pass over: an unknown field, a null where a value
// belongs, a name that stands twice, and, when required is set, the absence of a
// field that its tag does not let be absent (omitempty, or may:"be absent"). A
// missing number is not zero.
func Strict(data []byte, into any, required bool) error {
	if err := Once(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("this is not JSON (at character %d: %w)", e.Offset, err)
		}
		return errors.New("this is not JSON (it ends too early)")
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more after the end of the object")
	}
	if err := fits(value, reflect.TypeOf(into).Elem(), "", required); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// fits says what keeps a decoded JSON value from being one of type t.
func fits(value any, t reflect.Type, path string, required bool) error {
	wrong := func(want string) error {
		text, err := json.Marshal(value)
		if err != nil || len(text) > 60 {
			text = []byte("what stands there")
		}
		if path == "" {
			path = "the line"
		}
		return fmt.Errorf("%s: %s is not %s", strings.TrimPrefix(path, "."), text, want)
	}
	text, isText := value.(string)
	switch t {
	case reflect.TypeFor[time.Time]():
		if _, err := time.Parse(time.RFC3339, text); !isText || err != nil {
			return wrong(`a time such as "2013-12-23T11:04:00Z"`)
		}
		return nil
	case reflect.TypeFor[Duration]():
		if _, err := time.ParseDuration(text); !isText || err != nil {
			return wrong(`a duration such as "4h" or "1h30m"`)
		}
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		if value == nil {
			return nil
		}
		return fits(value, t.Elem(), path, required)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok && value != nil {
			return wrong("a list")
		}
		return fitsList(list, t.Elem(), path, required)
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return wrong("an object")
		}
		return fitsObject(object, t, path, required)
	}
	if want := scalar(value, t.Kind()); want != "" {
		return wrong(want)
	}
	return nil
}

func fitsList(list []any, t reflect.Type, path string, required bool) error {
	for i, v := range list {
		if err := fits(v, t, fmt.Sprintf("%s[%d]", path, i), required); err != nil {
			return err
		}
	}
	return nil
}

// scalar says what is wanted where a text or a number of the kind is, and value
// is something else; empty when it is right.
func scalar(value any, kind reflect.Kind) string {
	_, isText := value.(string)
	number, isNumber := value.(json.Number)
	var err error
	switch kind {
	case reflect.String:
		if !isText {
			return "a text"
		}
	case reflect.Int:
		if _, err = number.Int64(); !isNumber || err != nil {
			return "a whole number"
		}
	default:
		if _, err = number.Float64(); !isNumber || err != nil {
			return "a number"
		}
	}
	return ""
}

func fitsObject(object map[string]any, t reflect.Type, path string, required bool) error {
	known := map[string]bool{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known[name] = true
		v, ok := object[name]
		if !ok {
			if required && options != "omitempty" && t.Field(i).Tag.Get("may") == "" {
				return fmt.Errorf("%s: it is missing", strings.TrimPrefix(path+"."+name, "."))
			}
			continue
		}
		if err := fits(v, t.Field(i).Type, path+"."+name, required); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !known[name] {
			return fmt.Errorf("unknown field %q", strings.TrimPrefix(path+"."+name, "."))
		}
	}
	return nil
}
