package email

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"ann@gmial.com":          "ann@gmail.com",
		"ann@gmail.con":          "ann@gmail.com",
		"Ann.B@GMAIL.CO":         "Ann.B@gmail.com",
		"ann@gmail":              "ann@gmail.com",
		"ann@gmailcom":           "ann@gmail.com",
		"ann@hotmial.co.uk":      "ann@hotmail.co.uk",
		"ann@yaho.fr":            "ann@yahoo.fr",
		"ann@aol.con":            "ann@aol.com",
		"ann@live.comm":          "ann@live.com",
		"<ann@outlok.com>, ":     "ann@outlook.com",
		"ann@my\u2011site.org":   "ann@my-site.org",
		"ann@t\u2013online.de":   "ann@t-online.de",
		"ann@t\u2013onlin.de":    "ann@t-online.de",
		"ann@example.con":        "ann@example.com",
		"ann@mail.example.ogr":   "ann@mail.example.org",
		"ann@gmial.con":          "ann@gmail.com",
		"ann@example.co":         "",
		"ann@gmail,com":          "ann@gmail.com",
		"ann@gmail..com":         "ann@gmail.com",
		"ANN@GMA\u0130L.COM":     "ANN@gmail.com", // in Turkish capitals
		"ann@\u0130stanbul.com":  "ann@istanbul.com",
		"ann@gma\u0131l.com":     "ann@gmail.com",
		"ann@gm\u0430il.com":     "ann@gmail.com", // a Cyrillic letter
		"ann@\u212aernel.org":    "",              // the sign for kelvin is a k to the mapping too
		"ann@B\u00dcCHER.de":     "",
		"ann@gmail.com":          "",
		"ann@mail.com":           "",
		"ann@ymail.com":          "",
		"ann@yahoo.ca":           "",
		"ann@example.org":        "",
		"ann@smith.com":          "",
		"ann@al.com":             "",
		"ann":                    "",
		"ann@":                   "",
		"@gmial.com":             "",
		"a b@gmial.com":          "",
		"ann@gmial.com\r\nBcc:x": "",
		"":                       "",
	} {
		got, ok := Suggest(typed)
		if got != want || ok != (want != "") {
			t.Errorf("Suggest(%q) = %q, %v; want %q", typed, got, ok, want)
		}
	}
}

// neighboursOnKeyboard are the keys beside each on the common layout.
var neighboursOnKeyboard = map[rune]string{
	'a': "qwsz", 'b': "vghn", 'c': "xdfv", 'd': "serfcx", 'e': "wsdr", 'f': "drtgvc", 'g': "ftyhbv", 'h': "gyujnb", 'i': "ujko", 'j': "huikmn",
	'k': "jiolm", 'l': "kop", 'm': "njk", 'n': "bhjm", 'o': "iklp", 'p': "ol", 'q': "wa", 'r': "edft", 's': "awedxz", 't': "rfgy", 'u': "yhji",
	'v': "cfgb", 'w': "qase", 'x': "zsdc", 'y': "tghu", 'z': "asx", '.': ",l;", '-': "p0",
}

// TestSuggestFindsSlips: nine of ten single slips in a large provider's domain are
// found, and none of the common providers is taken for a slip.
func TestSuggestFindsSlips(t *testing.T) {
	t.Parallel()
	targets := append([]string{}, spelled...)
	for name, all := range abroad {
		for _, e := range all {
			targets = append(targets, name+"."+e)
		}
	}
	tried, found, wrong := 0, 0, 0
	for _, target := range targets {
		slip := func(domain string) {
			if domain == target || ownDomain(domain) {
				return
			}
			tried++
			switch got, ok := Suggest("ann@" + domain); {
			case ok && got == "ann@"+target:
				found++
			case ok:
				wrong++
			}
		}
		// Slips in the name: what a country's ending is mistyped for may be another's.
		end := len(target)
		if !strings.HasSuffix(target, ".com") && !strings.HasSuffix(target, ".net") {
			end = strings.IndexByte(target, '.')
		}
		for i := range end {
			slip(target[:i] + target[i:i+1] + target[i:]) // double
			slip(target[:i] + target[i+1:])               // drop
			if i+1 < end {
				slip(target[:i] + target[i+1:i+2] + target[i:i+1] + target[i+2:]) // swap
			}
			for _, key := range neighboursOnKeyboard[rune(target[i])] {
				slip(target[:i] + string(key) + target[i+1:])
			}
		}
	}
	share := float64(found) / float64(tried)
	t.Logf("%d of %d slips are found, %.3f (goal 0.9); %d are taken for another provider", found, tried, share, wrong)
	if share < 0.9 || float64(wrong) > 0.02*float64(tried) {
		t.Errorf("%d of %d slips are found, and %d taken for another provider", found, tried, wrong)
	}

	file, err := os.Open("testdata/common-providers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		domain := lines.Text()
		if strings.HasPrefix(domain, "#") {
			continue
		}
		n++
		if got, ok := Suggest("ann@" + domain); ok {
			t.Errorf("%s is taken for a slip of %s", domain, got)
		}
	}
	if n != 355 {
		t.Errorf("%d providers were tried", n)
	}
}

func FuzzSuggest(f *testing.F) {
	for _, s := range []string{"ann@gmial.com", "ann@my\u2011site.org", "<a@b.c>", "@", "a@\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, ok := Suggest(typed)
		if !ok {
			return
		}
		a, err := Parse(got)
		if err != nil {
			t.Fatalf("the suggestion %q for %q is not an address: %v", got, typed, err)
		}
		if again, ok := Suggest(a.Reveal()); ok {
			t.Fatalf("for %q first %q is suggested and then %q", typed, got, again)
		}
	})
}
