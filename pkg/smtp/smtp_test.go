package smtp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/email/mailertest"
	"raincheck/pkg/smtp"
	"raincheck/pkg/smtp/smtptest"
)

// open gives a mailer on a relay.
func open(t testing.TB, r *smtptest.Relay, change ...func(*smtp.Settings)) *smtp.Mailer {
	t.Helper()
	s := smtp.Settings{Host: r.Host, Port: r.Port, User: "queue", Password: "canary-secret", Roots: r.Roots, Timeout: 2 * time.Second}
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
		r := smtptest.Serve(t, false)
		return mailertest.Subject{
			Mailer: open(t, r), Arrived: r.Mails,
			Answer: func(a mailertest.Answer) {
				switch a {
				case mailertest.Throttle:
					r.Say(smtptest.AtDot, "451 4.7.0 too fast for <ann@example.org>")
				case mailertest.Quota:
					r.Say(smtptest.AtDot, "550 5.4.5 Daily user sending limit exceeded")
				case mailertest.Pause:
					r.Say(smtptest.AtLogin, "535 5.7.8 no")
				case mailertest.RefuseRecipient:
					r.Say(smtptest.AtRcpt, "550 5.1.1 <ann@example.org>: no such user")
				case mailertest.Later:
					r.Say(smtptest.AtRcpt, "450 4.2.0 <ann@example.org>: Greylisted")
				case mailertest.Refuse:
					r.Say(smtptest.AtDot, "554 5.7.1 <ann@example.org>: no")
				case mailertest.Lose:
					r.Say(smtptest.AtDot, smtptest.BreakOff)
				case mailertest.Hang:
					r.Say(smtptest.AtDot, smtptest.StaySilent)
				case mailertest.Away:
					r.Leave()
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
		{smtptest.AtConnect, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtConnect, "421 4.3.2 busy", email.ErrThrottled},
		{smtptest.AtConnect, "554 5.7.1 go away", email.ErrPaused},
		{smtptest.AtHello, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtTLS, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtTLS, "454 4.7.0 not now", email.ErrThrottled},
		{smtptest.AtLogin, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtLogin, "454 4.7.0 not now", email.ErrThrottled},
		{smtptest.AtLogin, "535 5.7.8 ann@example.org: wrong", email.ErrPaused},
		{smtptest.AtSender, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtSender, "451 4.3.0 later", email.ErrThrottled},
		{smtptest.AtSender, "553 5.7.1 queue@example.com: not owned by you", email.ErrPaused},
		{smtptest.AtRcpt, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtRcpt, "450 4.7.1 greylisted", email.ErrLater},
		{smtptest.AtRcpt, "421 4.7.0 too many", email.ErrThrottled},
		{smtptest.AtRcpt, "550 5.1.1 no such user", email.ErrRecipient},
		{smtptest.AtRcpt, "550 5.7.1 not to ann@example.org", email.ErrRefused},
		{smtptest.AtRcpt, "550 no", email.ErrRefused},
		{smtptest.AtData, smtptest.BreakOff, email.ErrNotSent},
		{smtptest.AtData, "451 4.3.0 later", email.ErrThrottled},
		{smtptest.AtData, "554 5.5.1 no", email.ErrRefused},
		{smtptest.AtText, smtptest.BreakOff, email.ErrAmbiguous},
		{smtptest.AtDot, smtptest.BreakOff, email.ErrAmbiguous},
		{smtptest.AtDot, "451 4.3.0 later", email.ErrThrottled},
		{smtptest.AtDot, "550 5.4.5 the day's mails", email.ErrQuota},
		{smtptest.AtDot, "550 5.1.1 no such user", email.ErrRecipient},
		{smtptest.AtDot, "554 5.6.0 no", email.ErrRefused},
		{smtptest.AtReset, smtptest.BreakOff, sent},
		{smtptest.AtReset, "500 5.5.1 no", sent},
		{smtptest.AtQuit, smtptest.BreakOff, sent},
		{"", "", sent},
	} {
		t.Run(story.step+" "+story.answer, func(t *testing.T) {
			t.Parallel()
			r := smtptest.Serve(t, false)
			r.Say(story.step, story.answer)
			m := open(t, r)
			id, err := m.Send(t.Context(), mailertest.Invitation(t, "ann"))
			if errors.Is(story.want, sent) {
				if err != nil || id == "" || len(r.Mails()) != 1 {
					t.Fatalf("%q, %v, %d arrived", id, err, len(r.Mails()))
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
			if n := len(r.Mails()); email.NotSent(err) && n > 0 || n > 1 {
				t.Fatalf("%d arrived after %v", n, err)
			}
			// And the next mail goes, on a connection that nothing is wrong with.
			r.Say(story.step, "")
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
	r := smtptest.Serve(t, false)
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	m := open(t, r, func(s *smtp.Settings) { s.Now = func() time.Time { return now } })
	send := func(want int) {
		t.Helper()
		if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); err != nil {
			t.Fatal(err)
		}
		if n := r.Connections(); n != want {
			t.Fatalf("%d connections, want %d", n, want)
		}
	}
	for range 5 {
		send(1)
	}
	now = now.Add(time.Minute)
	send(2)
	r.Say(smtptest.AtSender, smtptest.BreakOff)
	if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); !email.NotSent(err) {
		t.Fatalf("the error is %v", err)
	}
	r.Say(smtptest.AtSender, "")
	send(4)
	// A refusal leaves the connection in order.
	r.Say(smtptest.AtRcpt, "550 5.1.1 no such user")
	if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrRecipient) {
		t.Fatalf("the error is %v", err)
	}
	r.Say(smtptest.AtRcpt, "")
	send(4)
}

func TestTLSIsDemandedAndVerified(t *testing.T) {
	t.Parallel()
	r := smtptest.Serve(t, false)
	if _, err := open(t, r, func(s *smtp.Settings) { s.Roots = nil }).Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrPaused) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	plain := smtptest.Serve(t, false)
	plain.WithoutTLS = true
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
	if n := len(r.Mails()); n != 0 {
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
	r := smtptest.Serve(t, false)
	r.Say(smtptest.AtHello, "250-relay\r\n250-STARTTLS\r\n250 AUTH PLAIN")
	r.Say(smtptest.AtRcpt, "550 5.1.1 <ann@example.org>: no such user")
	if _, err := open(t, r).Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrRecipient) {
		t.Errorf("the error is %v", err)
	}
}

// TestARelayThatIsNotThere says in the log which of the operator's settings to look at.
func TestARelayThatIsNotThere(t *testing.T) {
	t.Parallel()
	for want, cause := range map[string]error{
		"nothing listens": syscall.ECONNREFUSED,
		"looked up":       &net.DNSError{Err: "no such host", Name: "relay.invalid", IsNotFound: true},
		"no answer":       context.DeadlineExceeded,
	} {
		m, err := smtp.New(smtp.Settings{Host: "relay.invalid", Port: 587, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: cause}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Send(t.Context(), mailertest.Invitation(t, "ann")); !errors.Is(err, email.ErrNotSent) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", cause, err, want)
		}
	}
}
