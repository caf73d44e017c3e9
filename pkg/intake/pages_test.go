package intake_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// state is one page in one state, in one language.
type state struct {
	name string
	page *page
}

// states goes through every page in every state.
func states(t *testing.T, lang string) []state {
	t.Helper()
	var out []state
	w := newWorld(t)
	add := func(name string, p *page) { out = append(out, state{name, p}) }
	room := "/waiting-room/" + lang
	form := func(email string) url.Values { return url.Values{"email": {email}, "stamp": {w.stamp()}} }

	add("form", w.get(room+"/"))
	w.progress(waitlist.Progress{Front: noon.Add(-20 * time.Minute)})
	add("form-progress", w.get(room+"/"))
	w.progress(waitlist.Progress{Front: noon.Add(-40 * time.Hour)})
	add("form-progress-day", w.get(room+"/"))
	add("form-empty", w.post(room+"/", form("")))
	add("form-format", w.post(room+"/", form("ana@example")))
	add("form-letters", w.post(room+"/", form("é@example.org")))
	long := form("ana@example.org")
	long.Set("state", strings.Repeat("Vermont ", 9))
	add("form-field", w.post(room+"/", long))
	add("form-stale", w.post(room+"/?to=/apply", url.Values{"email": {"ana@example.org"}, "stamp": {w.keys.Stamp(w.clock().Add(-3 * time.Hour))}}))
	add("joined", w.post(room+"/", form("ana@example.org")))
	w.probe.Before = busyOn("Join")
	add("form-busy", w.post(room+"/", form("ana@example.org")))
	w.probe.Before = nil
	foreign := w.request(room+"/", form("ana@example.org"))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	foreign.Header.Set("Origin", "https://evil.example")
	add("foreign", w.do(foreign))

	add("code", w.get(room+"/code?c=X"))
	add("enter", w.get(room+"/enter"))
	add("enter-empty", w.post(room+"/enter", url.Values{"code": {""}}))
	add("enter-wrong", w.post(room+"/enter", url.Values{"code": {"ABCDE-FGHJK-MNPQR-STVWX"}}))
	add("cookies-off", w.get(room+"/in/x?to=/apply"))

	join := func(name string) bypass.Code {
		w.join(name + "@example.org").status(200)
		e, _ := w.entry(name + "@example.org")
		return w.invite(e.Ref)
	}
	used := join("ben")
	for i := range waitlist.MaxUses + 1 {
		r := w.request(room+"/code?c="+string(used), nil)
		r.Header.Set("X-Test-Viewer", fmt.Sprint(i))
		if p := w.do(r); i == waitlist.MaxUses {
			add("code-used", p)
		}
	}
	given := join("cem")
	e, _ := w.entry("cem@example.org")
	token := w.keys.LeaveToken(e.Key, e.Joining)
	add("leave", w.get(room+"/leave?t="+token))
	w.probe.Before = busyOn("Leave")
	add("leave-busy", w.post(room+"/leave?t="+token, nil))
	w.probe.Before = nil
	add("leave-done", w.post(room+"/leave?t="+token, nil))
	add("leave-wrong", w.post(room+"/leave?t=x", nil))
	add("code-revoked", w.post(room+"/code?c="+string(given), nil))
	late := join("dan")
	w.pass(5 * time.Hour)
	add("code-expired", w.post(room+"/code?c="+string(late), nil))

	w.control(func(c *waitlist.Control) { c.SignupsOff = true })
	add("closed", w.get(room+"/"))
	add("closed-post", w.post(room+"/", form("eve@example.org")))
	w.control(func(c *waitlist.Control) { c.SignupsOff, c.Mode = false, gate.Open })
	add("open", w.get(room+"/"))
	add("open-joined", w.post(room+"/?to=/apply", form("eve@example.org")))
	add("code-expired-open", w.post(room+"/code?c="+string(late), nil))
	add("missing", w.get(room+"/nothing"))
	add("method", w.do(mustRequest(t, "PUT", room+"/")))
	return out
}

func mustRequest(t *testing.T, method, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, origin+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDump(t *testing.T) {
	dir := os.Getenv("DUMP")
	if dir == "" {
		t.Skip()
	}
	for _, lang := range []string{"en", "es"} {
		for _, s := range states(t, lang) {
			if err := os.WriteFile(filepath.Join(dir, lang+"-"+s.name+".html"), []byte(s.page.body), 0o644); err != nil {
				t.Fatal(err)
			}
			fmt.Println(lang, s.name, s.page.StatusCode, s.page.compressed(), s.page.title())
		}
	}
}
