package main

import (
	"context"

	"raincheck/pkg/aws/health"
)

// changedDefault is a parameter of the stack whose default is another one than it
// was: CloudFormation keeps the value of a stack that is updated.
type changedDefault struct{ name, was, is, why string }

// changedDefaults are all of them. CHANGELOG.md marks each with "New default".
var changedDefaults = []changedDefault{
	{"CodeLife", "4h", "24h", "who is asleep when the mail comes can still use the code"},
	{"RoomRate", "5000", "2500", "the quota of an account in the newer regions"},
	{"RoomBurst", "5000", "1250", "the quota of an account in the newer regions"},
}

// defaults names the parameters that still have what was once the default.
func (s *session) defaults(context.Context) ([]health.Finding, error) {
	var found []health.Finding
	for _, d := range changedDefaults {
		if s.Parameters[d.name] == d.was {
			found = append(found, health.Warn("If nobody chose it, deploy with "+d.name+"="+d.is+".",
				"%s is %s, which was once the default; it is %s now: %s", d.name, d.was, d.is, d.why))
		}
	}
	if len(found) == 0 {
		found = append(found, health.OK("no parameter has a default of an older version"))
	}
	return found, nil
}
