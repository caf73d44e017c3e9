package simulation

import (
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"

	"raincheck/pkg/chart"
	"raincheck/pkg/format"
)

//go:embed report.html
var reportPage string

// page is what the report's template is filled with. Scripts and numbers are our
// own; names come from flags and files, and are escaped by html/template.
type page struct {
	Title, Expect string
	// Setting is what was tried, in a line; Facts are its figures, each with what it
	// counts.
	Setting string
	Facts   [][2]string
	Style   template.CSS
	Script  template.JS
	Data    template.JS
	License string
	Table   [][]string
}

// plots is what the page draws: one point every two minutes is finer than a
// screen.
type plots struct {
	Time    []int64              `json:"time"`
	Demand  []float64            `json:"demand"`
	Served  []float64            `json:"served"`
	Load    map[string][]float64 `json:"load"`
	Names   []string             `json:"names"`
	Target  float64              `json:"target"`
	Waiting []float64            `json:"waiting"`
	WaitOf  []any                `json:"waitOf"`
	Invited []float64            `json:"invited"`
	Back    []float64            `json:"back"`
	Admit   []float64            `json:"admit"`
}

// Report writes one self-contained page: the first result is the one explained,
// the others are what else could have been done.
func Report(w io.Writer, s Scenario, results ...Result) error {
	t, err := template.New("report").Parse(reportPage)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	r := results[0]
	const step = 2
	p := plots{Load: map[string][]float64{}, Target: s.Policy.Target}
	thin := func(v []float64) []float64 {
		out := make([]float64, 0, len(v)/step+1)
		for m := 0; m < len(v); m += step {
			sum, n := 0.0, 0
			for k := m; k < min(m+step, len(v)); k++ {
				sum, n = sum+v[k], n+1
			}
			out = append(out, math.Round(sum/float64(n)*1e4)/1e4)
		}
		return out
	}
	served := make([]float64, len(r.Series.Admitted))
	for m := range served {
		served[m] = r.Series.Admitted[m] + r.Series.Returned[m]
	}
	p.Demand, p.Served, p.Waiting = thin(r.Series.Demand), thin(served), thin(r.Series.Waiting)
	p.Invited, p.Back, p.Admit = thin(r.Series.Invited), thin(r.Series.Returned), thin(r.Series.Admit)
	for m := 0; m < len(served); m += step {
		p.Time = append(p.Time, r.Series.Start.Unix()+int64(m)*60)
		if wait := r.Series.WaitOf[m]; wait > 0 {
			p.WaitOf = append(p.WaitOf, math.Round(wait))
		} else {
			p.WaitOf = append(p.WaitOf, nil)
		}
	}
	rows := [][]string{{""}, {"highest load"}, {"minutes above 1.00"}, {"came while it was overloaded"}, {"longest wait"}, {"95 of 100 wait at most"}, {"never got in"}}
	for _, one := range results {
		p.Names = append(p.Names, one.Control)
		p.Load[one.Control] = thin(one.Series.Load)
		x := one.Summary
		for i, v := range []string{one.Control, fmt.Sprintf("%.2f", x.MaxLoad), format.Thousands(x.Above100), format.Thousands(x.Overloaded), duration(x.WaitMax), duration(x.WaitP95), fmt.Sprintf("%.1f %%", 100*x.LostShare())} {
			rows[i] = append(rows[i], v)
		}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := t.Execute(w, page{
		Title: r.Name, Expect: Expect(r, s.Site.Capacity), Table: rows, Setting: setting(s), Facts: facts(r.Summary),
		Style: template.CSS(chart.Style), Script: template.JS(chart.Script), Data: template.JS(data), License: string(chart.License),
	}); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// setting says what was tried.
func setting(s Scenario) string {
	hours := float64(len(s.Trace.Visits)) / 60
	text := fmt.Sprintf("%s from %s. A capacity of %s, visits of %s; the law holds %.2f, gives %.0f %% of the free places to those invited, and codes live %s.",
		plural(hours, "hour"), s.Trace.Start.Format("2 January 2006, 15:04"), format.Thousands(int(s.Site.Capacity)), duration(s.Site.Visit.Minutes()),
		s.Policy.Target, 100*s.Policy.QueueFirst, duration(s.Policy.CodeTTL.Minutes()))
	if s.Policy.Capacity == 0 {
		text += " It is not told the capacity."
	}
	return text
}

func plural(n float64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%.4g %ss", n, unit)
}

// facts are the figures that an operator asks for first.
func facts(s Summary) [][2]string {
	return [][2]string{
		{format.Thousands(s.Visits), "wanted to visit"},
		{fmt.Sprintf("%.0f %%", 100*s.MaxLoad), "of its capacity, the site at most"},
		{format.Thousands(s.Above100), "minutes above its capacity"},
		{format.Thousands(s.Invited), "invited by mail"},
		{duration(s.WaitMax), "longest wait"},
		{fmt.Sprintf("%.1f %%", 100*s.LostShare()), "never got in"},
	}
}
