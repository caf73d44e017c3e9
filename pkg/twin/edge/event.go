package edge

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"raincheck/pkg/gate"
)

// Names that CloudFront does not show to functions, and that they must not add:
// a function that does is a 502 (Developer Guide, "Restrictions on all edge
// functions").
var disallowed = []string{
	"connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer",
	"upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-cache",
	"x-forwarded-proto", "x-real-ip",
}

var disallowedPrefixes = []string{"x-amz-cf-", "x-amzn-", "x-edge-"}

func hidden(name string) bool {
	return slices.Contains(disallowed, name) ||
		slices.ContainsFunc(disallowedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// text is s as a JavaScript string holds it: what is not UTF-8 becomes U+FFFD.
// goja would hand the bytes on as they are, as long as nobody looks.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// pair is a header, a cookie or a query's parameter, in the order that it came.
type pair struct{ name, value string }

// request is what of an HTTP request goes into the event.
type request struct {
	id, ip, method, path, query string
	// mark says that there was a question mark, which a query of nothing has too.
	mark bool
	// gone is closed when nobody waits for the answer any more; nil is never.
	gone    <-chan struct{}
	headers []pair // names in lower case, no cookie header
	cookies []pair
}

// fromFacts is a request with what the twin looks at.
func fromFacts(r gate.Request) request {
	q := request{id: r.ID, ip: r.IP, method: r.Method, path: r.Path, query: r.Query, mark: r.Query != ""}
	for _, h := range []pair{
		{"user-agent", r.UserAgent}, {"sec-fetch-dest", r.FetchDest}, {"sec-fetch-mode", r.FetchMode}, {"sec-purpose", r.Purpose},
		{"accept", r.Accept}, {"accept-language", r.AcceptLanguage}, {"access-control-request-method", r.CORSMethod}, {"sec-websocket-key", r.WebSocketKey},
	} {
		if h.value != "" {
			q.headers = append(q.headers, h)
		}
	}
	for _, p := range r.Passes {
		q.cookies = append(q.cookies, pair{passCookie, p})
	}
	return q
}

// fromHTTP is a request as it came over the wire.
func fromHTTP(r *http.Request, id, ip string) request {
	q := request{id: id, ip: ip, method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, mark: r.URL.RawQuery != "" || r.URL.ForceQuery, gone: r.Context().Done()}
	if q.path == "" {
		q.path = "/" // of "GET http://host", and of CONNECT (RFC 9112, 3.2)
	}
	if r.Host != "" {
		q.headers = append(q.headers, pair{"host", r.Host})
	}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name == "cookie" || hidden(name) {
			continue
		}
		for _, v := range values {
			q.headers = append(q.headers, pair{name, v})
		}
	}
	slices.SortStableFunc(q.headers, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	for _, line := range r.Header["Cookie"] {
		q.cookies = append(q.cookies, splitCookies(line)...)
	}
	return q
}

// splitCookies takes a Cookie header apart without judging it: other people's
// cookies can be anything.
func splitCookies(line string) []pair {
	var out []pair
	for part := range strings.SplitSeq(line, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, pair{name, value})
	}
	return out
}

func splitQuery(raw string) []pair {
	var out []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			out = append(out, pair{name, value})
		}
	}
	return out
}

// values makes CloudFront's object of headers, cookies or parameters: name to
// {value}, and multiValue where a name came more than once.
func (e *engine) values(pairs []pair) *goja.Object {
	out := e.vm.NewObject()
	byName := map[string][]string{}
	for _, p := range pairs {
		byName[text(p.name)] = append(byName[text(p.name)], text(p.value))
	}
	for _, p := range pairs {
		name := text(p.name)
		all := byName[name]
		if all == nil {
			continue
		}
		delete(byName, name)
		one := e.vm.NewObject()
		one.Set("value", all[0])
		if len(all) > 1 {
			var multi []any
			for _, v := range all {
				m := e.vm.NewObject()
				m.Set("value", v)
				multi = append(multi, m)
			}
			one.Set("multiValue", e.vm.NewArray(multi...))
		}
		// Not Set: a cookie may be called __proto__.
		out.DefineDataProperty(name, one, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
	return out
}

func (e *engine) requestObject(q request) *goja.Object {
	o := e.vm.NewObject()
	o.Set("method", text(q.method))
	o.Set("uri", text(q.path))
	o.Set("querystring", e.values(splitQuery(q.query)))
	o.Set("headers", e.values(q.headers))
	o.Set("cookies", e.values(q.cookies))
	e.rawQuery(o, q.query, q.mark)
	return o
}

// rawQuery gives a request its method rawQueryString. It answers undefined where
// the question mark is missing. Like every method, it is not in the request's JSON.
func (e *engine) rawQuery(request *goja.Object, query string, mark bool) {
	value := goja.Undefined()
	if mark {
		value = e.vm.ToValue(text(query))
	}
	method := e.vm.ToValue(func(goja.FunctionCall) goja.Value { return value })
	request.DefineDataProperty("rawQueryString", method, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
}

func (e *engine) event(kind string, q request, response *goja.Object) *goja.Object {
	context := e.vm.NewObject()
	context.Set("distributionDomainName", "d111111abcdef8.cloudfront.net")
	context.Set("distributionId", "EDFDVBD6EXAMPLE")
	context.Set("eventType", kind)
	context.Set("requestId", text(q.id))
	viewer := e.vm.NewObject()
	viewer.Set("ip", q.ip)
	event := e.vm.NewObject()
	event.Set("version", "1.0")
	event.Set("context", context)
	event.Set("viewer", viewer)
	event.Set("request", e.requestObject(q))
	if response != nil {
		event.Set("response", response)
	}
	return event
}
