package smtp_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/email/mailertest"
	"raincheck/pkg/smtp"
)

// open gives a mailer on a relay.
func open(t testing.TB, r *relay, change ...func(*smtp.Settings)) *smtp.Mailer {
	t.Helper()
	s := smtp.Settings{Host: r.host, Port: r.port, User: "queue", Password: "canary-secret", Roots: r.roots, Timeout: 2 * time.Second}
	for _, c := range change {
		c(&s)
	}
	m, err := smtp.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// TestSMTPIsAMailer holds SMTP to the contract that SES and the outbox keep.
func TestSMTPIsAMailer(t *testing.T) {
	t.Parallel()
	mailertest.Run(t, func(t *testing.T) mailertest.Subject {
		r := serve(t, false)
		return mailertest.Subject{
			Mailer: open(t, r), Arrived: r.mails,
			Answer: func(a mailertest.Answer) {
				switch a {
				case mailertest.Throttle:
					r.say(atDot, "451 4.7.0 too fast for <ann@example.org>")
				case mailertest.Quota:
					r.say(atDot, "550 5.4.5 Daily user sending limit exceeded")
				case mailertest.Pause:
					r.say(atLogin, "535 5.7.8 no")
				case mailertest.RefuseRecipient:
					r.say(atRcpt, "550 5.1.1 <ann@example.org>: no such user")
				case mailertest.Later:
					r.say(atRcpt, "450 4.2.0 <ann@example.org>: Greylisted")
				case mailertest.Refuse:
					r.say(atDot, "554 5.7.1 <ann@example.org>: no")
				case mailertest.Lose:
					r.say(atDot, breakOff)
				case mailertest.Hang:
					r.say(atDot, staySilent)
				case mailertest.Away:
					_ = r.listener.Close()
				}
			},
		}
	}, nil)
}

// TestEveryStepOfTheDialogue answers 4xx, 5xx or nothing at every step, and a mail
// counts as sent exactly where the relay said so.
func TestEveryStepOfTheDialogue(t *testing.T) {
	t.Parallel()
	sent := errors.New("sent")
	for _, story := range []struct {
		step, answer string
		want         error
	}{
		{atConnect, breakOff, email.ErrNotSent},
		{atConnect, "421 4.3.2 busy", email.ErrThrottled},
		{atConnect, "554 5.7.1 go away", email.ErrPaused},
		{atHello, breakOff, email.ErrNotSent},
		{atTLS, breakOff, email.ErrNotSent},
		{atTLS, "454 4.7.0 not now", email.ErrThrottled},
		{atLogin, breakOff, email.ErrNotSent},
		{atLogin, "454 4.7.0 not now", email.ErrThrottled},
		{atLogin, "535 5.7.8 ann@example.org: wrong", email.ErrPaused},
		{atSender, breakOff, email.ErrNotSent},
		{atSender, "451 4.3.0 later", email.ErrThrottled},
		{atSender, "553 5.7.1 queue@example.com: not owned by you", email.ErrPaused},
		{atRcpt, breakOff, email.ErrNotSent},
		{atRcpt, "450 4.7.1 greylisted", email.ErrLater},
		{atRcpt, "421 4.7.0 too many", email.ErrThrottled},
		{atRcpt, "550 5.1.1 no such user", email.ErrRecipient},
		{atRcpt, "550 5.7.1 not to ann@example.org", email.ErrRefused},
		{atRcpt, "550 no", email.ErrRefused},
		{atData, breakOff, email.ErrNotSent},
		{atData, "451 4.3.0 later", email.ErrThrottled},
		{atData, "554 5.5.1 no", email.ErrRefused},
		{atText, breakOff, email.ErrAmbiguous},
		{atDot, breakOff, email.ErrAmbiguous},
		{atDot, "451 4.3.0 later", email.ErrThrottled},
		{atDot, "550 5.4.5 the day's mails", email.ErrQuota},
		{atDot, "550 5.1.1 no such user", email.ErrRecipient},
		{atDot, "554 5.6.0 no", email.ErrRefused},
		{atReset, breakOff, sent},
		{atReset, "500 5.5.1 no", sent},
		{atQuit, breakOff, sent},
		{"", "", sent},
	} {
		t.Run(story.step+" "+story.answer, func(t *testing.T) {
			t.Parallel()
			r := serve(t, false)
			r.say(story.step, story.answer)
			m := open(t, r)
			id, err := m.Send(t.Context(), mailertest.Invitation(t, "ann"))
			if errors.Is(story.want, sent) {
				if err != nil || id == "" || len(r.mails()) != 1 {
					t.Fatalf("%q, %v, %d arrived", id, err, len(r.mails()))
				}
				return
			}
			if !errors.Is(err, story.want) || email.NotSent(err) == errors.Is(story.want, email.ErrAmbiguous) {
				t.Fatalf("the error is %v, want %v", err, story.want)
			}
			said := func(e error) bool {
				return errors.Is(e, email.ErrPaused) || errors.Is(e, email.ErrThrottled) || errors.Is(e, email.ErrRefused)
			}
			if errors.Is(story.want, email.ErrNotSent) && !said(story.want) && said(err) {
				t.Fatalf("the error is %v, and says more than is known", err)
			}
			if strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "canary") {
				t.Fatalf("the error repeats the relay's words: %v", err)
			}
			if n := len(r.mails()); email.NotSent(err) && n > 0 || n > 1 {
				t.Fatalf("%d arrived after %v", n, err)
			}
			// And the next mail goes, on a connection that nothing is wrong with.
			r.say(story.step, "")
			if _, err := m.Send(t.Context(), mailertest.Invitation(t, "bob")); err != nil {
				t.Fatalf("the next mail: %v", err)
			}
		})
	}
}

