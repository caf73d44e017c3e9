package email

import (
	"slices"
	"testing"
)

// TestOfferedHasTheOtherTagsOfACatalogue: whoever names Chinese offers it under
// every name that browsers have for it.
func TestOfferedHasTheOtherTagsOfACatalogue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ named, want []string }{
		{[]string{"en", "es"}, []string{"en", "es"}},
		{[]string{"en", "zh-hant", "tl"}, []string{"en", "zh-hant", "zh-tw", "zh-hk", "zh-mo", "tl", "fil"}},
		{[]string{"zh-hk", "zh-hant"}, []string{"zh-hk", "zh-tw", "zh-mo", "zh-hant"}},
		{[]string{"xx"}, []string{"xx"}},
	} {
		if got := Offered(c.named); !slices.Equal(got, c.want) {
			t.Errorf("%v gives %v, want %v", c.named, got, c.want)
		}
	}
}

// TestLanguagesAreWhole: English and the fifteen that HHS offers, Chinese in two
// scripts; each catalogue can be read.
func TestLanguagesAreWhole(t *testing.T) {
	t.Parallel()
	catalogues := map[string]bool{}
	for _, l := range Languages() {
		catalogues[l.Catalogue] = true
		if w := wordsFor(l.Tag); w.Subject == "" || w.HTML != l.HTML {
			t.Errorf("%s has no words", l.Tag)
		}
	}
	if len(catalogues) != 17 {
		t.Errorf("there are %d catalogues", len(catalogues))
	}
	for _, u := range unchecked {
		if !catalogues[u] {
			t.Errorf("%s is unchecked, and has no catalogue", u)
		}
	}
}
