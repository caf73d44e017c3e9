package site_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/site"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#0b5c46" d='M1 3h14'/></svg>`

func parse(text string) (map[string]site.Words, error) {
	return site.Parse([]byte(text), site.Source{
		Languages: []string{"en", "es", "ar"}, Now: now,
		Read: func(name string) ([]byte, error) {
			if name != "logo.svg" {
				return nil, errors.New("no such file")
			}
			return []byte(logo + "\n"), nil
		},
	})
}

func TestTheExampleSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	all, err := parse("\ufeff" + site.Example)
	if err != nil {
		t.Fatal(err)
	}
	en, es, ar := all["en"], all["es"], all["ar"]
	if en.Name != "State Benefits" || en.Logo != logo || en.TelephoneURL() != "tel:+18005550100" || en.ZoneName != "Eastern time" || len(en.Warnings()) > 0 {
		t.Errorf("English: %+v", en)
	}
	// What a language does not say itself, it has from the common part.
	if es.Name != "Beneficios del Estado" || es.Telephone != en.Telephone || es.ZoneName != "hora del este" || es.Logo != logo {
		t.Errorf("Spanish: %+v", es)
	}
	if ar.Name != en.Name || ar.Contact != en.Contact {
		t.Errorf("Arabic: %+v", ar)
	}
	// The name of another zone is not its own.
	all, err = parse(`{"siteName":"A","timeZone":"America/New_York","timeZoneName":"Eastern time","languages":{"es":{"timeZone":"America/Mexico_City"}}}`)
	if err != nil || all["es"].ZoneName != "" || all["ar"].ZoneName != "Eastern time" {
		t.Errorf("Mexico's time is called %q: %v", all["es"].ZoneName, err)
	}
	// It survives being stored.
	stored, err := json.Marshal(es)
	if err != nil {
		t.Fatal(err)
	}
	var read site.Words
	if err := json.Unmarshal(stored, &read); err != nil || read.Validate() != nil {
		t.Fatal(err, read.Validate())
	}
	summer := time.Date(2026, 7, 1, 18, 0, 0, 0, time.UTC)
	if got := summer.In(read.Location()).Format("15:04 MST"); got != "14:00 EDT" {
		t.Errorf("a summer's day is %s", got)
	}
	if len(stored) > 4<<10 {
		t.Errorf("the words of a language take %d bytes: more than one read unit", len(stored))
	}
}

// TestABadFileIsNamedInFull: every problem, each with its place.
func TestABadFileIsNamedInFull(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		`{"siteName":"A","colour":"blue","telephone":"call us","siteUrl":"http://a.example","timeZone":"Paris","logo":"none.svg",
		  "languages":{"xx":{},"es":{"contact":"a\u202eb"}}}`: {"colour: \"blue\"", "telephone: \"call us\"", "siteUrl: \"http://a.example\"", "timeZone: no such time zone \"Paris\"",
			"logo: no such file", `unknown language "xx"; there are en, es, ar`, "es: contact: it has the character U+202E"},
		`{}`:                        {"siteName: it is missing"},
		"{\n\"siteName\":\"A\",\n}": {"line 3"},
		`{"siteName":"A"} {}`:       {"something follows"},
		`{"siteName":"A","timeZoneName":"Eastern time","languages":{"es":{"timeZoneName":"hora del este"}}}`: {"timeZoneName: timeZone is missing", "\nlanguages, es: timeZoneName: timeZone is missing"},
		`{"sitename":"A","color":""}`:                         {`unknown field "color"`},
		`{"siteName":"` + strings.Repeat("a", 61) + `"}`:      {"siteName: it has 61 characters and may have 60"},
		`{"siteName":"a\r\nBcc: x"}`:                          {"siteName: it has the character U+000D"},
		`{"siteName":"A","privacyUrl":"javascript:alert(1)"}`: {"privacyUrl:"},
	} {
		_, err := parse(text)
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", text, err, want)
			}
		}
	}
}

func TestALogoIsASmallImage(t *testing.T) {
	t.Parallel()
	words := func(logo string) site.Words { return site.Words{Name: "A", Logo: logo} }
	if err := words(logo).Validate(); err != nil {
		t.Error(err)
	}
	whole := `<?xml version="1.0" encoding="UTF-8"?>
