package admission

// The numbers of the law, each once; those of its two parts are in
// returns/tuning.go and visits/tuning.go. A comment says what the number is, with its
// unit and its symbol in docs/control.md where it has one; where it comes from; and,
// after "Twice:", what gets worse when it is doubled. Minutes are ticks. Where no
// source is named it is the goal table: the days of pkg/simulation/goals, by `make
// test-law`. `make law-mutate` doubles and halves each in turn and names what turns
// red.

// The decision.
const (
	// reach is where the throttle brings the load to the target, in minutes ahead: a
	// decision is in effect after one and has two to work. Twice: slower, places empty.
	reach = 4
	// fillIn is over how many minutes invitations fill what is missing. Twice: a dip is
	// filled late.
	fillIn = 6
	// admitReserve is the share of the free places by which the throttle is kept from being
	// fully shut or open while somebody waits: it alone acts within minutes, and only
	// while it can move both ways. Twice: places go to new visitors at queueFirst 1.
	admitReserve = 0.03
	// marginSigmas is how many standard deviations of the load fit between the target and a
	// full site. Twice: small sites stay emptier.
	marginSigmas = 3.5
	// samplingMinutes is how many minutes' sampling noise of the counts the load bears when a
	// decision shows. Twice: small sites stay emptier.
	samplingMinutes = 1.5
	// leastTarget is the share of the target below which chance does not push it.
	leastTarget = 0.7
	// liftSigmas is how many standard deviations the law aims above the target, at most
	// mostLift of it: the load lies as often above the aim as below, and below is places
	// that stay empty. Twice: minutes above 95 %.
	liftSigmas, mostLift = 0.6, 0.01
	// opening is by how much, and in what share of itself, the throttle opens in a
	// minute: what is let in cannot be sent away again. Twice: a demand that is only
	// estimated fills the site.
	openingShare, openingStep = 1.5, 0.05
	// mostFlow is how many times what keeps the site full is invited at most: the next
	// minutes must be able to show whether they come. Twice: a return rate that jumps.
	// provingFlow is the same while the model has to prove itself: it may be wrong about
	// the visitors that the site bears, as on a day that begins full with the capacity
	// unknown.
	mostFlow, provingFlow = 3.0, 1.5
	// leastReturn is the smallest share of the invited that is reckoned with, leastWeight
	// the smallest load of one visitor: what is divided by.
	leastReturn, leastWeight = 0.05, 1e-12
)

// People who were invited.
const (
	// soon is for how many minutes arrivals are foretold by what people do now.
	soon = 15
	// wakeShare: while people sleep, those who are missing may grow each minute by this
	// share of what comes and goes in a minute on a full site. Those of a night of eight
	// hours come in an hour of the morning. Twice: the morning overruns the site.
	wakeShare = 1.0 / 15
)

// A load that is missing.
const (
	// staleFrom is how old the load may be, in minutes, before it counts as missing, and
	// staleTo when the throttle has closed to the floor. Twice: an hour of guessing.
	staleFrom, staleTo = 7, 60
	// sinking is by what share the target has sunk then: what the model does not know
	// adds up. Twice: places empty.
	sinking = 0.1
	// inviteUntil is how old it may be, in minutes, for invitations to be sent.
	inviteUntil = 10
	// beyondLag is by how many minutes more than usual the load lags when it is absent.
	beyondLag = 1.5
	// lagMemory is what a sample replaces of the usual lag.
	lagMemory = 0.1
)

// Trust.
const (
	// foresight is how many minutes before a sample's own the model is taken from: F.
	// It is reach. Twice: people who nobody could know of cost trust.
	foresight = 4
	// allowed is how many standard deviations above the foreseen a sample may be for
	// nothing, tooMuch the sum of all beyond at which trust is lost: a one-sided
	// CUSUM (Page, "Continuous inspection schemes", 1954). Twice: a metric that is not
	// people is believed for too long.
	allowed, tooMuch = 1.5, 4
	// proving is for how many samples the load must be foreseen before trust begins to
	// grow, growing over how many it does: n. A visit's length, twice.
	proving, growing = 30, 30
	// uncounted is after how many minutes without any count the model proves nothing.
	uncounted = 15
)

