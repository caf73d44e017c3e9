package demo

import (
	"errors"
	"sync"

	"raincheck/pkg/inviter"
)

// board is what a console reads and changes while the world goes on.
type board struct {
	mu       sync.Mutex
	report   inviter.Report
	totals   Totals
	onSite   int
	demand   float64 // by hand; negative follows the story
	capacity float64
	problems []error
}

// maxProblems is how many defects are kept: the first ones say most.
const maxProblems = 20

// note keeps a defect.
func (b *board) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) < maxProblems {
		b.problems = append(b.problems, err)
	}
}

// failure is all the defects.
func (b *board) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(b.problems...)
}
