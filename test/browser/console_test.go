//go:build browser

package browser

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"raincheck/pkg/console"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// shown says that the console has drawn what the instance answered.
const shown = `!document.getElementById('main').classList.contains('blank')`

// TestTheConsole looks at the console in every mode, as a phone and a laptop show
// it, by day and by night, and works its switches: what turns people away asks
// first, and what was not confirmed does nothing.
func TestTheConsole(t *testing.T) {
	browser := chromium(t, "")
	w := newTown(t)
	w.speed(t, 1)
	b := visitor(t, browser, "en", "Operator", true)
	mode := func() gate.Mode {
		t.Helper()
		s, err := w.Snapshot(t.Context())
		must(t, err)
		return s.Control.Mode
	}
	look := func(name string) {
		t.Helper()
		for _, l := range []look{phone, late} {
			b.from(l)
			b.accessible("console, " + name + ", " + l.name)
			b.shoot("console-" + name + "-" + l.name)
		}
	}
	click := func(selector string) {
		t.Helper()
		if err := chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
			t.Fatalf("press %s: %v", selector, err)
		}
	}
	until := func(condition string) {
		t.Helper()
		if err := chromedp.Do(b.ctx, chromedp.Poll[chromedp.Void](condition)); err != nil {
			t.Fatalf("it never was so: %s: %v", condition, err)
		}
	}
	b.from(laptop)
	b.open(w.origin + console.Path)
	until(shown)
	look("throttle")

	click("[data-mode=hold]")
	look("asking")
	click("#sure-no")
	if got := mode(); got != gate.Throttle {
		t.Errorf("cancelled, and the mode is %s", got)
	}
	click("[data-mode=hold]")
	click("#sure-yes")
	until(`document.getElementById('verdict').dataset.mode === 'hold'`)
	b.says("Nobody new is let in", "Undo")
	look("hold")
	click("#said button")
	until(`document.getElementById('verdict').dataset.mode === 'throttle'`)

	// What is said stands on the pages, and is taken off again.
	b.fill("#message", "We are back at 6 pm.")
	click("#message-form button:not([type])")
	until(`document.getElementById('message-note').textContent.startsWith('“We are back at 6 pm.” until')`)
	click("#message-off")
	until(`document.getElementById('message-note').textContent.startsWith('None now.')`)

	click("#pause")
	until(`document.getElementById('pause').textContent === 'Resume'`)
	look("paused")
	click("[data-mode=open]")
	until(`document.getElementById('verdict').dataset.mode === 'open'`)
	if got := mode(); got != gate.Open {
		t.Errorf("opened without a question, and the mode is %s", got)
	}
	look("open")
}

// TestTheConsoleWithoutJavaScript is status as text.
func TestTheConsoleWithoutJavaScript(t *testing.T) {
	server := httptest.NewServer((&console.Console{Source: unborn{}}).Handler())
	t.Cleanup(server.Close)
	browser := chromium(t, "")
	b := visitor(t, browser, "en", "Somebody careful", false)
	b.from(phone)
	b.open(server.URL + console.Path)
	must(t, chromedp.Do(b.ctx, chromedp.WaitVisible(chromedp.CSS("pre.text"))))
	b.says("A new stack", "the edge has no gate yet")
	// axe-core is a script.
	b = visitor(t, browser, "en", "Looker", true)
	b.from(phone)
	b.open(server.URL + console.Path + "status")
	b.accessible("the console as text")
}

// unborn is a stack of which nothing is known yet.
type unborn struct{}

func (unborn) Snapshot(context.Context) (console.Snapshot, error) {
	return console.Snapshot{Snapshot: operator.Snapshot{Site: operator.Site{Name: "A new stack", Target: 0.9}, Warnings: []string{"the edge has no gate yet"}}}, nil
}

func (unborn) Series(context.Context, time.Time) (console.Series, error) {
	return console.Series{Minutes: []int64{}}, nil
}

// TestTheConsoleOfAStack: read-only, and before the first tick it has something
// to say: no switch, no mail, no empty box.
func TestTheConsoleOfAStack(t *testing.T) {
	browser := chromium(t, "")
	b := visitor(t, browser, "en", "Everybody who decides", true)
	for _, c := range []struct {
		name string
		page *console.Console
		says string
	}{
		{"read-only", &console.Console{Source: newTown(t), Switches: console.SwitchesOf("prod")}, "raincheck hold --stack prod --apply"},
		{"unborn", &console.Console{Source: unborn{}}, "The first minute is not over yet."},
	} {
		server := httptest.NewServer(c.page.Handler())
		t.Cleanup(server.Close)
		b.from(laptop)
		b.open(server.URL + console.Path)
		must(t, chromedp.Do(b.ctx, chromedp.Poll[chromedp.Void](shown)))
		b.says(c.says)
		for _, l := range []look{night, laptop} {
			b.from(l)
			b.accessible("console, " + c.name + ", " + l.name)
			b.shoot("console-" + c.name + "-" + l.name)
		}
		visible, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`['side', 'outbox', 'story'].some(id => document.getElementById(id).checkVisibility())`))
		must(t, err)
		if visible {
			t.Errorf("%s: it shows what only a local instance has", c.name)
		}
	}
}
