//go:build browser

package browser

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// sheet leaves pictures of what the tests look at, and a contact sheet of every page.
// Without it none are taken: they were a third of the time of the console's test.
var sheet = flag.Bool("sheet", false, "write pictures and a contact sheet of every page into out/browser")

// most is what a page may take on the line, with a logo and a message.
const most = 5 << 10

// longest is a message of 200 characters in words, of which no two are the same.
const longest = "Our computers need a rest until 6 pm Eastern today. Nobody loses their place. If you cannot wait, call 1-800-555-0100 or visit an office: Burlington, Montpelier, Rutland, Brattleboro, St. Johnsbury, VT."

// usual is a message as operators write them on the day.
const usual = "Our computers need a rest until 6 pm Eastern today. Nobody loses their place."

// described is a site that has said everything about itself, with a logo of
// length bytes that does not compress.
func described(t *testing.T, l email.Language, length int) site.Words {
	t.Helper()
	const head, tail = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#0b5c46" d="M4 4h24v24h-24z`, `"/></svg>`
	var path strings.Builder
	for n := uint32(1); path.Len() < length-len(head)-len(tail)-8; n = n*1664525 + 1013904223 {
		fmt.Fprintf(&path, "L%d.%d %d", n>>27, n>>20&127, n>>15&31)
	}
	logo := head + path.String() + tail
	all, err := site.Parse([]byte(site.Example), site.Source{
		Languages: email.Tags(), Now: time.Now(), Read: func(string) ([]byte, error) { return []byte(logo), nil },
	})
	must(t, err)
	return all[l.Tag]
}

// TestEveryPageIsSmall: with the largest logo and the longest message, in every
// language and state.
func TestEveryPageIsSmall(t *testing.T) {
	t.Parallel()
	largest, where := 0, ""
	for _, l := range catalogues() {
		for _, s := range collect(t, l, described(t, l, site.MaxLogo), longest) {
			n := compressed(s.body)
			if n > most {
				t.Errorf("%s, %s: %d bytes compressed", l.Tag, s.name, n)
			}
			if n > largest {
				largest, where = n, l.Tag+", "+s.name
			}
		}
	}
	t.Logf("the largest page takes %d bytes of at most %d: %s", largest, most, where)
}

// album serves collected pages as they were answered.
type album struct {
	*httptest.Server
	states []state
}

func newAlbum(t *testing.T, states []state) *album {
	a := &album{states: states}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || n >= len(states) {
			http.NotFound(w, r)
			return
		}
		for _, name := range []string{"Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
			w.Header().Set(name, states[n].header.Get(name))
		}
		w.Write(states[n].body)
	}))
	t.Cleanup(a.Close)
	return a
}

// measure says by how many pixels the page is too wide, and what of the five
// things does not lie within the first 320 × 568 pixels. A text is found in the
// page by its words.
const measure = `((what) => {
	const out = {wide: document.documentElement.scrollWidth - innerWidth, missing: []};
	const box = (where) => {
		if (!where.startsWith('$')) return document.querySelector(where)?.getBoundingClientRect();
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n; (n = walk.nextNode());) {
			const at = n.textContent.indexOf(where.slice(1));
			if (at < 0) continue;
			const range = document.createRange();
			range.setStart(n, at);
			range.setEnd(n, at + where.length - 1);
			return range.getBoundingClientRect();
		}
	};
	for (const [name, where] of Object.entries(what)) {
		const r = where && box(where);
		if (where && (!r || r.width < 5 || r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > 568)) out.missing.push(name + (r ? ' ends at ' + Math.round(r.bottom) : ' is not there'));
	}
	return JSON.stringify(out);
})(%s)`

// fits checks the page as it is shown now; below the fold nothing is missed when
// folds is set.
func (b *tab) fits(name string, s state, folds bool) {
	b.Helper()
	what := map[string]string{}
	if folds {
		what = map[string]string{"whose page": ".whose", "what happened": "h1", "what to do": s.do, "until when or how long": s.when, "whom to ask": ".ask"}
	}
	asked, err := json.Marshal(what)
	must(b.T, err)
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(measure, asked)))
	must(b.T, err)
	var found struct {
		Wide    int
		Missing []string
	}
	must(b.T, json.Unmarshal([]byte(text), &found))
	if found.Wide > 0 {
		b.Errorf("%s is %d pixels wider than the screen", name, found.Wide)
	}
	if len(found.Missing) > 0 {
		slices.Sort(found.Missing)
		b.Errorf("%s: not on the first screen of an old phone: %s", name, strings.Join(found.Missing, "; "))
	}
}

// shown shows the page at a width, in a scheme, or with the reader's own colours.
func (b *tab) shown(width, height int64, scheme, forced string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "forced-colors", Value: forced}},
	})
	must(b.T, err)
	must(b.T, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, height)))
}

