//go:build browser

package browser

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/demo"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// town is the local instance with its crowd, served on a port of its own.
type town struct {
	*demo.Instance
	origin  string
	minutes chan struct{} // one for each virtual minute that has passed
}

func newTown(t *testing.T) *town {
	t.Helper()
	// __Host- cookies are taken from localhost, by that name.
	listener, err := net.Listen("tcp", "localhost:0")
	must(t, err)
	w := &town{origin: "http://localhost:" + fmt.Sprint(listener.Addr().(*net.TCPAddr).Port), minutes: make(chan struct{}, 1)}
	w.Instance, err = demo.New(demo.Config{
		Story: demo.Demonstration(time.Now()), Speed: 600, Origin: w.origin, Seed: 1, Now: time.Now,
		Minute: func(time.Time, demo.Totals) {
			select {
			case w.minutes <- struct{}{}:
			default:
			}
		},
	})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	must(t, w.Warm(ctx))
	server := &http.Server{Handler: w.Handler()}
	over := make(chan struct{})
	go server.Serve(listener)
	go func() {
		defer close(over)
		_, _ = w.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-over
		server.Close()
		must(t, w.Close())
	})
	return w
}

// demand sets how many people a minute come to the door.
func (w *town) demand(t *testing.T, visits float64) {
	t.Helper()
	must(t, w.Change(t.Context(), console.Change{Demand: &visits}))
}

func (w *town) speed(t *testing.T, speed float64) {
	t.Helper()
	must(t, w.Change(t.Context(), console.Change{Speed: &speed}))
}

// full fixes the share of those who are let in at nobody, as the law alone would
// let in one in ten of a crowd, and waits until every edge knows.
func (w *town) full(t *testing.T) {
	t.Helper()
	must(t, w.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Throttle, Admit: new(float64)}}))
	var since time.Time
	w.until(t, "the site is full", func() bool {
		s, err := w.Snapshot(t.Context())
		must(t, err)
		if *s.Admit > 0 || since.IsZero() {
			since = s.Now
		}
		return *s.Admit == 0 && s.Now.Sub(since) >= 3*time.Minute
	})
}

// law has the law decide again.
func (w *town) law(t *testing.T) {
	t.Helper()
	must(t, w.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Throttle}}))
}

// until waits, minute by minute of the town, for something to have happened.
func (w *town) until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for range 300 {
		if happened() {
			return
		}
		select {
		case <-w.minutes:
		case <-t.Context().Done():
		}
	}
	s, _ := w.Snapshot(t.Context())
	t.Fatalf("five hours of the town, and not yet: %s (admit %.2f, %d wait, %s)", what, *s.Admit, s.Waiting, s.Because)
}

// mail finds the newest mail to somebody.
func (w *town) mail(t *testing.T, to string) (console.Mail, bool) {
	t.Helper()
	heads, err := w.Mails(t.Context(), 1<<20)
	must(t, err)
	for _, h := range heads {
		if h.To == to {
			m, ok, err := w.Mail(t.Context(), h.ID)
			must(t, err)
			return m, ok
		}
	}
	return console.Mail{}, false
}

// person is one of those who live the story.
type person struct {
	name, language string
	scripts        bool
	tab            *tab
}

var sentences = map[string]struct{ full, joined, button, mail string }{
	"en": {"There is a line for", "You are in the line", "Go to", "It is your turn"},
	"es": {"Hay una fila para", "Ya está en la fila", "Ir a", "Es su turno"},
}

