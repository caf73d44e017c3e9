package visits

// The numbers of visits: see those of the law, in pkg/admission/tuning.go.
const (
	// visitSigma is the spread of the logarithm of a visit's length. Published web
	// sessions have 0.7 to 1.2. A spread of 0.3, as where a visitor counts until a
	// session runs out, costs half a point of the places.
	visitSigma = 0.9
	// visitForget is the share of what was learned that a sample replaces: a memory of
	// four hours, so that an evening is not judged by the morning.
	visitForget = 1.0 / 240
	// visitDoubt is the error of a sample that learning reckons with, as a share: twice
	// the metric's own, because sampled counts err for many minutes in a row.
	visitDoubt = 0.06
	// capacityDoubt is how far a stated capacity may be off, as a share.
	capacityDoubt = 0.07
	// visitPrior is the spread of the logarithm of the visit's mean around the policy's.
	visitPrior = 0.45
	// firstHours is for how many samples a visitor's weight is guessed from.
	firstHours = 180
	// stays is for how many samples a load may be away from the model before it is
	// taken for how the site is now: a site that lost a third of its capacity for an
	// hour is not one of long visits. awayAfter is after how many the model is good
	// enough for that; awayFrom how far off, in the logarithm, is away, nearTo back.
	stays, awayAfter = 180, 60
	awayFrom, nearTo = 0.2, 0.15
)
