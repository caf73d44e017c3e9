package site

import (
	"bytes"
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
	dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("save it as UTF-8") }
	depth, first := 0, true
	for {
		token, err := dec.Token()
		switch {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("it is not an SVG image")
		case err != nil:
			return fmt.Errorf("it is not well-formed: %w", err)
		}
		if err := checkToken(token, depth, first); err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			first = false
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// checkToken refuses what an image does not need. depth is how many elements it
// stands in, and first says that no element came before.
func checkToken(token xml.Token, depth int, first bool) error {
	switch token := token.(type) {
	case xml.Directive:
		return errors.New("it has a document type, which an SVG image does not need")
	case xml.ProcInst:
		if token.Target != "xml" {
			return fmt.Errorf("it has the instruction <?%s", token.Target)
		}
	case xml.CharData:
		if depth == 0 && len(bytes.TrimSpace(token)) > 0 {
			return errors.New("it is not well-formed: text stands outside the image")
		}
		if leadsAway(string(token)) {
			return errors.New("its style asks for something from elsewhere")
		}
	case xml.StartElement:
		if first && (token.Name.Local != "svg" || token.Name.Space != "http://www.w3.org/2000/svg") {
			return errors.New(`its first element is not <svg xmlns="http://www.w3.org/2000/svg">`)
		}
		if depth == 0 && !first {
			return errors.New("it is not well-formed: another element follows the image")
		}
		return checkElement(token)
	}
	return nil
}

// checkElement refuses what acts or asks for something from elsewhere, and what
// encoding/xml reads and a browser does not.
func checkElement(e xml.StartElement) error {
	switch e.Name.Local {
	case "script", "foreignObject", "image", "a", "iframe":
		return fmt.Errorf("it has the element <%s>", e.Name.Local)
	}
	seen := map[xml.Name]bool{}
	for _, a := range e.Attr {
		switch {
		case strings.HasPrefix(strings.ToLower(a.Name.Local), "on"), a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#"), leadsAway(a.Value):
			return fmt.Errorf("its <%s> has the attribute %s", e.Name.Local, a.Name.Local)
		case seen[a.Name]:
			return fmt.Errorf("it is not well-formed: its <%s> has the attribute %s twice", e.Name.Local, a.Name.Local)
		case undeclared(a.Name):
			return fmt.Errorf("it is not well-formed: the prefix %s: is not declared", a.Name.Space)
		}
		seen[a.Name] = true
	}
	if undeclared(e.Name) {
		return fmt.Errorf("it is not well-formed: the prefix %s: is not declared", e.Name.Space)
	}
	return nil
}

// undeclared says that a name's prefix stands for no name space: encoding/xml
// leaves it as it is.
func undeclared(n xml.Name) bool {
	return n.Space != "" && n.Space != "xmlns" && !strings.Contains(n.Space, ":")
}

// leadsAway says that a style asks for more than a part of the image.
func leadsAway(style string) bool {
	style = strings.ToLower(style)
	parts := strings.Split(style, "url(")
	for _, at := range parts[1:] {
		if !strings.HasPrefix(strings.TrimLeft(at, " \"'\t\n"), "#") {
			return true
		}
	}
	return strings.Contains(style, "@import")
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