// Following the load alone (a), while the model is not trusted.
const (
	// followGain is by how much, in the logarithm, a load one full site below the
	// target widens the throttle, followIntegral by how much more in every minute. The
	// loop has a delay of 4 minutes and a lag of a visit, and their quotient is near
	// that lag, as it is tuned by the book (Skogestad, "Simple analytic rules for model
	// reduction and PID controller tuning", 2003). Twice: it swings.
	followGain, followIntegral = 8.0, 0.2
	// followFirst is the share to begin with at the target, followLeast the least that
	// is remembered. Twice: a site that begins full is let fuller.
	followFirst, followLeast = 0.4, 0.02
	// followOver is over how many samples a rise of the load is seen.
	followOver = 6
)

// The demand at the edge.
const (
	// firstNoise is the variance of a count over its mean before anything was counted:
	// one visitor in 20 is.
	firstNoise = 20.0
	// calmGain and calmSlope are what a count teaches while nothing surprises: a memory
	// of eight minutes, and of an hour for the slope. Twice: noise moves the throttle.
	calmGain, calmSlope = 0.12, 0.015
	// quickGain and quickSlope are what it teaches when the demand has jumped.
	quickGain, quickSlope = 0.7, 0.35
	// surprise is where the smoothed error of the counts is taken for a change, in
	// standard deviations of a single count; by chance it has half of one. atOnce is the
	// same for the error of one count.
	surprise, atOnce = 1.2, 4.0
	// leanMemory is what a count replaces of the smoothed error: two or three counts
	// decide. mostOff bounds one of them, in standard deviations.
	leanMemory, mostOff = 0.4, 6.0
	// slopeFades is what is left of a slope a minute later: nothing grows for ever.
	slopeFades = 0.97
	// slopeAhead is for how many minutes a slope is followed, and then bent flat.
	slopeAhead = 8.0
	// leastLevel and mostLevel bound what is foreseen, as shares of the level.
	leastLevel, mostLevel = 0.6, 4.0
	// nearlyAll is how near to 0 or 1 an admit teaches nothing of who gets in.
	nearlyAll = 0.02
	// freshSigmas is by how much chance may have lowered the share of those who draw for
	// the first time, in standard deviations, leastFresh the least share believed.
	freshSigmas, leastFresh = 1.5, 0.1
	// contradicted is how many standard deviations the count of those let in must be off
	// what the visitors and the admit make it for it to be believed instead; ownCount is
	// what it weighs otherwise. Both come from one sample.
	contradicted, ownCount = 2.5, 0.2
	// poorCount is the variance of a count, as a share, from which minutes are averaged,
	// widest over how many on each side. A site of unknown capacity is used to 97.6 %
	// without, 99.1 with.
	poorCount, widest = 0.02, 10
	// leastGrown and mostGrown bound by how much late lines change a count, revisedMemory
	// is what one replaces of how late they come.
	leastGrown, mostGrown, revisedMemory = 0.8, 2.0, 0.1
	// The memories, in counts: of how much of the share gets in, of
	// the noise, and of counts that are reported again.
	passMemory, noiseMemory, reviseMemory = 1.0 / 60, 1.0 / 50, 1.0 / 60
)