<!-- ours --><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xml:space="preserve"><style>g{fill:url("#a")}</style><g id="a"><use xlink:href="#a" fill="url(#a)"/></g></svg><!-- end -->
`
	if err := words(whole).Validate(); err != nil {
		t.Error(err)
	}
	// The address gives the image back, byte for byte, and cannot end an attribute.
	address := words(logo).LogoURL()
	image, err := url.PathUnescape(strings.TrimPrefix(address, "data:image/svg+xml,"))
	if err != nil || image != logo || strings.ContainsAny(address, "\"'<>&#") {
		t.Errorf("%s, %v", address, err)
	}
	head := `<svg xmlns="http://www.w3.org/2000/svg">`
	for name, bad := range map[string]string{
		"large": head + strings.Repeat(" ", site.MaxLogo) + "</svg>", "not closed": head + "<path>", "no image": "a logo", "HTML": "<p/>",
		"script": head + "<script/></svg>", "handler": head + `<g onload="x"/></svg>`, "link": head + `<use href="https://a.example/#x"/></svg>`,
		"entities": `<!DOCTYPE svg [<!ENTITY a "b">]>` + head + "</svg>", "another name space": "<svg></svg>",
		// encoding/xml reads these, and a browser shows a broken image.
		"two images": head + "</svg>" + head + "</svg>", "text behind it": head + "</svg>Benefits", "text before it": "Benefits" + head + "</svg>",
		"an attribute twice": head + `<path d="M0" d="M1"/></svg>`, "a prefix of nothing": head + `<g inkscape:label="a"/></svg>`, "another prefix": head + `<sodipodi:namedview/></svg>`,
		"Latin-1":       `<?xml version="1.0" encoding="ISO-8859-1"?>` + head + "</svg>",
		"a style sheet": `<?xml-stylesheet href="https://a.example/"?>` + head + "</svg>", "a style's import": head + `<style>@import "https://a.example/";</style></svg>`,
		"a style's image": head + `<style>g{fill:URL( "https://a.example/")}</style></svg>`, "a fill": head + `<path fill="url(https://a.example/#b)"/></svg>`,
	} {
		if err := words(bad).Validate(); err == nil || !strings.Contains(err.Error(), "logo: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryColourCanBeRead: WCAG 2.2 asks 4.5 of text. The pairs of the first
// lines are from the working group's own examples.
func TestEveryColourCanBeRead(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]site.Colour]float64{{"#000000", "#ffffff"}: 21, {"#777777", "#ffffff"}: 4.48, {"#767676", "#ffffff"}: 4.54} {
		if got := site.Contrast(pair[0], pair[1]); got < want-0.01 || got > want+0.01 {
			t.Errorf("the contrast of %v is %.3f, not %.2f", pair, got, want)
		}
	}
	for _, c := range []site.Colour{"", "#000000", "#ffffff", "#ffff00", "#777777", "#00ff00", "#0000ff", "#ff0000", "#112e51"} {
		light, dark := c.Light(), c.Dark()
		for name, contrast := range map[string]float64{
			"a light button": site.Contrast(light.Fill, light.Text), "a light link": site.Contrast(light.Link, "#eef2ee"),
			"a dark button": site.Contrast(dark.Fill, dark.Text), "a dark link": site.Contrast(dark.Link, "#18201c"),
		} {
			if contrast < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f", c, name, contrast)
			}
		}
		if c != "" && light.Fill != c {
			t.Errorf("%s became %s", c, light.Fill)
		}
	}
	if c, err := site.ParseColour("#abc"); err != nil || c != "#aabbcc" {
		t.Error(c, err)
	}
	for _, bad := range []string{"", "#", "abc", "#12345", "#1234567", "#ggg", "#+12345", "rgb(0,0,0)"} {
		if c, err := site.ParseColour(bad); err == nil {
			t.Errorf("%q is %s", bad, c)
		}
	}
}

// TestAZoneIsTheZone: without a database of zones it says what the database says,
// at every hour of the coming ten years, for zones that change at odd times.
func TestAZoneIsTheZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "America/New_York", "Africa/Casablanca", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo"} {
		z, err := site.LoadZone(name, now)
		if err != nil {
			t.Fatal(err)
		}
		w := site.Words{Name: "A", Zone: z}
		if err := w.Validate(); err != nil || z.IsUTC() != (name == "UTC") {
			t.Errorf("%s: %v", name, err)
		}
		want, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		got := z.Location()
		for at := now; at.Before(now.AddDate(10, 0, 0)); at = at.Add(7 * time.Hour) {
			const format = "2006-01-02 15:04 MST -0700"
			if g, w := at.In(got).Format(format), at.In(want).Format(format); g != w {
				t.Fatalf("%s: %s, want %s", name, g, w)
			}
		}
	}
	for _, bad := range []string{"", "Local", "Paris", "../etc/passwd"} {
		if _, err := site.LoadZone(bad, now); err == nil {
			t.Errorf("there is a zone %q", bad)
		}
	}
	if got := (site.Zone{}).Location(); got != time.UTC {
		t.Errorf("no zone is %s", got)
	}
	broken := site.Words{Zone: site.Zone{Name: "A", Changes: []site.Change{{At: 2}, {At: 1}}}}
	if broken.Validate() == nil {
		t.Error("a zone whose changes go back was accepted")
	}
}
