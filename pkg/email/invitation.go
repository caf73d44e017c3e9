package email

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	texttemplate "text/template"
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

var (
	//go:embed invitation.txt
	textSource string
	//go:embed invitation.html
	htmlSource string

	// Parsed at their first use: every function links this package, and one of them
	// writes mail.
	textTemplate = sync.OnceValue(func() *texttemplate.Template { return texttemplate.Must(texttemplate.New("text").Parse(textSource)) })
	htmlTemplate = sync.OnceValue(func() *htmltemplate.Template { return htmltemplate.Must(htmltemplate.New("html").Parse(htmlSource)) })
)

// letter is what the two templates see.
type letter struct {
	Words                         words
	Tag, Site                     string
	Code, Link, Enter, Join, Away string
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
	here := inv.Room + "/" + w.tag
	l := letter{
		Tag: w.tag, Site: inv.Site, Code: inv.Code,
		Link:  here + "/code?c=" + url.QueryEscape(strings.ReplaceAll(inv.Code, "-", "")),
		Enter: here + "/enter",
		Join:  here + "/",
		Away:  here + "/leave?t=" + url.QueryEscape(inv.LeaveToken),
	}
	l.Words = w.filled(map[string]string{"site": inv.Site}, w.date(inv.Joined, zone), w.date(inv.Expires, zone))

	var text, html bytes.Buffer
	if err := textTemplate().Execute(&text, l); err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the text: %w", err)
	}
	if err := htmlTemplate().Execute(&html, l); err != nil {
		return Message{}, fmt.Errorf("composing an invitation: the HTML: %w", err)
	}
	return Message{
		From:    from.String(),
		To:      inv.To.Reveal(),
		Subject: l.Words.Subject,
		Text:    text.String(),
		HTML:    html.String(),
		Headers: []Header{
			// RFC 8058: the pair lets a mail program leave with one press, by a POST.
			{"List-Unsubscribe", "<" + l.Away + ">"},
			{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
			// RFC 3834: nobody's "out of office" should come back.
			{"Auto-Submitted", "auto-generated"},
			{"Content-Language", w.tag},
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
