// Package site is the site that a local instance protects: a small benefits
// application of a made-up state. It knows nothing of raincheck, which is the
// point: a site is never changed for the queue in front of it.
//
// It keeps nothing: what is typed into the application goes from one page of it
// to the next in the form itself.
package site

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
)

// Name is what the site calls itself, on its pages, in mails and on the console.
const Name = "State Benefits"

//go:embed page.html site.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// view is one page: step 0 is the front page, 1 to Steps the application,
// Steps+1 the end.
type view struct {
	Name  string
	Step  int
	Steps int
	Title string
	// Given are the answers of earlier steps.
	Given []given
	// Problem says what is missing.
	Problem string
}

type given struct{ Name, Value string }

var titles = []string{"Benefits that help you through", "About you", "Your household", "Check your answers", "Thank you"}

// questions are the fields of each step; each must be answered.
var questions = [][]given{1: {{"name", "your full name"}, {"born", "your date of birth"}}, 2: {{"people", "how many people live with you"}}, 3: nil}

// Handler serves the site.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { show(w, view{Step: 0}) })
	mux.HandleFunc("GET /apply", func(w http.ResponseWriter, r *http.Request) { show(w, view{Step: 1}) })
	mux.HandleFunc("POST /apply", apply)
	mux.HandleFunc("GET /static/site.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		http.ServeFileFS(w, r, files, "site.css")
	})
	return mux
}

func apply(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	step, err := strconv.Atoi(r.PostFormValue("step"))
	if err != nil || step < 1 || step >= len(questions) {
		http.Redirect(w, r, "/apply", http.StatusSeeOther)
		return
	}
	v := view{Step: step}
	for s := 1; s < len(questions); s++ {
		for _, q := range questions[s] {
			value := r.PostFormValue(q.Name)
			if s == step && value == "" && v.Problem == "" {
				v.Problem = "Tell us " + q.Value + "."
			}
			if value != "" {
				v.Given = append(v.Given, given{q.Name, value})
			}
		}
	}
	if v.Problem == "" {
		v.Step++
	}
	show(w, v)
}

func show(w http.ResponseWriter, v view) {
	v.Name, v.Steps, v.Title = Name, len(questions)-1, titles[v.Step]
	status := http.StatusOK
	if v.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}
