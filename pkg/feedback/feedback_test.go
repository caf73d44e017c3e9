package feedback_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/metric"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

const (
	configuration = "raincheck-prod"
	key           = "jUIrPwmKT5W9zATxujlvBjUfHwIs"
)

// raw is an event as EventBridge delivers it, with the fields that the stories
// turn; what else SES puts in is there for the decoder to pass over.
func raw(eventType, more string) string {
	return fmt.Sprintf(`{"version":"0","id":"00000000-0000-0000-0000-000000000001","detail-type":"Email %s","source":"aws.ses","account":"111122223333",
"time":"2026-03-04T12:00:07Z","region":"us-east-1","resources":["arn:aws:ses:us-east-1:111122223333:configuration-set/raincheck-prod"],
"detail":{"eventType":%q,%s"mail":{"timestamp":"2026-03-04T12:00:05.000Z","source":"invitations@example.com","messageId":"m-1",
"destination":["ann@example.org"],"headersTruncated":false,"headers":[{"name":"Subject","value":"It is your turn"}],
"tags":{"ses:configuration-set":["raincheck-prod"],"ses:from-domain":["example.com"],"key":[%q],"joining":["54108"],"attempt":["1"]}}}}`, eventType, eventType, more, key)
}

// failed is the part of a bounce that says why.
func failed(kind, sub, status, diagnostic string) string {
	return fmt.Sprintf(`"bounce":{"bounceType":%q,"bounceSubType":%q,"bouncedRecipients":[{"emailAddress":"ann@example.org","action":"failed","status":%q,"diagnosticCode":%q}]},`, kind, sub, status, diagnostic)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, story := range []struct {
		name, event string
		want        feedback.Kind
		err         error
	}{
		{"send", raw("Send", `"send":{},`), feedback.Sent, nil},
		{"delivery", raw("Delivery", `"delivery":{"smtpResponse":"250 ok"},`), feedback.Delivered, nil},
		{"delay", raw("DeliveryDelay", `"deliveryDelay":{"delayType":"MailboxFull"},`), feedback.Delayed, nil},
		{"reject", raw("Reject", `"reject":{"reason":"Bad content"},`), feedback.Rejected, nil},
		{"no such user", raw("Bounce", failed("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown")), feedback.HardBounce, nil},
		{"no such user, by the status alone", raw("Bounce", failed("Permanent", "General", "5.1.1", "")), feedback.HardBounce, nil},
		{"our DMARC fails at Gmail", raw("Bounce", failed("Permanent", "General", "5.7.26", "smtp; 550-5.7.26 This mail has been blocked")), feedback.OurBounce, nil},
		{"what the receiver said counts, not what was made of it", raw("Bounce", failed("Permanent", "General", "5.1.1", "smtp; 550 5.7.1 blocked")), feedback.OurBounce, nil},
		{"our address is on Outlook's block list", raw("Bounce", failed("Permanent", "General", "5.7.1", "smtp; 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3150)")), feedback.OurBounce, nil},
		{"our sender address is bad", raw("Bounce", failed("Permanent", "General", "5.1.8", "")), feedback.OurBounce, nil},
		{"given up after hours", raw("Bounce", failed("Permanent", "General", "4.4.7", "smtp; 451 4.4.7 Message expired")), feedback.SoftBounce, nil},
		{"mailbox full", raw("Bounce", failed("Permanent", "General", "5.2.2", "smtp; 552 5.2.2 mailbox full")), feedback.SoftBounce, nil},
		{"permanent, and no status at all", raw("Bounce", `"bounce":{"bounceType":"Permanent","bounceSubType":"NoEmail"},`), feedback.SoftBounce, nil},
		{"SES's own list", raw("Bounce", `"bounce":{"bounceType":"Permanent","bounceSubType":"Suppressed"},`), feedback.HardBounce, nil},
		{"the account's list", raw("Bounce", `"bounce":{"bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList"},`), feedback.HardBounce, nil},
		{"the account's list, as a complaint", raw("Complaint", `"complaint":{"complaintSubType":"OnAccountSuppressionList"},`), feedback.HardBounce, nil},
		{"transient", raw("Bounce", failed("Transient", "MailboxFull", "4.2.2", "")), feedback.SoftBounce, nil},
		{"transient, given up", raw("Bounce", failed("Transient", "General", "4.4.7", "")), feedback.SoftBounce, nil},
		{"an answering machine", raw("Bounce", `"bounce":{"bounceType":"Transient","bounceSubType":"General"},`), feedback.Replied, nil},
		{"unclear bounce", raw("Bounce", `"bounce":{"bounceType":"Undetermined"},`), feedback.SoftBounce, nil},
		{"complaint", raw("Complaint", `"complaint":{"complaintFeedbackType":"abuse"},`), feedback.Complaint, nil},
		{"complaint without a type", raw("Complaint", `"complaint":{},`), feedback.Complaint, nil},
		{"a machine's report", raw("Complaint", `"complaint":{"complaintFeedbackType":"auth-failure"},`), feedback.Reported, nil},
		{"a virus scanner's report", raw("Complaint", `"complaint":{"complaintFeedbackType":"virus"},`), feedback.Reported, nil},
		{"no spam after all", raw("Complaint", `"complaint":{"complaintFeedbackType":"not-spam"},`), feedback.Reported, nil},
		{"a type of next year", raw("Forwarded", ``), feedback.Other, nil},

		{"another source", strings.Replace(raw("Bounce", ``), "aws.ses", "my.app", 1), "", feedback.ErrForeign},
		{"another stack", strings.Replace(raw("Bounce", ``), `:["raincheck-prod"]`, `:["raincheck-staging"]`, 1), "", feedback.ErrForeign},
		{"two configuration sets", strings.Replace(raw("Bounce", ``), `:["raincheck-prod"]`, `:["raincheck-prod","x"]`, 1), "", feedback.ErrForeign},
		{"no tags", strings.Replace(raw("Bounce", ``), `"tags"`, `"tagz"`, 1), "", feedback.ErrForeign},
		{"an address for a key", strings.Replace(raw("Bounce", ``), key, "ann@example.org.and.more", 1), "", feedback.ErrMalformed},
		{"no joining", strings.Replace(raw("Bounce", ``), `"joining":["54108"],`, ``, 1), "", feedback.ErrMalformed},
		{"joining 0", strings.Replace(raw("Bounce", ``), "54108", "0", 1), "", feedback.ErrMalformed},
		{"a seventh mail", strings.Replace(raw("Bounce", ``), `"attempt":["1"]`, `"attempt":["7"]`, 1), "", feedback.ErrMalformed},
		{"the test mail", strings.Replace(raw("Send", ``), `"attempt"`, `"test":["1"],"attempt"`, 1), "", feedback.ErrForeign},
		{"two keys", strings.Replace(raw("Bounce", ``), `["`+key, `["x","`+key, 1), "", feedback.ErrMalformed},
		{"no JSON", `{"source":`, "", feedback.ErrMalformed},
		{"another form", `{"source":"aws.ses","detail":[]}`, "", feedback.ErrMalformed},
	} {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			e, err := feedback.Decode([]byte(story.event), configuration)
			if !errors.Is(err, story.err) || e.Kind != story.want {
				t.Fatalf("got %q and %v", e.Kind, err)
			}
			if err != nil {
				if strings.Contains(err.Error(), "example.org") {
					t.Fatalf("the error repeats an address: %v", err)
				}
				return
			}
			if e.Key != key || e.Joining != 54108 || e.Attempt != 1 || !e.At.Equal(time.Date(2026, 3, 4, 12, 0, 7, 0, time.UTC)) {
				t.Fatalf("decoded %+v", e)
			}
		})
	}
	if _, err := feedback.Decode([]byte(raw("Send", "")), ""); !errors.Is(err, feedback.ErrForeign) {
		t.Fatal("a service without a configuration set took an event")
	}
}

