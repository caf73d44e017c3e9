package email

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Language is one that the invitation is written in.
type Language struct {
	// Tag is its BCP 47 tag, lower case, as in the paths of the waiting room.
	Tag string
	// Name is what its readers call it.
	Name string
	// Direction is "ltr" or "rtl".
	Direction string
}

// Languages are those that there are words for, the default first, the others
// in the order of their tags.
func Languages() []Language {
	all := languages()
	out := make([]Language, 0, len(all))
	for _, w := range all {
		out = append(out, Language{w.tag, w.Name, w.Direction})
	}
	return out
}

// DefaultLanguage is what a mail is written in when an entry names a language
// that there are no words for (any more).
const DefaultLanguage = "en"

// words are a language: one file each. {site}, {time} and the like are replaced
// when a mail is composed, after which HTML is escaped; nothing in a file is a
// template, so that a translator can break no more than a sentence.
//
// It has more than 15 fields: one for each sentence of the mail.
type words struct {
	tag       string
	Name      string
	Direction string
	// Months and Days begin with January and Sunday. Clock arranges {hour},
	// {hour24}, {minute} and {half} (AM or PM), Date {weekday}, {day}, {month},
	// {year} and {clock}.
	Months, Days []string
	AM, PM       string
	Clock, Date  string

	Subject  string
	Turn     string // the first sentence
	Until    string // how long link and code are good: mail programs show the first words beside the subject
	Joined   string // when the address was left
	Press    string // leads to the link
	Go       string // the label of the link in HTML
	Address  string // what the link is, where it stands written out
	Type     string // leads to the page where the code can be typed
	Code     string // leads to the code
	Same     string // that link and code are one, for few devices and one person
	Late     string // what to do after that
	Safety   string // what nobody will ask for
	Mistake  string // what to do if somebody else typed the address
	Leave    string // the label of the link to leave
	Once     string // that nothing else will come
	Footnote string // why there is a mail at all
}

//go:embed words
var files embed.FS

// languages are read at their first use: every function links this package, and
// only two of them speak.
var languages = sync.OnceValue(mustLoad)

// mustLoad reads the words: a file that cannot be read is a build that must not
// be shipped, and every test of the package sees it.
func mustLoad() []words {
	entries, err := files.ReadDir("words")
	if err != nil {
		panic("email: reading the words: " + err.Error())
	}
	var all []words
	for _, e := range entries {
		data, err := files.ReadFile(path.Join("words", e.Name()))
		if err != nil {
			panic("email: reading the words: " + err.Error())
		}
		w := words{tag: strings.TrimSuffix(e.Name(), ".json")}
		if err := w.read(data); err != nil {
			panic("email: words/" + e.Name() + ": " + err.Error())
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b words) int {
		switch {
		case a.tag == DefaultLanguage:
			return -1
		case b.tag == DefaultLanguage:
			return 1
		}
		return strings.Compare(a.tag, b.tag)
	})
	return all
}

func (w *words) read(data []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(w); err != nil {
		return err
	}
	if len(w.Months) != 12 || len(w.Days) != 7 || w.Direction != "ltr" && w.Direction != "rtl" {
		return fmt.Errorf("12 months, 7 days and a direction are needed")
	}
	v := reflect.ValueOf(*w)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String && v.Field(i).Len() == 0 {
			return fmt.Errorf("%s is missing", v.Type().Field(i).Name)
		}
	}
	return nil
}

// wordsFor gives the words of a language, or of the default one.
func wordsFor(tag string) words {
	all := languages()
	for _, w := range all {
		if w.tag == tag {
			return w
		}
	}
	return all[0]
}

// date says a moment in a zone, with the zone: "Monday, December 23, 2013, 4:30
// pm (EST, UTC−5)".
func (w words) date(at time.Time, zone *time.Location) string {
	at = at.In(zone)
	return fill(w.Date, map[string]string{
		"day": fmt.Sprint(at.Day()), "month": w.Months[at.Month()-1], "year": fmt.Sprint(at.Year()),
		"weekday": w.Days[at.Weekday()], "clock": w.clock(at, zone),
	}) + " (" + zoneName(at) + ")"
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
	return fill(w.Clock, map[string]string{
		"hour": fmt.Sprint(hour), "hour24": fmt.Sprint(at.Hour()), "minute": fmt.Sprintf("%02d", at.Minute()), "half": half,
	})
}

// zoneName is the short name and the distance from UTC: "EST" alone is three
// zones, and "-03" is no name.
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
