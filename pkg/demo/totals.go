package demo

import (
	"errors"
	"fmt"
	"io"

	"raincheck/pkg/console"
	"raincheck/pkg/format"
)

// Totals count what became of everybody in the crowd, from the start of an
// instance. People at a browser are not among them; in Line they stand with the
// others.
//
// It has more than 15 fields: one for each way a visit can end, so that they add up.
type Totals struct {
	Door
	Mails
	// Checked are the visitors whom throttle.js decided about as well, Differ the
	// times that it disagreed with its twin in Go: a defect.
	Checked, Differ int
	// Line is the waitlist, counted at the end of a run.
	Line Line
}

// Door counts what became of those who came without a pass.
type Door struct {
	// Visits are the people who wanted to begin a visit. They, and those who
	// CameLate with a code that had died, were let StraightIn, now or at a later
	// try, or turned away and then Joined the line, GaveUp, or are still Deciding.
	// Again counts their later tries.
	Visits, StraightIn, Joined, GaveUp, Deciding, Again int
	// TurnedAway counts the times that somebody was sent to the waiting room.
	TurnedAway int
}

// Mails counts what became of the invitations.
type Mails struct {
	// Invited are the mails that arrived, Twice those that were a second one.
	Invited, Twice int
	// Redeemed used their code, Expired let it die, Bounced had an address that
	// does not exist, Left said that they do not need it any more. Of the Expired,
	// InGrace got in with it in the two minutes that clocks may differ by, and
	// CameLate came when it was dead.
	Redeemed, Expired, Bounced, Left, InGrace, CameLate int
}

// Line is where the joinings of the waitlist stand, or how they ended.
type Line struct {
	// Waiting and OnTheWay (claimed, or a mail begun) are still to be invited,
	// Invited hold a code that is alive.
	Waiting, OnTheWay, Invited int
	// Used, Expired, Bounced, Left and Failed are ends.
	Used, Expired, Bounced, Left, Failed int
}

// All is everybody who has a place or had one.
func (l Line) All() int {
	return l.Waiting + l.OnTheWay + l.Invited + l.Used + l.Expired + l.Bounced + l.Left + l.Failed
}

// Open is how many of them something will still happen to.
func (l Line) Open() int { return l.Waiting + l.OnTheWay + l.Invited }

// Check says what does not add up, all of it; nil when everything does. persons
// are the people at a browser, who stand in the line with the crowd.
func (t Totals) Check(persons Line) error {
	var problems []error
	same := func(what string, a, b int) {
		if a != b {
			problems = append(problems, fmt.Errorf("the totals do not add up: %s: %d and %d", what, a, b))
		}
	}
	same("visits, and what became of them", t.Visits+t.CameLate, t.StraightIn+t.Joined+t.GaveUp+t.Deciding)
	same("who joined, and who stands or stood in the line", t.Joined+persons.All(), t.Line.All())
	same("who used a code, and whose code was used", t.Redeemed+persons.Used, t.Line.Used)
	same("second mails to one person, and none", t.Twice, 0)
	same("times that throttle.js and its twin in Go differ, and never", t.Differ, 0)
	return errors.Join(problems...)
}

// Sums says in two lines how the totals add up.
func (t Totals) Sums() string {
	l := t.Line
	out := fmt.Sprintf("  %s visits", format.Thousands(t.Visits))
	if t.CameLate > 0 {
		out += fmt.Sprintf(" + %s who came too late", format.Thousands(t.CameLate))
	}
	out += fmt.Sprintf(" = %s let straight in + %s joined + %s gave up", format.Thousands(t.StraightIn), format.Thousands(t.Joined), format.Thousands(t.GaveUp))
	if t.Deciding > 0 {
		out += fmt.Sprintf(" + %s deciding", format.Thousands(t.Deciding))
	}
	out += fmt.Sprintf("\n  %s in the line = %s came back + %s expired + %s bounced + %s left", format.Thousands(l.All()), format.Thousands(l.Used), format.Thousands(l.Expired), format.Thousands(l.Bounced), format.Thousands(l.Left))
	if l.Failed > 0 {
		out += fmt.Sprintf(" + %s failed", format.Thousands(l.Failed))
	}
	if l.Open() > 0 {
		out += fmt.Sprintf(" + %s waiting + %s invited", format.Thousands(l.Waiting+l.OnTheWay), format.Thousands(l.Invited))
	}
	return out
}

// rows are the totals in the reader's words and order.
func (t Totals) rows() []console.Total {
	return []console.Total{
		{Name: "Visits", Count: t.Visits, Means: "people who came to the door"},
		{Name: "Let straight in", Count: t.StraightIn, Means: "at the first try or a later one"},
		{Name: "Turned away", Count: t.TurnedAway, Means: "times that somebody was sent to the waiting room"},
		{Name: "Gave up", Count: t.GaveUp, Means: "left no address and did not try again"},
		{Name: "Joined", Count: t.Joined, Means: "left an address and got a place in the line"},
		{Name: "Invited", Count: t.Invited, Means: "got their mail"},
		{Name: "Came back", Count: t.Redeemed, Means: "used their code"},
		{Name: "Expired", Count: t.Expired, Means: "did not come back while their code was good"},
		{Name: "Came too late", Count: t.CameLate, Means: "with a code that had died, and went to the door again"},
		{Name: "Bounced", Count: t.Bounced, Means: "had an address that does not exist"},
		{Name: "Left", Count: t.Left, Means: "said by the link of the mail that they need it no more"},
	}
}

// Print writes the totals as a table for the end of a run.
func (t Totals) Print(w io.Writer) {
	for _, row := range t.rows() {
		fmt.Fprintf(w, "  %-24s %11s  %s\n", row.Name, format.Thousands(row.Count), row.Means)
	}
}
