package operator

import (
	"context"
	"fmt"
	"time"

	"raincheck/pkg/format"
	"raincheck/pkg/metric"
)

// Mails counts the mails of an hour.
type Mails struct {
	// Sent are those that the mail service took.
	Sent int `json:"sent"`
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
	return append([]metric.Name{
		metric.IntakeSignupsTrapped, metric.SenderSent, metric.FeedbackDelivered, metric.FeedbackDelayed, metric.FeedbackComplaint,
	}, bounces...)
}

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
	switch {
	case m == nil || *m == Mails{}:
		return ""
	case m.Reported == nil:
		return fmt.Sprintf("in the last hour %s sent; nothing is reported of them", format.Thousands(m.Sent))
	}
	r := m.Reported
	return fmt.Sprintf("in the last hour %s sent, %s delivered, %s came back, %s, %s", format.Thousands(m.Sent), format.Thousands(r.Delivered), format.Thousands(r.Bounced),
		format.Count(r.Delayed, "report of a delay", "reports of a delay"), format.Count(r.Complaints, "complaint", "complaints"))
}
