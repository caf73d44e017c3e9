package health

import (
	"strings"
	"time"
)

// Clock holds this machine's clock against AWS's. A switch carries the time of
// this machine, and the newer one wins; a signature is refused at 5 minutes.
func Clock(now, server time.Time) []Finding {
	f := OK("this machine's clock and AWS's agree")
	if server.IsZero() {
		f = Warn("", "AWS did not say what time it is")
	} else if off := now.Sub(server).Abs(); off > 30*time.Second {
		f = Bad("Set the clock, by NTP.", "this machine's clock is %s off: a switch thrown here may lose against an older one", off.Round(time.Second))
	} else if off > 5*time.Second {
		f = Warn("Set the clock, by NTP.", "this machine's clock is %s off", off.Round(time.Second))
	}
	f.Check = "clock"
	return []Finding{f}
}

// Standing is CloudFormation's own word about a stack.
func Standing(status string) []Finding {
	switch {
	case strings.HasSuffix(status, "_FAILED"), strings.Contains(status, "ROLLBACK"):
		return []Finding{Bad("Look at the stack's events in CloudFormation, and deploy again.", "the last deploy did not succeed (%s)", status)}
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		return []Finding{Warn("Wait until it is through.", "a deploy is under way (%s)", status)}
	}
	return []Finding{OK("deployed (%s)", status)}
}
