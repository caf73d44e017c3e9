package admission

import (
	"math"
	"slices"

	"raincheck/pkg/admission/number"
	"raincheck/pkg/admission/visits"
)

// unknown marks a minute of which nothing was heard.
const unknown = -1

// begin starts the histories at the tick of minute now: for the first time, after
// a gap longer than they are, or because the clock was set back. What was learned
// of people stays.
func (m *memory) begin(now int64, o Observation) {
	invited, stays, demand, trim, lag := m.Returns, m.Visits, m.Demand, m.Trim, m.Lag
	inForce := float32(1) // nobody has decided yet
	if m.Last != 0 {
		inForce = m.Admit
	}
	*m = memory{First: now, Last: now, Fresh: now - 1, Admit: inForce}
	invited.Begin(o.Time.Unix())
	m.Returns, m.Demand, m.Visits, m.Lag = invited, demand, stays, lag
	m.Trust.begin(now)
	m.Trim.Noise, m.Trim.Quick = trim.Noise, trim.Quick
	m.Visits.Began, m.Visits.Found = 0, 0
	m.Demand.Known = false
	if o.Applied != nil {
		m.Admit = float32(o.Applied.share())
	} else if visitors, admitted := total(o.Edge); visitors > 0 {
		// Nobody says what is in force, but the edge shows it.
		m.Admit = float32(number.Clamp(admitted/visitors, 0, 1))
	}
	m.Before = m.Admit
	// What comes with the first observation is of minutes before it.
	for range 10 {
		m.addMinute(float64(m.Admit))
	}
}

// total adds counts up, leaving out what cannot be.
func total(counts []EdgeCount) (visitors, admitted float64) {
	for _, c := range counts {
		if number.Finite(c.Visitors) && number.Finite(c.Admitted) && c.Visitors >= 0 && c.Admitted >= 0 && c.Visitors <= number.Most {
			visitors, admitted = visitors+c.Visitors, admitted+min(c.Admitted, c.Visitors)
		}
	}
	return visitors, admitted
}

// addMinute adds a minute of which nothing is known but the share in force.
func (m *memory) addMinute(share float64) {
	m.In = push(m.In, 0, longHistory)
	m.Visitors = push(m.Visitors, unknown, recentHistory)
	m.Admitted = push(m.Admitted, unknown, recentHistory)
	m.Share = push(m.Share, float32(share), recentHistory)
	m.Back = push(m.Back, 0, recentHistory)
	m.Load = push(m.Load, unknown, recentHistory)
	m.Model = push(m.Model, unknown, recentHistory)
}

// advance moves the histories on to the tick of minute now.
func (m *memory) advance(now int64, o Observation) {
	steps := int(now - m.Last)
	for range steps - 1 { // what was foreseen at a tick that was missed is what stood
		if n := len(m.Trust.Weights); n > 0 {
			m.Trust.Weights = push(m.Trust.Weights, m.Trust.Weights[n-1], recentHistory)
		}
	}
	for i := range steps {
		share := float64(m.Before)
		if i > 0 {
			share = float64(m.Admit) // ticks were missed: the decision stood
		}
		if o.Applied != nil {
			share = o.Applied.share()
		}
		m.addMinute(share)
	}
	m.Last = now
	if o.Applied != nil && (o.Applied.Mode == "open" || o.Applied.Mode == "observe") && steps > 0 {
		// In open nobody reads the load: not knowing it is not a fault then.
		m.Fresh = max(m.Fresh, now-1)
	}
}

// push appends a minute and drops the oldest beyond the limit.
func push(s []float32, v float32, limit int) []float32 {
	if len(s) >= limit {
		copy(s, s[1:])
		s[len(s)-1] = v
		return s
	}
	return append(s, v)
}

// at is the index of a minute in the recent histories; false outside them.
func (m *memory) at(minute int64) (int, bool) {
	i := int64(len(m.Share)) - (m.Last - minute)
	return int(i), i >= 0 && i < int64(len(m.Share))
}

// index is the index that a report of a minute belongs to. What names the tick's
// own minute is of one without any delay: it stands for the minute that has just
// ended, of which nothing else is known yet.
func (m *memory) index(minute int64, known []float32) (int, bool) {
	if minute == m.Last && known[len(known)-1] == unknown {
		minute--
	}
	return m.at(minute)
}

// record takes in what became known, leaving out what cannot be.
func (m *memory) record(o Observation, steps int) {
	for _, c := range o.Edge {
		i, ok := m.index(minuteAt(c.At), m.Visitors)
		if !ok || !number.Finite(c.Visitors) || !number.Finite(c.Admitted) || c.Visitors < 0 || c.Admitted < 0 || c.Visitors > number.Most {
			continue
		}
		m.Demand.revise(float64(m.Visitors[i]), c.Visitors, len(m.Share)-i)
		m.Visitors[i], m.Admitted[i] = float32(c.Visitors), float32(min(c.Admitted, c.Visitors))
	}
	for _, s := range o.Load {
		i, ok := m.index(minuteAt(s.At), m.Load)
		if !ok || !number.Finite(s.Value) || s.Value < 0 {
			continue
		}
		// However high: above 1 is full, and nothing is learned from how much.
		m.Load[i] = float32(min(s.Value, mostLoad))
	}
	back := 0.0
	for _, c := range o.Redeemed {
		back += float64(number.Count(c.Count))
	}
	n := len(m.Back)
	for i := n - min(steps, n); i < n; i++ {
		m.Back[i] += float32(back / float64(min(steps, n)))
	}
}