// TestEveryPage looks at every page of the room in every state and language. Each
// is one request, fits a screen of 320 pixels, and says on the first screen of an
// old phone whose page it is, what happened, what to do, until when or how long,
// and whom to ask, under a message of the operator's. In four languages it is looked at on three screens, by day, by
// night and in forced colours; in one of each direction axe-core finds nothing.
func TestEveryPage(t *testing.T) {
	browser := chromium(t, "")
	closely := []string{"en", "es", "ar", "ja"}
	// Pages have no script. Those that are looked at with JavaScript off are the same.
	with, without := visitor(t, browser, "en", "Looker", true), visitor(t, browser, "en", "Looker", false)
	for _, l := range catalogues() {
		t.Run(l.Tag, func(t *testing.T) { everyPage(t, l, slices.Contains(closely, l.Tag), with.as(t), without.as(t)) })
	}
}

// everyPage looks at the pages of one language; closely with both tabs, else with
// one of them in turn.
func everyPage(t *testing.T, l email.Language, closely bool, both ...*tab) {
	states := collect(t, l, described(t, l, 400), usual)
	pages := newAlbum(t, states)
	for n, s := range states {
		tabs := both
		if !closely {
			tabs = both[n%2 : n%2+1]
		}
		name := l.Tag + ", " + s.name
		for _, b := range tabs {
			b.shown(320, 568, "light", "none")
			if status := b.open(pages.URL + "/" + strconv.Itoa(n)); status != 200 {
				t.Fatalf("%s: %d", name, status)
			}
			if sent := b.requests(); len(sent) != 1 {
				t.Errorf("%s asked for more than itself: %v", name, sent)
			}
			b.fits(name, s, true)
			if strings.HasPrefix(s.name, "enter") {
				b.showsAllOf("#code", "ABCDE-FGHJK-MNPQR-STVWX")
			}
			if *sheet && b == tabs[0] {
				b.shoot(filepath.Join("sheet", l.Tag+"-"+s.name+"-320"))
			}
		}
		if closely {
			tabs[0].closely(l, s)
		}
	}
	if *sheet {
		writeSheet(t, l.Tag, states)
	}
}

// closely looks at the page on other screens and in other colours, and in one
// language of each direction has axe-core look at it, by day or by night.
func (b *tab) closely(l email.Language, s state) {
	b.Helper()
	name := l.Tag + ", " + s.name
	for _, look := range []struct {
		width, height  int64
		scheme, forced string
	}{{375, 667, "dark", "none"}, {375, 667, "light", "active"}, {1280, 800, "light", "none"}} {
		b.shown(look.width, look.height, look.scheme, look.forced)
		b.fits(fmt.Sprintf("%s at %d, %s, forced colours %s", name, look.width, look.scheme, look.forced), s, false)
		if *sheet {
			b.shoot(filepath.Join("sheet", fmt.Sprintf("%s-%s-%d-%s-%s", l.Tag, s.name, look.width, look.scheme, look.forced)))
		}
	}
	switch l.Tag {
	case "en":
		b.accessible(name + ", light")
	case "ar":
		b.shown(320, 568, "dark", "none")
		b.accessible(name + ", dark")
	}
}

// writeSheet lays out the screenshots of a language on one page.
func writeSheet(t *testing.T, tag string, states []state) {
	t.Helper()
	var out strings.Builder
	out.WriteString(`<!doctype html><meta charset="utf-8"><title>` + tag + `</title><style>body{font:14px sans-serif}figure{display:inline-block;vertical-align:top;margin:6px}img{border:1px solid #888;height:560px;width:auto}</style>`)
	for _, s := range states {
		images, err := filepath.Glob(filepath.Join(shots, "sheet", tag+"-"+s.name+"-[0-9]*.png"))
		must(t, err)
		fmt.Fprintf(&out, "<h2>%s %s (%d), %d bytes</h2>", tag, s.name, s.status, compressed(s.body))
		for _, image := range images {
			name := filepath.Base(image)
			fmt.Fprintf(&out, `<figure><figcaption>%s</figcaption><img src="sheet/%s" alt=""></figure>`, name, name)
		}
	}
	must(t, os.WriteFile(filepath.Join(shots, "sheet-"+tag+".html"), []byte(out.String()), 0o644))
}

// showsAllOf checks that a field shows the whole of a text, and puts back what
// stood there.
func (b *tab) showsAllOf(selector, text string) {
	b.Helper()
	hidden, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](fmt.Sprintf(`(() => {
		const field = document.querySelector(%q), was = field.value;
		field.value = %q;
		const hidden = field.scrollWidth - field.clientWidth;
		field.value = was;
		return hidden;
	})()`, selector, text)))
	must(b.T, err)
	if hidden > 0 {
		b.Errorf("%s: %s hides %d pixels of %s", b.where(), selector, hidden, text)
	}
}
