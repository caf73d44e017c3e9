package returns

import (
	"time"

	"raincheck/pkg/admission/number"
)

// Ahead is how far the forecast looks, in minutes.
const Ahead = 60

// Forecast is what the codes that are out, and new ones, will do.
type Forecast struct {
	// Coming[u] is the arrivals expected in the u-th minute from now.
	Coming []float64
	// Missing is how many have not come who should have by now, by what a day has
	// shown, and may come at once.
	Missing float64
	// Late is how many mails are delayed.
	Late float64
	// Fresh[u] is the share of those invited now who come in the u-th minute.
	Fresh []float64
	// Out is how many codes are out, Rate the share of new ones that will be used.
	Out, Rate float64
	// Usual is the rate by the life table alone.
	Usual float64
	// News is how many times as many as usual come of the latest invitations.
	News float64
}

// Forecast works out the forecast for the minutes ahead.
func (r *People) Forecast(now int64, ttl time.Duration) Forecast {
	table := new(lifeTable)
	r.table(table)
	classes, rates, still := classOf(), &table.rates, &table.out
	life := min(oldest, int(ttl.Minutes()))
	f := Forecast{Coming: make([]float64, Ahead), Fresh: make([]float64, Ahead)}
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
		f.Late += float64(c.Late)
		if r.Asleep != 0 && c.end() > r.Asleep-3600 {
			f.Missing += max(0, (n+float64(c.Back))*(1-still[age])-float64(c.Back))
		}
		if n == 0 {
			continue
		}
		f.Out += n
		// No more can come than are out.
		z := news[i]
		if likely := 1 - still[life]/still[age]; z*likely > 0.98 {
			z = 0.98 / max(likely, 1e-9)
		}
		if age > single {
			// Few come any more, and about as few in every minute ahead.
			if life-age > Ahead/2 {
				old += n * z * rates[classes[age]]
			}
			continue
		}
		young[age] += n * z / still[age]
	}
	var come [single + 1 + Ahead]float64 // by age
	for k := range min(life, len(come)) {
		come[k] = still[k] - still[k+1]
	}
	for u := range f.Coming {
		f.Coming[u] = old + number.Products(young[:], come[u:])
	}
	f.News = r.latest(now)
	total := 1 - still[life]
	f.Usual = total
	f.Rate = min(0.98, total*f.News)
	z := f.Rate / max(total, 1e-9)
	for u := range min(Ahead, life) {
		f.Fresh[u] = z * (still[u] - still[u+1])
	}
	return f
}

// news is, for every cohort, how many times as many come as the table says,
// judged by it and its neighbours of about the same age.
func (r *People) news(ages []int) []float64 {
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
		z[i] = number.Clamp((newsPrior+came[to]-came[from])/(newsPrior+hoped[to]-hoped[from]), 0.1, 6)
	}
	return z
}

// latest is the same for those invited in the last minutes, who are most like
// those invited next: of the last four minutes and of the last twelve, whichever
// is more. When people begin to come in numbers, it is the youngest who show it.
func (r *People) latest(now int64) float64 {
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
	return number.Clamp(max(most, (newsPrior+came)/(newsPrior+hoped)), 0.1, 6)
}