// countArrivals takes the counts of the edge in, in the order of their minutes, and works
// out who came in during the recent minutes.
func (m *memory) countArrivals() {
	first := m.Last - int64(len(m.Share))
	for i := range m.Share {
		minute := first + int64(i)
		if m.Visitors[i] < 0 || minute <= m.Demand.Upto && m.Demand.Known {
			continue
		}
		grown := m.Demand.grown(len(m.Share) - i)
		m.Demand.take(minute, grown*float64(m.Visitors[i]), grown*float64(m.Admitted[i]), m.shareIn(i))
	}
	// Counts come late and are revised: the last quarter of an hour is open.
	for i := max(0, len(m.Share)-15); i < len(m.Share); i++ {
		minute := first + int64(i)
		if minute <= m.Visits.Began {
			m.In[len(m.In)-len(m.Share)+i] = 0 // they are among those found
			continue
		}
		came := 0.0
		switch {
		case m.Visitors[i] >= 0:
			came = m.countedIn(i) * m.Demand.grown(len(m.Share)-i)
		case m.Demand.Known && minute > m.Demand.Since: // before, nobody has counted
			came = m.Demand.expect(minute) * m.Demand.letIn(m.shareIn(i))
		}
		m.In[len(m.In)-len(m.Share)+i] = float32(came) + m.Back[i]
	}
}

// shareIn is the admit that was in force in a minute.
func (m *memory) shareIn(i int) float64 { return float64(m.Share[i]) }

// countedIn is how many came in without a code in a minute that was counted. Both
// counts come from the same sample; the share is known much better than either,
// so the visitors say how many there were and the share how many got in, unless
// the counts contradict it.
func (m *memory) countedIn(i int) float64 {
	visitors, admitted := m.around(i, m.width(i))
	by := visitors * m.Demand.fresh() * m.shareIn(i)
	if m.shareIn(i) >= 1-nearlyAll {
		by = visitors
	}
	spread := math.Sqrt(float64(m.Demand.Noise)*max(by, admitted, 1)) + 1
	if math.Abs(admitted-by) > contradicted*spread {
		return admitted
	}
	return (1-ownCount)*by + ownCount*admitted
}

// width is over how many minutes on each side counts are averaged: none where
// they say enough, up to ten where one in twenty of a few dozen visitors is
// nobody at all or twenty.
func (m *memory) width(i int) int {
	level := max(float64(m.Demand.Level), float64(m.Visitors[i]), 1)
	return int(number.Clamp(float64(m.Demand.Noise)/level/poorCount/2, 0, widest))
}

// around is the mean of the counts in the minutes around one.
func (m *memory) around(i, width int) (visitors, admitted float64) {
	n := 0.0
	for k := max(0, i-width); k < min(len(m.Share), i+width+1); k++ {
		if m.Visitors[k] >= 0 {
			visitors, admitted, n = visitors+float64(m.Visitors[k]), admitted+float64(m.Admitted[k]), n+1
		}
	}
	return visitors / max(n, 1), admitted / max(n, 1)
}

// byAge is who came in, the newest minute first, written into room: what survival
// curves are summed with, dozens of times in a decision.
func (m *memory) byAge(room *[longHistory]float64) []float64 {
	in := room[:len(m.In)]
	for i, v := range m.In {
		in[len(in)-1-i] = float64(v)
	}
	return in
}

// learnVisits learns from the samples that became final with this tick. A repeat at
// the target or above is believed because it is safe; it does not show who left.
func (m *memory) learnVisits(target float64, doubted, repeated []bool, steps int) {
	v := &m.Visits
	first := m.Last - int64(len(m.Share))
	for i := max(0, len(m.Share)-settleAfter-steps); i < len(m.Share)-settleAfter; i++ {
		if y := float64(m.Load[i]); y >= 0 && !m.idle(i) {
			m.Repeats.take(y)
		}
	}
	if v.Began == 0 {
		for i, y := range m.Load {
			if y >= 0 {
				m.found(first+int64(i), float64(y), i)
				break
			}
		}
		return
	}
	var room [longHistory]float64
	in := m.byAge(&room)
	for i := max(0, len(m.Share)-settleAfter-steps); i < len(m.Share)-settleAfter; i++ {
		minute := first + int64(i)
		y := float64(m.Load[i])
		if y < 0 || minute <= v.Began || doubted[i] || repeated[i] && y >= target || m.Visitors[i] < 0 {
			continue
		}
		v.Guess(y, m.countedIn(i)+float64(m.Back[i]))
		if !v.Elsewhere(y, float64(m.Model[i])) {
			v.Learn(minute, y, in[len(m.Share)-1-i:], m.counting(i))
		}
	}
}

