package intake

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/intake/posted"
	"raincheck/pkg/waitlist"
)

// isTag says that a part of a path looks like a language: two or three letters, then
// at most three parts of two to eight letters and digits. A regular expression for
// it would be compiled at every start of a process.
func isTag(s string) bool {
	parts := strings.Split(s, "-")
	for i, p := range parts {
		if len(p) < 2 || len(p) > 8 || i == 0 && len(p) > 3 {
			return false
		}
		for _, c := range []byte(p) {
			letter := 'a' <= c|0x20 && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return len(parts) <= 4
}

// room serves the requests.
type room struct {
	Service
	languages []email.Language
	others    sync.Map // of a catalogue to []email.Language
	foreign   *http.CrossOriginProtection
	notices   noticeBoard
	printed   printed
	// unread is the notice until one was read.
	unread notice
}

// visit is one request, as far as every page needs it.
type visit struct {
	*http.Request
	room *room
	now  time.Time
	lang email.Language
	// page is what stands behind the language in the path.
	page string
	// asJSON is set when the client posted JSON and so reads it.
	asJSON bool
	// form is what was posted; empty for a GET.
	form url.Values
	// code is the code that was handed in, expires when it dies or died, ticket what
	// the store knows of it.
	code    bypass.Code
	expires time.Time
	ticket  waitlist.Ticket
	// notice is what seen has read.
	notice *notice
}

// answer is what a handler gives back: a page, or somewhere else to go.
type answer struct {
	status int
	// view is the page.
	view *view
	// location, when set, is where to go instead, by a 303 or 302.
	location string
	// cookie is a whole Set-Cookie value; only a POST has one.
	cookie string
	// raw is a body that is not a page, of type kind.
	raw  []byte
	kind string
	// cached lets the CDN keep it, shared lets any page read it.
	cached, shared bool
}

// route is one page of the room.
type route struct {
	get, post func(context.Context, *visit) (answer, error)
	// anywhere takes its POST from any site: the token in its address is proof
	// enough, and mail programs post it from their own pages (RFC 8058).
	anywhere bool
}

func (rm *room) route(page string) (route, bool) {
	switch {
	case page == "":
		return route{get: rm.form, post: rm.join}, true
	case page == "code":
		return route{get: rm.codePage, post: rm.redeem}, true
	case page == "enter":
		return route{get: rm.enterPage, post: rm.redeem}, true
	case page == "leave":
		return route{get: rm.leavePage, post: rm.leave, anywhere: true}, true
	case page == "keep":
		return route{get: rm.enterPage, post: rm.keep}, true
	case page == "receipt":
		return route{get: rm.receiptPage, post: rm.leaveByReceipt}, true
	case page == "form.json":
		return route{get: rm.embedded}, true
	case strings.HasPrefix(page, "in/"):
		return route{get: rm.in}, true
	}
	return route{}, false
}

// ServeHTTP answers one request.
func (rm *room) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	v := &visit{Request: r.WithContext(ctx), room: rm, now: rm.Now(), lang: rm.languages[0]}
	a, err := rm.serve(w, v)
	if err != nil {
		a = rm.explain(v, err, w.Header())
	}
	rm.write(w, v, a)
}

func (rm *room) serve(w http.ResponseWriter, v *visit) (answer, error) {
	if tag, _, _ := strings.Cut(strings.TrimPrefix(v.URL.Path, gate.Room+"/"), "/"); rm.Secrets != nil && v.speaks(tag) {
		// A stranger is refused before the answer is there; the next request has it.
		rm.readAhead(context.WithoutCancel(v.Context()), tag, v.now)
	}
	if err := rm.throughTheDoor(v.Request); err != nil {
		return answer{}, err
	}
	rest, ok := strings.CutPrefix(v.URL.Path, gate.Room)
	if !ok || rest != "" && rest[0] != '/' {
		return answer{}, errMissing
	}
	rest = strings.TrimPrefix(rest, "/")
	if rest == "" {
		return rm.choose(v, w.Header())
	}
	if rest == "embed.js" {
		if !reading(v.Method) {
			return answer{}, notAllowed(w.Header(), false)
		}
		return answer{status: http.StatusOK, raw: embedScript, kind: "text/javascript; charset=utf-8", cached: true}, nil
	}
	tag, page, slash := strings.Cut(rest, "/")
	if !v.speaks(tag) {
		// The room is not offered in this language: the same page in its default one.
		if !isTag(tag) || !reading(v.Method) {
			return answer{}, errMissing
		}
		// es-us is es.
		v.speaks(gate.Language(tag, rm.Languages))
		// What any page may read it may also be sent on to.
		return answer{location: withQuery(here(v.lang)+"/"+known(rm, page), v.URL), shared: page == "form.json"}, nil
	}
	if !slash {
		return answer{location: withQuery(here(v.lang)+"/", v.URL)}, nil
	}
	v.page = page
	to, ok := rm.route(page)
	switch {
	case !ok:
		return answer{}, errMissing
	case reading(v.Method):
		return to.get(v.Context(), v)
	case v.Method == http.MethodOptions && page == "" && rm.embedder(v.Request):
		// A browser asks before it posts JSON from another site.
		rm.allowEmbedder(w.Header(), v.Request)
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
		return answer{status: http.StatusNoContent, raw: []byte{}}, nil
	case v.Method != http.MethodPost || to.post == nil:
		return answer{}, notAllowed(w.Header(), to.post != nil)
	}
	return rm.act(w, v, to)
}

// act runs a POST.
func (rm *room) act(w http.ResponseWriter, v *visit, to route) (answer, error) {
	v.asJSON = v.page == "" && posted.IsJSON(v.Request)
	if rm.embedder(v.Request) {
		rm.allowEmbedder(w.Header(), v.Request)
	}
	if !to.anywhere {
		if err := rm.foreign.Check(v.Request); err != nil {
			return answer{}, errForeign
		}
	}
	form, err := posted.Read(w, v.Request, v.asJSON, to.anywhere)
	if err != nil {
		return answer{}, err
	}
	v.form = form
	if tag := form.Get("language"); tag != "" && !v.asJSON {
		// The button of a page that was shown before the room lost this language shows
		// the page again: it must not join, redeem or leave.
		v.speaks(tag)
		return rm.inLanguage(v), nil
	}
	return to.post(v.Context(), v)
}

// inLanguage is the page that was posted, in another language. What was typed
// comes along in the page, because an address must not stand in a URL; where
// nothing was typed, it is the page at its own address.
func (rm *room) inLanguage(v *visit) answer {
	at := withQuery(here(v.lang)+"/"+v.page, v.URL)
	if !v.form.Has("email") {
		v.form.Set("email", v.form.Get("insist")) // from the page that asks about a slip
	}
	switch v.page {
	case "":
		typed := strings.TrimSpace(v.form.Get("email"))
		for _, f := range rm.Fields {
			typed += v.form.Get(f.Name)
		}
		if typed != "" {
			a := rm.again(v, "", "")
			a.status, a.view.Action = http.StatusOK, at
			return a
		}
	case "keep":
		if a, ok := rm.expiredAgain(v); ok {
			return a
		}
		fallthrough
	case "code", "enter":
		if v.form.Has("code") {
			a := rm.enterAgain(v, "")
			a.status = http.StatusOK
			return a
		}
	}
	return answer{location: at}
}

// choose sends whoever came to the bare address to the room in a language.
func (rm *room) choose(v *visit, h http.Header) (answer, error) {
	if !reading(v.Method) {
		return answer{}, notAllowed(h, false)
	}
	v.speaks(gate.Language(strings.Join(v.Header.Values("Accept-Language"), ","), rm.Languages))
	return answer{location: withQuery(here(v.lang)+"/", v.URL)}, nil
}

// known is page if there is such a page, else the form. Anybody can write what stands
// behind in/, line ends too, and no link leads there: it is not sent on.
func known(rm *room, page string) string {
	if _, ok := rm.route(page); ok && !strings.HasPrefix(page, "in/") {
		return page
	}
	return ""
}

// withQuery keeps the query of a request, if it is not longer than any of ours.
func withQuery(path string, u *url.URL) string {
	if u.RawQuery == "" || len(u.RawQuery) > 4*gate.MaxPath {
		return path
	}
	return path + "?" + u.RawQuery
}

// reading methods change nothing.
func reading(method string) bool { return method == http.MethodGet || method == http.MethodHead }

func notAllowed(h http.Header, post bool) error {
	allow := "GET, HEAD"
	if post {
		allow += ", POST"
	}
	h.Set("Allow", allow)
	return errMethod
}

// wanted is the path that the visitor asked for: the form's field where a page
// has been rendered for this visitor, else the query that the redirect left.
func (v *visit) wanted() string {
	if to := v.form.Get("to"); to != "" {
		return gate.SafePath(to)
	}
	return gate.SafePath(v.URL.Query().Get("to"))
}

// write sends an answer. It is the one place where a response is made, so that
// no page can lack its headers.
func (rm *room) write(w http.ResponseWriter, v *visit, a answer) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Cache-Control", "private, no-store")
	if a.cached && reading(v.Method) {
		h.Set("Cache-Control", cacheControl)
	}
	if a.shared {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	if a.cookie != "" {
		h.Set("Set-Cookie", a.cookie)
	}
	if a.location != "" {
		h.Set("Location", a.location)
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	body := string(a.raw)
	switch {
	case a.raw != nil:
		if a.kind != "" {
			h.Set("Content-Type", a.kind)
		}
	case v.asJSON:
		h.Set("Content-Type", "application/json; charset=utf-8")
		body = string(a.view.json())
	default:
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", v.lang.HTML)
		h.Set("Content-Security-Policy", a.view.Look.policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		var err error
		if a.view.Page == "joined" {
			body, err = rm.printed.html(v.Context(), a.view)
		} else {
			body, err = a.view.html(v.Context())
		}
		if err != nil {
			// A template that fails is a defect; the person gets plain words at least.
			rm.Log.ErrorContext(v.Context(), "render a page", "page", a.view.Page, "error", err)
			h.Set("Content-Type", "text/plain; charset=utf-8")
			a.status, body = http.StatusTooManyRequests, a.view.Say("busy.title")+"\n"+a.view.Say("busy")+"\n"
		}
	}
	w.WriteHeader(a.status)
	if v.Method != http.MethodHead {
		// A client that went away is nobody's error.
		_, _ = io.WriteString(w, body)
	}
}
