// Package mailertest holds every mailer to one contract, that of pkg/email: what
// was accepted arrived, once and whole; a refusal means that nothing was sent and
// says whose fault it is; no answer means that nobody knows; and an error never
// repeats an address. The outbox in memory, SES and SMTP pass the same suite.
package mailertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// Mailer is what the sender asks of a mail service.
type Mailer interface {
	// Send sends one mail, and gives the service's name for it. The error is as
	// pkg/email says.
	Send(ctx context.Context, m email.Message) (id string, err error)
}

// Subject is a mailer to be tried, with a service of its own behind it that
// accepts every mail until it is told otherwise.
type Subject struct {
	Mailer Mailer
	// Arrived lists the mails that the service accepted, oldest first.
	Arrived func() []Mail
	// Answer makes the service answer all further mails in this way.
	Answer func(Answer)
	// OwnFeedbackID is why the service, not the mailer, writes the header Feedback-ID.
	OwnFeedbackID string
}

// Mail is one that a service accepted, as its recipient would read it.
type Mail struct {
	From, Subject, Text, HTML string
	// To are the recipients of the envelope.
	To []string
	// Header gives a field of the message; empty where there is none.
	Header func(name string) string
}

// Answer is how a service answers a mail.
type Answer string

// The answers. Those that refuse have not accepted anything.
const (
	Throttle        Answer = "throttles"
	Quota           Answer = "has used up the day's mails"
	Pause           Answer = "does not let us send"
	RefuseRecipient Answer = "refuses the recipient for good"
	Later           Answer = "asks for a later try"
	Refuse          Answer = "refuses for a reason that it does not say"
	Lose            Answer = "accepts, and its answer is lost"
	Hang            Answer = "takes the mail and never answers"
	Away            Answer = "cannot be reached"
)

// refusals is what each answer must become.
var refusals = map[Answer]error{
	Throttle: email.ErrThrottled, Quota: email.ErrQuota, Pause: email.ErrPaused, RefuseRecipient: email.ErrRecipient,
	Later: email.ErrLater, Refuse: email.ErrRefused, Away: email.ErrNotSent,
}

