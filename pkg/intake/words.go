package intake

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"raincheck/pkg/email"
)

//go:embed web/words
var wordFiles embed.FS

// catalogue is the sentences of a language by their keys.
type catalogue map[string]string

// catalogues are read when a language is first asked for: a function that starts
// pays for no language that nobody reads. That each has every sentence is a test's
// to say.
var catalogues sync.Map // of the catalogue's name to func() catalogue

func catalogueOf(name string) catalogue {
	read, ok := catalogues.Load(name)
	if !ok {
		read, _ = catalogues.LoadOrStore(name, sync.OnceValue(func() catalogue {
			data, err := wordFiles.ReadFile("web/words/" + name + ".json")
			w, ok := readWords(string(data))
			if err != nil || !ok {
				panic("intake: the words of " + name + " cannot be read")
			}
			return w
		}))
	}
	return read.(func() catalogue)()
}

// readWords reads JSON that is written as ours is: one sentence a line, without a
// backslash. A person waits for the first page of a process, and encoding/json takes
// ten times as long, most of it to find out what a string is.
func readWords(text string) (catalogue, bool) {
	w := make(catalogue, 128)
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " ,\n")
		if line == "{" || line == "}" || line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, `": "`)
		key, begins := strings.CutPrefix(key, `"`)
		value, ends := strings.CutSuffix(value, `"`)
		if !ok || !begins || !ends || strings.Contains(line, `\`) || strings.Contains(value, `"`) {
			return nil, false
		}
		w[key] = value
	}
	return w, true
}

// say is a sentence in a language, with values in the place of {names}: pairs of
// a name and its value. A value is never looked at again.
func say(l email.Language, key string, values ...string) string {
	return fill(sentence(l, key), values...)
}

// sentence is one as it stands in the catalogue, with its {names}.
func sentence(l email.Language, key string) string {
	s, ok := catalogueOf(l.Catalogue)[key]
	if !ok {
		panic(fmt.Sprintf("intake: no words for %q in %s", key, l.Catalogue))
	}
	return s
}

// fill puts values in the place of {names}.
func fill(s string, values ...string) string {
	if !strings.Contains(s, "{") {
		return s
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		for i := 0; i+1 < len(values); i += 2 {
			if values[i] == name {
				out.WriteString(values[i+1])
			}
		}
		s = after
	}
}
