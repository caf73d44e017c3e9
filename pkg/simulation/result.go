package simulation

import (
	"time"

	"raincheck/pkg/admission"
)

// Result is what a run came to. The fast simulation and the full instance (its
// real intake, inviter and sender) fill the same.
type Result struct {
	// Name is the scenario's, Control which controller.
	Name    string  `json:"name"`
	Control string  `json:"control"`
	Summary Summary `json:"summary"`
	// Series is the day by the minute.
	Series Series `json:"series"`
}

// Summary is a run in numbers.
//
// It has more than 15 fields: one for each number of the report.
type Summary struct {
	// Visits is the demand: people who wanted to visit. Admitted of them were let in
	// without a code, TurnedAway is how often somebody was not, Joined left an
	// address, Invited were mailed, Redeemed came back in time, Late with a code
	// that had died. Lost is who never got in: turned away without leaving an
	// address, or invited and never come. Waiting is who waits at the end.
	Visits     int `json:"visits"`
	Admitted   int `json:"admitted"`
	TurnedAway int `json:"turnedAway"`
	Joined     int `json:"joined"`
	Invited    int `json:"invited"`
	Redeemed   int `json:"redeemed"`
	Late       int `json:"late"`
	Lost       int `json:"lost"`
	Waiting    int `json:"waiting"`
	// InvitedFull were invited on a day that begins full, before the load had fallen
	// below the target.
	InvitedFull int `json:"invitedFull"`
	// MaxLoad is the highest load at the end of a minute, MaxLoadAt when;
	// Above100 and Above95 how many minutes were above 1.0 and 0.95.
	MaxLoad   float64   `json:"maxLoad"`
	MaxLoadAt time.Time `json:"maxLoadAt"`
	Above100  int       `json:"above100"`
	Above95   int       `json:"above95"`
	// Overloaded came in while the load was above 1.0: a site that is too full serves
	// few of them, whatever it was asked to bear.
	Overloaded int `json:"overloaded"`
	// Minutes is the length of the run, Queued in how many of them somebody
	// waited.
	Minutes int `json:"minutes"`
	Queued  int `json:"queued"`
	// Utilisation is the mean load while somebody waits, as a true metric shows it,
	// as a share of the target, what is above the target not counted; MeanLoad the mean load then, all
	// counted.
	Utilisation float64 `json:"utilisation"`
	MeanLoad    float64 `json:"meanLoad"`
	// WaitP50 and WaitP95 are the waits to an invitation in minutes, over everyone
	// who joined (who still waits counts with the wait so far); WaitMax the
	// longest, WaitMaxAt when those joined. WaitMinutes adds up the waits of those
	// who came back, MeanDelay is the mean over everyone who got in, 0 for who
	// went straight in.
	WaitP50     float64   `json:"waitP50"`
	WaitP95     float64   `json:"waitP95"`
	WaitMax     float64   `json:"waitMax"`
	WaitMaxAt   time.Time `json:"waitMaxAt,omitzero"`
	WaitMinutes float64   `json:"waitMinutes"`
	MeanDelay   float64   `json:"meanDelay"`
}

// LostShare is Lost as a share of everyone who wanted to visit.
func (s Summary) LostShare() float64 { return share(s.Lost, s.Visits) }

// LateShare is the share of those who came back whose code had died.
func (s Summary) LateShare() float64 { return share(s.Late, s.Late+s.Redeemed) }

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Series is a run by the minute, every slice of the same length.
//
// It has more than 15 fields: one for each line of the charts.
type Series struct {
	Start time.Time `json:"start"`
	// Demand is who wanted to come for the first time, Visitors everyone at the
	// edge without a pass, Admitted who of them was let in, Returned who redeemed.
	Demand   []float64 `json:"demand"`
	Visitors []float64 `json:"visitors"`
	Admitted []float64 `json:"admitted"`
	Returned []float64 `json:"returned"`
	// OnSite and Load are as the minute ends.
	OnSite []float64 `json:"onSite"`
	Load   []float64 `json:"load"`
	// Admit was in force, Invited was decided, Waiting as the minute ends.
	Admit   []float64 `json:"admit"`
	Invited []float64 `json:"invited"`
	Waiting []float64 `json:"waiting"`
	// Because is the reason of every decision.
	Because []string `json:"because,omitempty"`
	// WaitOf is the mean wait, in minutes, of those who joined in that minute.
	WaitOf []float64 `json:"waitOf"`

	metric  []float64
	counted []admission.EdgeCount
	longest []int
	waiters []int
}

func newSeries(start time.Time, n int) Series {
	// One block for all: a run makes no garbage by the minute.
	block := make([]float64, 11*n)
	next := func() []float64 {
		s := block[:n:n]
		block = block[n:]
		return s
	}
	return Series{Start: start, Demand: next(), Visitors: next(), Admitted: next(), Returned: next(), OnSite: next(), Load: next(),
		Admit: next(), Invited: next(), Waiting: next(), WaitOf: next(), metric: next(),
		Because: make([]string, n), counted: make([]admission.EdgeCount, n), longest: make([]int, n), waiters: make([]int, n)}
}

// waited notes that n people who joined in a minute waited so long.
func (s *Series) waited(joined, wait, n int) {
	s.longest[joined] = max(s.longest[joined], wait)
	s.WaitOf[joined] = (s.WaitOf[joined]*float64(s.waiters[joined]) + float64(wait*n)) / float64(s.waiters[joined]+n)
	s.waiters[joined] += n
}

// finish works out the summary of a run that has lived all its minutes.
func (w *world) finish() Summary {
	s, end := w.sum, len(w.Trace.Visits)
	for _, g := range w.waitlist[w.first:] {
		if g.nobody {
			continue
		}
		w.waits[end-g.minute] += g.count
		w.series.waited(g.minute, end-g.minute, g.count)
	}
	s.Waiting, s.Minutes = w.waiting, end
	used := 0.0
	for m, load := range w.series.Load {
		if load > s.MaxLoad {
			s.MaxLoad, s.MaxLoadAt = load, w.tick(m)
		}
		if load > 1 {
			s.Above100++
			s.Overloaded += int(w.series.Admitted[m] + w.series.Returned[m])
		}
		if load > 0.95 {
			s.Above95++
		}
		if m > 0 && w.series.Waiting[m-1] > 0 && w.series.Waiting[m] > 0 {
			s.Queued++
			used += min(w.shown(load), w.Policy.Target)
			s.MeanLoad += load
		}
		if l := float64(w.series.longest[m]); l > s.WaitMax {
			s.WaitMax, s.WaitMaxAt = l, w.tick(m)
		}
	}
	if s.Queued > 0 {
		s.Utilisation = used / float64(s.Queued) / w.Policy.Target
		s.MeanLoad /= float64(s.Queued)
	} else {
		s.Utilisation = 1
	}
	s.WaitP50, s.WaitP95 = quantile(w.waits, 0.50), quantile(w.waits, 0.95)
	if served := s.Admitted + s.Redeemed; served > 0 {
		s.MeanDelay = s.WaitMinutes / float64(served)
	}
	return s
}

// quantile is the value below which that share of the counted lies.
func quantile(counts []int, q float64) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	rest := int(q * float64(total))
	for v, n := range counts {
		if rest -= n; rest < 0 {
			return float64(v)
		}
	}
	return 0
}
