package sender_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/twin/outbox"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// hostile is a domain whose mails the service refuses without saying why.
const hostile = "@hostile.example"

func toHostile(m email.Message) error {
	if strings.HasSuffix(m.To, hostile) {
		return fmt.Errorf("mailer: %w (BadRequestException: Illegal address)", email.ErrRefused)
	}
	return nil
}

// A refusal that nobody explains ends nobody at its first or second time: the
// place is held for a quarter of an hour, and after the third try it is over.
func TestUnknownRefusalIsTriedThreeTimes(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Join("ann")
	refused := 0
	w.Outbox.Refuse = func(email.Message) error { refused++; return email.ErrRefused }
	var at []time.Time
	for range 120 {
		was := refused
		w.Throttle(1)
		w.Minute()
		if refused != was {
			at = append(at, w.Now)
		}
		if refused > 0 && refused < waitlist.MaxRounds {
			if stage := w.Stage(refs[0]); stage.Ended() {
				t.Fatalf("after %d refusals somebody is %s", refused, stage)
			}
		}
	}
	w.WantStage(waitlist.Failed, refs...)
	if refused != waitlist.MaxRounds {
		t.Fatalf("tried %d times", refused)
	}
	for i := 1; i < len(at); i++ {
		if d := at[i].Sub(at[i-1]); d < waitlist.HoldFor {
			t.Fatalf("tried again after %s", d)
		}
	}
	if e, _ := w.Store.Entry(w.Ctx, refs[0].Key); e.Suppressed {
		t.Fatal("a mailbox was suppressed for refusals")
	}
}

// The refusal passes: the same person is mailed once, at the old place.
func TestRefusalThatPassesCostsAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]error{"refused": email.ErrRefused, "greylisted": email.ErrLater} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := twintest.NewWorld(t)
			refs := w.Join("ann", "bob")
			w.Outbox.Probe = twintest.MailFault(false, map[int]error{0: refusal})
			w.Throttle(2)
			w.Minute()
			w.WantStage(waitlist.Held, refs[0])
			w.WantStage(waitlist.Invited, refs[1])
			if c, _ := w.Store.Control(w.Ctx); c.Paused {
				t.Fatal("one person's refusal paused sending")
			}
			for range 18 {
				w.Throttle(2)
				w.Minute()
			}
			w.WantStage(waitlist.Invited, refs...)
			if n := w.Mails()[refs[0].Key]; n != 1 {
				t.Fatalf("%d mails", n)
			}
		})
	}
}

// When every mail is refused, the one to the test address is too, and sending
// pauses with the service's code and without an address. Nobody is lost.
func TestFaultOfOursPausesByTheTestMail(t *testing.T) {
	t.Parallel()
	w := twintest.NewWorld(t)
	refs := w.Crowd(100)
	w.Outbox.Refuse = func(m email.Message) error {
		return fmt.Errorf("mailer: %w (BadRequestException: %s)", email.ErrRefused, email.Mask("no mail for "+m.To))
	}
	w.Throttle(100)
	w.Minute()
	c, err := w.Store.Control(w.Ctx)
	w.Must(err)
	if !c.Paused || !c.ResumeAt.IsZero() || !strings.Contains(c.PausedBecause, "BadRequestException") || strings.Contains(c.PausedBecause, "@") {
		t.Fatalf("control is %+v", c)
	}
	tried := w.Counts["sender.refused"]
	if tried > 10 || w.Counts["sender.tested"] != 1 {
		t.Fatalf("%g were tried and %g test mails sent before the pause", tried, w.Counts["sender.tested"])
	}
	for range 60 {
		w.Minute()
	}
	if w.Counts["sender.refused"] != tried {
		t.Fatal("it went on while paused")
	}
	w.Outbox.Refuse = nil
	w.Operate(func(c *waitlist.Control) { c.Resume() })
	for range 3 {
		w.Throttle(100)
		w.Minute()
	}
	w.WantStage(waitlist.Invited, refs...)
}

// Nobody can pause the mail: 10,000 addresses of one hostile domain at the head
// of the line take three slots each at the most, and the others get the rest.
func TestHostileDomainTakesThreeSlotsEach(t *testing.T) {
	t.Parallel()
	const crowd, people = 10_000, 2000
	w := twintest.NewWorld(t)
	w.Outbox.Allow(outbox.Allowance{PerSecond: 50})
	w.Outbox.Refuse = toHostile
	join := func(i int, domain string) {
		a, err := email.Parse(fmt.Sprintf("person-%05d%s", i, domain))
		w.Must(err)
		_, err = w.Store.Join(w.Ctx, waitlist.Signup{Key: w.Ring.Mailbox(a.Mailbox()), Address: a, Language: "en", At: w.Now})
		w.Must(err)
		w.Now = w.Now.Add(time.Millisecond)
	}
	for i := range crowd {
		join(i, hostile)
	}
	for i := range people {
		join(i, "@example.org")
	}
	for range 45 {
		w.Throttle(3000)
		w.Minute()
		if c, _ := w.Store.Control(w.Ctx); c.Paused {
			t.Fatalf("sending paused: %s", c.PausedBecause)
		}
	}
	for i := range people / 10 { // some who come after the attack
		join(people+i, "@example.org")
	}
	for range 30 {
		w.Throttle(3000)
		w.Minute()
	}
	taken, tests := w.Counts["sender.refused"], w.Counts["sender.tested"]
	invited := 0
	w.Must(w.Store.Each(w.Ctx, func(e waitlist.Entry) error {
		if e.Stage == waitlist.Invited {
			invited++
		}
		return nil
	}))
	if taken > waitlist.MaxRounds*crowd {
		t.Errorf("the hostile domain took %g slots", taken)
	}
	if invited != people+people/10 {
		t.Errorf("%d of %d others are invited", invited, people+people/10)
	}
	if share := float64(invited) / (float64(invited) + tests + w.Counts["sender.late"] + w.Counts["sender.throttled"]); share < 0.95 {
		t.Errorf("of all other slots the others got %.3f", share)
	}
}
