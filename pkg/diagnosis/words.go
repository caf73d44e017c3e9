package diagnosis

import (
	"cmp"
	"strings"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// Words says what a visitor would miss in the words of the site at a host, and
// which of its languages no native reader has checked. Err is why the words could
// not be read.
func Words(words site.Words, err error, tags []string, host string) []health.Finding {
	const mend = "`raincheck words set FILE --apply`; `raincheck words example` prints a file to begin with."
	if err != nil {
		return []health.Finding{health.Warn(mend, "the site's words cannot be read: %v", err)}
	}
	var found []health.Finding
	for _, warning := range words.Warnings() {
		found = append(found, health.Warn(mend, "%s", warning))
	}
	light, dark := words.Colour.Light(), words.Colour.Dark()
	found = append(found, health.OK("pages are of %q, with buttons of %s and %s text, in the dark of %s", cmp.Or(words.Name, host), light.Fill, light.Text, dark.Fill))
	var unread []string
	for _, tag := range tags {
		if l, ok := email.LanguageOf(tag); ok && l.Unchecked() {
			unread = append(unread, l.Name)
		}
	}
	if len(unread) > 0 {
		found = append(found, health.Warn("Have somebody who reads it look at every page: docs/operating.md, Languages.", "no native reader has checked the words in %s", strings.Join(unread, ", ")))
	}
	return found
}
