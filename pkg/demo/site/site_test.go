package site_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"raincheck/pkg/demo/site"
)

// Somebody applies, forgets an answer, and gets to the end with all they typed.
func TestAnApplicationFromStartToEnd(t *testing.T) {
	t.Parallel()
	h := site.Handler()
	post := func(form url.Values) (int, string) {
		r := httptest.NewRequest(http.MethodPost, "/apply", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	expect := func(form url.Values, code int, want ...string) {
		t.Helper()
		got, body := post(form)
		if got != code {
			t.Errorf("%v: status %d, want %d", form, got, code)
		}
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("%v: the page lacks %q", form, s)
			}
		}
	}
	expect(url.Values{"step": {"1"}, "name": {`Ann <b>`}}, 422, "Tell us your date of birth.", "Step 1 of 3", `value="Ann &lt;b&gt;"`)
	expect(url.Values{"step": {"1"}, "name": {"Ann"}, "born": {"1970-01-01"}}, 200, "Step 2 of 3", `value="1970-01-01"`)
	expect(url.Values{"step": {"2"}, "name": {"Ann"}, "born": {"1970-01-01"}, "people": {"2"}}, 200, "Check your answers", "<dd>Ann</dd>")
	expect(url.Values{"step": {"3"}, "name": {"Ann"}, "born": {"1970-01-01"}, "people": {"2"}}, 200, "Thank you")
	if code, _ := post(url.Values{"step": {"9"}}); code != http.StatusSeeOther {
		t.Errorf("a step that does not exist: status %d, want 303", code)
	}
}