// TestReceive lets events that were delivered, forged, garbled and delivered
// again reach a store.
func TestReceive(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	counts := map[metric.Name]float64{}
	store := &store.Store{}
	s := &feedback.Service{
		Store: store, Configuration: configuration, Now: func() time.Time { return noon },
		Count: func(name metric.Name, n float64) { counts[name] += n },
	}
	ctx := context.Background()
	address, err := email.Parse("ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	receive := func(event string) {
		t.Helper()
		if err := s.Receive(ctx, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	bounce := raw("Bounce", failed("Permanent", "General", "5.1.1", ""))
	receive(strings.Replace(bounce, "aws.ses", "my.app", 1))
	receive(`{}`)
	receive(`nonsense`)
	if j, err := store.Join(ctx, waitlist.Signup{Key: key, Address: address, At: noon}); err != nil || !j.New {
		t.Fatalf("forged events suppressed somebody: %+v, %v", j, err)
	}
	receive(bounce)
	receive(bounce)
	if e, err := store.Entry(ctx, key); err != nil || !e.Suppressed {
		t.Fatalf("after a bounce: %+v, %v", e, err)
	}
	if counts["feedback.foreign"] != 2 || counts["feedback.malformed"] != 1 || counts["feedback.hardbounce"] != 2 {
		t.Fatalf("counted %v", counts)
	}

	down := errors.New("store down")
	store.Probe = &twin.Probe{Before: func(context.Context, string) error { return down }}
	if err := s.Receive(ctx, []byte(bounce)); !errors.Is(err, down) {
		t.Fatalf("a store that is down: %v", err)
	}
}
