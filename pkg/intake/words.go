package intake

import (
	"embed"
	"encoding/json"
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
			w := catalogue{}
			if err == nil {
				err = json.Unmarshal(data, &w)
			}
			if err != nil {
				panic("intake: the words of " + name + ": " + err.Error())
			}
			return w
		}))
	}
	return read.(func() catalogue)()
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
