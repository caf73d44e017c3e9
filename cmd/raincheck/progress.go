package main

import (
	"time"

	"raincheck/pkg/demo"
	"raincheck/pkg/format"
	"raincheck/pkg/terminal"
)

// dayLine has an instance say how far its day has got, and how far the reading of
// a kept waitlist.
func dayLine(e *env, config *demo.Config) *terminal.Line {
	story := config.Story
	line := terminal.New(e.stderr, config.Now, 15*time.Second)
	config.Minute = func(at time.Time, t demo.Totals) {
		if story.Minutes == 0 {
			return
		}
		minute := int(at.Sub(story.Start) / time.Minute)
		line.Say("%s  %3d %%  %s visits, %s turned away, %s joined, %s invited, %s came back",
			at.Format("Mon 15:04"), min(100, 100*minute/story.Minutes), format.Thousands(t.Visits), format.Thousands(t.TurnedAway), format.Thousands(t.Joined), format.Thousands(t.Invited), format.Thousands(t.Redeemed))
	}
	reading := terminal.New(e.stderr, config.Now, time.Second)
	config.Reading = func(read, all int64) {
		reading.Say("Reading the waitlist: %d %% of %s MB", 100*read/max(1, all), format.Thousands(int(all/1e6)))
	}
	return line
}

// countLine says on a terminal how many are done.
type countLine struct {
	*terminal.Line
	of string // what is counted
}

func newCountLine(e *env, of string) countLine {
	return countLine{terminal.New(e.stderr, e.now, 0), of}
}

func (l countLine) show(n int) { l.Say("%s %s", format.Thousands(n), l.of) }
