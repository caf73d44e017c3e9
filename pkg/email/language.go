package email

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"raincheck/pkg/site"
)

// words are a language: one file each. {site}, {time} and the like are replaced
// when a mail is composed, after which HTML is escaped; nothing in a file is a
// template, so that a translator can break no more than a sentence.
//
// It has more than 15 fields: one for each sentence of the mail.
type words struct {
	Language `json:"-"`
	// Months and Days begin with January and Sunday. Clock arranges {hour},
	// {hour24}, {minute} and {half} (AM or PM), Date {weekday}, {day}, {month},
	// {year} and {clock}.
	Months, Days []string
	AM, PM       string
	Clock, Date  string

	Subject   string // also says the end
	Turn      string // the first sentence
	Until     string // how long link and code are good: mail programs show the first words beside the subject
	Joined    string // when the address was left
	Press     string // leads to the link
	Go        string // the label of the link in HTML
	Type      string // says the {address} of the page where the code can be typed, and leads to the code
	Same      string // that link and code are one, for few devices and one person
	Late      string // what to do after that
	Questions string // leads to the telephone number of a site that says nothing else
	Safety    string // what nobody will ask for
	Mistake   string // what to do if somebody else typed the address
	Leave     string // the label of the link to leave
	Once      string // that nothing else will come
	Footnote  string // why there is a mail at all
}

//go:embed words
var files embed.FS

// catalogues are the words by catalogue, each read at its first use: every
// function links this package, and only two of them speak.
var catalogues sync.Map // of the catalogue's name to func() words

// wordsFor gives the words of a language, or of the default one. A file that
// cannot be read is a build that must not be shipped, and every test of the
// package sees it.
func wordsFor(tag string) words {
	l, ok := LanguageOf(tag)
	if !ok {
		l, _ = LanguageOf(DefaultLanguage)
	}
	load, ok := catalogues.Load(l.Catalogue)
	if !ok {
		load, _ = catalogues.LoadOrStore(l.Catalogue, sync.OnceValue(func() words {
			data, err := files.ReadFile("words/" + l.Catalogue + ".json")
			var w words
			if err == nil {
				err = w.read(data)
			}
			if err != nil {
				panic("email: words/" + l.Catalogue + ".json: " + err.Error())
			}
			return w
		}))
	}
	w := load.(func() words)()
	w.Language = l
	return w
}

func (w *words) read(data []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(w); err != nil {
		return err
	}
	if len(w.Months) != 12 || len(w.Days) != 7 {
		return fmt.Errorf("12 months and 7 days are needed")
	}
	v := reflect.ValueOf(*w)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String && v.Field(i).Len() == 0 {
			return fmt.Errorf("%s is missing", v.Type().Field(i).Name)
		}
	}
	return nil
}

// date says a moment in the zone of a site, with what readers call the zone:
// "Monday, December 23, 2013, 4:30 pm (Eastern time)".
func (w words) date(at time.Time, s site.Words) string {
	at = at.In(s.Location())
	return w.day(at) + " (" + cmp.Or(s.ZoneName, zoneName(at)) + ")"
}

// day says a moment without the zone.
func (w words) day(at time.Time) string {
	return w.Digits(fill(w.Date, map[string]string{
		"day": fmt.Sprint(at.Day()), "month": w.Months[at.Month()-1], "year": fmt.Sprint(at.Year()),
		"weekday": w.Days[at.Weekday()], "clock": w.clock(at, at.Location()),
	}))
}

// clock says the time of the day: "4:30 pm".
func (w words) clock(at time.Time, zone *time.Location) string {
	at = at.In(zone)
	half, hour := w.AM, at.Hour()%12
	if at.Hour() >= 12 {
		half = w.PM
	}
	if hour == 0 {
		hour = 12
	}
	return w.Digits(fill(w.Clock, map[string]string{
		"hour": fmt.Sprint(hour), "hour24": fmt.Sprint(at.Hour()), "minute": fmt.Sprintf("%02d", at.Minute()), "half": half,
	}))
}

// zoneName is the short name and the distance from UTC: "EST" alone is three
// zones, and "-03" is not a name.
func zoneName(at time.Time) string {
	name, offset := at.Zone()
	if offset == 0 {
		return "UTC"
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "−", -offset
	}
	utc := "UTC" + sign + fmt.Sprint(offset/3600)
	if m := offset / 60 % 60; m != 0 {
		utc += fmt.Sprintf(":%02d", m)
	}
	if name == "" || strings.ContainsAny(name[:1], "+-0123456789") {
		return utc
	}
	return name + ", " + utc
}

// fill puts values in the place of {names}. A value is never looked at again, so
// that one with braces in it stays what it is.
func fill(s string, values map[string]string) string {
	pairs := make([]string, 0, 2*len(values))
	for name, v := range values {
		pairs = append(pairs, "{"+name+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(s)
}
