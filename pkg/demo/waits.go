package demo

// waits are how long those who joined in each minute waited for their mail.
type waits struct {
	minutes []int // how many waited so many minutes
	of      map[int]*wait
	longest int
	at      int // the minute in which they joined
}

type wait struct{ people, minutes int }

func (w *waits) add(joined, minutes int) {
	for len(w.minutes) <= minutes {
		w.minutes = append(w.minutes, 0)
	}
	w.minutes[minutes]++
	if w.of == nil {
		w.of = map[int]*wait{}
	}
	of := w.of[joined]
	if of == nil {
		of = &wait{}
		w.of[joined] = of
	}
	of.people++
	of.minutes += minutes
	if minutes > w.longest {
		w.longest, w.at = minutes, joined
	}
}

// quantile is the wait that this share of the people did not exceed.
func (w *waits) quantile(q float64) float64 {
	total := 0
	for _, n := range w.minutes {
		total += n
	}
	rest := int(q * float64(total))
	for m, n := range w.minutes {
		if rest -= n; rest < 0 {
			return float64(m)
		}
	}
	return 0
}
