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
}

// take learns from a sample that is final.
func (s *repeats) take(y float64) {
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
	s.Run, s.Last = 1, float32(y)
}

// longest is how many equal samples in a row this metric may show.
func (s *repeats) longest() float64 {
	share := float64(s.Same) / max(float64(s.Pairs), 1)
	if s.Pairs < 10 || share >= coarse {
		return math.Inf(1)
	}
	return max(2, 1+math.Log(unlikely)/math.Log(max(share, 1e-6)))
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
	longest := m.Repeats.longest()
	var (
		last      = float32(unknown)
		run       = 0.0
		low, high float64 // of the model during the run
		walk      float64
		hung      bool
		gain      = max(float64(m.Gain), leastWeight)
		latest    = m.Last - int64(n)
	)
	for i, y := range m.Load {
		model := float64(m.Model[i])
		if model > 0 {
			people := model / gain
			walk += min(m.churn(i)/(people*people+1), mostWalk)
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
				hung = hung || proven && moved > 1.5*roundedTo+float64(y)*movedSigmas*math.Sqrt(walk+smallest*smallest)
			}
		}
		doubted[i] = hung
		if !hung {
			m.Fresh = max(m.Fresh, latest+int64(i))
		}
	}
	if m.Fresh > fresh {
		m.learnLag(m.Last - fresh - 2)
	}
	return doubted, repeated
}

// learnLag learns from a sample that has just come for how many minutes nothing had
// been heard before it.
func (m *memory) learnLag(silent int64) {
	if m.Lag == 0 {
		m.Lag = float32(m.Last - m.Fresh - 1)
		return
	}
	m.Lag += lagMemory * (float32(min(silent, inviteUntil)) - m.Lag)
}
