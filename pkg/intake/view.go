package intake

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

var (
	//go:embed web/embed.min.js
	embedScript []byte

	cacheControl = fmt.Sprintf("public, max-age=0, s-maxage=%d", int(pageLife.Seconds()))
)

// view is what a page is rendered from.
//
// It has more than 15 fields: one for each place of the page that can differ.
type view struct {
	// Page names the content, Title, Text, More and Button are keys of the words.
	Page, Title, Text, Button string
	More                      []string
	Lang                      email.Language
	// Others are the languages that can be changed to.
	Others []email.Language
	Look   *look
	// Said is the operator's message; empty for none.
	Said   said
	Here   string
	Errors []problem

	Email, Code input
	Fields      []input
	// Typed is an address that may be a slip of Meant. CanInsist says that mail could
	// go to it.
	Typed, Meant string
	CanInsist    bool
	Stamp, To    string
	Progress     string
	// Action is where a form posts to; empty is its own address.
	Action string
	// Receipt is the token of a receipt.
	Receipt string
	// Open says that nobody has to wait; Closed that nobody can join; Busy that nothing
	// could be saved; Retry that the button posts the same again; Keep that the old
	// place can be had back.
	Open, Closed, Busy, Retry, Keep bool

	values []string
	// errorKey names the error for a script.
	errorKey string
}

// said is a message of the operator's in a language.
type said struct{ Text, Lang, Direction string }

// input is one field of a form.
type input struct{ Name, Label, Hint, Value, Error string }

// problem is one line of the summary, and the field that it leads to.
type problem struct{ Field, Text string }

// view begins a page: what the store's words and the operator say is on all of
// them.
func (v *visit) view(page, title string) *view {
	n := v.seen()
	return &view{
		Page: page, Title: title, Lang: v.lang, Others: v.room.othersOf(v.lang.Catalogue), Look: n.look, Here: here(v.lang), Said: v.said(n.control.Said),
		values: []string{"site", n.look.Name, "sender", v.room.Sender, "minutes", v.number(int(v.room.PassLife.Minutes() / 2))},
	}
}

// othersOf are the languages that can be changed to from a catalogue. A language may
// have several paths, and needs one button.
func (rm *room) othersOf(catalogue string) (others []email.Language) {
	if known, ok := rm.others.Load(catalogue); ok {
		return known.([]email.Language)
	}
	for _, l := range rm.languages {
		if l.Catalogue != catalogue && (len(others) == 0 || others[len(others)-1].Catalogue != l.Catalogue) {
			others = append(others, l)
		}
	}
	rm.others.Store(catalogue, others)
	return others
}

// said is the operator's message in the language of the page, or in the default
// one with its own tag and direction.
func (v *visit) said(s *waitlist.Said) said {
	if !s.Stands(v.now) {
		return said{}
	}
	for tag, text := range s.Translations {
		if l, ok := email.LanguageOf(tag); ok && l.Catalogue == v.lang.Catalogue {
			return said{text, v.lang.HTML, v.lang.Direction}
		}
	}
	standard := v.room.languages[0]
	return said{s.Text, standard.HTML, standard.Direction}
}

// Say is a sentence in the language of the page.
func (w *view) Say(key string) string { return w.say(key) }

func (w *view) say(key string, values ...string) string {
	s := sentence(w.Lang, key)
	if !strings.Contains(s, "{") {
		return s
	}
	return fill(s, append(values, w.values...)...)
}

// valueOf is where the value of a {name} stands, which the page must have.
func (w *view) valueOf(name string) int {
	for i := 0; ; i += 2 {
		if w.values[i] == name {
			return i + 1
		}
	}
}

// query takes the wanted path along to the form.
func (w *view) query() string {
	if w.To == "" || w.To == "/" {
		return ""
	}
	return "?to=" + url.QueryEscape(w.To)
}

// form is the address of the form.
func (w *view) form() templ.SafeURL { return templ.SafeURL(w.Here + "/" + w.query()) }

func (w *view) enter() templ.SafeURL { return templ.SafeURL(w.Here + "/enter") }

// onward is where whoever need not wait goes.
func (w *view) onward() templ.SafeURL {
	if w.To == "" {
		return "/"
	}
	return templ.SafeURL(w.To) // checked by gate.SafePath
}

// receiptURL is empty on a page without a receipt.
func (w *view) receiptURL() templ.SafeURL {
	if w.Receipt == "" {
		return ""
	}
	return templ.SafeURL(w.Here + "/receipt?r=" + url.QueryEscape(w.Receipt))
}

func (w *view) keepURL() templ.SafeURL { return templ.SafeURL(w.Here + "/keep") }

