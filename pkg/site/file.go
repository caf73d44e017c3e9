package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/document"
)

// settings is one language's part of the file, and its common part.
type settings struct {
	SiteName     string `json:"siteName"`
	SiteURL      string `json:"siteUrl"`
	Colour       string `json:"colour"`
	Logo         string `json:"logo"`
	Contact      string `json:"contact"`
	Telephone    string `json:"telephone"`
	PrivacyURL   string `json:"privacyUrl"`
	TimeZone     string `json:"timeZone"`
	TimeZoneName string `json:"timeZoneName"`
}

// settingsFile is the file that the operator writes.
type settingsFile struct {
	settings
	Languages map[string]settings `json:"languages"`
}

// Source is where Parse finds what the file itself does not hold.
type Source struct {
	// Languages are the tags that words may be given for, in order.
	Languages []string
	// Read reads a file that is named beside this one: the logo.
	Read func(name string) ([]byte, error)
	// Now is the time, for the changes of the clocks from now on.
	Now time.Time
}

// Example is a file to begin with.
const Example = `{
  "siteName": "State Benefits",
  "siteUrl": "https://www.example.org/about",
  "colour": "#0b5c46",
  "logo": "logo.svg",
  "contact": "Questions? Call us, 8 am to 8 pm.",
  "telephone": "+1 800 555 0100",
  "privacyUrl": "https://www.example.org/privacy",
  "timeZone": "America/New_York",
  "timeZoneName": "Eastern time",
  "languages": {
    "es": {
      "siteName": "Beneficios del Estado",
      "contact": "¿Preguntas? Llámenos de 8 a. m. a 8 p. m.",
      "timeZoneName": "hora del este"
    }
  }
}
`

// Parse reads the file: settings for all languages, and under "languages" those
// that one language has instead. It gives the words of every language of the
// source, whole. The error names everything that is wrong, each with its
// language and setting.
func Parse(data []byte, from Source) (map[string]Words, error) {
	data, err := document.JSON(data)
	if err != nil {
		return nil, err
	}
	var doc settingsFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		at := dec.InputOffset()
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = syntax.Offset
		} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			at = kind.Offset
		}
		return nil, fmt.Errorf("line %d: %w", lineOf(data, at), err)
	}
	if dec.More() {
		return nil, fmt.Errorf("line %d: something follows the object", lineOf(data, dec.InputOffset()))
	}
	common, err := doc.settings.words(from)
	errs := []error{err, common.Validate()}
	if common.Name == "" {
		errs = append(errs, errors.New("siteName: it is missing"))
	}
	const zoneless = "timeZoneName: timeZone is missing, so times would be in UTC under the name of another zone"
	if common.ZoneName != "" && doc.TimeZone == "" {
		errs = append(errs, errors.New(zoneless))
	}
	all := map[string]Words{}
	for _, tag := range from.Languages {
		all[tag] = common
	}
	for tag, own := range doc.Languages {
		if !slices.Contains(from.Languages, tag) {
			errs = append(errs, fmt.Errorf("languages: unknown language %q; there are %s", tag, strings.Join(from.Languages, ", ")))
			continue
		}
		words, err := own.words(from)
		if err = errors.Join(err, words.Validate()); err != nil {
			errs = append(errs, fmt.Errorf("languages, %s: %w", tag, err))
		}
		all[tag] = words.Or(common)
		if words.ZoneName != "" && doc.TimeZone == "" && own.TimeZone == "" {
			errs = append(errs, fmt.Errorf("languages, %s: %s", tag, zoneless))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

func (s settings) words(from Source) (Words, error) {
	w := Words{
		Name: s.SiteName, URL: s.SiteURL, Logo: strings.TrimSpace(s.Logo), Contact: s.Contact,
		Telephone: s.Telephone, Privacy: s.PrivacyURL, ZoneName: s.TimeZoneName,
	}
	var errs []error
	var err error
	if s.Colour != "" {
		if w.Colour, err = ParseColour(s.Colour); err != nil {
			errs = append(errs, fmt.Errorf("colour: %w", err))
		}
	}
	if s.TimeZone != "" {
		if w.Zone, err = LoadZone(s.TimeZone, from.Now); err != nil {
			errs = append(errs, fmt.Errorf("timeZone: %w", err))
		}
	}
	if w.Logo != "" && !strings.HasPrefix(w.Logo, "<") {
		var image []byte
		if from.Read == nil {
			err = errors.New("it is not an SVG image")
		} else {
			image, err = from.Read(w.Logo)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("logo: %w", err))
		}
		w.Logo = strings.TrimSpace(string(image))
	}
	return w, errors.Join(errs...)
}

func lineOf(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}
