package goals

import (
	"flag"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"raincheck/pkg/simulation"
)

var (
	every = flag.Bool("law", false, "hold the law to every row of the families")
	write = flag.String("law-write", "", "with -law: run every seed and all that the law is compared with, and write the table into this file")
)

// sealed are the seeds that the table is made with. Nothing was tuned on them.
var sealed = []uint64{501, 502, 503}

// few are the rows that any change of the law is held to, with one seed.
var few = []string{
	"begins full: at 1.20",
	"begins full: at 1.60, capacity unknown",
	"a metric that stops at its top: begins at 1.2, CPU 0.998 to 1.000",
	"a metric that stops at its top: begins at 1.6, missing above 1.00",
	"a load not proportional to people: people^1.6",
	"slow returners: 335 min, σ 1.6",
	"nights: 100 % asleep from 23 to 7",
	"a metric that lies: halves for 30 min",
	"ticks: half missing",
}

// TestRows holds the law to the families of days that it was not made for. A row
// that misses a goal is held to what it did when that was found (heldFile). A row
// whose first seed is far from every bound is not run with the others.
func TestRows(t *testing.T) {
	t.Parallel()
	known, set := holding(t)
	compared := comparedWith(t)
	rows := Rows()
	var red atomic.Bool
	outcomes := make([]Outcome, len(rows))
	if *write != "" {
		t.Cleanup(func() { writeTable(t, outcomes) })
	}
	for i, row := range rows {
		name, seeds := row.Family+": "+row.Name, sealed
		h, open := known[name]
		enough := Outcome.Far
		if *write != "" || *hold || open {
			enough = nil
		}
		if !*every {
			if !strings.Contains(strings.Join(few, "\n"), name) {
				continue
			}
			seeds = sealed[:1]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if *first && red.Load() {
				t.Skip("a row before it has failed")
			}
			defer func() {
				if t.Failed() {
					red.Store(true)
				}
			}()
			o, err := row.Try(seeds, simulation.Law, compared, enough)
			if err != nil {
				t.Fatal(err)
			}
			outcomes[i] = o
			fails := o.Fails()
			switch {
			case *hold && len(fails) > 0:
				set(name, holdTo(o))
			case *hold:
				set(name, nil)
			case open:
				h.check(t, o)
				if *every && len(fails) == 0 {
					t.Errorf("all goals are kept now: take the row out of %s", heldFile)
				}
			default:
				for _, fail := range fails {
					t.Error(fail)
				}
				return
			}
			for _, fail := range fails {
				t.Logf("%s (known: %s)", fail, row.Open)
				if row.Open == "" {
					t.Error("no reason is given for a goal that is missed")
				}
			}
		})
	}
}

// TestMain: the runs make garbage fast and keep little.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// The table is written below this mark; what is above it stays.
const tableMark = "<!-- make law -->\n"

// writeTable writes the table of the outcomes into a document.
func writeTable(t *testing.T, outcomes []Outcome) {
	t.Helper()
	for _, o := range outcomes {
		if o.Cells == nil {
			t.Errorf("%s is not written: the row %s was not run", *write, o.Name)
			return
		}
	}
	text, err := os.ReadFile(*write)
	if err != nil {
		t.Error(err)
		return
	}
	before, _, ok := strings.Cut(string(text), tableMark)
	if !ok {
		t.Errorf("%s: missing the mark %q", *write, strings.TrimSpace(tableMark))
		return
	}
	var table strings.Builder
	table.WriteString(before + tableMark + "\n")
	WriteOutcomes(&table, outcomes)
	if err := os.WriteFile(*write, []byte(table.String()), 0o644); err != nil {
		t.Error(err)
	}
}
