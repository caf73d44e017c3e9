// Package throttle holds the two CloudFront Functions, as they are written and
// as they are shipped. throttle.js decides at the edge, remember.js sets the
// cookie of whoever came in; docs/design.md, decisions 1 to 8, has the reasons.
//
// The template joins the shipped form into itself, and pkg/twin/edge runs the
// written one; the tests put both through the same vectors. The shipped form is
// the written one, minified: CloudFront takes 10 KB, and ours must stay under
// MaxShipped so that there is room for a day on which something must be added in
// a hurry.
package throttle

import (
	_ "embed"
	"strings"
)

// MaxShipped is the most bytes that either file may have as shipped.
const MaxShipped = 5500

// placeholder stands in both forms of throttle.js for the constant that is
// joined in at deploy.
const placeholder = "FAILURE"

var (
	//go:embed throttle.js
	throttleSource string
	//go:embed remember.js
	rememberSource string
	//go:embed shipped/throttle.js
	throttleShipped string
	//go:embed shipped/remember.js
	rememberShipped string
)

// Throttle returns throttle.js as it is written, with what to do when the edge's
// store says nothing: "open" or "hold".
func Throttle(failure string) string {
	return strings.Replace(throttleSource, "/* global "+placeholder+" */", "const "+placeholder+" = '"+failure+"';", 1)
}

// Remember returns remember.js as it is written.
func Remember() string { return rememberSource }

// ShippedThrottle returns throttle.js as shipped, in two parts: the template
// joins before, "open" or "hold", and after. The quotes are in the parts.
func ShippedThrottle() (before, after string) {
	before, after, _ = strings.Cut(throttleShipped, placeholder)
	return before + `"`, `"` + after
}

// ShippedRemember returns remember.js as shipped.
func ShippedRemember() string { return rememberShipped }
