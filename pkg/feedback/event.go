package feedback

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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
	SoftBounce Kind = "softbounce" // given up for a reason that may pass
	HardBounce Kind = "hardbounce" // refused for good
	Complaint  Kind = "complaint"  // reported as spam
	Rejected   Kind = "rejected"   // accepted, then not sent: a virus, says SES
	NotSpam    Kind = "notspam"    // reported as no spam
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
		Bounce struct {
			BounceType string `json:"bounceType"`
		} `json:"bounce"`
		Complaint struct {
			FeedbackType string `json:"complaintFeedbackType"`
		} `json:"complaint"`
	} `json:"detail"`
}

// configurationTag is the tag that SES itself adds, whatever a sender writes.
const configurationTag = "ses:configuration-set"

// keyForm is a key as bypass.Keyring.Mailbox makes it, with room for a longer one.
var keyForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`) })

// Decode reads an event as EventBridge delivers it and holds it against the
// configuration set of this stack. An unknown type is no error: SES may add one.
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
	event := Event{Kind: e.kind(), At: e.Time.UTC()}
	one := func(name string) string {
		if len(tags[name]) != 1 {
			return ""
		}
		return tags[name][0]
	}
	event.Key = one(email.TagKey)
	if !keyForm().MatchString(event.Key) {
		return Event{}, fmt.Errorf("%w: the tag %s is not a key", ErrMalformed, email.TagKey)
	}
	var err error
	if event.Joining, err = strconv.Atoi(one(email.TagJoining)); err != nil || event.Joining < 1 {
		return Event{}, fmt.Errorf("%w: the tag %s is not a number from 1", ErrMalformed, email.TagJoining)
	}
	if event.Attempt, err = strconv.Atoi(one(email.TagAttempt)); err != nil || event.Attempt < 1 || event.Attempt > waitlist.MaxAttempts {
		return Event{}, fmt.Errorf("%w: the tag %s is not a number from 1 to %d", ErrMalformed, email.TagAttempt, waitlist.MaxAttempts)
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
		// Undetermined is SES's word for a bounce that it cannot read: not a reason
		// to never write again.
		if e.Detail.Bounce.BounceType == "Permanent" {
			return HardBounce
		}
		return SoftBounce
	case "Complaint":
		// RFC 6430: the person took the mail out of the spam folder.
		if e.Detail.Complaint.FeedbackType == "not-spam" {
			return NotSpam
		}
		return Complaint
	}
	return Other
}
