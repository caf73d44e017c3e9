package edge

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/dop251/goja"
)

// MaxCode is the most bytes that CloudFront takes of a function (quota "maximum
// function size").
const MaxCode = 10 << 10

// Headers that a function sees and must not change, in a request and in an answer
// (Developer Guide, "Restrictions on all edge functions").
var (
	readOnly        = []string{"content-length", "host", "transfer-encoding", "via"}
	neverInAnAnswer = []string{"transfer-encoding", "via", "warning"}
)

// readAnswer reads what a function made of a viewer request: the request, changed
// or not, or an answer in the site's place. An error is what CloudFront makes a 502
// or a 503 of.
func (e *engine) readAnswer(q request, out *goja.Object) (answer, error) {
	headers, err := e.namedValues("headers", out.Get("headers"))
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		switch {
		case h.name != strings.ToLower(h.name):
			return answer{}, fmt.Errorf("invalid header %q: want lower case", h.name)
		case hidden(h.name), h.name == "cookie", h.name == "set-cookie":
			return answer{}, fmt.Errorf("forbidden header %q", h.name)
		}
	}
	if status := out.Get("statusCode"); status != nil && !goja.IsUndefined(status) {
		return e.readResponse(status, headers, out)
	}
	if method := out.Get("method"); method == nil || method.String() != text(q.method) {
		return answer{}, errors.New("the method was changed, which a function must not do")
	}
	if uri := out.Get("uri"); uri == nil || !strings.HasPrefix(uri.String(), "/") {
		return answer{}, errors.New("invalid uri: want a string that begins with a slash")
	}
	for _, name := range readOnly {
		if strings.Join(valuesOf(headers, name), ",") != text(strings.Join(valuesOf(q.headers, name), ",")) {
			return answer{}, fmt.Errorf("the header %s was changed, and it is read-only", name)
		}
	}
	cookies, err := e.namedValues("cookies", out.Get("cookies"))
	return answer{headers: headers, cookies: cookies}, err
}

func (e *engine) readResponse(status goja.Value, headers []pair, out *goja.Object) (answer, error) {
	code, ok := status.Export().(int64)
	if f, isFloat := status.Export().(float64); isFloat && f == math.Trunc(f) {
		code, ok = int64(f), true
	}
	if !ok || code < 200 || code > 599 {
		return answer{}, fmt.Errorf("invalid statusCode %v: want a whole number from 200 to 599", status)
	}
	for _, name := range neverInAnAnswer {
		if len(valuesOf(headers, name)) > 0 {
			return answer{}, fmt.Errorf("forbidden header %q in an answer", name)
		}
	}
	a := answer{headers: headers, response: &response{status: int(code), headers: headers}}
	switch body := out.Get("body").(type) {
	case nil:
	case *goja.Object:
		data, ok := body.Get("data").(goja.String)
		if encoding := body.Get("encoding"); !ok || encoding == nil || encoding.String() != "text" {
			return answer{}, errors.New("invalid body: want data of text, with its encoding")
		}
		a.response.body = data.String()
	case goja.String:
		a.response.body = body.String()
	default:
		if !goja.IsUndefined(body) {
			return answer{}, errors.New("invalid body: want a string or an object")
		}
	}
	var err error
	a.cookies, err = e.setCookies(out)
	return a, err
}

// setCookies reads the cookies of an answer, each value with its attributes.
func (e *engine) setCookies(out *goja.Object) ([]pair, error) {
	v := out.Get("cookies")
	pairs, err := e.namedValues("cookies", v)
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	for i, p := range pairs {
		if a := v.ToObject(e.vm).Get(p.name).ToObject(e.vm).Get("attributes"); a != nil && !goja.IsUndefined(a) {
			pairs[i].value += "; " + a.String()
		}
	}
	return pairs, nil
}

// namedValues reads headers or cookies as CloudFront does: an object of objects
// with a string as value, or such a list as multiValue.
func (e *engine) namedValues(what string, v goja.Value) ([]pair, error) {
	if v == nil || goja.IsUndefined(v) {
		return nil, nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("invalid %s: want an object", what)
	}
	var out []pair
	for _, name := range o.Keys() {
		one, ok := o.Get(name).(*goja.Object)
		if !ok {
			return nil, fmt.Errorf("invalid %s: %q is not an object with a value", what, name)
		}
		all := []*goja.Object{one}
		if multi, ok := one.Get("multiValue").(*goja.Object); ok {
			all = nil
			for _, i := range multi.Keys() {
				m, ok := multi.Get(i).(*goja.Object)
				if !ok {
					return nil, fmt.Errorf("invalid %s: multiValue of %q has something else than objects", what, name)
				}
				all = append(all, m)
			}
		}
		for _, m := range all {
			value, ok := m.Get("value").(goja.String)
			if !ok {
				return nil, fmt.Errorf("invalid %s: the value of %q is not a string", what, name)
			}
			out = append(out, pair{name, value.String()})
		}
	}
	return out, nil
}

func valuesOf(pairs []pair, name string) []string {
	var out []string
	for _, p := range pairs {
		if p.name == name {
			out = append(out, p.value)
		}
	}
	return out
}
