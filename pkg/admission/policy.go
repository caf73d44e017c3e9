package admission

import (
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/document"
)

// The admission laws.
const (
	// Observer is the law of docs/control.md, and the default.
	Observer = "observer"
	// Ramp is 2013's rule: a straight line from load to admit, and a fixed number
	// of invitations below a threshold. It knows nothing and can be worked out by
	// hand, and it is for those who want exactly that.
	Ramp = "ramp"
)

// Policy is what an operator wants of the law. A field left out of the JSON
// takes its default; an unknown one is an error, because a typo in a policy
// would otherwise be a site that is held at another load than was meant.
type Policy struct {
	// Target is the load to hold while somebody is turned away, above 0 and at
	// most 1; 1 is a full site. 0.90 leaves a tenth for what the law cannot see:
	// its own delay of three minutes and the noise of the metric.
	Target float64 `json:"target"`
	// Capacity is how many visitors at once are load 1.0. 0 means that nobody
	// knows: it is learned from the counts and the load.
	Capacity float64 `json:"capacity"`
	// QueueFirst is the share of the site's free places, 0 to 1, that invited
	// people may take from new visitors. At 0 invitations go only into
	// places that new visitors would leave empty; at 1 everyone who waits comes
	// before anyone new. It trades waiting against people lost.
	QueueFirst float64 `json:"queueFirst"`
	// CodeTTL is how long a code is good for after it was sent.
	CodeTTL Duration `json:"codeTTL"`
	// MaxInvitesPerMinute bounds the invitations of one decision, whatever else
	// would allow more; 0 stops inviteUntil.
	MaxInvitesPerMinute int `json:"maxInvitesPerMinute"`
	// Law is Observer or Ramp.
	Law string `json:"law"`
	// Visit is the first guess of how long a visit lasts on the average, until
	// the counts and the load have shown it. Too long is the safe side: it makes
	// the first minutes careful.
	Visit Duration `json:"visit"`
	// Floor is the share of new visitors, 0 to 1, that are let in
	// when the load has not been known for an hour. It bounds what a site without
	// a metric can be asked to bear; the model's own answer stands if it is lower.
	Floor float64 `json:"floor"`
	// Quiet, when set, is the night: no invitation is sent in it.
	Quiet *Quiet `json:"quiet,omitempty"`
}

// Duration is a time.Duration that JSON knows as "4h0m0s".
type Duration = document.Duration

// Quiet hours: nothing is mailed between From and Until, nor shortly before From
// when a code would spend most of its life in the night. A mail at three in the
// morning wakes somebody, or dies unread.
type Quiet struct {
	// From and Until are times of the day, "22:00" and "07:00"; the span may pass
	// midnight.
	From  string `json:"from"`
	Until string `json:"until"`
	// Offset is the local time's distance from UTC, such as "-05:00". It is not a
	// name of a zone: the law reads no files, and an hour's error twice a year is
	// no harm here.
	Offset string `json:"offset"`
}

// DefaultPolicy is what holds when nothing is said. Its Capacity is 0: unknown.
func DefaultPolicy() Policy {
	return Policy{
		Target:              0.90,
		QueueFirst:          0.3,
		CodeTTL:             Duration(24 * time.Hour),
		MaxInvitesPerMinute: 20000,
		Law:                 Observer,
		Visit:               Duration(25 * time.Minute),
		Floor:               0.1,
	}
}

// The bounds that Validate holds a policy to.
const (
	minTTL   = 10 * time.Minute   // shorter than a mail may take
	maxTTL   = 7 * 24 * time.Hour // a code is a ticket for a queue, not a login
	minVisit = time.Minute
	maxVisit = 6 * time.Hour
)

