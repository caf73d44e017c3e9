package console

import (
	"embed"
	"fmt"
	"html"
	"net/http"
	"strings"

	"raincheck/pkg/chart"
)

//go:embed page
var page embed.FS

// library is what draws the charts; the console carries it, since it must work
// on a machine that reaches nothing.
var library = map[string][]byte{"uPlot.iife.min.js": chart.Script, "uPlot.min.css": chart.Style, "uPlot.LICENSE.txt": chart.License}

func (c *Console) index(w http.ResponseWriter, r *http.Request) { c.embedded(w, "console.html") }

func (c *Console) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if body, ok := library[name]; ok {
		contentType(w, name)
		w.Write(body)
		return
	}
	if name == "console.html" {
		http.NotFound(w, r)
		return
	}
	c.embedded(w, name)
}

func (c *Console) embedded(w http.ResponseWriter, name string) {
	body, err := page.ReadFile("page/" + name)
	if err != nil {
		http.Error(w, "No such file.", http.StatusNotFound)
		return
	}
	contentType(w, name)
	w.Write(body)
}

// status is what `raincheck status` prints, for whoever has no JavaScript.
func (c *Console) status(w http.ResponseWriter, r *http.Request) {
	s, err := c.Source.Snapshot(r.Context())
	if err != nil {
		c.answer(w, nil, err)
		return
	}
	contentType(w, "status.html")
	fmt.Fprintf(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>raincheck status</title><link rel="icon" href="icon.svg" type="image/svg+xml"><link rel="stylesheet" href="console.css"></head>
<body><header class="top"><h1>raincheck status</h1></header><main><pre class="text">%s</pre><p class="dim">Load the page again for the newest. With JavaScript there are <a href="./">charts and switches</a>.</p></main></body></html>
`, html.EscapeString(s.Text()))
}

// contentType knows the few kinds that there are, and so does not depend on
// what the machine's own table says of .js.
func contentType(w http.ResponseWriter, name string) {
	kinds := map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
	kind, ok := kinds[name[strings.LastIndex(name, "."):]]
	if !ok {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
}

// SwitchesOf are the commands that switch a stack, as the page names them.
func SwitchesOf(stack string) []Switch {
	var all []Switch
	for _, c := range [][2]string{
		{"open", "everyone in, at once"},
		{"throttle --apply", "as many as the site can take"},
		{"hold --apply", "nobody new in"},
		{"pause --apply", "no mail leaves; resume goes on"},
		{`say "…" --apply`, "a message on every page"},
	} {
		name, rest, _ := strings.Cut(c[0], " ")
		all = append(all, Switch{Command: strings.TrimSpace("raincheck " + name + " --stack " + stack + " " + rest), Does: c[1]})
	}
	return all
}
