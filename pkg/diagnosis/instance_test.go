package diagnosis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/diagnosis"
	"raincheck/pkg/operator"
)

// A fault that status warns of is a problem to doctor; what an operator wants is
// not.
func TestAFaultOfAnInstanceIsAProblem(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	s := operator.Snapshot{Now: now, Decision: operator.Decision{Decided: now}, Warnings: []string{"the mail is paused, in effect within a minute"}}
	for _, f := range diagnosis.Decides(s) {
		if f.Grade == health.Problem {
			t.Errorf("a problem: %s", f.Says)
		}
	}
	s.Defect(errors.New("1 and 2 differ"))
	if f := diagnosis.Decides(s)[0]; f.Grade != health.Problem || !strings.Contains(f.Says, "1 and 2 differ") {
		t.Errorf("of a defect it says %+v", f)
	}
}
