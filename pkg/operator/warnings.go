package operator

import (
	"fmt"
	"strings"
)

// warning is a sentence of status that an operator must know first, as a format.
// docs/operating.md says for each what to do then.
type warning string

const (
	waitlistUnread warning = "the waitlist cannot be read (%v): what stands below is only what the edge has"
	edgeUnread     warning = "the store at the edge cannot be read: %v"
	diskFull       warning = "the disk does not take the waitlist, or soon will not (%v): sign-ups are answered with \"not saved, try again\", and nobody is invited until there is room"
	noGateYet      warning = "the edge has no gate yet: until the inviter's first tick, within a minute, it does what the stack's EdgeFailure says"
	noGateNoBase   warning = "the gate at the edge %s, and the base %s: the edge does what the stack's EdgeFailure says, until the inviter's next tick"
	noGate         warning = "the gate at the edge %s: the edge goes by the base, until the inviter's next tick"
	neverDecided   warning = "the inviter has not decided anything yet"
	lastDecided    warning = "the inviter last decided %s ago; it should every minute (alarm NoTicks in docs/operating.md)"
	tickFailed     warning = "the last tick ended with an error: %s (alarm TicksFail in docs/operating.md)"
	formClosed     warning = "no addresses are taken: who is turned away can leave none"
	mailPaused     warning = "the mail is paused: %s"
	mailPausing    warning = "the mail is paused, in effect within a minute"
	loadOld        warning = "the load is %s old; the law goes by what it knows, and tightens"
	mailsDelayed   warning = "receivers keep %d of the %d mails of the last two hours waiting: they have not arrived, and the law does not count those people as missing (alarm MailsDelayed in docs/operating.md)"
	gateOver       warning = "the gate ran out at %s: the edge lets in its stale share, %g %% of new visitors"
	defect         warning = "a defect of raincheck's own: %v"
	edgeDiffers    warning = "the edge has %s and the operator's last word is %s; the inviter brings them together within five minutes"
)

// warnings are all of them.
var warnings = []warning{waitlistUnread, edgeUnread, diskFull, noGateYet, noGateNoBase, noGate, neverDecided, lastDecided, tickFailed, formClosed, mailPaused, mailPausing, loadOld, mailsDelayed, gateOver, defect, edgeDiffers}

// faults are those of them by which raincheck itself does not do what it should.
var faults = []warning{diskFull, tickFailed, defect}

// Faults are the warnings by which raincheck itself does not do what it should.
func (s Snapshot) Faults() (said []string) {
	for _, w := range s.Warnings {
		for _, f := range faults {
			if begin, _, _ := strings.Cut(string(f), "%"); strings.HasPrefix(w, begin) {
				said = append(said, w)
			}
		}
	}
	return said
}

// Defect warns of an error that there should never be.
func (s *Snapshot) Defect(err error) { s.warn(defect, err) }

// warn says one of them.
func (s *Snapshot) warn(w warning, values ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(string(w), values...))
}