// Validate reports everything that is wrong with the policy, each by the name of
// its field in the JSON. A policy that it refuses decides nothing: Next with one
// keeps admit as it is.
func (p Policy) Validate() error {
	var problems []error
	bad := func(field string, value any, want string) {
		problems = append(problems, fmt.Errorf("policy: %s is %v: %s", field, value, want))
	}
	if !(p.Target > 0 && p.Target <= 1) {
		bad("target", p.Target, "it is a load above 0 and at most 1, such as 0.9")
	}
	if !(p.Capacity >= 0 && p.Capacity <= 1e9) {
		bad("capacity", p.Capacity, "it is a number of visitors at once, 0 for unknown")
	}
	if !(p.QueueFirst >= 0 && p.QueueFirst <= 1) {
		bad("queueFirst", p.QueueFirst, "it is a share from 0 to 1")
	}
	if ttl := time.Duration(p.CodeTTL); ttl < minTTL || ttl > maxTTL {
		bad("codeTTL", p.CodeTTL, fmt.Sprintf("a code lives between %v and %v", minTTL, maxTTL))
	}
	if p.MaxInvitesPerMinute < 0 || p.MaxInvitesPerMinute > 1e7 {
		bad("maxInvitesPerMinute", p.MaxInvitesPerMinute, "it is a number of invitations, 0 for none")
	}
	if p.Law != Observer && p.Law != Ramp {
		bad("law", fmt.Sprintf("%q", p.Law), "it is observer or ramp")
	}
	if v := time.Duration(p.Visit); v < minVisit || v > maxVisit {
		bad("visit", p.Visit, fmt.Sprintf("a visit lasts between %v and %v on the average", minVisit, maxVisit))
	}
	if !(p.Floor >= 0 && p.Floor <= 1) {
		bad("floor", p.Floor, "it is a share from 0 to 1")
	}
	if p.Quiet != nil {
		if _, err := p.Quiet.hours(); err != nil {
			problems = append(problems, fmt.Errorf("policy: quiet: %w", err))
		}
	}
	return errors.Join(problems...)
}

// DecodePolicy reads a policy from JSON: one object, no unknown field, what is
// left out by default. Its error names the field. A byte order mark before it, which
// some editors write, does no harm.
func DecodePolicy(data []byte) (Policy, error) {
	p := DefaultPolicy()
	data, err := document.JSON(data)
	if err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	if err = document.Strict(data, &p, false); err != nil {
		return Policy{}, fmt.Errorf("policy: %w", err)
	}
	return p, p.Validate()
}

// quietHours is a Quiet that was read: minutes of the UTC day.
type quietHours struct{ from, until int }

// hours reads the three fields.
func (q Quiet) hours() (quietHours, error) {
	clock := func(field, s string) (int, error) {
		t, err := time.Parse("15:04", s)
		if err != nil {
			return 0, fmt.Errorf("%s is %q: it is a time of the day such as 22:00", field, s)
		}
		return t.Hour()*60 + t.Minute(), nil
	}
	from, err1 := clock("from", q.From)
	until, err2 := clock("until", q.Until)
	offset, err3 := 0, error(nil)
	if q.Offset != "" {
		t, err := time.Parse("-07:00", q.Offset)
		if err != nil {
			err3 = fmt.Errorf("offset is %q: it is a distance from UTC such as -05:00", q.Offset)
		} else {
			_, seconds := t.Zone()
			offset = seconds / 60
		}
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return quietHours{}, err
	}
	if from == until {
		return quietHours{}, fmt.Errorf("from and until are both %s: that is an empty span", q.From)
	}
	const day = 24 * 60
	return quietHours{from: (from - offset + 2*day) % day, until: (until - offset + 2*day) % day}, nil
}

// forbids says whether an invitation at t with a code that lives ttl should wait
// for the morning: it is night, or more than half of the code's life would be.
func (h quietHours) forbids(t time.Time, ttl time.Duration) bool {
	const day = 24 * 60
	minute := t.UTC().Hour()*60 + t.UTC().Minute()
	night := (h.until - h.from + day) % day
	since := (minute - h.from + day) % day
	if since < night {
		return true
	}
	life := int(ttl.Minutes())
	if life >= day {
		return false // it sees a whole day
	}
	awake := day - since // minutes until the night begins
	asleep := min(night, max(0, life-awake))
	return 2*asleep > life
}

// quiet says whether an invitation at t is to wait for the morning.
func (p Policy) quiet(t time.Time) bool {
	if p.Quiet == nil {
		return false
	}
	h, err := p.Quiet.hours()
	return err == nil && h.forbids(t, time.Duration(p.CodeTTL))
}
