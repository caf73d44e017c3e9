package email

import (
	"slices"
	"strings"
	"time"
)

// Language is one that mails and pages are written in.
type Language struct {
	// Tag is what its path in the waiting room is called: lower case, as browsers
	// name it in Accept-Language.
	Tag string
	// HTML is its exact tag, for the attribute lang (BCP 47).
	HTML string
	// Catalogue is the name of its files of words, which several tags may share.
	Catalogue string
	// Name is what its readers call it.
	Name string
	// Direction is "ltr" or "rtl".
	Direction string
}

// DefaultLanguage is what a mail is written in when an entry names a language
// without a catalogue (any more).
const DefaultLanguage = "en"

var known = []Language{
	{"en", "en", "en", "English", "ltr"},
	{"es", "es", "es", "Español", "ltr"},
	{"zh", "zh-Hans", "zh-hans", "简体中文", "ltr"},
	{"zh-hant", "zh-Hant", "zh-hant", "繁體中文", "ltr"},
	{"zh-tw", "zh-Hant", "zh-hant", "繁體中文", "ltr"},
	{"zh-hk", "zh-Hant", "zh-hant", "繁體中文", "ltr"},
	{"zh-mo", "zh-Hant", "zh-hant", "繁體中文", "ltr"},
	{"vi", "vi", "vi", "Tiếng Việt", "ltr"},
	{"ko", "ko", "ko", "한국어", "ltr"},
	{"tl", "fil", "fil", "Tagalog", "ltr"},
	{"fil", "fil", "fil", "Tagalog", "ltr"},
	{"ru", "ru", "ru", "Русский", "ltr"},
	{"ar", "ar", "ar", "العربية", "rtl"},
	{"ht", "ht", "ht", "Kreyòl Ayisyen", "ltr"},
	{"fr", "fr", "fr", "Français", "ltr"},
	{"pl", "pl", "pl", "Polski", "ltr"},
	{"pt", "pt-BR", "pt", "Português", "ltr"},
	{"it", "it", "it", "Italiano", "ltr"},
	{"de", "de", "de", "Deutsch", "ltr"},
	{"ja", "ja", "ja", "日本語", "ltr"},
	{"fa", "fa", "fa", "فارسی", "rtl"},
}

// unchecked are the catalogues that no native reader has checked yet. The doctor
// and docs/operating.md name them; a page does not.
var unchecked = []string{"es", "zh-hans", "zh-hant", "vi", "ko", "fil", "ru", "ar", "ht", "fr", "pl", "pt", "it", "de", "ja", "fa"}

// Unchecked says that no native reader has checked the words of the language.
func (l Language) Unchecked() bool { return slices.Contains(unchecked, l.Catalogue) }

// Offered gives the tags under which a waiting room is offered, for those that an
// operator names: each with the other tags of its catalogue, so that whoever's
// browser asks for zh-TW or fil comes to words that there are.
func Offered(named []string) []string {
	var tags []string
	for _, tag := range named {
		l, ok := LanguageOf(tag)
		if !ok {
			l = Language{Tag: tag, Catalogue: tag} // for the caller's check to name
		}
		same := []string{tag}
		for _, other := range known {
			if other.Catalogue == l.Catalogue && other.Tag != tag && !slices.Contains(named, other.Tag) {
				same = append(same, other.Tag)
			}
		}
		for _, t := range same {
			if !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	return tags
}

// Languages are those that there are words for, the default first. Tags that
// share a catalogue stand together, the one that names it best first.
func Languages() []Language { return known }

// Tags are the tags of Languages.
func Tags() []string {
	var tags []string
	for _, l := range known {
		tags = append(tags, l.Tag)
	}
	return tags
}

// LanguageOf finds a language by its tag.
func LanguageOf(tag string) (Language, bool) {
	for _, l := range known {
		if l.Tag == tag {
			return l, true
		}
	}
	return Language{}, false
}

// persian are the digits of Persian, as CLDR's default for it (arabext).
var persian = strings.NewReplacer("0", "۰", "1", "۱", "2", "۲", "3", "۳", "4", "۴", "5", "۵", "6", "۶", "7", "۷", "8", "۸", "9", "۹")

// Digits puts the digits of the language in the place of 0 to 9. Codes, addresses
// and telephone numbers keep theirs: they are typed.
func (l Language) Digits(s string) string {
	if l.Catalogue == "fa" {
		return persian.Replace(s)
	}
	return s
}

// Day says a moment without the zone: the day and the time. A nil zone is UTC.
func (l Language) Day(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return wordsFor(l.Tag).day(at.In(zone))
}

// ZoneName is the short name of the zone that a time is in and its distance from
// UTC: "EST" alone is three zones, and "-03" is not a name.
func ZoneName(at time.Time) string { return zoneName(at) }

// Clock says the time of day alone, for readers who know the day and the zone
// from the context.
func (l Language) Clock(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return wordsFor(l.Tag).clock(at, zone)
}
