package returns

// The numbers of the return law: see those of the law, in pkg/admission/tuning.go.
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
	// unsettled is how many minutes after the decision a mail may still be on its way,
	// and so not be counted in what remains of the day's quota.
	unsettled = 2
)
