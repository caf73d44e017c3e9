package email

import "time"

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
// that there are no words for (any more).
const DefaultLanguage = "en"

var known = []Language{
	{"en", "en", "en", "English", "ltr"},
	{"es", "es", "es", "Español", "ltr"},
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
