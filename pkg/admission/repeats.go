package admission

import "math"

// A metric that hangs repeats itself; so does one that is rounded to whole
// percents, and an operator who says 0.93 every minute. repeats tells them apart
// by what the metric did before: one that has never repeated itself and does so
// now hangs; of one that always did, only a repeat is doubted that holds on while
// the people counted in and out have moved the load by clearly more than a step
// of the metric.
type repeats struct {
	// Same and Pairs count, discounted, successive samples that were equal, and all
	// of them, over runs that have ended: a metric that hangs teaches nothing.
	Same  float32 `json:"same,omitempty"`
	Pairs float32 `json:"pairs,omitempty"`
	// Run is how many equal samples the settled history ends with, Last the value.
	Run  float32 `json:"run,omitempty"`
	Last float32 `json:"last,omitempty"`
	// Step is the smallest difference between two successive samples that is seen
	// again and again; 0 while none was seen.
	Step float32 `json:"step,omitempty"`
}

// take learns from a sample that is final.
func (s *repeats) take(y float64) {
	last := float64(s.Last)
	if s.Run == 0 {
		s.Run, s.Last = 1, float32(y)
		return
	}
	if float32(y) == s.Last {
		s.Run++
		return
	}
	lesson := min(float64(s.Run)-1, longestLesson)
	s.Same = float32(float64(s.Same)*(1-stillMemory) + lesson)
	s.Pairs = float32(float64(s.Pairs)*(1-stillMemory) + lesson + 1)
	if d := math.Abs(y - last); s.Step == 0 || d < float64(s.Step) {
		s.Step = float32(d)
	} else {
		s.Step += float32((d - float64(s.Step)) / 200)
	}
	s.Run, s.Last = 1, float32(y)
}

// longest is how many equal samples in a row this metric may show, and its step.
func (s *repeats) longest() (run, step float64) {
	step = float64(s.Step)
	if step == 0 {
		step = guessedStep
	}
	step = min(step, 0.1)
	if s.Pairs < 10 {
		return math.Inf(1), step
	}
	share := float64(s.Same) / float64(s.Pairs)
	if share >= coarse {
		return math.Inf(1), step
	}
	return max(2, 1+math.Log(unlikely)/math.Log(max(share, 1e-6))), step
}

// findRepeats says of every recent minute whether its load is a repeat that says
// nothing; repeated, whether it is one that may be believed.
//
// A repeat at the target or above is believed: what is said again there closes.
func (m *memory) findRepeats(target float64) (doubted, repeated []bool) {
	n, fresh := len(m.Load), m.Fresh
	// A model that has not proved right cannot say that a metric hangs.
	proven := m.Trust.share() == 1
	flags := make([]bool, 2*n)
	doubted, repeated = flags[:n:n], flags[n:]
	longest, step := m.Repeats.longest()
	var (
		last          = float32(unknown)
		run           = 0.0
		low, high     float64 // of the model during the run
		walk          float64
		hung          bool
		gain          = max(float64(m.Gain), 1e-12)
		noise, latest = float64(m.Demand.Noise), m.Last - int64(n)
	)
	for i, y := range m.Load {
		model := float64(m.Model[i])
		if model > 0 {
			people := model / gain
			in := float64(m.In[len(m.In)-n+i])
			walk += min((noise*max(0, in-float64(m.Back[i]))/float64(1+m.width(i))+2*in)/(people*people+1), 0.02)
			low, high = min(low, model), max(high, model)
		}
		if y < 0 {
			continue
		}
		if y != last || m.idle(i) {
			last, run, hung, walk = y, 1, false, 0
			low, high = model, model
			if model <= 0 {
				low, high = math.Inf(1), 0
			}
		} else {
			run++
			repeated[i] = true
			if run > longest {
				hung = true
			}
			if float64(y) >= target {
				hung = false
			} else if high > low {
				moved := (high - low) / high * float64(y)
				hung = hung || proven && moved > 1.5*step+float64(y)*3*math.Sqrt(walk+0.01*0.01)
			}
		}
		doubted[i] = hung
		if !hung {
			m.Fresh = max(m.Fresh, latest+int64(i))
		}
	}
	if m.Fresh > fresh {
		m.learnLag()
	}
	return doubted, repeated
}

// learnLag learns from a sample that has just come how late samples come.
func (m *memory) learnLag() {
	late := float32(m.Last - m.Fresh - 1)
	if m.Lag == 0 {
		m.Lag = late
		return
	}
	m.Lag += 0.1 * (late - m.Lag)
}
