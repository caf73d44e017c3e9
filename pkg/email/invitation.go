package email

import (
	_ "embed"
	"errors"
	"fmt"
	"html"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"raincheck/pkg/site"
)

// Invitation is what a mail is composed from.
type Invitation struct {
	To       Address
	Language string // a Tag of Languages; any other gives the default

	// Site is what the operator says of the site in that language. Its name is
	// needed: it also names the sender. Its zone is the one that times are said in.
	Site site.Words
	// From is the address that writes, ReplyTo the one that takes answers; an empty
	// one leaves answers to From.
	From, ReplyTo string
	// Room is the absolute address of the waiting room, without a slash at its
	// end: https://www.example.org/waiting-room.
	Room string

	// Code is the bypass code as a person reads it, in groups with hyphens.
	Code string
	// LeaveToken is what the link to leave carries.
	LeaveToken string
	// Joined is when the address was left, Expires when the code dies.
	Joined, Expires time.Time

	// Tags are the message's.
	Tags map[string]string
}

// The two forms of the mail, with {{name}} where a value goes. Not html/template:
// wherever it or text/template is linked, the linker must keep every exported
// method of every type that is reachable, which makes the sender a third larger,
// to be fetched and unpacked at each cold start. Here nothing is needed of it:
// each value stands in a text or in an attribute in double quotes, and is escaped
// for both.
var (
	//go:embed invitation.txt
	textSource string
	//go:embed invitation.html
	htmlSource string
)

// written is a source with its values in their places, each as escape makes it. A
// line with a value that is empty is left out. What a value says is not looked at
// again.
func written(source string, values map[string]string, escape func(string) string) (string, error) {
	var out strings.Builder
	for line := range strings.Lines(source) {
		var filled strings.Builder
		empty := false
		for {
			before, rest, found := strings.Cut(line, "{{")
			filled.WriteString(before)
			if !found {
				break
			}
			name, after, closed := strings.Cut(rest, "}}")
			value, known := values[name]
			if !closed || !known {
				return "", fmt.Errorf("no value for {{%s}}", name)
			}
			empty = empty || value == ""
			filled.WriteString(escape(value))
			line = after
		}
		if !empty {
			out.WriteString(filled.String())
		}
	}
	return out.String(), nil
}

// check returns what keeps the invitation from being composed. It refuses what
// could end a header and begin another, in any field: the attack is a name or a
// token that adds a recipient.
func (inv Invitation) check() error {
	switch {
	case inv.To.IsZero():
		return errors.New("it has no address to go to")
	case !bareAddress(inv.From):
		return errors.New("from is not an address by itself")
	case inv.ReplyTo != "" && !bareAddress(inv.ReplyTo):
		return errors.New("reply to is not an address by itself")
	case inv.Code == "" || inv.LeaveToken == "" || inv.Site.Name == "" || inv.Expires.IsZero() || inv.Joined.IsZero():
		return errors.New("the site's name, code, token and both times are needed")
	}
	for name, value := range map[string]string{
		"site's name": inv.Site.Name, "contact": inv.Site.Contact + inv.Site.Telephone, "zone": inv.Site.ZoneName, "room": inv.Room, "code": inv.Code, "leave token": inv.LeaveToken,
	} {
		if strings.ContainsFunc(value, control) {
			return fmt.Errorf("the %s has a control character", name)
		}
	}
	if u, err := url.Parse(inv.Room); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || strings.HasSuffix(inv.Room, "/") {
		return errors.New("room is not the absolute address of a page")
	}
	return nil
}

func bareAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && !strings.ContainsFunc(s, control)
}

// Compose writes the invitation, in text and HTML that say the same. Its errors
// name what is missing or not fit for a mail, and repeat no value.
func Compose(inv Invitation) (Message, error) {
	if err := inv.check(); err != nil {
		return Message{}, fmt.Errorf("composing an invitation: %w", err)
	}
	w := wordsFor(inv.Language)
	here := inv.Room + "/" + w.Tag
	away := here + "/leave?t=" + url.QueryEscape(inv.LeaveToken)
	_, typed, _ := strings.Cut(here+"/enter", "://")
	filled := w.filled(map[string]string{"site": inv.Site.Name, "address": typed}, w.date(inv.Joined, inv.Site), w.date(inv.Expires, inv.Site))
	values := filled.values()
	values["tag"], values["direction"], values["site"] = w.HTML, w.Direction, inv.Site.Name
	values["code"], values["away"] = inv.Code, away
	values["link"] = here + "/code?c=" + url.QueryEscape(strings.ReplaceAll(inv.Code, "-", ""))
	values["contact"] = filled.contact(inv.Site)
	// Both are colours of the form #rrggbb: they stand in styles, unescaped.
	values["fill"], values["on"] = string(inv.Site.Colour.Light().Fill), string(inv.Site.Colour.Light().Text)
	text, err := written(textSource, values, func(s string) string { return s })
	if err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the text: %w", err)
	}
	page, err := written(htmlSource, values, html.EscapeString)
	if err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the HTML: %w", err)
	}
	from := mail.Address{Name: inv.Site.Name, Address: inv.From}
	return Message{
		From:    from.String(),
		To:      inv.To.Reveal(),
		ReplyTo: inv.ReplyTo,
		Subject: filled.Subject,
		Text:    text,
		HTML:    page,
		Headers: []Header{
			// RFC 2369: the way out, a page that asks. Not RFC 8058's one press beside it,
			// which is for subscriptions: nothing follows an invitation.
			{"List-Unsubscribe", "<" + away + ">"},
			// RFC 3834: nobody's "out of office" should come back.
			{"Auto-Submitted", "auto-generated"},
			// The same for Exchange ([MS-OXCMAIL] 2.1.3.2.20). Not NDR: a bounce must come.
			{"X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"},
			{"Content-Language", w.HTML},
		},
		Tags: inv.Tags,
	}, nil
}

// contact says whom to ask: the operator's words and number, or nothing.
func (w words) contact(s site.Words) string {
	ask := s.Contact
	if ask == "" && s.Telephone != "" {
		ask = w.Questions
	}
	number := s.Telephone
	if w.Direction == "rtl" && number != "" {
		number = "\u200e" + number + "\u200e" // left-to-right marks: else its groups change places
	}
	return strings.TrimSpace(ask + " " + number)
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }

// filled is the words with their places filled in. Only the sentence about the
// joining has its time; in all others {time} is the end.
func (w words) filled(values map[string]string, joined, expires string) words {
	values["time"] = joined
	w.Joined = fill(w.Joined, values)
	values["time"] = expires
	for _, s := range []*string{&w.Subject, &w.Turn, &w.Until, &w.Press, &w.Go, &w.Type, &w.Same, &w.Late, &w.Safety, &w.Mistake, &w.Leave, &w.Once, &w.Footnote} {
		*s = fill(*s, values)
	}
	return w
}

// values are the sentences under the names that the sources know them by.
func (w words) values() map[string]string {
	return map[string]string{
		"words.Subject": w.Subject, "words.Turn": w.Turn, "words.Until": w.Until, "words.Joined": w.Joined,
		"words.Press": w.Press, "words.Go": w.Go, "words.Type": w.Type, "words.Same": w.Same,
		"words.Late": w.Late, "words.Safety": w.Safety, "words.Mistake": w.Mistake, "words.Leave": w.Leave, "words.Once": w.Once,
		"words.Footnote": w.Footnote,
	}
}
