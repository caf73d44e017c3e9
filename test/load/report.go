package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/chart"
)

// Report is what a run says.
//
// It has more than 15 fields: one for each thing that is measured.
type Report struct {
	Run     string        `json:"run"`
	Began   time.Time     `json:"began"`
	People  int           `json:"people"`
	Curve   string        `json:"curve"`
	Over    time.Duration `json:"overNanoseconds"`
	Took    time.Duration `json:"tookNanoseconds"`
	LeftOut int64         `json:"leftOut"`
	// Ended counts the people by how their visit ended.
	Ended map[string]int `json:"ended"`
	// Why counts the errors that people met.
	Why map[string]int `json:"why,omitempty"`
	// Latencies by kind of request, in milliseconds.
	Latencies map[string]Latency `json:"latencyMilliseconds"`
	// Broken are the faults that were made, and Excused how many failed meanwhile.
	Broken  []window `json:"broken,omitempty"`
	Excused int      `json:"excused,omitempty"`
	// Apart came while no fault was made, and Accepted of them were.
	Apart    int `json:"apart"`
	Accepted int `json:"apartAccepted"`
	// Memory is nil for a site that the run did not start.
	Memory *Memory `json:"memory,omitempty"`
	// Check is nil where there was no export.
	Check *Check `json:"check,omitempty"`
	Steps []Step `json:"steps"`
}

// Latency is how long requests took, in milliseconds.
type Latency struct {
	Requests uint64         `json:"requests"`
	P50      float64        `json:"p50"`
	P95      float64        `json:"p95"`
	P99      float64        `json:"p99"`
	Max      float64        `json:"max"`
	Statuses map[string]int `json:"statuses"`
}

// Step is a piece of the charts.
type Step struct {
	// At is its begin in seconds from the start.
	At        float64 `json:"at"`
	Arrived   float64 `json:"arrivedPerSecond"`
	Accepted  float64 `json:"acceptedPerSecond"`
	Refused   float64 `json:"refusedPerSecond"`
	LetIn     float64 `json:"letInPerSecond"`
	Broken    float64 `json:"failedOrUnansweredPerSecond"`
	SignupP50 float64 `json:"signupP50"`
	SignupP99 float64 `json:"signupP99"`
}

// line is the progress of a run.
func (c *crowd) line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%5.0f s: %d accepted, %d refused, %d let in, %d unanswered, %d failed, %d on their way",
		time.Since(c.began).Seconds(), c.ended[accepted], c.ended[refused], c.ended[letIn], c.ended[unanswered], c.ended[failed], c.inFlight.Load())
}

func (c *crowd) report(ended time.Time) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Report{
		Run: c.Run, Began: c.began.UTC(), People: c.People, Curve: c.Curve, Over: c.Over, Took: ended.Sub(c.began),
		LeftOut: c.leftOut.Load(), Excused: c.excused, Apart: c.apart[0], Accepted: c.apart[1], Ended: map[string]int{}, Why: c.why, Latencies: map[string]Latency{},
	}
	for o := range outcomes {
		r.Ended[o.String()] = c.ended[o]
	}
	for kind, m := range c.kinds {
		m.Close()
		r.Latencies[kind] = Latency{
			Requests: m.Requests, P50: ms(m.Latencies.P50), P95: ms(m.Latencies.P95), P99: ms(m.Latencies.P99), Max: ms(m.Latencies.Max), Statuses: m.StatusCodes,
		}
	}
	width := c.span().Seconds() / bins
	for i := range c.bins {
		b := &c.bins[i]
		s := Step{
			At: float64(i) * width, Arrived: float64(b.Arrived) / width, Accepted: float64(b.Ended[accepted]) / width, Refused: float64(b.Ended[refused]) / width,
			LetIn: float64(b.Ended[letIn]) / width, Broken: float64(b.Ended[failed]+b.Ended[unanswered]) / width,
		}
		if b.signups.Requests > 0 {
			b.signups.Close()
			s.SignupP50, s.SignupP99 = ms(b.signups.Latencies.P50), ms(b.signups.Latencies.P99)
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bad says that the run found a fault. Of an instance that the run broke itself, on
// a machine that may be busy with other things, only what was promised counts: that
// nobody is lost or doubled, and that most of those were taken who came while it was
// whole.
func (r Report) bad() bool {
	if r.Check != nil && (r.Check.Lost > 0 || r.Check.Doubled > 0) {
		return true
	}
	if r.Broken != nil {
		return 2*r.Accepted <= r.Apart || r.Accepted == 0
	}
	return r.Check != nil && r.Check.Unpromised > 0 || r.LeftOut > 0 || r.Ended[failed.String()] > 0
}

// text is the report for a terminal.
func (r Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d people in %s:", r.People, r.Took.Round(time.Second))
	for o := range outcomes {
		fmt.Fprintf(&b, " %d %s,", r.Ended[o.String()], o)
	}
	fmt.Fprintf(&b, " %d left out.\n", r.LeftOut)
	for _, kind := range slices.Sorted(maps.Keys(r.Latencies)) {
		l := r.Latencies[kind]
		fmt.Fprintf(&b, "%-8s %8d requests, p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.0f ms\n", kind, l.Requests, l.P50, l.P95, l.P99, l.Max)
	}
	if r.Check == nil {
		b.WriteString("Lost and doubled: unknown, no --export was given.\n")
	} else {
		fmt.Fprintf(&b, "Of those accepted %d are lost and %d doubled, by an export of %d entries; %d of the unanswered and %d of the refused were saved.\n",
			r.Check.Lost, r.Check.Doubled, r.Check.Entries, r.Check.Saved, r.Check.Unpromised)
	}
	for _, w := range r.Broken {
		fmt.Fprintf(&b, "From second %.0f to %.0f %s.", w.From.Sub(r.Began).Seconds(), w.Until.Sub(r.Began).Seconds(), w.What)
		fmt.Fprintln(&b)
	}
	if r.Broken != nil {
		fmt.Fprintf(&b, "Of %d who came while no fault was made, %d were accepted.\n", r.Apart, r.Accepted)
	}
	if r.Excused > 0 {
		fmt.Fprintf(&b, "Of those who failed, %d came while that was so.\n", r.Excused)
	}
	if m := r.Memory; m != nil && r.Ended[accepted.String()] > 0 {
		n := r.Ended[accepted.String()]
		fmt.Fprintf(&b, "The instance had %d MB empty, %d MB at most, %d MB at the end: %d bytes a person; its journal %d bytes a person.\n",
			m.Empty>>20, m.Highest>>20, m.Full>>20, (m.Full-m.Empty)/n, m.Journal/int64(n))
	}
	for _, why := range slices.Sorted(maps.Keys(r.Why)) {
		fmt.Fprintf(&b, "  %6d times: %s\n", r.Why[why], why)
	}
	return b.String()
}

func (r Report) json() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	return append(data, '\n'), err
}

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

func (r Report) html() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Report": r, "Text": r.text(), "Bad": r.bad(),
		"Script": template.JS(chart.Script), "Style": template.CSS(chart.Style), "License": string(chart.License),
	})
	return b.Bytes(), err
}
