package admission

import "time"

// forecast is what the codes that are out, and new ones, will do.
type forecast struct {
	// coming[u] is the arrivals expected in the u-th minute from now.
	coming []float64
	// missing is how many have not come who should have by now, by what a day has
	// shown, and may come at once.
	missing float64
	// late is how many mails are delayed.
	late float64
	// fresh[u] is the share of those invited now who come in the u-th minute.
	fresh []float64
	// out is how many codes are out, rate the share of new ones that will be used.
	out, rate float64
	// usual is the rate by the life table alone.
	usual float64
	// news is how many times as many as usual come of the latest invitations.
	news float64
}

// forecast works out the forecast for the minutes ahead.
func (r *returns) forecast(now int64, ttl time.Duration) forecast {
	table := new(lifeTable)
	r.table(table)
	classes, rates, still := classOf(), &table.rates, &table.out
	life := min(oldest, int(ttl.Minutes()))
	f := forecast{coming: make([]float64, ahead), fresh: make([]float64, ahead)}
	ages := make([]int, len(r.Cohorts))
	for i := range r.Cohorts {
		ages[i] = max(0, r.Cohorts[i].age(now))
	}
	news := r.news(ages)
	old := 0.0
	var young [single + 1]float64 // what the cohorts of each age weigh
	for i := range r.Cohorts {
		c, age := &r.Cohorts[i], ages[i]
		if age >= life {
			continue
		}
		n := c.out(age, r.Reports)
		f.late += float64(c.Late)
		if r.Asleep != 0 && c.end() > r.Asleep-3600 {
			f.missing += max(0, (n+float64(c.Back))*(1-still[age])-float64(c.Back))
		}
		if n == 0 {
			continue
		}
		f.out += n
		// No more can come than are out.
		z := news[i]
		if likely := 1 - still[life]/still[age]; z*likely > 0.98 {
			z = 0.98 / max(likely, 1e-9)
		}
		if age > single {
			// Few come any more, and about as few in every minute ahead.
			if life-age > ahead/2 {
				old += n * z * rates[classes[age]]
			}
			continue
		}
		young[age] += n * z / still[age]
	}
	var come [single + 1 + ahead]float64 // by age
	for k := range min(life, len(come)) {
		come[k] = still[k] - still[k+1]
	}
	for u := range f.coming {
		f.coming[u] = old + overlap(young[:], come[u:])
	}
	f.news = r.latest(now)
	total := 1 - still[life]
	f.usual = total
	f.rate = min(0.98, total*f.news)
	z := f.rate / max(total, 1e-9)
	for u := range min(ahead, life) {
		f.fresh[u] = z * (still[u] - still[u+1])
	}
	return f
}

// news is, for every cohort, how many times as many come as the table says,
// judged by it and its neighbours of about the same age.
func (r *returns) news(ages []int) []float64 {
	n := len(r.Cohorts)
	block := make([]float64, 3*n+2) // one for all three
	came, hoped, z := block[:n+1:n+1], block[n+1:2*n+2:2*n+2], block[2*n+2:]
	for i := range r.Cohorts {
		c := &r.Cohorts[i]
		came[i+1], hoped[i+1] = came[i]+float64(c.Came), hoped[i]+float64(c.Hoped)
	}
	from, to := 0, 0
	for i, age := range ages {
		width := max(3, age/3)
		for from < i && ages[from] > age+width {
			from++
		}
		for to = max(to, i); to < n && ages[to] >= age-width; {
			to++
		}
		z[i] = clamp((newsPrior+came[to]-came[from])/(newsPrior+hoped[to]-hoped[from]), 0.1, 6)
	}
	return z
}

// latest is the same for those invited in the last minutes, who are most like
// those invited next: of the last four minutes and of the last twelve, whichever
// is more. When people begin to come in numbers, it is the youngest who show it.
func (r *returns) latest(now int64) float64 {
	came, hoped := 0.0, 0.0
	most := 0.0
	for i := len(r.Cohorts) - 1; i >= 0; i-- {
		c := &r.Cohorts[i]
		age := c.age(now)
		if age > 12 {
			break
		}
		came, hoped = came+float64(c.Came), hoped+float64(c.Hoped)
		if age <= 4 {
			most = (newsPrior + came) / (newsPrior + hoped)
		}
	}
	return clamp(max(most, (newsPrior+came)/(newsPrior+hoped)), 0.1, 6)
}
