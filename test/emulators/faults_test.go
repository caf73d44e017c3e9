//go:build emulators

package emulators_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// fault makes the nth call of an action by a function go wrong, once. It gives a
// function that says whether it did.
func (w *world) fault(function, action string, nth int, what emulators.Fault) (happened func() bool) {
	var mu sync.Mutex
	seen := 0
	w.wires[function].Fault = func(c emulators.Call) emulators.Fault {
		mu.Lock()
		defer mu.Unlock()
		if c.Action != action {
			return emulators.None
		}
		if seen++; seen == nth {
			return what
		}
		return emulators.None
	}
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen >= nth
	}
}

// counting is the addition to the counters of a cohort.
const counting = "counting"

// places are where a stand-in can go wrong in the story of one person: every call
// that changes something, and one of each that reads.
var places = []struct {
	function, action string
	nth              int
	what             string
}{
	{"intake", "secretsmanager:GetSecretValue", 1, "reading one of the two secrets"},
	{"intake", "secretsmanager:GetSecretValue", 2, "reading the other"},
	{"intake", "dynamodb:BatchGetItem", 1, "reading the notice"},
	{"intake", "dynamodb:UpdateItem", 1, "joining"},
	{"intake", "dynamodb:UpdateItem", 2, "the use of the code"},
	{"intake", "dynamodb:UpdateItem", 3, "the use told to the entry"},
	{"intake", "dynamodb:UpdateItem", 4, counting},
	{"intake", "dynamodb:UpdateItem", 5, "noting that it was told"},
	{"inviter", "dynamodb:GetItem", 1, "reading control"},
	{"inviter", "dynamodb:GetItem", 2, "reading the state"},
	{"inviter", "dynamodb:BatchGetItem", 1, "reading the cohorts"},
	{"inviter", "dynamodb:Query", 1, "counting the line"},
	{"inviter", "dynamodb:Query", 70, "finding the oldest"},
	{"inviter", "dynamodb:UpdateItem", 1, "taking the lease"},
	{"inviter", "dynamodb:UpdateItem", 2, "reserving the slots"},
	{"inviter", "dynamodb:UpdateItem", 3, "claiming"},
	{"inviter", "dynamodb:UpdateItem", 4, "saving the progress"},
	{"inviter", "dynamodb:UpdateItem", 5, "saving the state"},
	{"inviter", "dynamodb:UpdateItem", 6, "giving the lease back"},
	{"inviter", "secretsmanager:GetSecretValue", 1, "reading the key ring"},
	{"inviter", "cloudwatch:GetMetricData", 1, "reading the load"},
	{"inviter", "cloudwatch:GetMetricData", 2, "reading the counts of the edge"},
	{"inviter", "cloudfront-keyvaluestore:DescribeKeyValueStore", 1, "reading the ETag"},
	{"inviter", "cloudfront-keyvaluestore:GetKey", 1, "reading the gate"},
	{"inviter", "cloudfront-keyvaluestore:UpdateKeys", 1, "writing the gate and the base"},
	{"inviter", "ses:GetAccount", 1, "asking for the account"},
	{"inviter", "sqs:SendMessage", 1, "handing the mail to the sender"},
	{"sender", "secretsmanager:GetSecretValue", 1, "reading the key ring"},
	{"sender", "dynamodb:BatchGetItem", 1, "reading whether sending is paused"},
	{"sender", "dynamodb:GetItem", 1, "reading the entry"},
	{"sender", "dynamodb:UpdateItem", 1, "making the code's item"},
	{"sender", "dynamodb:UpdateItem", 2, "beginning"},
	{"sender", "ses:SendEmail", 1, "sending"},
	{"sender", "dynamodb:UpdateItem", 3, "noting that it was accepted"},
	{"sender", "dynamodb:UpdateItem", 4, counting},
	{"feedback", "dynamodb:UpdateItem", 1, "an event"},
}

