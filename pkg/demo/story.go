package demo

import (
	"math"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/demo/site"
	"raincheck/pkg/simulation"
)

// Story is the day that an instance lives: who wants to come when, to what kind
// of site, and how the door is to be kept.
type Story struct {
	// Name and Words tell the reader of the console which one it is.
	Name, Words string
	// Start is the first virtual minute.
	Start time.Time
	// Demand is how many people want to begin a visit in a minute after Start.
	Demand func(minute int) float64
	// Minutes is how long it lasts; 0 goes on for ever.
	Minutes int
	// Warm is how many of them are lived through before anybody can look, so that
	// there is something to see.
	Warm int
	// Alone says that nobody comes but people at a browser.
	Alone bool
	// Sample is N: the edge counts one visitor in N, as N; 0 is the edge's default.
	Sample int
	// MaxDemand is the end of the console's slider.
	MaxDemand float64

	Site      simulation.Site
	People    simulation.People
	Policy    admission.Policy
	Mailboxes Mailboxes
}

// Mailboxes is what only a person with a mailbox does.
type Mailboxes struct {
	// Bounces is the share of addresses that do not exist, Leaves the share of
	// the invited not coming back who say so by the link of their mail.
	Bounces, Leaves float64
}

// Demonstration is what `make run` shows: a small site at the end of a busy
// hour, whose demand goes up and down around what the site can take, so that
// the whole story of a visitor can be lived in a minute or two.
func Demonstration(now time.Time) Story {
	const (
		period = 48            // minutes from busy to busy
		warm   = 3*period + 16 // the law has learned how long people stay and how many come back
	)
	s := Story{
		Name:  site.Name,
		Words: "Demand goes up and down around what the site can take.",
		Start: now.UTC().Truncate(time.Minute).Add(-warm * time.Minute),
		Warm:  warm,
		Site:  simulation.Site{Capacity: 600, Visit: 20 * time.Minute, VisitSigma: 0.7},
		People: simulation.People{
			LeaveAddress: 0.7, ComeBack: 0.3, ComeBackAfter: 10 * time.Minute,
			Return: 0.8, ReturnMedian: 3 * time.Minute, ReturnSigma: 0.8, Night: nil,
		},
		Policy:    admission.DefaultPolicy(),
		Mailboxes: Mailboxes{Bounces: 0.004, Leaves: 0.05},
		Sample:    1, // of so few people, counting one in ten would tell next to nothing
		MaxDemand: 150,
	}
	s.Policy.Capacity = s.Site.Capacity
	// Everybody who waits comes before anybody new: whoever looks at the door of
	// the demonstration shall meet the waiting room.
	s.Policy.QueueFirst = 1
	s.Policy.CodeTTL = admission.Duration(2 * time.Hour)
	s.Policy.Visit = admission.Duration(s.Site.Visit)
	s.Demand = func(minute int) float64 {
		return 42 + 20*math.Sin(2*math.Pi*float64(minute)/period)
	}
	return s
}

// Alone is the site of the demonstration with nobody on it: what happens is what
// the one at the browser does. Its virtual time begins now.
func Alone(now time.Time) Story {
	s := Demonstration(now)
	s.Words, s.Alone = "Nobody comes but you.", true
	s.Start, s.Warm = now.UTC().Truncate(time.Minute), 0
	s.Demand = func(int) float64 { return 0 }
	return s
}

// Replay lives a recorded day again, in front of the site of the base setting.
func Replay(t simulation.Trace) Story {
	s := Story{
		Name:  t.Name,
		Words: "Demand follows the trace " + t.Name + ".",
		Start: moved(t.Start), Minutes: len(t.Visits), Demand: t.At,
		Site: simulation.DefaultSite(), People: simulation.DefaultPeople(), Policy: admission.DefaultPolicy(),
		Mailboxes: Mailboxes{Bounces: 0.002, Leaves: 0.02},
		MaxDemand: math.Ceil(t.Peak() * 1.5),
	}
	s.Policy.Capacity = s.Site.Capacity
	return s
}

// moved brings a day from before 2020, when codes begin to count, to the next
// year in which it falls on the same day of the week: a Monday stays a Monday.
func moved(t time.Time) time.Time {
	for years := 0; ; years++ {
		at := t.AddDate(years, 0, 0)
		if at.Year() >= 2020 && at.Weekday() == t.Weekday() && at.Day() == t.Day() {
			return at
		}
	}
}