// counting is the variance, as a share, of the people that the counts make out
// in a minute: those who came with a code are known exactly, the others from a
// sample. Each stays for many minutes, and so does the error.
func (m *memory) counting(i int) float64 {
	in, back := 0.0, 0.0
	for k := range m.Back {
		in, back = in+float64(m.In[len(m.In)-len(m.Back)+k]), back+float64(m.Back[k])
	}
	people := float64(m.Model[i]) / max(float64(m.Gain), leastWeight)
	if in <= 0 || people < 1 {
		return 1
	}
	return min(lasting*float64(m.Demand.Noise)*max(0, 1-back/in)/people, 1)
}

// found takes the first load that was ever seen as people who were there before
// the law began to count.
func (m *memory) found(minute int64, y float64, i int) {
	v := &m.Visits
	v.Began, v.Found = minute, float32(y)
	// Who came in until then is among those found.
	for k := range m.In[:len(m.In)-len(m.Share)+i+1] {
		m.In[k] = 0
	}
	if v.Loads == 0 && m.Demand.Known {
		// A site that is found open and busy is at rest: that says more than what is
		// counted while the throttle works.
		for range int(1 + atRest*min(y, 1)) {
			v.Guess(y, float64(m.Demand.Level))
		}
	}
}

// contradict says that the counts of the last hour have it that the site cannot be as
// large as the capacity: by far fewer people came than the load would be.
func (m *memory) contradict(capacity, visit float64) bool {
	people, came := 0.0, 0.0
	for i, y := range m.Load {
		if y > quarterFull && m.Visitors[i] >= 0 {
			people += float64(y) * capacity
			came += float64(m.Visitors[i] + m.Back[i])
		}
	}
	return people > tooLarge*max(came, 1)*visit
}

// idle says whether a minute's load is next to nothing, as the counts have it
// too: an empty site says 0 all night, and means it.
func (m *memory) idle(i int) bool { return m.Load[i] < idleLoad && m.Model[i] < idleModel }

// estimate gives the correction of the model by the metric, as a factor, and the
// variance of its logarithm, after working the model out again for the minutes
// whose counts may have changed. in is byAge.
func (m *memory) estimate(b visits.Belief, in []float64, doubted, repeated []bool, steps int) (factor, variance float64) {
	n := len(m.Share)
	first := m.Last - int64(n)
	for i := max(0, n-4-steps); i < n; i++ {
		m.Model[i] = float32(number.Products(in[n-1-i:], b.Stay) + m.Visits.Left(b, first+int64(i)))
	}
	from := max(0, n-trimWindow-steps)
	minutes := make([]minuteOf, 0, n-from)
	for i := from; i < n; i++ {
		model := float64(m.Model[i])
		one := minuteOf{measured: float64(m.Load[i]), model: model, repeated: repeated[i]}
		if doubted[i] || first+int64(i) < m.Visits.Began {
			one.measured = unknown
		}
		if people := model / max(b.Gain, leastWeight); people > 1 {
			one.walk = m.churn(i) / (people * people)
		}
		if first+int64(i) < m.Visits.Began+foundFor {
			one.walk += foundWalk
		}
		one.walk = min(one.walk, mostWalk)
		minutes = append(minutes, one)
	}
	keep := 0
	if n-from > trimWindow {
		keep = n - from - trimWindow
	}
	log, variance := m.Trim.correct(minutes, keep, m.Trust.share() > 0)
	return math.Exp(log), variance
}

// churn is the variance that a recent minute adds to the people on the site: who comes
// and who leaves one by one, and the error of the count at the edge.
func (m *memory) churn(i int) float64 {
	in := float64(m.In[len(m.In)-len(m.Share)+i])
	return 2*in + float64(m.Demand.Noise)*max(0, in-float64(m.Back[i]))
}

// people is how many are on the site by the counts, those found at the beginning
// included where a visitor's weight is known. Where nobody is counted at the edge,
// it is those who came with a code.
func (m *memory) people(b visits.Belief) float64 {
	n := len(m.Model)
	if n == 0 {
		return 0
	}
	if !m.Demand.Known {
		sum := 0.0
		for k := range m.In {
			sum += float64(m.In[len(m.In)-1-k]) * b.Stay[k]
		}
		return sum / max(b.Gain, leastWeight)
	}
	return max(0, float64(m.Model[n-1])) / max(b.Gain, leastWeight)
}

// newest is the newest sample of the load and the age of the end of its minute;
// a negative age says that there is none.
func (m *memory) newest() (value float64, age float64) {
	for i, v := range slices.Backward(m.Load) {
		if v >= 0 {
			return float64(v), float64(len(m.Load) - 1 - i)
		}
	}
	return 0, unknown
}
