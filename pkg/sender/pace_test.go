package sender_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/sender"
	"raincheck/pkg/smtp"
	"raincheck/pkg/smtp/smtptest"
	"raincheck/pkg/twin/edge"
	"raincheck/pkg/twin/metrics"
	"raincheck/pkg/twin/queue"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/twin/twintest"
	"raincheck/pkg/waitlist"
)

// answers is how long the relay takes for one answer; five make a mail.
const answers = 5 * time.Millisecond

// fleet is the inviter, a relay, and as many sending functions as it takes, all on
// the clock of a synctest bubble.
type fleet struct {
	*testing.T
	// people wait, and the relay takes rate mails a second.
	people, rate int
	store        *store.Store
	queue        *queue.Queue
	relay        *smtptest.Relay
	inviter      *inviter.Service
	keys         func(context.Context) (*bypass.Keyring, error)
	began        time.Time
	// stalled says when no function takes a batch.
	stalled func(since time.Duration) bool
}

// sleep sleeps by the bubble's clock, which costs no time.
func sleep(d time.Duration) { <-time.After(d) }

// newFleet has people waiting.
func newFleet(t *testing.T, people, rate int) *fleet {
	t.Helper()
	sleep(time.Until(twintest.Noon)) // a bubble begins in 2000, codes in 2020
	ring, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("fleet", 8) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{
		T: t, people: people, rate: rate, store: &store.Store{}, queue: &queue.Queue{}, relay: smtptest.InMemory(t), stalled: func(time.Duration) bool { return false },
		keys: func(context.Context) (*bypass.Keyring, error) { return ring, nil },
	}
	f.relay.Delay = answers
	policy := admission.DefaultPolicy()
	policy.MaxInvitesPerMinute = 0 // the operator's hand invites, as in twintest
	f.inviter = &inviter.Service{
		Settings: inviter.Settings{Policy: policy, Gate: gate.DefaultSettings(), Failure: gate.FailOpen, Stale: 0.1},
		Store:    f.store, Queue: f.queue, Metrics: &metrics.Metrics{}, Edge: edge.NewStore(time.Now, 0), Keys: f.keys, Now: time.Now,
		Mail: inviter.Allowance{PerSecond: float64(rate), Store: f.store, Now: time.Now},
	}
	for i := range people {
		a, err := email.Parse(fmt.Sprintf("person-%05d@example.org", i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.Join(t.Context(), waitlist.Signup{Key: ring.Mailbox(a.Mailbox()), Address: a, Language: "en", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
	f.began = time.Now()
	return f
}

// function takes batches until that time, as Lambda does for a sender.
func (f *fleet) function(seed byte, until time.Time) {
	mailer, err := smtp.New(smtp.Settings{Host: f.relay.Host, Port: f.relay.Port, User: "queue", Password: "canary-secret", Roots: f.relay.Roots, Dial: f.relay.Dial})
	if err != nil {
		f.Error(err)
		return
	}
	defer mailer.Close()
	s := &sender.Service{
		Settings: sender.Settings{Site: "Example Exchange", From: "queue@example.com", Room: "https://www.example.com/waiting-room", CodeTTL: 24 * time.Hour},
		Store:    f.store, Mail: mailer, Keys: f.keys, Now: time.Now, Random: twintest.Random(seed),
		Wait: func(_ context.Context, until time.Time) error { sleep(time.Until(until)); return nil },
	}
	for now := time.Now(); now.Before(until); now = time.Now() {
		var batch []waitlist.Message
		if !f.stalled(now.Sub(f.began)) {
			// SQS delays by whole seconds: a message comes up to one before its slot.
			batch = f.queue.Receive(now.Add(time.Second), 10)
		}
		if len(batch) == 0 {
			sleep(50 * time.Millisecond)
			continue
		}
		for _, i := range s.Handle(f.Context(), batch) {
			f.queue.Return(batch[i], time.Now().Add(twintest.Visibility))
		}
	}
}

// run lets minutes pass, in each of which everybody left is asked for.
func (f *fleet) run(minutes int) {
	f.Helper()
	var done sync.WaitGroup
	for i := range f.rate / 25 { // a function sends 40 a second
		done.Go(func() { f.function(byte(i), f.began.Add(time.Duration(minutes)*time.Minute)) })
	}
	for range minutes {
		if err := f.store.UpdateControl(f.Context(), func(c *waitlist.Control) error { c.Mode, c.InviteNow = gate.Throttle, f.people; return nil }); err != nil {
			f.Fatal(err)
		}
		if _, err := f.inviter.Tick(f.Context(), time.Now()); err != nil {
			f.Fatal(err)
		}
		sleep(time.Minute)
	}
	done.Wait()
}

// check holds the relay's own stamps to its rate, and everybody to one mail. It gives
// how many mails each second of the run had.
func (f *fleet) check() map[int]int {
	f.Helper()
	bySecond, got := map[int]int{}, map[string]int{}
	stamps, to := f.relay.Arrivals()
	for i, at := range stamps {
		bySecond[int(at.Sub(f.began)/time.Second)]++
		if i >= f.rate && at.Sub(stamps[i-f.rate]) < time.Second {
			f.Fatalf("%d mails within %s of %s", f.rate+1, at.Sub(stamps[i-f.rate]), at.Sub(f.began))
		}
	}
	for _, name := range to {
		got[name]++
	}
	if len(stamps) != f.people || len(got) != f.people {
		f.Fatalf("%d mails to %d people, of %d", len(stamps), len(got), f.people)
	}
	return bySecond
}

// TestTenThousandMailsThroughARelay: every slot is used, and no second has more mails
// than the rate, by the relay's own stamps.
func TestTenThousandMailsThroughARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 10_000, 1000)
		f.run(1)
		bySecond := f.check()
		planned := int(float64(f.rate) * admission.MailShare)
		t.Logf("mails by second: %v", bySecond)
		for second := 1; second < f.people/planned; second++ {
			if n := bySecond[second]; n < planned-planned/50 {
				t.Errorf("second %d has %d mails of %d slots", second, n, planned)
			}
		}
	})
}

// TestPaceAfterTheGrace: no function runs for half a minute. Mails whose grace has
// ended by then are given back and have new slots; for the others all functions
// hurry, and the relay refuses what is more than its rate; nobody is lost or mailed
// twice.
func TestPaceAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2000, 200)
		f.relay.PerSecond = f.rate
		f.stalled = func(since time.Duration) bool { return since > 3*time.Second && since < 36*time.Second }
		f.run(3)
		bySecond := f.check()
		t.Logf("mails by second: %v", bySecond)
		late, next := 0, 0
		for second, n := range bySecond {
			if second >= 36 && second < 60 {
				late += n
			} else if second >= 60 {
				next += n
			}
		}
		if bySecond[20] != 0 || late < f.rate || next < 2*f.rate {
			t.Errorf("%d mails while nobody sends, %d right after, and %d in new slots", bySecond[20], late, next)
		}
	})
}
