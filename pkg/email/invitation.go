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
)

// Invitation is what a mail is composed from.
type Invitation struct {
	To       Address
	Language string // a Tag of Languages; any other gives the default

	// Site is the name of the site, as its visitors know it.
	Site string
	// From is who writes: "name <address>", or an address (RFC 5322).
	From string
	// Room is the absolute address of the waiting room, without a slash at its
	// end: https://www.example.org/waiting-room.
	Room string

	// Code is the bypass code as a person reads it, in groups with hyphens.
	Code string
	// LeaveToken is what the link to leave carries.
	LeaveToken string
	// Joined and Expires are said in Zone; nil is UTC.
	Joined, Expires time.Time
	Zone            *time.Location

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

// written is a source with its values in their places, each as escape makes it.
// What a value says is not looked at again.
func written(source string, values map[string]string, escape func(string) string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(source, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		value, known := values[name]
		if !closed || !known {
			return "", fmt.Errorf("there is no value for {{%s}}", name)
		}
		out.WriteString(escape(value))
		source = after
	}
}

// check returns who writes, or what keeps the invitation from being composed. It
// refuses what could end a header and begin another, in any field: the attack is
// a name or a token that adds a recipient.
func (inv Invitation) check() (from *mail.Address, err error) {
	from, err = mail.ParseAddress(inv.From)
	switch {
	case inv.To.IsZero():
		return nil, errors.New("it has no address to go to")
	case err != nil:
		return nil, errors.New("from is not a mailbox (a name and an address in angle brackets)")
	case inv.Code == "" || inv.LeaveToken == "" || inv.Site == "" || inv.Expires.IsZero() || inv.Joined.IsZero():
		return nil, errors.New("site, code, token and both times are needed")
	}
	for name, value := range map[string]string{"site": inv.Site, "from": inv.From, "room": inv.Room, "code": inv.Code, "leave token": inv.LeaveToken} {
		if strings.ContainsFunc(value, control) {
			return nil, fmt.Errorf("the %s has a control character", name)
		}
	}
	if u, err := url.Parse(inv.Room); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || strings.HasSuffix(inv.Room, "/") {
		return nil, errors.New("room is not the absolute address of a page")
	}
	return from, nil
}

// Compose writes the invitation, in text and HTML that say the same. Its errors
// name what is missing or not fit for a mail, and repeat no value.
func Compose(inv Invitation) (Message, error) {
	from, err := inv.check()
	if err != nil {
		return Message{}, fmt.Errorf("composing an invitation: %w", err)
	}
	zone := inv.Zone
	if zone == nil {
		zone = time.UTC
	}
	w := wordsFor(inv.Language)
	here := inv.Room + "/" + w.Tag
	filled := w.filled(map[string]string{"site": inv.Site}, w.date(inv.Joined, zone), w.date(inv.Expires, zone))
	away := here + "/leave?t=" + url.QueryEscape(inv.LeaveToken)
	values := filled.values()
	values["tag"], values["code"], values["away"] = w.HTML, inv.Code, away
	values["link"] = here + "/code?c=" + url.QueryEscape(strings.ReplaceAll(inv.Code, "-", ""))
	values["enter"], values["join"] = here+"/enter", here+"/"
	text, err := written(textSource, values, func(s string) string { return s })
	if err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the text: %w", err)
	}
	page, err := written(htmlSource, values, html.EscapeString)
	if err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the HTML: %w", err)
	}
	return Message{
		From:    from.String(),
		To:      inv.To.Reveal(),
		Subject: filled.Subject,
		Text:    text,
		HTML:    page,
		Headers: []Header{
			// RFC 2369: the way out, a page that asks. Not RFC 8058's one press beside it,
			// which is for subscriptions: nothing follows an invitation.
			{"List-Unsubscribe", "<" + away + ">"},
			// RFC 3834: nobody's "out of office" should come back.
			{"Auto-Submitted", "auto-generated"},
			{"Content-Language", w.HTML},
		},
		Tags: inv.Tags,
	}, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }

// filled is the words with their places filled in. Only the sentence about the
// joining has its time; in all others {time} is the end.
func (w words) filled(values map[string]string, joined, expires string) words {
	values["time"] = joined
	w.Joined = fill(w.Joined, values)
	values["time"] = expires
	for _, s := range []*string{&w.Subject, &w.Turn, &w.Until, &w.Press, &w.Go, &w.Address, &w.Type, &w.Code, &w.Same, &w.Late, &w.Safety, &w.Mistake, &w.Leave, &w.Once, &w.Footnote} {
		*s = fill(*s, values)
	}
	return w
}

// values are the sentences under the names that the sources know them by.
func (w words) values() map[string]string {
	return map[string]string{
		"words.Direction": w.Direction, "words.Subject": w.Subject, "words.Turn": w.Turn, "words.Until": w.Until, "words.Joined": w.Joined,
		"words.Press": w.Press, "words.Go": w.Go, "words.Address": w.Address, "words.Type": w.Type, "words.Code": w.Code, "words.Same": w.Same,
		"words.Late": w.Late, "words.Safety": w.Safety, "words.Mistake": w.Mistake, "words.Leave": w.Leave, "words.Once": w.Once,
		"words.Footnote": w.Footnote,
	}
}
