package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"raincheck/pkg/local"
)

// progress is a line that says how far a day has got: on a terminal it is
// written over and over, elsewhere now and then anew.
type progress struct {
	w     io.Writer
	story local.Story
	now   func() time.Time
	every time.Duration
	again bool // the line is written over
	last  time.Time
}

func newProgress(e *env, story local.Story, now func() time.Time) *progress {
	p := &progress{w: e.stderr, story: story, now: now, every: 15 * time.Second, last: now()}
	if file, ok := e.stderr.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.every, p.again = 500*time.Millisecond, true
		}
	}
	return p
}

// minute is called at every virtual minute.
func (p *progress) minute(at time.Time, t local.Totals) {
	if p.story.Minutes == 0 || p.now().Sub(p.last) < p.every {
		return
	}
	p.last = p.now()
	minute := int(at.Sub(p.story.Start) / time.Minute)
	share := min(100, 100*minute/p.story.Minutes)
	line := fmt.Sprintf("%s  %3d %%  %s visits, %s turned away, %s joined, %s invited, %s came back",
		at.Format("Mon 15:04"), share, thousands(t.Visits), thousands(t.TurnedAway), thousands(t.Joined), thousands(t.Invited), thousands(t.Redeemed))
	if p.again {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// end leaves the line as it is.
func (p *progress) end() {
	if p.again && p.story.Minutes > 0 {
		fmt.Fprintln(p.w)
	}
}
