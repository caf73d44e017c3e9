package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/console"
	"raincheck/pkg/demo/relay"
	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/operator"
	"raincheck/pkg/smtp"
	"raincheck/pkg/smtp/smtptest"
	"raincheck/pkg/waitlist"
)

// relayed is an instance that mails people through a relay, at its own pace of a
// minute each time that the test asks for one.
func relayed(t *testing.T, story Story, rate float64) (*Instance, *smtptest.Relay) {
	t.Helper()
	server := smtptest.Serve(t, false)
	mailer, err := smtp.New(smtp.Settings{Host: server.Host, Port: server.Port, User: "queue", Password: "canary-secret", Roots: server.Roots})
	if err != nil {
		t.Fatal(err)
	}
	in := instance(t, story, func(c *Config) {
		c.Relay, c.Now = &relay.Relay{Mail: mailer, From: "queue@vermont.example", PerSecond: rate}, time.Now
	})
	ctx, stop := context.WithCancel(context.Background())
	in.begin(ctx)
	t.Cleanup(func() { stop(); in.guests.carriage.End(); mailer.Close() })
	return in, server
}

// people puts addresses at the head of the line, as `raincheck import` does.
func people(t *testing.T, in *Instance, addresses ...string) {
	t.Helper()
	for _, text := range addresses {
		a, err := email.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Person(t.Context(), console.Person{Do: "join", Language: "en", Joined: in.clock.Now().Add(-24 * time.Hour)}, a); err != nil {
			t.Fatal(err)
		}
	}
}

// until lives minutes until something is so.
func until(t *testing.T, in *Instance, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(end) {
			t.Fatalf("it does not come to %s", what)
		}
		in.clock.Run(t.Context(), in.clock.Now().Add(time.Minute))
		<-time.After(10 * time.Millisecond) // the relay is on the wall's clock
	}
}

func (in *Instance) stage(t *testing.T, address string) waitlist.Stage {
	t.Helper()
	a, err := email.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	e, err := in.store.Entry(t.Context(), in.keys.Mailbox(a.Mailbox()))
	if err != nil {
		t.Fatal(err)
	}
	return e.Stage
}

// TestARelayMailsPeopleAndNotTheCrowd: who is real is mailed for real, from the
// address of the flag; the simulated crowd's mails stay here.
func TestARelayMailsPeopleAndNotTheCrowd(t *testing.T) {
	t.Parallel()
	story := Demonstration(noon)
	story.Site.Capacity, story.Policy.Capacity, story.Warm = 100, 100, 40
	in, server := relayed(t, story, 100)
	if err := in.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	people(t, in, "ann@vermont.example", "bob@vermont.example")
	until(t, in, "two mails", func() bool { return len(server.Mails()) >= 2 })
	until(t, in, "two invitations", func() bool {
		return in.stage(t, "ann@vermont.example") == waitlist.Invited && in.stage(t, "bob@vermont.example") == waitlist.Invited
	})
	for _, m := range server.Mails() {
		if m.From != "queue@vermont.example" || len(m.To) != 1 || !strings.HasSuffix(m.To[0], "@vermont.example") || !strings.Contains(m.Text, "http://localhost:8080/waiting-room/") {
			t.Errorf("from %s to %v:\n%s", m.From, m.To, m.Text)
		}
	}
	mails := 0
	for _, m := range in.post.all() {
		if mails++; !simulated(m.To) {
			t.Errorf("a mail of a person's stays here: %s", m.Subject)
		}
	}
	if mails == 0 {
		t.Error("nobody of the crowd was mailed")
	}
}

// TestWhatARelayRefuses: a mailbox that does not exist ends its place, a greylisted
// one is tried again, and a login that fails pauses the mail until somebody looks.
func TestWhatARelayRefuses(t *testing.T) {
	t.Parallel()
	in, server := relayed(t, Alone(noon), 100)
	server.Say(smtptest.AtRcpt, "550 5.1.1 no such user")
	people(t, in, "gone@vermont.example")
	until(t, in, "a failed place", func() bool { return in.stage(t, "gone@vermont.example") == waitlist.Failed })

	server.Say(smtptest.AtRcpt, "450 4.7.1 greylisted")
	people(t, in, "grey@vermont.example")
	until(t, in, "a held place", func() bool { return in.stage(t, "grey@vermont.example") == waitlist.Held })
	server.Say(smtptest.AtRcpt, "")
	until(t, in, "an invitation", func() bool { return in.stage(t, "grey@vermont.example") == waitlist.Invited })

	// The connection of before is as good as a login; this one has none.
	server.Say(smtptest.AtSender, "553 5.7.1 not yours")
	people(t, in, "late@vermont.example")
	until(t, in, "a pause", func() bool {
		c, err := in.store.Control(t.Context())
		return err == nil && c.Paused && strings.Contains(c.PausedBecause, "MAIL FROM: 553 5.7.1")
	})
	if stage := in.stage(t, "late@vermont.example"); stage != waitlist.Waiting {
		t.Errorf("at stage %s while paused", stage)
	}
}

