package intake

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

var (
	//go:embed web/words
	wordFiles embed.FS
	//go:embed web/page.html
	pageSource string
	//go:embed web/style.css
	styleSource string
	//go:embed web/embed.min.js
	embedScript []byte

	words         = mustReadWords()
	style         = shrink(styleSource)
	pageTemplate  = template.Must(template.New("page").Option("missingkey=error").Parse(pageSource))
	cacheControl  = fmt.Sprintf("public, max-age=0, s-maxage=%d", int(pageLife.Seconds()))
	contentPolicy = policy(style)
)

// policy is the content security policy of every page: nothing but its own
// style, by its hash, and the icon inside it. It has no script-src because there
// is no script. Forms may lead to any https address: browsers hold the whole
// chain of redirects after a form to this rule, and a site whose first page
// sends people on to sign in elsewhere must still be reached by the button.
func policy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
		"form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"
}

var comment = regexp.MustCompile(`(?s)/\*.*?\*/`)

// shrink takes comments and line ends out of the style.
func shrink(css string) string {
	return strings.ReplaceAll(strings.TrimSpace(comment.ReplaceAllString(css, "")), "\n", "")
}

// mustReadWords reads the catalogues at start: one that lacks a sentence is a
// build that must not be shipped, and every test sees it.
func mustReadWords() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, l := range email.Languages() {
		data, err := wordFiles.ReadFile("web/words/" + l.Tag + ".json")
		if err != nil {
			panic("intake: the mails speak " + l.Tag + ", the pages do not: " + err.Error())
		}
		w := map[string]string{}
		if err := json.Unmarshal(data, &w); err != nil {
			panic("intake: web/words/" + l.Tag + ".json: " + err.Error())
		}
		all[l.Tag] = w
	}
	for tag, w := range all {
		for key := range all[email.DefaultLanguage] {
			if w[key] == "" {
				panic("intake: web/words/" + tag + ".json lacks " + key)
			}
		}
		if len(w) != len(all[email.DefaultLanguage]) {
			panic("intake: web/words/" + tag + ".json has keys that " + email.DefaultLanguage + " has not")
		}
	}
	return all
}

func languageOf(tag string) (email.Language, bool) {
	for _, l := range email.Languages() {
		if l.Tag == tag {
			return l, true
		}
	}
	return email.Language{}, false
}

// view is what a page is rendered from.
//
// It has more than 15 fields: one for each place of the page that can differ.
type view struct {
	// Page is the block of page.html, Title, Text, More and Button are keys of the
	// words.
	Page, Title, Text, Button string
	More                      []string
	Lang                      email.Language
	// Others are the languages that can be changed to.
	Others []email.Language
	Site   string
	Here   string
	Errors []problem

	Email, Code input
	Fields      []input
	Stamp, To   string
	Progress    string
	// Open says that there is no wait; Busy that nothing could be saved; Retry that
	// the button posts the same again.
	Open, Busy, Retry bool

	values []string
	// errorKey names the error for a script.
	errorKey string
}

// input is one field of a form.
type input struct{ Name, Label, Hint, Value, Error string }

// problem is one line of the summary, and the field that it leads to.
type problem struct{ Field, Text string }

func (v *visit) view(page, title string) view {
	w := view{
		Page: page, Title: title, Lang: v.lang, Site: v.room.Site, Here: here(v.lang),
		values: []string{"{site}", v.room.Site, "{sender}", v.room.Sender},
	}
	for _, l := range v.room.languages {
		if l.Tag != v.lang.Tag {
			w.Others = append(w.Others, l)
		}
	}
	return w
}

// Say is a sentence in the language of the page.
func (w view) Say(key string) string { return w.say(key) }

func (w view) say(key string, values ...string) string {
	s, ok := words[w.Lang.Tag][key]
	if !ok {
		panic("intake: there are no words for " + key)
	}
	return strings.NewReplacer(append(values, w.values...)...).Replace(s)
}

// Style is the stylesheet, which stands in every page.
func (w view) Style() template.CSS { return template.CSS(style) }

// ToQuery takes the wanted path along to the form.
func (w view) ToQuery() string {
	if w.To == "" || w.To == "/" {
		return ""
	}
	return "?to=" + url.QueryEscape(w.To)
}

// html renders the page.
func (w view) html() ([]byte, error) {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, w); err != nil {
		return nil, fmt.Errorf("rendering the page %q: %w", w.Page, err)
	}
	return out.Bytes(), nil
}

// progressLine says as a fact how far the line has got; nothing before the first
// invitation.
func (v *visit) progressLine(p waitlist.Progress) string {
	if p.Front.IsZero() {
		return ""
	}
	w := v.view("", "")
	zone := v.room.Zone
	if zone == nil {
		zone = time.UTC
	}
	if day(p.Front, zone) == day(v.now, zone) {
		return w.say("progress.today", "{time}", v.lang.Clock(p.Front, zone))
	}
	return w.say("progress.day", "{date}", v.lang.Date(p.Front, zone))
}

func day(t time.Time, zone *time.Location) string { return t.In(zone).Format(time.DateOnly) }
