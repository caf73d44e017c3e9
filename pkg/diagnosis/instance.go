package diagnosis

import (
	"time"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
)

// Decides says whether a local instance decides, and what its operator has switched
// off.
func Decides(s operator.Snapshot) []health.Finding {
	var found []health.Finding
	for _, fault := range s.Faults() {
		found = append(found, health.Bad("docs/operating.md, *What status says, and then*, says what to do.", "%s", fault))
	}
	switch age := s.Now.Sub(s.Decided); {
	case s.Decided.IsZero():
		found = append(found, health.Warn("Wait for the first minute.", "nothing has been decided yet"))
	case age > 3*time.Minute && s.Control.EffectiveMode() != gate.Open:
		found = append(found, health.Bad("Restart it, and report what it logs with --verbose.", "the last decision is %s old", age.Round(time.Second)))
	default:
		found = append(found, health.OK("the inviter decides; mode %s", operator.ModeText(s.Control)))
	}
	if s.Control.SignupsOff {
		found = append(found, health.Warn("`raincheck drain --undo --apply`, if nobody means it.", "no addresses are taken"))
	}
	return found
}

// Documents says whether what the edge of a local instance reads is there.
func Documents(s operator.Snapshot) []health.Finding {
	if s.GateBytes == 0 || s.BaseBytes == 0 {
		return []health.Finding{health.Warn("They come with the first minute.", "the edge has no gate or no base yet")}
	}
	if most := max(s.GateBytes, s.BaseBytes); most > gate.MaxDocument {
		return []health.Finding{health.Bad("Use fewer languages and prefixes.", "a document of %d bytes does not fit the edge's store", most)}
	}
	return []health.Finding{health.OK("gate and base are there: %d and %d of %d bytes", s.GateBytes, s.BaseBytes, gate.MaxDocument)}
}

// Mailing says where the mails of a local instance go.
func Mailing(s operator.Snapshot) []health.Finding {
	if s.Control.Paused {
		return []health.Finding{health.Warn("`raincheck resume --apply`, if nobody means it.", "the mail is %s", operator.MailText(s.Control))}
	}
	return []health.Finding{health.OK("the mail is %s, to the outbox on the console, or for people to the relay of --smtp", operator.MailText(s.Control))}
}
