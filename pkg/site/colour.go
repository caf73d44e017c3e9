package site

import (
	"fmt"
	"math"
	"strconv"
)

// Colour is an sRGB colour as CSS writes it: "#0b5c46". Empty is the default.
type Colour string

// DefaultColour is the colour of a site that has not named one.
const DefaultColour Colour = "#0b5c46"

// The surfaces of the pages that a colour must be read on: the background of the
// page in each scheme, which is the one with the lower contrast.
const (
	lightPaper Colour = "#eef2ee"
	darkCard   Colour = "#18201c"
)

// readable is the contrast that WCAG 2.2 asks of text (success criterion 1.4.3).
const readable = 4.5

// ParseColour reads "#rgb" or "#rrggbb".
func ParseColour(s string) (Colour, error) {
	if len(s) == 4 && s[0] == '#' {
		s = string([]byte{'#', s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	if _, err := strconv.ParseUint(s[min(1, len(s)):], 16, 24); err != nil || len(s) != 7 || s[0] != '#' {
		return "", fmt.Errorf("%q is not a colour such as #0b5c46", s)
	}
	return Colour(s), nil
}

// Scheme is what a page makes of a colour, for a light or a dark screen.
type Scheme struct {
	// Fill is the colour of a button, Text black or white: what has the higher
	// contrast on it.
	Fill, Text Colour
	// Link is the colour as text, dark or light enough to be read on the page.
	Link Colour
}

// Light is the scheme for a light screen: the button has the colour as it is.
func (c Colour) Light() Scheme {
	c = c.orDefault()
	return Scheme{Fill: c, Text: c.text(), Link: c.toward("#000000", lightPaper)}
}

// Dark is the scheme for a dark screen: the colour is made lighter until it can
// be read there.
func (c Colour) Dark() Scheme {
	link := c.orDefault().toward("#ffffff", darkCard)
	return Scheme{Fill: link, Text: link.text(), Link: link}
}

// Contrast is the contrast ratio of two colours, 1 to 21, by WCAG 2.2.
func Contrast(a, b Colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func (c Colour) orDefault() Colour {
	if c, err := ParseColour(string(c)); err == nil {
		return c
	}
	return DefaultColour
}

func (c Colour) text() Colour {
	if Contrast(c, "#ffffff") >= Contrast(c, "#000000") {
		return "#ffffff"
	}
	return "#000000"
}

// toward mixes the colour with an end, black or white, until it can be read on a
// surface.
func (c Colour) toward(end, on Colour) Colour {
	const steps = 20
	for i := range steps {
		if mixed := c.mix(end, float64(i)/steps); Contrast(mixed, on) >= readable {
			return mixed
		}
	}
	return end
}

func (c Colour) mix(other Colour, share float64) Colour {
	a, b := c.rgb(), other.rgb()
	for i := range a {
		a[i] += (b[i] - a[i]) * share
	}
	return Colour(fmt.Sprintf("#%02x%02x%02x", int(math.Round(a[0])), int(math.Round(a[1])), int(math.Round(a[2]))))
}

func (c Colour) rgb() [3]float64 {
	n, _ := strconv.ParseUint(string(c[1:]), 16, 24) // checked by ParseColour
	return [3]float64{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
}

// luminance is the relative luminance of WCAG 2.2.
func (c Colour) luminance() float64 {
	rgb := c.rgb()
	for i, v := range rgb {
		if v /= 255; v <= 0.04045 {
			rgb[i] = v / 12.92
		} else {
			rgb[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2]
}
