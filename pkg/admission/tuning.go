package admission

// The numbers of the law, each once. A comment says what the number is, with its
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
	// liftSigmas is how many standard deviations the law aims above the target, at most a
	// hundredth: the load lies as often above the aim as below, and below is places that
	// stay empty. Twice: minutes above 95 %.
	liftSigmas = 0.6
	// opening is by how much, and in what share of itself, the throttle opens in a
	// minute: what is let in cannot be sent away again. Twice: a demand that is only
	// estimated fills the site.
	openingShare, openingStep = 1.5, 0.05
	// mostFlow is how many times what keeps the site full is invited at most: the next
	// minutes must be able to show whether they come. Twice: a return rate that jumps.
	mostFlow = 3.0
)

// A load that is missing.
const (
	// staleFrom is how old the load may be, in minutes, before it counts as missing, and
	// staleTo when the throttle has closed to the floor. Twice: an hour of guessing.
	staleFrom, staleTo = 7, 60
	// inviteUntil is how old it may be, in minutes, for invitations to be sent.
	inviteUntil = 10
	// beyondLag is by how many minutes more than usual the load lags when it is absent.
	beyondLag = 1.5
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
	// slopeFades is what is left of a slope a minute later: nothing grows for ever.
	slopeFades = 0.97
	// slopeAhead is for how many minutes a slope is followed, and then bent flat.
	slopeAhead = 8.0
	// The memories, in counts: of how much of the share gets in, of the usual share, of
	// the noise, and of counts that are reported again.
	passMemory, usualMemory, noiseMemory, reviseMemory = 1.0 / 60, 1.0 / 15, 1.0 / 50, 1.0 / 60
)

// The correction of the model by the metric. Variances are of the logarithm.
const (
	// trimFirst is the variance before anything was measured, trimNoise that of the
	// metric, trimWalk by how much what is known grows old in a minute.
	trimFirst, trimNoise, trimWalk = 0.05 * 0.05, 0.03 * 0.03, 0.0015 * 0.0015
	// trimLean and trimSlow are more of that, for errors that lean one way over 4 and
	// over 15 minutes, beyond what they do by chance.
	trimLean, trimSlow     = 0.01 * 0.01, 0.03 * 0.03
	leanChance, slowChance = 0.8, 0.5
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
	// worstVar is the variance of knowing nothing.
	worstVar = 0.25
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

// Visits.
const (
	// usualSigma and evenSigma are the spreads of the logarithm of a visit's length.
	// Published web sessions have 0.7 to 1.2; the even ones are of sites that count a
	// visitor until a session runs out.
	usualSigma, evenSigma = 0.9, 0.4
	// evenDoubt is how much better an even spread must explain the load, in twice the
	// logarithm of the likelihood, to be as likely as the usual one.
	evenDoubt = 2
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
	// settleAfter is the age in minutes at which a sample is learned from: by then the
	// counts of its minute and the sample itself are final.
	settleAfter = 12
	// atRest is how many samples a full site is worth that is found at rest.
	atRest = 200
	// firstHours is for how many samples a visitor's weight is guessed from.
	firstHours = 180
	// stays is for how many samples a load may be away from the model before it is
	// taken for how the site is now: a site that lost a third of its capacity for an
	// hour is not one of long visits. awayAfter is after how many the model is good
	// enough for that; awayFrom how far off, in the logarithm, is away, nearTo back.
	stays, awayAfter = 180, 60
	awayFrom, nearTo = 0.2, 0.15
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
	// guessedStep is the step of a metric that was never seen to change.
	guessedStep = 0.02
)

// People who were invited.
const (
	// returnMemory is the life table's, a day in minutes: a night does not undo what the
	// day has shown of how many come.
	returnMemory = 1.0 / 1440
	// newsMemory is of what a cohort does otherwise than the table, newsPrior how many
	// returns the table is worth against it, tablePrior how many people the prior is in
	// each class of ages.
	newsMemory, newsPrior, tablePrior = 1.0 / 12, 15.0, 25.0
	// The prior is careful: nearly everyone comes back, and at once. Being wrong on that
	// side costs the first minutes some places; on the other the site.
	priorReturn, priorMedian, priorSigma = 0.9, 7.0, 1.2
	// soon is for how many minutes arrivals are foretold by what people do now.
	soon = 15
	// asleepBelow is the share of the expected returns below which people who had begun
	// to come are taken to be asleep, awakeAbove the one above which they are up again,
	// of so many expected at least.
	asleepBelow, awakeAbove, asleepOf = 0.75, 0.92, 200
	// proven is the share of the returns due by then that a cohort must have shown for
	// its people to be known as ones who come, and provenAt from which age in minutes.
	proven, provenAt = 0.6, 10
	// neverCame is the share of everyone invited below which nobody has come yet, when
	// so many have been invited neverAt minutes ago.
	neverCame, neverOf, neverAt = 0.03, 1500, 5
	// longestNight is after how many seconds few returns are what people are like.
	longestNight = 10 * 3600
	// morning is for how many seconds after people come again those who are missing may
	// still come at once.
	morning = 90 * 60
	// wakeShare: while people sleep, those who are missing may grow each minute by this
	// share of what comes and goes in a minute on a full site. Those of a night of eight
	// hours come in an hour of the morning. Twice: the morning overruns the site.
	wakeShare = 1.0 / 15
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
	// unsettled is how many minutes after the decision a mail may still be on its way,
	// and so not be counted in what remains of the day's quota.
	unsettled = 2
)
