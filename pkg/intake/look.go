package intake

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"

	"raincheck/pkg/site"
)

var (
	//go:embed web/style.css
	styleSource string

	style     = shrink(styleSource)
	styleHash = hashOf(style)
	siteless  = lookOf(site.Words{})
)

// shrink takes comments and line ends out of the style. It runs at every start of
// a process, and a regular expression would take longer to compile than this takes.
func shrink(css string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(css, "/*")
		out.WriteString(before)
		if !found {
			return strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "")
		}
		_, css, _ = strings.Cut(rest, "*/")
	}
}

func hashOf(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// look is what the words of a site make of every page: computed once for each
// reading of the words.
type look struct {
	site.Words
	// styles are the elements <style>: that of all pages, and the site's colour.
	styles string
	// policy is the content security policy: nothing but these styles, by their
	// hashes, and images inside the page. It has no script-src because there is no
	// script. Forms may lead to any https address: browsers hold the whole chain of
	// redirects after a form to this rule, and a site whose first page sends people on
	// to sign in elsewhere must still be reached by the button.
	policy string
	// logo is the logo as an address.
	logo string
}

func lookOf(w site.Words) *look {
	light, dark := w.Colour.Light(), w.Colour.Dark()
	colours := fmt.Sprintf(":root{--go:%s;--on:%s;--link:%s}@media (prefers-color-scheme:dark){:root{--go:%s;--on:%s;--link:%s}}",
		light.Fill, light.Text, light.Link, dark.Fill, dark.Text, dark.Link)
	return &look{
		Words:  w,
		styles: "<style>" + style + "</style><style>" + colours + "</style>",
		policy: "default-src 'none'; style-src " + styleHash + " " + hashOf(colours) + "; img-src data:; " +
			"form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'",
		logo: w.LogoURL(),
	}
}
