package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"raincheck/functions/internal/httpapi"
)

// post is a form as the HTTP API hands it on: the body in base64, cookies apart
// from the headers, and a header that came twice as one line.
const post = `{"version":"2.0","routeKey":"$default","rawPath":"/waiting-room/en/code","rawQueryString":"c=A%2BB&c=2&empty=&to=%2Fapply%3Fa%3D1",
"cookies":["consent=a,b","__Host-raincheck=1.2.d.3.4.5.6"],
"headers":{"accept-language":"en-US,en;q=0.9,es;q=0.7","content-type":"application/x-www-form-urlencoded","host":"abc.execute-api.eu-west-1.amazonaws.com",
"user-agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)","x-forwarded-for":"203.0.113.24, 198.51.100.7","x-twice":"one,two"},
"requestContext":{"http":{"method":"POST","path":"/waiting-room/en/code","sourceIp":"198.51.100.7"}},
"body":"ZW1haWw9YSU0MGV4YW1wbGUub3Jn","isBase64Encoded":true}`

func ask(t *testing.T, event string, h http.HandlerFunc) events.APIGatewayV2HTTPResponse {
	t.Helper()
	var e httpapi.Event
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	response, err := httpapi.Handler(h, slog.New(slog.DiscardHandler))(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestARequestSurvives(t *testing.T) {
	t.Parallel()
	asked := false
	ask(t, post, func(_ http.ResponseWriter, r *http.Request) {
		asked = true
		for name, want := range map[string]string{
			"User-Agent":      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
			"Accept-Language": "en-US,en;q=0.9,es;q=0.7",
			"X-Forwarded-For": "203.0.113.24, 198.51.100.7",
			"X-Twice":         "one,two",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := r.CookiesNamed("__Host-raincheck"); len(got) != 1 || got[0].Value != "1.2.d.3.4.5.6" || len(r.CookiesNamed("consent")) != 1 {
			t.Errorf("the cookies are %v", r.Cookies())
		}
		if r.Method != "POST" || r.URL.Path != "/waiting-room/en/code" || r.Host != "abc.execute-api.eu-west-1.amazonaws.com" || r.RemoteAddr != "198.51.100.7" {
			t.Errorf("%s %s at %s from %s", r.Method, r.URL, r.Host, r.RemoteAddr)
		}
		query := r.URL.Query()
		if !slices.Equal(query["c"], []string{"A+B", "2"}) || !query.Has("empty") || query.Get("to") != "/apply?a=1" {
			t.Errorf("the query is %v", query)
		}
		if r.ContentLength != 21 {
			t.Errorf("the body has %d bytes", r.ContentLength)
		}
		if err := r.ParseForm(); err != nil || r.PostForm.Get("email") != "a@example.org" {
			t.Errorf("the form is %v: %v", r.PostForm, err)
		}
	})
	if !asked {
		t.Error("nobody was asked")
	}
}

func TestAnAnswerSurvives(t *testing.T) {
	t.Parallel()
	binary := []byte{0x1f, 0x8b, 0xff, 0x00}
	got := ask(t, post, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusSeeOther)
		w.Header().Set("X-Late", "after the status nothing is added")
		_, _ = w.Write(binary)
	})
	body, err := base64.StdEncoding.DecodeString(got.Body)
	if got.StatusCode != 303 || !got.IsBase64Encoded || err != nil || !bytes.Equal(body, binary) {
		t.Errorf("%d, %q, base64 %v", got.StatusCode, got.Body, got.IsBase64Encoded)
	}
	if !slices.Equal(got.Cookies, []string{"a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"}) || got.Headers["Set-Cookie"] != "" {
		t.Errorf("the cookies are %q", got.Cookies)
	}
	if got.Headers["Vary"] != "Origin, Accept-Encoding" || got.Headers["X-Late"] != "" {
		t.Errorf("the headers are %v", got.Headers)
	}
	if got := ask(t, post, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "añb") }); got.Body != "añb" || got.IsBase64Encoded || got.StatusCode != 200 {
		t.Errorf("text became %+v", got)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	event := strings.Replace(post, `"method":"POST"`, `"method":"HEAD"`, 1)
	got := ask(t, event, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "s-maxage=60")
		_, _ = io.WriteString(w, r.Method)
	})
	if got.StatusCode != 200 || got.Body != "" || got.Headers["Cache-Control"] != "s-maxage=60" {
		t.Errorf("HEAD is answered %+v", got)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{{"ZW1haWw9", "!!!"}, {`"rawPath":"/waiting`, `"rawPath":"%zz`}} {
		got := ask(t, strings.Replace(post, change[0], change[1], 1), func(http.ResponseWriter, *http.Request) { t.Error("the handler was asked") })
		if got.StatusCode != 400 || got.Headers["Cache-Control"] != "no-store" {
			t.Errorf("%s is answered %+v", change[1], got)
		}
	}
}

func TestAPanicIsAPlainAnswer(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var e httpapi.Event
	if err := json.Unmarshal([]byte(post), &e); err != nil {
		t.Fatal(err)
	}
	h := httpapi.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("something with a@example.org") }), slog.New(slog.NewJSONHandler(&log, nil)))
	got, err := h(t.Context(), e)
	if err != nil || got.StatusCode != 500 || strings.Contains(got.Body, "@") || !strings.Contains(log.String(), "a panic") {
		t.Errorf("%+v %v, logged %s", got, err, log.String())
	}
}
