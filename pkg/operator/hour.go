package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"raincheck/pkg/format"
	"raincheck/pkg/metric"
)

// Mails counts the mails of an hour.
type Mails struct {
	// Sent are those that the mail service took.
	Sent int `json:"sent"`
	// Untaken are the tries that it did not take, or for which it was not reached: the
	// places were given back. More than one for a person.
	Untaken int `json:"untaken,omitempty"`
	// Reported is what the mail service said of them afterwards; left out where it has
	// said nothing, as a relay does.
	Reported *Reported `json:"reported,omitempty"`
}

// Reported counts what a mail service reports of the mails that it took, whenever
// it took them.
type Reported struct {
	// Delivered are those that the recipients' servers took, and Bounced those that
	// came back or were not sent after all.
	Delivered int `json:"delivered"`
	Bounced   int `json:"bounced"`
	// Delayed counts the reports that a mail has not arrived yet: more than one for a
	// mail, some of which arrive later.
	Delayed int `json:"delayed"`
	// Complaints are the mails that somebody reported as spam.
	Complaints int `json:"complaints"`
}

// Hourly lists the metrics whose sums over the last hour CountHour takes.
func Hourly() []metric.Name {
	return slices.Concat([]metric.Name{
		metric.IntakeSignupsTrapped, metric.SenderSent, metric.FeedbackDelivered, metric.FeedbackDelayed, metric.FeedbackComplaint,
	}, untaken, bounces)
}

// untaken are the ways in which the mail service does not take a mail.
var untaken = []metric.Name{metric.SenderThrottled, metric.SenderRefused, metric.SenderLater, metric.SenderQuota, metric.SenderSuspended, metric.SenderFailed}

// bounces are the ways in which a mail does not arrive.
var bounces = []metric.Name{metric.FeedbackSoftBounce, metric.FeedbackOurBounce, metric.FeedbackHardBounce, metric.FeedbackRejected}

// Counted is Snapshot with the counts of the last hour, which take a request of
// their own that no switch waits for. Without an answer within two seconds they are
// left out.
func (p *Plane) Counted(ctx context.Context) (Snapshot, error) {
	s, err := p.Snapshot(ctx)
	if err == nil {
		p.countHour(ctx, &s)
	}
	return s, err
}

func (p *Plane) countHour(ctx context.Context, s *Snapshot) {
	if p.Hour == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if sums, err := p.Hour(ctx); err == nil {
		s.CountHour(sums)
	}
}

// CountHour takes the sums of the last hour. One that is left out was not counted in
// it: nothing happened, or nobody reports it.
func (s *Snapshot) CountHour(sums map[metric.Name]int) {
	trapped := sums[metric.IntakeSignupsTrapped]
	s.Trapped = &trapped
	s.Mails = &Mails{Sent: sums[metric.SenderSent]}
	for _, name := range untaken {
		s.Mails.Untaken += sums[name]
	}
	r := Reported{Delivered: sums[metric.FeedbackDelivered], Delayed: sums[metric.FeedbackDelayed], Complaints: sums[metric.FeedbackComplaint]}
	for _, name := range bounces {
		r.Bounced += sums[name]
	}
	if r != (Reported{}) {
		s.Mails.Reported = &r
	}
}

// text says them in a few words; "" where there were none.
func (m *Mails) text() string {
	if m == nil || *m == (Mails{}) {
		return ""
	}
	text := "in the last hour " + format.Thousands(m.Sent) + " sent"
	if m.Untaken > 0 {
		text += ", " + format.Thousands(m.Untaken) + " not taken by the mail service"
	}
	r := m.Reported
	switch {
	case r == nil && m.Sent == 0:
		return text
	case r == nil:
		return text + "; nothing is reported of them"
	}
	return text + fmt.Sprintf(", %s delivered, %s came back, %s, %s", format.Thousands(r.Delivered), format.Thousands(r.Bounced),
		format.Count(r.Delayed, "report of a delay", "reports of a delay"), format.Count(r.Complaints, "complaint", "complaints"))
}