// hasForm says that the content of the page has a form, to which the buttons for
// the language belong.
func (w *view) hasForm() bool {
	switch w.Page {
	case "form", "open", "receipt", "slip", "code", "enter", "leave":
		return true
	case "dead":
		return w.Keep && !w.Open
	}
	return w.Retry
}

// languageForm are the attributes of the form around the buttons for the language.
// Where the page has no form it is theirs, and posts to the receipt, where there is
// one, which says the same.
func (w *view) languageForm() templ.Attributes {
	a := templ.Attributes{}
	if !w.hasForm() {
		a["id"] = "f"
	}
	if to := cmp.Or(string(w.receiptURL()), w.Action); to != "" {
		a["action"] = to
	}
	return a
}

// action is the attribute of a form that does not post to its own address.
func (w *view) action() templ.Attributes {
	if w.Action == "" {
		return nil
	}
	return templ.Attributes{"action": w.Action}
}

// attributes are what an input is told beside its name.
func (in input) attributes() templ.Attributes {
	a := templ.Attributes{}
	switch in.Name {
	case "email":
		a = templ.Attributes{"type": "email", "autocomplete": "email", "dir": "ltr", "spellcheck": "false", "autocapitalize": "none"}
	case "code":
		a = templ.Attributes{"autocomplete": "off", "dir": "ltr", "spellcheck": "false", "autocapitalize": "characters"}
	}
	var by []string
	if in.Hint != "" {
		by = append(by, in.Name+"-hint")
	}
	if in.Error != "" {
		by = append(by, "problem")
		a["aria-invalid"] = "true"
	}
	if len(by) > 0 {
		a["aria-describedby"] = strings.Join(by, " ")
	}
	return a
}

// heading is the text of the title.
func (w *view) heading() string { return w.Say(w.Title) }

// html renders the page.
func (w *view) html(ctx context.Context) (string, error) {
	var out strings.Builder
	out.Grow(pageSize)
	if err := w.document().Render(ctx, &out); err != nil {
		return "", fmt.Errorf("rendering the page %q: %w", w.Page, err)
	}
	return out.String(), nil
}

// pageSize is what nearly every page fits in, before compression, without a logo.
const pageSize = 10 << 10

// leastTold is how many must have been invited in the last ten minutes before
// their wait is told: fewer are not a fact about the line.
const leastTold = 20

// progressLine says as a fact how long people had waited who were invited lately,
// else how far the line has got; nothing before the first invitation.
func (v *visit) progressLine() string {
	p := v.seen().progress
	if w := p.Waited; w.People >= leastTold && v.now.Sub(w.At) < 2*waitlist.WaitedOver && !w.At.After(v.now.Add(time.Minute)) {
		key, from, to := "progress.minutes", v.number(w.From), v.number(w.To)
		if w.To >= 120 {
			key, from, to = "progress.hours", v.duration(w.From), v.duration(w.To)
		}
		return say(v.lang, key, "time", v.clock(w.At), "from", from, "to", to)
	}
	if p.Front.IsZero() {
		return ""
	}
	if v.today(p.Front) {
		return say(v.lang, "progress.today", "time", v.clock(p.Front))
	}
	return say(v.lang, "progress.day", "date", v.date(p.Front))
}

func (v *visit) number(n int) string { return v.lang.Digits(strconv.Itoa(n)) }

// duration says how long something took; less than an hour without hours.
func (v *visit) duration(minutes int) string {
	words := sentence(v.lang, "duration")
	if minutes < 60 {
		words = words[strings.Index(words, "{minutes}"):]
	}
	return fill(words, "hours", v.number(minutes/60), "minutes", v.number(minutes%60))
}

// clock says the time of day, with the zone; date the day as well.
func (v *visit) clock(t time.Time) string {
	w := v.seen().look
	t = v.room.Shown(t)
	return v.lang.Clock(t, w.Location()) + " (" + v.zone(t) + ")"
}

func (v *visit) date(t time.Time) string {
	w := v.seen().look
	t = v.room.Shown(t)
	return v.lang.Day(t, w.Location()) + " (" + v.zone(t) + ")"
}

func (v *visit) zone(t time.Time) string {
	w := v.seen().look
	if w.ZoneName != "" {
		return w.ZoneName
	}
	return email.ZoneName(t.In(w.Location()))
}

func (v *visit) today(t time.Time) bool {
	zone := v.seen().look.Location()
	return v.room.Shown(t).In(zone).Format(time.DateOnly) == v.room.Shown(v.now).In(zone).Format(time.DateOnly)
}