// faults lives the person's story again and again, and each time one answer
// of one stand-in goes wrong: it is an error, it is slow, or it comes when the
// caller has given up and what was asked for has been done. Every story ends as
// the first one does, with one mail, but for what SES leaves in doubt.
func (c *cloud) faults(t *testing.T) {
	for _, place := range places {
		for _, what := range []emulators.Fault{emulators.Fail, emulators.Slow, emulators.Late} {
			name := fmt.Sprintf("%s_%s_%s_%s", place.function, strings.ReplaceAll(place.what, " ", "_"), place.action[strings.IndexByte(place.action, ':')+1:], what)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := c.newWorld(t)
				happened := w.fault(place.function, place.action, place.nth, what)
				// An addition has no condition that a second try could fail: when its answer
				// is lost it is made twice. The law takes its counts for estimates.
				w.twice = place.what == counting && what == emulators.Late
				w.live(place.action == "ses:SendEmail" && what != emulators.Slow, what == emulators.Fail)
				w.ended(1)
				if !happened() {
					t.Errorf("%s was never asked a %d. time", place.action, place.nth)
				}
			})
		}
	}
	t.Run("the answer of SES and its events are lost", func(t *testing.T) {
		t.Parallel()
		w := c.newWorld(t)
		w.fault("sender", "ses:SendEmail", 1, emulators.Late)
		w.join()
		w.invited(waitlist.Sending)
		// Not before a quarter of an hour has passed.
		w.minute()
		w.work()
		if n := len(w.mails()); n != 1 {
			t.Fatalf("%d mails within the first minutes", n)
		}
		w.again()
		got := w.mails()
		if len(got) != 2 || got[1].Tags["attempt"] != "2" {
			t.Fatalf("%d mails", len(got))
		}
		w.hear(got[1], "Delivery", "{}")
		w.redeem(got[1])
		w.ended(2)
	})
	t.Run("the queue takes nothing", func(t *testing.T) {
		t.Parallel()
		w := c.newWorld(t)
		w.wires["inviter"].Fault = func(c emulators.Call) emulators.Fault {
			if c.Action == "sqs:SendMessage" {
				return emulators.Fail
			}
			return emulators.None
		}
		w.join()
		w.minute()
		if e := w.entry(); e.Stage != waitlist.Claimed || w.queued() != 0 {
			t.Fatalf("the entry is %s with %d messages", e.Stage, w.queued())
		}
		w.wires["inviter"].Fault = nil
		w.elapse(3 * time.Minute)
		if r := w.minute(); r.GivenBack != 1 {
			t.Fatalf("%d were given back", r.GivenBack)
		}
		w.invited(waitlist.Invited)
		w.redeem(w.mails()[0])
		w.ended(1)
	})
}

// live is the story of a person who does not know what goes wrong. doubt says
// that the sender cannot know whether the mail went out, and unsent that it did
// not.
func (w *world) live(doubt, unsent bool) {
	w.Helper()
	w.join()
	if doubt {
		w.invited(waitlist.Sending)
	} else {
		w.invited(waitlist.Invited)
	}
	if doubt && unsent {
		if n := len(w.mails()); n != 0 {
			w.Fatalf("%d mails went out", n)
		}
		w.again()
	}
	got := w.mails()
	if len(got) == 0 {
		w.Fatalf("no mail\n%s", w.functions["sender"].Output())
	}
	w.hear(got[0], "Send", "{}")
	w.hear(got[0], "Delivery", "{}")
	if e := w.entry(); e.Stage != waitlist.Invited {
		w.Fatalf("after SES's events the entry is %s", e.Stage)
	}
	w.redeem(got[0])
}

// invited lets minutes go by until the entry has got that far.
func (w *world) invited(stage waitlist.Stage) {
	w.Helper()
	for range 5 {
		w.minute()
		w.work()
		if w.entry().Stage == stage {
			w.gate()
			return
		}
	}
	w.Fatalf("after five minutes the entry is %s, not %s\n%s\n%s", w.entry().Stage, stage, w.functions["inviter"].Output(), w.functions["sender"].Output())
}

// again lets the silence about a mail go by, and the second one be sent.
func (w *world) again() {
	w.Helper()
	w.elapse(waitlist.Silence)
	if r := w.minute(); r.Retried != 1 {
		w.Fatalf("%d mails were asked for again\n%s", r.Retried, w.functions["inviter"].Output())
	}
	w.work()
}
