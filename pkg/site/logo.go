package site

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLogo is the most bytes of a logo: a page has 5 KB in all.
const MaxLogo = 1536

// checkLogo accepts a small, well-formed SVG image that asks for nothing from
// elsewhere. A browser runs no script of an image; one that has one is refused
// all the same, because it is not the file that somebody meant.
func checkLogo(logo string) error {
	switch {
	case logo == "":
		return nil
	case len(logo) > MaxLogo:
		return fmt.Errorf("it has %d bytes and may have %d: an SVG optimiser takes out what an editor left", len(logo), MaxLogo)
	}
	// Strict decoding knows no entities but XML's own.
	dec := xml.NewDecoder(strings.NewReader(logo))
	for first := true; ; {
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("it is not an SVG image")
		case err != nil:
			return fmt.Errorf("it is not well-formed: %w", err)
		}
		if _, ok := token.(xml.Directive); ok {
			return errors.New("it has a document type, which an SVG image does not need")
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if first && (start.Name.Local != "svg" || start.Name.Space != "http://www.w3.org/2000/svg") {
			return errors.New(`its first element is not <svg xmlns="http://www.w3.org/2000/svg">`)
		}
		first = false
		switch start.Name.Local {
		case "script", "foreignObject", "image", "a", "iframe":
			return fmt.Errorf("it has the element <%s>", start.Name.Local)
		}
		for _, a := range start.Attr {
			if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
				return fmt.Errorf("its <%s> has the attribute %s", start.Name.Local, a.Name.Local)
			}
		}
	}
}

// LogoURL is the logo as the address of an image, which holds all of it. Only
// what would end the address or the attribute is escaped: an escape costs three
// bytes of a page.
func (w Words) LogoURL() string {
	if w.Logo == "" {
		return ""
	}
	var out strings.Builder
	out.WriteString("data:image/svg+xml,")
	for i := range len(w.Logo) {
		switch c := w.Logo[i]; {
		case c < ' ', c >= 0x7f, strings.IndexByte("\"'#%<>&", c) >= 0:
			fmt.Fprintf(&out, "%%%02X", c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}