// The correction of the model by the metric. Variances are of the logarithm.
const (
	// trimFirst is the variance before anything was measured, trimNoise that of the
	// metric, trimWalk by how much what is known grows old in a minute.
	trimFirst, trimNoise, trimWalk = 0.05 * 0.05, 0.03 * 0.03, 0.0015 * 0.0015
	// trimLean is more of that, for errors that lean one way over 4 minutes by more
	// than leanChance, which they do by chance.
	trimLean   = 0.01 * 0.01
	leanChance = 0.8
	// trimBack is the share of the correction that a minute takes back: the slow
	// learning takes over.
	trimBack = 1.0 / 180
	// trimQuick is how many times the quick noise that which lasts may be at most.
	trimQuick = 6.0
	// trimLimit is the largest correction: more than a factor of 4 is none.
	trimLimit = 1.5
	// farSigmas is how many standard deviations off a sample is not chance. Twice: a capacity
	// that falls is believed late.
	farSigmas = 4
	// lowAgain is how many samples in a row far below the model it takes for them to
	// be believed: a load that falls faster than people can leave is a metric that lost
	// some of its sources. lowBack is how many it takes where they only take back what
	// the metric had added to the counts, as after a fall of the capacity, and where
	// the model has not proved right. Half: a metric that halves fills the site.
	lowAgain, lowBack = 30, 3
	// takenBack is from how much, in the logarithm, the metric has added to the counts.
	takenBack = 0.1
	// worstVar is the variance of knowing nothing, mostWalk the most that a minute's
	// counts add.
	worstVar, mostWalk = 0.25, 0.02
	// smallest is the error of any load, as a share of a full site. A metric below
	// idleLoad of a site that the counts have below idleModel means an empty site.
	smallest, idleLoad, idleModel = 0.01, 0.03, 0.05
	// noiseForgets is the share of what is known of the noise that a sample replaces,
	// leastNoise and mostNoise bound it: 1 % and 14 %.
	noiseForgets, leastNoise, mostNoise = 0.02, 1e-4, 0.02
	// trimWindow is how many minutes are corrected again in every tick: the metric and
	// the counts may be late by so many.
	trimWindow = 30
	// foundFor is for how many minutes those found at the beginning are most of the
	// site, foundWalk the variance by the minute then: when they leave is a guess.
	foundFor, foundWalk = 45, 0.01 * 0.01
)

// What visits are learned from.
const (
	// tooLarge is how many times the people counted a stated capacity may make of a load
	// above quarterFull; of what is below, much may be something else than people. Visits
	// may last five times as long as guessed. Twice: a capacity stated too large fills
	// the site.
	tooLarge, quarterFull = 10, 0.25
	// settleAfter is the age in minutes at which a sample is learned from: by then the
	// counts of its minute and the sample itself are final.
	settleAfter = 12
	// atRest is how many samples a full site is worth that is found at rest.
	atRest = 200
	// lasting is for how many minutes the error of a count stays in the sum.
	lasting = 8
)

// A metric that repeats itself.
const (
	// stillMemory is what a sample replaces of how often it does.
	stillMemory = 1.0 / 240
	// longestLesson bounds what one run teaches: an hour of a metric that hung is not a
	// proof that it is a coarse one.
	longestLesson = 3
	// unlikely is how improbable a run must be for the metric to be doubted.
	unlikely = 1e-4
	// coarse is the share of equal pairs above which a run's length says nothing: the
	// steps are wider than the noise.
	coarse = 0.3
	// roundedTo is what a metric is rounded to at most.
	roundedTo = 0.02
	// movedSigmas is by how many standard deviations, and a rounding and a half, the
	// people counted must have moved the load for a repeat to be doubted.
	movedSigmas = 3
)

// 2013's rule: everyone is let in while the load is rampWidth below the top, which
// lies rampOver above the target, and nobody at the top; while the load is
// rampInvite below the target, rampShare of those on a full site are invited every
// minute, rampLeast where neither the capacity nor anybody on the site is known:
// somebody must come before anybody can be counted.
const (
	rampOver, rampWidth, rampInvite = 0.05, 0.15, 0.05
	rampShare, rampLeast            = 1.0 / 25, 10.0
)

// The mail.
const (
	// MailShare is the share of the mail service's rate that is planned with. The
	// inviter spreads a minute's mails over it, and the service counts by the second,
	// with a clock of its own.
	MailShare = 0.95
)
