//go:build browser

package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	axeFile = "node_modules/axe-core/axe.min.js"
	shots   = "../../out/browser"
)

// axe is axe-core's source, read once.
var axe = sync.OnceValues(func() (string, error) {
	if _, err := os.Stat(axeFile); err != nil {
		if out, err := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm ci: %w: %s", err, out)
		}
	}
	source, err := os.ReadFile(axeFile)
	return string(source), err
})

// without skips loudly on a machine that lacks something, and fails in CI.
func without(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("SKIPPED, nothing was shown: %s: %v", what, err)
}

// chromium starts a browser with a profile of its own. Preferences are written
// into the profile first.
func chromium(t *testing.T, preferences string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		without(t, "Chromium is not here", err)
	}
	if _, err := axe(); err != nil {
		without(t, "axe-core is not here", err)
	}
	profile := t.TempDir()
	if preferences != "" {
		must(t, os.MkdirAll(filepath.Join(profile, "Default"), 0o700))
		must(t, os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(preferences), 0o600))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Going back then loads the page again, as where memory is short, and what was
		// typed must outlive that; a page taken whole from memory would prove nothing.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,BackForwardCache"),
	)
	limit, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	ctx, cancelAll := chromedp.NewExecAllocator(limit, options...)
	browser, cancelBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// Wait for it to go, or its profile cannot be removed.
		_ = chromedp.Cancel(browser)
		cancelBrowser()
		cancelAll()
		cancel()
	})
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return browser
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// look is how a visitor looks at pages.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var (
	phone  = look{"phone", 320, 640, false}
	night  = look{"phone-dark", 390, 844, true}
	laptop = look{"laptop", 1280, 800, false}
	late   = look{"laptop-dark", 1280, 800, true}
)

// tab is one visitor: a browser with its own cookies.
type tab struct {
	*testing.T
	ctx context.Context

	mu   sync.Mutex
	sent []string // what was asked for since the last navigation began
}

// visitor opens a tab with its own cookies, its language, and with JavaScript on
// or off.
func visitor(t *testing.T, browser context.Context, language, agent string, scripts bool) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return prepare(t, ctx, language, agent, scripts)
}

func prepare(t *testing.T, ctx context.Context, language, agent string, scripts bool) *tab {
	t.Helper()
	b := &tab{T: t, ctx: ctx}
	must(t, chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(e.Request.URL, "data:") {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.sent = append(b.sent, e.Request.Method+" "+e.Request.URL)
		}
	}))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	must(t, err)
	_, err = chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
	must(t, err)
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	must(t, err)
	return b
}

// as is the same tab for a part of a test.
func (b *tab) as(t *testing.T) *tab {
	b.T = t
	return b
}

// goes runs actions that end on another page, and returns its status: 0 for one
// that was fetched ahead, which has no answer of its own.
func (b *tab) goes(steps ...chromedp.Action[chromedp.Void]) int64 {
	b.Helper()
	b.mu.Lock()
	b.sent = nil
	b.mu.Unlock()
	r, err := chromedp.RunResponse(b.ctx, steps...)
	if err != nil {
		b.Fatalf("go on from %s: %v", b.where(), err)
	}
	if r == nil {
		return 0
	}
	return r.Status
}

func (b *tab) open(url string) int64 { b.Helper(); return b.goes(chromedp.Navigate(url)) }

// press presses the button or link that a CSS selector finds.
func (b *tab) press(selector string) int64 {
	b.Helper()
	return b.goes(chromedp.Click(chromedp.CSS(selector)))
}

// fill types into a field, in the place of what stands there.
func (b *tab) fill(selector, text string) {
	b.Helper()
	field := chromedp.CSS(selector)
	err := chromedp.Do(b.ctx, chromedp.Focus(field), chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`),
		chromedp.SendKeys(field, kb.Backspace+text))
	if err != nil {
		b.Fatalf("type into %s: %v", selector, err)
	}
}

func (b *tab) where() string {
	b.Helper()
	url, err := chromedp.Run(b.ctx, chromedp.Location())
	must(b.T, err)
	return url
}

// requests is what the last navigation asked for.
func (b *tab) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.sent...)
}

func (b *tab) text(selector string) string {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.Fatalf("read %s: %v", selector, err)
	}
	return text
}

func (b *tab) value(selector string) string {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Value(chromedp.CSS(selector)))
	must(b.T, err)
	return value
}

// says checks that a page shows each text.
func (b *tab) says(texts ...string) {
	b.Helper()
	body := b.text("body")
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.Errorf("%s does not say %q:\n%s", b.where(), text, body)
		}
	}
}

// from looks at pages like that from now on.
func (b *tab) from(l look) {
	b.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	must(b.T, err)
	must(b.T, chromedp.Do(b.ctx, chromedp.EmulateViewport(l.width, l.height)))
}

// shoot keeps a picture of the whole page, if -sheet asks for pictures.
func (b *tab) shoot(name string) {
	b.Helper()
	if !*sheet {
		return
	}
	must(b.T, os.MkdirAll(filepath.Dir(filepath.Join(shots, name)), 0o755))
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	must(b.T, err)
	must(b.T, os.WriteFile(filepath.Join(shots, name+".png"), png, 0o644))
}

// accessible has axe-core look at the page as it is.
func (b *tab) accessible(name string) {
	b.Helper()
	source, err := axe()
	must(b.T, err)
	must(b.T, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](source+";undefined")))
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run(document, {
		runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
		rules: {'target-size': {enabled: true}},
	}).then(r => {
		if (r.passes.length < 5) throw new Error('axe checked next to nothing');
		return r.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.html).join(' | '));
	})`, chromedp.EvalAwaitPromise))
	must(b.T, err)
	for _, v := range found {
		b.Errorf("%s: %s", name, v)
	}
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	must(b.T, err)
	if wide > 0 {
		b.Errorf("%s is %d pixels wider than the screen", name, wide)
	}
}
