package email

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Fault says whose fault it is that a mail came back.
type Fault string

const (
	// Passing: something that may pass, or that nobody said. This mail has ended, and
	// nothing more follows from it.
	Passing Fault = "passing"
	// Mailbox: the mailbox does not exist. It must not be mailed again.
	Mailbox Fault = "mailbox"
	// Ours: the receiver does not want our mail (authentication, policy, a block
	// list). Nothing follows for the mailbox.
	Ours Fault = "ours"
)

// status is one row of the registry of enhanced status codes: a subject and a
// detail, what it means, and whose fault a permanent failure (class 5) of it is.
type status struct {
	subject, detail int
	meaning         string
	fault           Fault
}

// statuses are the codes of RFC 3463 and of the registry that it began, one row
// each. https://www.iana.org/assignments/smtp-enhanced-status-codes
//
// What is not listed is Passing, but for the subject 7, security and policy, of
// which receivers use numbers of their own: it is always Ours.
var statuses = []status{
	{0, 0, "undefined", Passing},

	{1, 0, "other address status", Passing},
	{1, 1, "bad destination mailbox address", Mailbox},
	{1, 2, "bad destination system address", Mailbox},
	{1, 3, "bad destination mailbox address syntax", Mailbox},
	{1, 4, "destination mailbox address ambiguous", Passing},
	{1, 5, "destination address valid", Passing},
	{1, 6, "destination mailbox has moved, no forwarding address", Mailbox},
	{1, 7, "bad sender's mailbox address syntax", Ours},
	{1, 8, "bad sender's system address", Ours},
	{1, 9, "message relayed to non-compliant mailer", Passing},
	{1, 10, "recipient address has null MX", Mailbox},

	{2, 0, "other or undefined mailbox status", Passing},
	{2, 1, "mailbox disabled, not accepting messages", Mailbox},
	{2, 2, "mailbox full", Passing},
	{2, 3, "message length exceeds administrative limit", Passing},
	{2, 4, "mailing list expansion problem", Passing},

	{3, 0, "other or undefined mail system status", Passing},
	{3, 1, "mail system full", Passing},
	{3, 2, "system not accepting network messages", Passing},
	{3, 3, "system not capable of selected features", Passing},
	{3, 4, "message too big for system", Passing},
	{3, 5, "system incorrectly configured", Passing},
	{3, 6, "requested priority was changed", Passing},

	{4, 0, "other or undefined network or routing status", Passing},
	{4, 1, "no answer from host", Passing},
	{4, 2, "bad connection", Passing},
	{4, 3, "directory server failure", Passing},
	{4, 4, "unable to route", Passing},
	{4, 5, "mail system congestion", Passing},
	{4, 6, "routing loop detected", Passing},
	{4, 7, "delivery time expired", Passing},

	{5, 0, "other or undefined protocol status", Passing},
	{5, 1, "invalid command", Passing},
	{5, 2, "syntax error", Passing},
	{5, 3, "too many recipients", Passing},
	{5, 4, "invalid command arguments", Passing},
	{5, 5, "wrong protocol version", Passing},
	{5, 6, "authentication exchange line is too long", Passing},

	{6, 0, "other or undefined media error", Passing},
	{6, 1, "media not supported", Passing},
	{6, 2, "conversion required and prohibited", Passing},
	{6, 3, "conversion required but not supported", Passing},
	{6, 4, "conversion with loss performed", Passing},
	{6, 5, "conversion failed", Passing},
	{6, 6, "message content not available", Passing},
	{6, 7, "non-ASCII addresses not permitted", Passing},
	{6, 8, "UTF-8 string reply is required", Passing},
	{6, 9, "UTF-8 header message cannot be transferred", Passing},
	{6, 10, "not in use since RFC 6531", Passing},

	{7, 0, "other or undefined security status", Ours},
	{7, 1, "delivery not authorized, message refused", Ours},
	{7, 2, "mailing list expansion prohibited", Ours},
	{7, 3, "security conversion required but not possible", Ours},
	{7, 4, "security features not supported", Ours},
	{7, 5, "cryptographic failure", Ours},
	{7, 6, "cryptographic algorithm not supported", Ours},
	{7, 7, "message integrity failure", Ours},
	{7, 8, "authentication credentials invalid", Ours},
	{7, 9, "authentication mechanism is too weak", Ours},
	{7, 10, "encryption needed", Ours},
	{7, 11, "encryption required for requested authentication mechanism", Ours},
	{7, 12, "a password transition is needed", Ours},
	{7, 13, "user account disabled", Ours},
	{7, 14, "trust relationship required", Ours},
	{7, 15, "priority level is too low", Ours},
	{7, 16, "message is too big for the specified priority", Ours},
	{7, 17, "mailbox owner has changed", Ours},
	{7, 18, "domain owner has changed", Ours},
	{7, 19, "RRVS test cannot be completed", Ours},
	{7, 20, "no passing DKIM signature found", Ours},
	{7, 21, "no acceptable DKIM signature found", Ours},
	{7, 22, "no valid author-matched DKIM signature found", Ours},
	{7, 23, "SPF validation failed", Ours},
	{7, 24, "SPF validation error", Ours},
	{7, 25, "reverse DNS validation failed", Ours},
	{7, 26, "multiple authentication checks failed", Ours},
	{7, 27, "sender address has null MX", Ours},
	{7, 28, "mail flood detected", Ours},
	{7, 29, "ARC validation failure", Ours},
	{7, 30, "REQUIRETLS support required", Ours},
}

// FaultOf tells by an enhanced status code, such as "5.1.1", whose fault it is
// that a mail came back. A transient one (class 4) that a service gave up on, one
// that cannot be read and one that is not known are Passing.
func FaultOf(code string) Fault {
	class, rest, _ := strings.Cut(strings.TrimSpace(code), ".")
	left, right, _ := strings.Cut(rest, ".")
	subject, err := strconv.Atoi(left)
	detail, err2 := strconv.Atoi(right)
	if class != "5" || err != nil || err2 != nil {
		return Passing
	}
	for _, s := range statuses {
		if s.subject == subject && s.detail == detail {
			return s.fault
		}
	}
	if subject == 7 {
		return Ours
	}
	return Passing
}

// reply finds a code at the beginning of the words, behind a basic reply code, or
// behind the names that a report and a log have for it. Elsewhere it may be a version,
// and with a fourth number it is an address.
var reply = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|\b(?:smtp;|status[:=]|dsn[:=]|[245]\d\d\b))\W{0,3}([245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|\.\D|\.?$)`)
})

// StatusIn finds the enhanced status code in the words of a receiver's reply,
// such as "smtp; 550 5.1.1 user unknown", "5.1.1 (user unknown)" or "dsn=5.1.1";
// empty where there is none.
func StatusIn(words string) string {
	if m := reply().FindStringSubmatch(words); m != nil {
		return m[1]
	}
	return ""
}
