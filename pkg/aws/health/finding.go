// Package health looks at what only the operators' doctor asks of AWS: quotas, the
// mail account and its identity, and the log groups of the edge. Each probe asks
// one service and says what it found and how to mend it. An error means that it
// could not look.
package health

import "fmt"

// Grade is how bad a finding is.
type Grade string

// The grades. Only a problem makes the exit status 1.
const (
	Fine    Grade = "ok"
	Warning Grade = "warning"
	Problem Grade = "problem"
)

// Finding is one thing that the doctor has to say.
type Finding struct {
	// Check names the check that found it; stable, for scripts.
	Check string `json:"check"`
	Grade Grade  `json:"grade"`
	// Says is what was found, Mend what to do about it.
	Says string `json:"says"`
	Mend string `json:"mend,omitempty"`
}

// OK is a finding that all is well.
func OK(format string, args ...any) Finding {
	return Finding{Grade: Fine, Says: fmt.Sprintf(format, args...)}
}

// Warn is a finding that should be mended.
func Warn(mend, format string, args ...any) Finding {
	return Finding{Grade: Warning, Mend: mend, Says: fmt.Sprintf(format, args...)}
}

// Bad is a finding that must be mended.
func Bad(mend, format string, args ...any) Finding {
	return Finding{Grade: Problem, Mend: mend, Says: fmt.Sprintf(format, args...)}
}