// Invitation is a mail as the sender composes it, to somebody of that name.
func Invitation(t *testing.T, name string) email.Message {
	t.Helper()
	to, err := email.Parse(name + "@example.org")
	if err != nil {
		t.Fatal(err)
	}
	m, err := email.Compose(email.Invitation{
		To: to, Language: "es", Site: site.Words{Name: "Prüfstelle & Söhne"}, From: "queue@example.com", ReplyTo: "help@example.com",
		Room: "https://www.example.com/waiting-room", Code: "ABCDE-FGHJK-MNPQR-STVWX", LeaveToken: "token",
		Joined: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC), Expires: time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC),
		Tags: map[string]string{email.TagKey: "key-" + name, email.TagJoining: "54108", email.TagAttempt: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Run tries a mailer, each time on a service of its own, which open makes. cannot
// names the answers that a service cannot give, with the reason; they are skipped
// by name.
func Run(t *testing.T, open func(t *testing.T) Subject, cannot map[Answer]string) {
	t.Run("what_was_accepted_arrives_once_and_whole", func(t *testing.T) { arrives(t, open(t)) })
	t.Run("many_at_once_arrive_once_each", func(t *testing.T) { together(t, open(t)) })
	t.Run("a_cancelled_mail_is_no_success", func(t *testing.T) { cancelled(t, open(t)) })
	for _, answer := range []Answer{Throttle, Quota, Pause, RefuseRecipient, Later, Refuse, Away} {
		try(t, answer, cannot, func(t *testing.T) { refused(t, open(t), answer) })
	}
	for _, answer := range []Answer{Lose, Hang} {
		try(t, answer, cannot, func(t *testing.T) { lost(t, open(t), answer) })
	}
}

func try(t *testing.T, answer Answer, cannot map[Answer]string, f func(t *testing.T)) {
	t.Run("the_service_"+strings.ReplaceAll(string(answer), " ", "_"), func(t *testing.T) {
		if why, skip := cannot[answer]; skip {
			t.Skip(why)
		}
		f(t)
	})
}

func arrives(t *testing.T, s Subject) {
	want := Invitation(t, "ann")
	id, err := s.Mailer.Send(t.Context(), want)
	if err != nil || id == "" {
		t.Fatalf("sending gave %q, %v", id, err)
	}
	got := s.Arrived()
	if len(got) != 1 {
		t.Fatalf("%d mails arrived", len(got))
	}
	m := got[0]
	if !slices.Equal(m.To, []string{want.To}) || m.From != "queue@example.com" || m.Subject != want.Subject {
		t.Errorf("it arrived from %q to %q with the subject %q", m.From, m.To, m.Subject)
	}
	if lines(m.Text) != lines(want.Text) || lines(m.HTML) != lines(want.HTML) {
		t.Errorf("the text or the HTML changed on the way:\n%s\n%s", m.Text, m.HTML)
	}
	if m.Header("Reply-To") != "<"+want.ReplyTo+">" && m.Header("Reply-To") != want.ReplyTo {
		t.Errorf("answers go to %q, not %q", m.Header("Reply-To"), want.ReplyTo)
	}
	for _, h := range want.Headers {
		if m.Header(h.Name) != h.Value {
			t.Errorf("%s is %q, not %q", h.Name, m.Header(h.Name), h.Value)
		}
	}
	if id := m.Header("Feedback-ID"); s.OwnFeedbackID == "" && !strings.HasPrefix(id, email.FeedbackKind+":") {
		t.Errorf("Feedback-ID is %q: its first field is %s", id, email.FeedbackKind)
	}
	again, err := s.Mailer.Send(t.Context(), Invitation(t, "bob"))
	if err != nil || again == id || len(s.Arrived()) != 2 {
		t.Errorf("a second mail gave %q after %q, %v", again, id, err)
	}
}

// lines are a text without the difference of line ends, and without those at
// its end.
func lines(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

func together(t *testing.T, s Subject) {
	const n = 20
	var wg sync.WaitGroup
	for i := range n {
		m := Invitation(t, fmt.Sprintf("person-%02d", i))
		wg.Go(func() {
			if _, err := s.Mailer.Send(t.Context(), m); err != nil {
				t.Errorf("one of %d at once: %v", n, err)
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, m := range s.Arrived() {
		seen[strings.Join(m.To, " ")]++
	}
	for to, times := range seen {
		if times != 1 {
			t.Errorf("%s got %d", to, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d arrived", len(seen), n)
	}
}

// cancelled: a Send that is cancelled gives an error, and email.ErrNotSent only if
// nothing was sent.
func cancelled(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Mailer.Send(ctx, Invitation(t, "ann"))
	if n := len(s.Arrived()); err == nil || n > 1 || email.NotSent(err) && n > 0 {
		t.Errorf("%v, and %d arrived", err, n)
	}
}

func refused(t *testing.T, s Subject, answer Answer) {
	s.Answer(answer)
	before := len(s.Arrived())
	m := Invitation(t, "ann")
	_, err := s.Mailer.Send(t.Context(), m)
	if !email.NotSent(err) {
		t.Errorf("the error is %v: the mail may have been sent", err)
	}
	for other, sentinel := range refusals {
		if is, want := errors.Is(err, sentinel), other == answer || other == Away; is != want {
			t.Errorf("%v is %q: %v, want %v", err, sentinel, is, want)
		}
	}
	silent(t, err, m)
	if n := len(s.Arrived()) - before; n != 0 {
		t.Errorf("%d mails arrived", n)
	}
}

// lost: an answer that does not come leaves the mail open, and it is not sent
// again for that.
func lost(t *testing.T, s Subject, answer Answer) {
	s.Answer(answer)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	m := Invitation(t, "ann")
	_, err := s.Mailer.Send(ctx, m)
	if err == nil || email.NotSent(err) {
		t.Errorf("the error is %v, and the mail may have been sent", err)
	}
	silent(t, err, m)
	if n := len(s.Arrived()); n > 1 {
		t.Errorf("%d mails arrived", n)
	}
}

// silent: an error goes into logs.
func silent(t *testing.T, err error, m email.Message) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), m.To) || strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "ABCDE")) {
		t.Errorf("the error repeats what it must not: %v", err)
	}
}
