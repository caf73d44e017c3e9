package feedback

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// Kind is what happened to a mail.
type Kind string

// The kinds that mean something here, and Other for all the rest.
const (
	Sent       Kind = "sent"       // SES accepted it
	Delivered  Kind = "delivered"  // the recipient's server took it
	Delayed    Kind = "delayed"    // SES is trying on
	SoftBounce Kind = "softbounce" // came back for a reason that may pass, or that nobody says
	OurBounce  Kind = "ourbounce"  // came back because of us (5.7.x: authentication, policy, a block list)
	HardBounce Kind = "hardbounce" // the mailbox does not exist
	Replied    Kind = "replied"    // answered by a machine of the recipient's
	Complaint  Kind = "complaint"  // reported as spam by the person
	Reported   Kind = "reported"   // reported by a machine, or as no spam
	Rejected   Kind = "rejected"   // accepted, then not sent: a virus, says SES
	Other      Kind = "other"      // of a type that we do not know
)

// Event is one report of SES about one of our mails.
type Event struct {
	Kind Kind
	waitlist.Ref
	// Attempt is that of the mail, 1 or 2.
	Attempt int
	// At is when the event was made.
	At time.Time
	// Provider is the large provider that the mail went to, or email.Elsewhere.
	Provider email.Provider
	// Took is how long a delivery took; zero where it is not said.
	Took time.Duration
}

var (
	// ErrForeign: the event is not of SES, or not about a mail of this stack.
	ErrForeign = errors.New("feedback: the event is not ours")
	// ErrMalformed: the event is ours by its source, and cannot be read.
	ErrMalformed = errors.New("feedback: the event cannot be read")
)

// envelope is an SES event as EventBridge delivers it.
// https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html
type envelope struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Detail struct {
		EventType string `json:"eventType"`
		Mail      struct {
			Tags map[string][]string `json:"tags"`
		} `json:"mail"`
		Delivery struct {
			Milliseconds int64 `json:"processingTimeMillis"`
		} `json:"delivery"`
		Bounce    bounce `json:"bounce"`
		Complaint struct {
			SubType      string `json:"complaintSubType"`
			FeedbackType string `json:"complaintFeedbackType"`
		} `json:"complaint"`
	} `json:"detail"`
}

// bounce is what SES says of a mail that came back.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html#event-publishing-retrieving-sns-contents-bounce-object
type bounce struct {
	Type       string `json:"bounceType"`
	SubType    string `json:"bounceSubType"`
	Recipients []struct {
		Status     string `json:"status"`
		Diagnostic string `json:"diagnosticCode"`
	} `json:"bouncedRecipients"`
}

// status is what the receiver itself said, or what SES made of it; empty where
// neither says.
func (b bounce) status() string {
	for _, r := range b.Recipients {
		if said := email.StatusIn(r.Diagnostic); said != "" {
			return said
		}
		if r.Status != "" {
			return r.Status
		}
	}
	return ""
}

// onAccountList is SES's word for an address on the account's suppression list,
// in bounces and in complaints. It is an entry on a list, and nobody's new
// complaint.
const onAccountList = "OnAccountSuppressionList"

func (b bounce) kind() Kind {
	status := b.status()
	switch {
	case b.SubType == "Suppressed", b.SubType == onAccountList:
		return HardBounce
	case b.Type == "Transient" && b.SubType == "General" && !strings.HasPrefix(status, "4") && !strings.HasPrefix(status, "5"):
		// SES reports an answering machine's mail as a bounce of this kind. The mail has
		// arrived, or nobody knows better.
		return Replied
	}
	return kindOf(status)
}

// KindOfStatus is the kind of a mail that came back with that status, such as
// "5.1.1", or with words that hold one, such as "550 5.1.1 user unknown". Without
// one it is a SoftBounce.
func KindOfStatus(said string) Kind {
	if found := email.StatusIn(said); found != "" {
		said = found
	}
	return kindOf(said)
}

func kindOf(status string) Kind {
	switch email.FaultOf(status) {
	case email.Mailbox:
		return HardBounce
	case email.Ours:
		return OurBounce
	}
	return SoftBounce
}

// configurationTag is the tag that SES itself adds, whatever a sender writes.
const configurationTag = "ses:configuration-set"

// keyForm is a key as bypass.Keyring.Mailbox makes it, with room for a longer one.
var keyForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`) })

// Decode reads an event as EventBridge delivers it and holds it against the
// configuration set of this stack. An unknown type is not an error: SES may add one.
// The error is ErrForeign or ErrMalformed, with a reason that repeats nothing of
// the event, which holds addresses and subject lines.
func Decode(raw []byte, configuration string) (Event, error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return Event{}, fmt.Errorf("%w: it is no JSON of the expected form", ErrMalformed)
	}
	tags := e.Detail.Mail.Tags
	switch {
	case e.Source != "aws.ses":
		return Event{}, fmt.Errorf("%w: its source is not aws.ses", ErrForeign)
	case configuration == "" || !slices.Equal(tags[configurationTag], []string{configuration}):
		return Event{}, fmt.Errorf("%w: its configuration set is not this stack's", ErrForeign)
	}
	event := Event{Kind: e.kind(), At: e.Time.UTC(), Provider: email.Elsewhere, Took: time.Duration(e.Detail.Delivery.Milliseconds) * time.Millisecond}
	one := func(name string) string {
		if len(tags[name]) != 1 {
			return ""
		}
		return tags[name][0]
	}
	if one(email.TagTest) != "" {
		return Event{}, fmt.Errorf("%w: it is about a test mail", ErrForeign)
	}
	if p := email.Provider(one(email.TagProvider)); slices.Contains(email.Providers(), p) {
		event.Provider = p
	}
	event.Key = one(email.TagKey)
	if !keyForm().MatchString(event.Key) {
		return Event{}, fmt.Errorf("%w: the tag %s is not a key", ErrMalformed, email.TagKey)
	}
	var err error
	if event.Joining, err = strconv.Atoi(one(email.TagJoining)); err != nil || event.Joining < 1 {
		return Event{}, fmt.Errorf("%w: the tag %s is not a number from 1", ErrMalformed, email.TagJoining)
	}
	if event.Attempt, err = strconv.Atoi(one(email.TagAttempt)); err != nil || event.Attempt < 1 || event.Attempt > waitlist.LastOf(waitlist.MaxRounds) {
		return Event{}, fmt.Errorf("%w: the tag %s is not a number from 1 to %d", ErrMalformed, email.TagAttempt, waitlist.LastOf(waitlist.MaxRounds))
	}
	return event, nil
}

func (e envelope) kind() Kind {
	switch e.Detail.EventType {
	case "Send":
		return Sent
	case "Delivery":
		return Delivered
	case "DeliveryDelay":
		return Delayed
	case "Reject":
		return Rejected
	case "Bounce":
		return e.Detail.Bounce.kind()
	case "Complaint":
		if e.Detail.Complaint.SubType == onAccountList {
			return HardBounce
		}
		switch e.Detail.Complaint.FeedbackType {
		case "auth-failure", "virus", "not-spam": // RFC 6591, RFC 5965: machines; RFC 6430: a person, who takes it back
			return Reported
		}
		return Complaint
	}
	return Other
}
