package house

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"raincheck/pkg/email"
)

// catalogues are the folders with one file for each language: the mails and the
// pages.
var catalogues = []string{"pkg/email/words", "pkg/intake/web/words"}

// TestALanguageIsTwoFiles: mails and pages speak the same languages, which are
// those of the list in pkg/email.
func TestALanguageIsTwoFiles(t *testing.T) {
	t.Parallel()
	mails, pages := tags(t, catalogues[0]), tags(t, catalogues[1])
	if !slices.Equal(mails, pages) {
		t.Errorf("the mails speak %v, the pages %v", mails, pages)
	}
	if !slices.Contains(mails, email.DefaultLanguage) || len(mails) < 2 {
		t.Errorf("the languages are %v", mails)
	}
	var listed []string
	for _, l := range email.Languages() {
		listed = append(listed, l.Catalogue)
	}
	slices.Sort(listed)
	if listed = slices.Compact(listed); !slices.Equal(listed, mails) {
		t.Errorf("pkg/email lists %v, and there are the files %v", listed, mails)
	}
}

// TestTranslationsKeepTheirPlaces: each sentence of the English words is there, with
// its {places}, however often. What fills them in knows no others.
func TestTranslationsKeepTheirPlaces(t *testing.T) {
	t.Parallel()
	for _, folder := range catalogues {
		english := places(t, folder, email.DefaultLanguage)
		for _, tag := range tags(t, folder) {
			all := places(t, folder, tag)
			for key := range english {
				if _, ok := all[key]; !ok {
					t.Errorf("%s/%s.json lacks %q", folder, tag, key)
				}
			}
			for key, has := range all {
				// A clock of 24 hours has other places; pkg/email reads it before it is used.
				if key != "clock" && !slices.Equal(has, english[key]) {
					t.Errorf("%s/%s.json: %q has the places %v, and %v in English", folder, tag, key, has, english[key])
				}
			}
		}
	}
}

// places are the {places} of each sentence of a catalogue.
func places(t *testing.T, folder, tag string) map[string][]string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(read(t, folder+"/"+tag+".json")), &all); err != nil {
		t.Fatalf("%s/%s.json: %v", folder, tag, err)
	}
	found := map[string][]string{}
	for key, value := range all {
		if text, ok := value.(string); ok {
			found[key] = regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1)
			slices.Sort(found[key])
			found[key] = slices.Compact(found[key])
		}
	}
	return found
}

// TestTranslationsAreTranslated lists the sentences of a language that equal the
// English ones: a file that was copied and not finished.
func TestTranslationsAreTranslated(t *testing.T) {
	t.Parallel()
	for _, folder := range catalogues {
		english := sentences(t, folder, email.DefaultLanguage)
		if len(english) < 10 {
			t.Errorf("%s: only %d English sentences were found", folder, len(english))
		}
		for _, tag := range tags(t, folder) {
			if tag == email.DefaultLanguage {
				continue
			}
			other := sentences(t, folder, tag)
			for key, text := range english {
				if other[key] == text {
					t.Errorf("%s/%s.json: %q is still the English sentence: %q", folder, tag, key, text)
				}
			}
		}
	}
}

// sentences are the texts of a catalogue with at least three words beside their
// {places}: a single word, such as "Code", may be the same in two languages.
func sentences(t *testing.T, folder, tag string) map[string]string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(read(t, folder+"/"+tag+".json")), &all); err != nil {
		t.Fatalf("%s/%s.json: %v", folder, tag, err)
	}
	found := map[string]string{}
	for key, value := range all {
		text, ok := value.(string)
		if ok && len(regexp.MustCompile(`\pL+`).FindAllString(regexp.MustCompile(`\{\w+\}`).ReplaceAllString(text, ""), -1)) >= 3 {
			found[key] = text
		}
	}
	return found
}

func tags(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return all
}
