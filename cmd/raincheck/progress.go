package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"raincheck/pkg/demo"
	"raincheck/pkg/format"
)

// progress is a line that says how far a day has got: on a terminal it is
// written over and over, elsewhere now and then anew.
type progress struct {
	w     io.Writer
	story demo.Story
	now   func() time.Time
	every time.Duration
	again bool // the line is written over
	last  time.Time
}

func newProgress(e *env, story demo.Story, now func() time.Time) *progress {
	p := &progress{w: e.stderr, story: story, now: now, every: 15 * time.Second, last: now()}
	if terminal(e.stderr) {
		p.every, p.again = 500*time.Millisecond, true
	}
	return p
}

// minute is called at every virtual minute.
func (p *progress) minute(at time.Time, t demo.Totals) {
	if p.story.Minutes == 0 || p.now().Sub(p.last) < p.every {
		return
	}
	p.last = p.now()
	minute := int(at.Sub(p.story.Start) / time.Minute)
	share := min(100, 100*minute/p.story.Minutes)
	line := fmt.Sprintf("%s  %3d %%  %s visits, %s turned away, %s joined, %s invited, %s came back",
		at.Format("Mon 15:04"), share, format.Thousands(t.Visits), format.Thousands(t.TurnedAway), format.Thousands(t.Joined), format.Thousands(t.Invited), format.Thousands(t.Redeemed))
	if p.again {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.w, line)
}

// reading is called while a kept waitlist is read.
func (p *progress) reading(read, all int64) {
	if p.now().Sub(p.last) < time.Second {
		return
	}
	p.last = p.now()
	line := fmt.Sprintf("Reading the waitlist: %d %% of %s MB", 100*read/max(1, all), format.Thousands(int(all/1e6)))
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

// terminal says whether somebody looks at what is written there.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// countLine says on a terminal how far a long piece of work has got, twice a
// second, over and over in one line. Elsewhere it says nothing.
type countLine struct {
	w     io.Writer
	text  string // with the count as its %s
	now   func() time.Time
	last  time.Time
	shown bool
}

// newCountLine is a countLine on standard error.
func newCountLine(e *env, text string) *countLine {
	l := &countLine{text: text, now: e.now, last: e.now()}
	if terminal(e.stderr) {
		l.w = e.stderr
	}
	return l
}

// tell says how many are done.
func (l *countLine) tell(n int) {
	if l.w == nil || l.now().Sub(l.last) < 500*time.Millisecond {
		return
	}
	l.last, l.shown = l.now(), true
	fmt.Fprintf(l.w, "\r\x1b[K"+l.text, format.Thousands(n))
}

// end takes the line away.
func (l *countLine) end() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