// TestAThrottledRelayMailsEverybodyOnce: a relay that takes fewer mails a second than
// the flag says refuses most of them for now. Their places are given back, and
// everybody is mailed in the end, once, the first ones first.
func TestAThrottledRelayMailsEverybodyOnce(t *testing.T) {
	t.Parallel()
	const many, flag, rate = 60, 500, 30
	in, server := relayed(t, Alone(noon), flag)
	server.PerSecond = rate
	var all []string
	for i := range many {
		all = append(all, fmt.Sprintf("p%03d@vermont.example", i))
	}
	people(t, in, all...)
	for minute := 0; slices.ContainsFunc(all, func(a string) bool { return in.stage(t, a) != waitlist.Invited }); minute++ {
		if minute == 100 {
			t.Fatal("it does not come to an invitation for everybody")
		}
		in.clock.Run(t.Context(), in.clock.Now().Add(time.Minute))
		<-time.After(200 * time.Millisecond) // the relay's rate is by the wall's clock, and a mail that is late gives its place back
	}
	at, to := server.Arrivals()
	slices.Sort(to)
	if !slices.Equal(to, all) {
		t.Errorf("%d people and %d mails, or not to each: %v", many, len(to), to)
	}
	if refused := server.Refused(); refused == 0 {
		t.Error("the relay refused nobody")
	} else {
		t.Logf("%d people mailed over %s, after %d refusals", many, at[len(at)-1].Sub(at[0]).Round(time.Millisecond), refused)
	}
}

// TestARelaysDayIsUsedUp: the pause that ends by itself ends by the waitlist's clock.
func TestARelaysDayIsUsedUp(t *testing.T) {
	t.Parallel()
	in, server := relayed(t, Alone(noon), 100)
	server.Say(smtptest.AtDot, "550 5.4.5 the day is used up")
	people(t, in, "late@vermont.example")
	until(t, in, "a pause for the quota", func() bool {
		c, err := in.store.Control(t.Context())
		return err == nil && c.Paused && c.PausedBecause == waitlist.QuotaUsedUp && c.ResumeAt.Sub(in.clock.Now()) <= waitlist.QuotaCheck && c.ResumeAt.After(in.clock.Now())
	})
	if err := in.board.failure(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestARelayIsNotHurried: whatever the speed, no second of the wall's has more mails
// than the rate and what a carrier holds, by the relay's own stamps.
func TestARelayIsNotHurried(t *testing.T) {
	t.Parallel()
	const rate, mails = 50, 80
	in, server := relayed(t, Alone(noon), rate)
	in.clock.SetSpeed(600)
	if err := in.Change(t.Context(), console.Change{Change: operator.Change{Mode: gate.Throttle}}); !errors.Is(err, operator.ErrNotYet) {
		t.Fatal(err)
	}
	var all []string
	for i := range mails {
		all = append(all, "p"+string(rune('a'+i/26))+string(rune('a'+i%26))+"@vermont.example")
	}
	people(t, in, all...)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	go func() {
		for ctx.Err() == nil && len(server.Mails()) < mails {
			<-time.After(10 * time.Millisecond)
		}
		stop()
	}()
	in.clock.Run(ctx, time.Time{})
	stamps, _ := server.Arrivals()
	if len(stamps) != mails {
		t.Fatalf("%d mails of %d", len(stamps), mails)
	}
	// A machine that stood still for a moment lets every carrier send what is late at
	// once; there are ten.
	const most = rate + 12
	for i := range stamps {
		if i+most < len(stamps) && stamps[i+most].Sub(stamps[i]) < time.Second {
			t.Fatalf("%d mails in %s", most+1, stamps[i+most].Sub(stamps[i]))
		}
	}
}