// TestConnectionsAreReused: one login for a batch; a connection that the relay
// closed meanwhile, or that was idle for long, is made again.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	r := serve(t, false)
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	m := open(t, r, func(s *smtp.Settings) { s.Now = func() time.Time { return now } })
	send := func(want int) {
		t.Helper()
		if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); err != nil {
			t.Fatal(err)
		}
		if n := r.connections(); n != want {
			t.Fatalf("%d connections, want %d", n, want)
		}
	}
	for range 5 {
		send(1)
	}
	now = now.Add(time.Minute)
	send(2)
	r.say(atSender, breakOff)
	if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); !email.NotSent(err) {
		t.Fatalf("the error is %v", err)
	}
	r.say(atSender, "")
	send(4)
	// A refusal leaves the connection in order.
	r.say(atRcpt, "550 5.1.1 no such user")
	if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrRecipient) {
		t.Fatalf("the error is %v", err)
	}
	r.say(atRcpt, "")
	send(4)
}

func TestTLSIsDemandedAndVerified(t *testing.T) {
	t.Parallel()
	r := serve(t, false)
	if _, err := open(t, r, func(s *smtp.Settings) { s.Roots = nil }).Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrPaused) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	plain := serve(t, false)
	plain.noTLS = true
	// On this machine a relay without TLS is used; the same one by a name that is not
	// loopback's would be refused, which needs a second address to show.
	nobody := func(s *smtp.Settings) { s.User, s.Password = "", "" }
	if _, err := open(t, plain, nobody).Send(t.Context(), mailertest.Invitation(t, "ann")); err != nil {
		t.Errorf("a relay on this machine without TLS: %v", err)
	}
	// A password never travels in the clear, not even there.
	if _, err := open(t, plain).Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrPaused) {
		t.Errorf("a login without TLS: %v", err)
	}
	if n := len(r.mails()); n != 0 {
		t.Errorf("%d mails went to a relay that is not trusted", n)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]smtp.Settings{
		"no host":           {Port: 587},
		"a URL":             {Host: "smtp://relay.example.org", Port: 587},
		"a host with port":  {Host: "relay.example.org:587", Port: 587},
		"no port":           {Host: "relay.example.org"},
		"a port too high":   {Host: "relay.example.org", Port: 70000},
		"only the password": {Host: "relay.example.org", Port: 587, Password: "canary-secret"},
	} {
		if _, err := smtp.New(s); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A relay that says statuses without announcing them is understood too.
func TestStatusesThatAreNotAnnounced(t *testing.T) {
	t.Parallel()
	r := serve(t, false)
	r.say(atHello, "250-relay\r\n250-STARTTLS\r\n250 AUTH PLAIN")
	r.say(atRcpt, "550 5.1.1 <ann@example.org>: no such user")
	if _, err := open(t, r).Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrRecipient) {
		t.Errorf("the error is %v", err)
	}
}
