package site

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Summary is what visitors see, as plain text: the default language, then each
// language in which something else is said; the colours, and what is missed.
func Summary(all map[string]Words, standard string) string {
	var out strings.Builder
	show := func(tag string, w Words) {
		fmt.Fprintf(&out, "%-4s %s\n", tag, w.Name)
		for _, line := range [][2]string{
			{"ask", strings.TrimSpace(w.Contact + " " + w.Telephone)}, {"privacy", w.Privacy}, {"link", w.URL},
			{"times", strings.TrimSpace(cmp.Or(w.Zone.Name, "UTC") + " " + w.ZoneName)},
		} {
			if line[1] != "" {
				fmt.Fprintf(&out, "     %-8s %s\n", line[0], line[1])
			}
		}
	}
	common := all[standard]
	show(standard, common)
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if w := all[tag]; !reflect.DeepEqual(w, common) {
			show(tag, w)
		}
	}
	light, dark := common.Colour.Light(), common.Colour.Dark()
	fmt.Fprintf(&out, "colour: light: button %s with text %s (contrast %.1f), links %s; dark: %s with text %s (contrast %.1f)\n",
		light.Fill, light.Text, Contrast(light.Fill, light.Text), light.Link, dark.Fill, dark.Text, Contrast(dark.Fill, dark.Text))
	if common.Logo != "" {
		fmt.Fprintf(&out, "logo: %d bytes of at most %d\n", len(common.Logo), MaxLogo)
	}
	for _, warning := range common.Warnings() {
		fmt.Fprintf(&out, "warning: %s\n", warning)
	}
	return out.String()
}
