package account

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// The reasons for which SES puts an address on the account's suppression list.
const (
	Bounced    = "BOUNCE"
	Complained = "COMPLAINT"
)

// Mailed is a mail that SES accepted.
type Mailed struct {
	To, Set string
	Tags    map[string]string
}

// Deliver gives the event, as EventBridge delivers it, of a mail to whose receiver
// the answer is: "" takes it, and a refusal such as "550 5.1.1 user unknown" is a
// hard bounce, which puts the address on the suppression list if the configuration
// set says so. A mail to an address on that list is not sent, where the reason is
// one of the set's: it is reported as a bounce.
// https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
func (a *Account) Deliver(m Mailed, answer string, at time.Time) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	listed := slices.ContainsFunc(a.state.Suppressed, func(s Suppressed) bool {
		return strings.EqualFold(s.Address, m.To) && a.suppresses(s.Reason)
	})
	switch {
	case listed:
		return m.event("Bounce", object{"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList",
			"bouncedRecipients": []object{{"emailAddress": m.To, "action": "failed", "status": "5.1.1", "diagnosticCode": "the address is on the suppression list of the account"}}}, at)
	case answer == "":
		return m.event("Delivery", object{"smtpResponse": "250 2.6.0 accepted"}, at)
	}
	a.suppress(m.To, Bounced, at)
	_, status, _ := strings.Cut(answer, " ")
	status, _, _ = strings.Cut(status, " ")
	return m.event("Bounce", object{"bounceType": "Permanent", "bounceSubType": "General",
		"bouncedRecipients": []object{{"emailAddress": m.To, "action": "failed", "status": status, "diagnosticCode": "smtp; " + answer}}}, at)
}

// Complain gives the event of a mail that the person calls spam, which puts the
// address on the suppression list if the configuration set says so.
func (a *Account) Complain(m Mailed, at time.Time) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.suppress(m.To, Complained, at)
	return m.event("Complaint", object{"complaintFeedbackType": "abuse", "complainedRecipients": []object{{"emailAddress": m.To}}}, at)
}

// OnList is the suppression list.
func (a *Account) OnList() []Suppressed {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.state.Suppressed)
}

// suppresses says whether the reason counts: a configuration set that says nothing
// has the account's, which are both for an account made since November 2019.
func (a *Account) suppresses(reason string) bool {
	return a.state.Reasons == nil || slices.Contains(a.state.Reasons, reason)
}

func (a *Account) suppress(address, reason string, at time.Time) {
	if !a.suppresses(reason) {
		return
	}
	// By address, since the pages of the list go on after a name.
	list := slices.DeleteFunc(slices.Clone(a.state.Suppressed), func(s Suppressed) bool { return s.Address == address })
	i, _ := slices.BinarySearchFunc(list, address, func(s Suppressed, address string) int { return strings.Compare(s.Address, address) })
	a.state.Suppressed = slices.Insert(list, i, Suppressed{Address: address, Reason: reason, At: at})
}

func (m Mailed) event(kind string, about object, at time.Time) []byte {
	tags := map[string][]string{"ses:configuration-set": {m.Set}}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	text, err := json.Marshal(object{"version": "0", "source": "aws.ses", "detail-type": "Email " + kind, "time": at.UTC(),
		"detail": object{"eventType": kind, strings.ToLower(kind): about, "mail": object{"destination": []string{m.To}, "tags": tags}}})
	if err != nil {
		panic(err) // strings and times alone
	}
	return text
}
