// Package site holds what an operator says about the site: its name, colour,
// logo, whom to ask, and the time zone of its visitors.
//
// All of it only changes how pages and mails read, so none of it is a parameter
// of the stack. It comes from one file, which `raincheck words set` checks and
// stores, and is kept as one item per language beside the control item: who
// speaks a language reads one item. The check is strict, and refuses custom
// HTML: a page that cannot be broken on the day is the feature.
//
// The package is pure. Looking up a time zone needs a database of zones, which
// only the tool has; what is stored is the zone's changes of the coming years.
package site

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Words are what pages and mails in one language say about the site. The zero
// Words are valid: a site that nobody has described yet.
type Words struct {
	// Name is the name of the site, as its visitors know it.
	Name string `json:"name,omitempty"`
	// URL is the site's own page about itself, linked from its name: absolute, https.
	URL string `json:"url,omitempty"`
	// Colour is the site's colour.
	Colour Colour `json:"colour,omitempty"`
	// Logo is an SVG image, shown by pages beside the name. Mails do not have it:
	// mail programs do not show SVG.
	Logo string `json:"logo,omitempty"`
	// Contact says whom to ask, in a few words, such as "Questions? Call us, 8 am to 8 pm".
	Contact string `json:"contact,omitempty"`
	// Telephone is the number that belongs to Contact, as people write it.
	Telephone string `json:"telephone,omitempty"`
	// Privacy is the address of the privacy notice: absolute, https.
	Privacy string `json:"privacy,omitempty"`
	// Zone is the time zone that times are said in, ZoneName what readers call it,
	// such as "Eastern time". An empty ZoneName leaves the zone's abbreviation.
	Zone     Zone   `json:"zone,omitzero"`
	ZoneName string `json:"zoneName,omitempty"`
}

// The longest texts, in characters: what fits a page of a phone.
const (
	MaxName     = 60
	MaxContact  = 120
	MaxPhone    = 30
	MaxZoneName = 30
	MaxURL      = 300
)

// telephone is compiled when it is first needed, not at every start of a function.
var telephone = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[+(]?[0-9][0-9 ()./\-]*$`) })

// Validate reports everything that is wrong with the words, each problem with the
// name of its setting in the file.
func (w Words) Validate() error {
	var errs []error
	check := func(setting string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", setting, err))
		}
	}
	check("siteName", line(w.Name, MaxName))
	if strings.ContainsAny(w.Name, `<>"@`) {
		// It also names the sender of a mail.
		check("siteName", errors.New(`it has one of < > " @`))
	}
	check("contact", line(w.Contact, MaxContact))
	check("timeZoneName", line(w.ZoneName, MaxZoneName))
	check("siteUrl", address(w.URL))
	check("privacyUrl", address(w.Privacy))
	if w.Telephone != "" && (len(w.Telephone) > MaxPhone || !telephone().MatchString(w.Telephone)) {
		check("telephone", fmt.Errorf("%q is not a number such as +1 800 318 2596", w.Telephone))
	}
	if w.Colour != "" {
		_, err := ParseColour(string(w.Colour))
		check("colour", err)
	}
	check("logo", checkLogo(w.Logo))
	check("timeZone", w.Zone.validate())
	return errors.Join(errs...)
}

// Warnings say in plain words what a visitor would miss.
func (w Words) Warnings() []string {
	var all []string
	if w.Contact == "" && w.Telephone == "" {
		all = append(all, "no contact: a page does not say whom to ask")
	}
	if w.Privacy == "" {
		all = append(all, "no privacyUrl: a page that takes addresses has no privacy notice")
	}
	if w.Zone.IsUTC() {
		all = append(all, "the time zone is UTC: times are hours away from what visitors' clocks show")
	}
	return all
}

// TelephoneURL is the address that a link to the number has: "tel:+18003182596".
func (w Words) TelephoneURL() string {
	digits := strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, w.Telephone)
	if digits == "" {
		return ""
	}
	return "tel:" + digits
}

// Location is the time zone as the time package knows it; UTC where none is set.
func (w Words) Location() *time.Location { return w.Zone.Location() }

// Or gives the words with every setting that is empty taken from common; the name of
// a zone only where the zone is.
func (w Words) Or(common Words) Words {
	if w.Zone.Name != "" && w.Zone.Name != common.Zone.Name {
		common.ZoneName = ""
	}
	for _, s := range []struct{ own, common *string }{
		{&w.Name, &common.Name}, {&w.URL, &common.URL}, {(*string)(&w.Colour), (*string)(&common.Colour)},
		{&w.Logo, &common.Logo}, {&w.Contact, &common.Contact}, {&w.Telephone, &common.Telephone}, {&w.Privacy, &common.Privacy}, {&w.ZoneName, &common.ZoneName},
	} {
		if *s.own == "" {
			*s.own = *s.common
		}
	}
	if w.Zone.Name == "" {
		w.Zone = common.Zone
	}
	return w
}

// Line checks one line of plain text that is to stand in a page or a mail: at
// most so many characters, none of which ends the line, hides or changes the
// direction of what follows.
func Line(s string, most int) error { return line(s, most) }

func line(s string, most int) error {
	switch {
	case !utf8.ValidString(s), strings.ContainsRune(s, utf8.RuneError): // what a reader made of a letter that was not
		return errors.New("it is not UTF-8 text")
	case utf8.RuneCountInString(s) > most:
		return fmt.Errorf("it has %d characters and may have %d", utf8.RuneCountInString(s), most)
	case s != strings.TrimSpace(s):
		return errors.New("it begins or ends with a blank")
	}
	for _, r := range s {
		// ZWNJ and ZWJ belong to how Persian and others are written.
		if !unicode.IsPrint(r) && r != '\u00a0' && r != '\u3000' && r != '\u200c' && r != '\u200d' {
			return fmt.Errorf("it has the character %U, which cannot be shown", r)
		}
	}
	return nil
}

func address(s string) error {
	if s == "" {
		return nil
	}
	if len(s) > MaxURL {
		return fmt.Errorf("it has %d bytes and may have %d", len(s), MaxURL)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(s, " \"<>") {
		return fmt.Errorf("%q is not an address such as https://www.example.org/privacy", s)
	}
	return nil
}