// TestTheStory: the site is full, and four people are turned away at the door;
// they leave an address; the load dips, they are invited, and come back by their
// mail's link, past the waiting room. In English and Spanish, with and without
// JavaScript.
func TestTheStory(t *testing.T) {
	browser := chromium(t, "")
	w := newTown(t)
	w.demand(t, 250)
	w.full(t)
	// While four people are at the door it stays as it is: the town's minute takes
	// as long as theirs.
	w.speed(t, 1)

	var people []*person
	for _, language := range []string{"en", "es"} {
		for _, scripts := range []bool{true, false} {
			name := language + map[bool]string{true: "-js", false: "-nojs"}[scripts]
			people = append(people, &person{name, language, scripts, visitor(t, browser, language, "Visitor "+name, scripts)})
		}
	}
	for _, p := range people {
		b, s := p.tab, sentences[p.language]
		b.from(night)
		b.open(w.origin + "/apply?step=2")
		room := w.origin + "/waiting-room/" + p.language + "/?to=%2Fapply%3Fstep%3D2"
		if got := b.where(); got != room {
			t.Fatalf("%s is at %s, not turned away", p.name, got)
		}
		b.says(s.full)
		b.shoot("story-" + p.name + "-1-turned-away")
		// Asking again at the door never helps.
		for range 5 {
			b.open(w.origin + "/apply?step=2")
			if got := b.where(); got != room {
				t.Fatalf("%s reloaded and is at %s", p.name, got)
			}
		}
		b.fill("#email", "ana@example")
		if status := b.press("main form button"); status != 422 {
			t.Errorf("%s: a slip is answered %d", p.name, status)
		}
		if got := b.value("#email"); got != "ana@example" {
			t.Errorf("%s: what was typed became %q", p.name, got)
		}
		b.fill("#email", p.name+"@example.org")
		if status := b.press("main form button"); status != 200 {
			t.Errorf("%s: joining is answered %d", p.name, status)
		}
		b.says(s.joined, p.name+"@example.org")
		b.shoot("story-" + p.name + "-2-joined")
	}

	w.demand(t, 0)
	w.law(t)
	w.speed(t, 600)
	for _, p := range people {
		b, s := p.tab, sentences[p.language]
		var mail console.Mail
		w.until(t, p.name+" is invited", func() (ok bool) { mail, ok = w.mail(t, p.name+"@example.org"); return ok })
		if !strings.HasPrefix(mail.Subject, s.mail) {
			t.Errorf("%s: the mail says %q", p.name, mail.Subject)
		}
		link := regexp.MustCompile(regexp.QuoteMeta(w.origin) + `\S*/code\?c=\S+`).FindString(mail.Text)
		if status := b.open(link); status != 200 {
			t.Fatalf("%s: the link %q is answered %d", p.name, link, status)
		}
		b.says(s.button)
		b.shoot("story-" + p.name + "-3-button")
		b.press("main form button")
		if got := b.where(); got != w.origin+"/apply?step=2" {
			t.Fatalf("%s pressed the button and is at %s", p.name, got)
		}
		b.shoot("story-" + p.name + "-4-back")
		if got := b.requests(); len(got) < 3 || !strings.HasPrefix(got[0], "POST ") {
			t.Errorf("%s came back by %v", p.name, got)
		}
	}

	// Full again: their passes hold, and a newcomer is turned away.
	w.demand(t, 250)
	w.full(t)
	for _, p := range people {
		p.tab.open(w.origin + "/apply")
		if got := p.tab.where(); got != w.origin+"/apply" {
			t.Errorf("%s has a pass and is at %s", p.name, got)
		}
	}
}

// TestCookiesOff: no loop, whatever is pressed, and a page that says why.
func TestCookiesOff(t *testing.T) {
	browser := chromium(t, `{"profile":{"default_content_setting_values":{"cookies":2}}}`)
	r := newRoom(t)
	b := prepare(t, browser, "en", "No cookies", true)
	b.from(night)
	code := r.invited(t, "ana@example.org")
	b.open(r.origin + "/waiting-room/en/code?c=" + code)
	for range 2 {
		b.press("main form button")
		b.says("your browser did not keep your pass")
		b.shoot("cookies-off")
		if n := len(b.requests()); n != 2 {
			t.Errorf("%d requests: %v", n, b.requests())
		}
		b.press("main a.button")
		b.fill("#code", code)
	}
}
