package mailer_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"raincheck/pkg/aws/mailer"
	"raincheck/pkg/email"
	"raincheck/test/emulators"
)

var invitation = email.Message{
	From: `"The site" <queue@example.org>`, To: "ann@example.com", Subject: "It is your turn", Text: "text", HTML: "<p>html",
	Headers: []email.Header{{Name: "List-Unsubscribe", Value: "<https://x>"}}, Tags: map[string]string{"key": "k", "attempt": "1"},
}

// ses is a server that answers as a test sets, and counts.
type ses struct {
	*mailer.Mailer
	asked atomic.Int32
	close func()
}

func newSES(t *testing.T, answer http.HandlerFunc) *ses {
	t.Helper()
	s := &ses{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.close = server.Close
	cfg := emulators.Config(server.URL)
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(300 * time.Millisecond)
	s.Mailer = mailer.New(cfg, "the-set")
	return s
}

func TestSendSaysEverything(t *testing.T) {
	t.Parallel()
	var sent struct {
		ConfigurationSetName, FromEmailAddress string
		Destination                            struct{ ToAddresses []string }
		ReplyToAddresses                       []string
		Content                                struct {
			Simple struct {
				Subject struct{ Data, Charset string }
				Body    struct {
					Text, HTML struct{ Data, Charset string }
				}
				Headers []struct{ Name, Value string }
			}
		}
		EmailTags []struct{ Name, Value string }
	}
	s := newSES(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, `{"MessageId":"m-1"}`)
	})
	id, err := s.Send(t.Context(), invitation)
	if err != nil || id != "m-1" {
		t.Fatalf("%q, %v", id, err)
	}
	simple := sent.Content.Simple
	if sent.ConfigurationSetName != "the-set" || sent.FromEmailAddress != invitation.From || len(sent.Destination.ToAddresses) != 1 || sent.Destination.ToAddresses[0] != invitation.To ||
		simple.Subject.Data != invitation.Subject || simple.Subject.Charset != "UTF-8" || simple.Body.Text.Data != "text" || simple.Body.HTML.Data != "<p>html" ||
		len(simple.Headers) != 1 || simple.Headers[0].Name != "List-Unsubscribe" || len(sent.EmailTags) != 3 || sent.EmailTags[0].Name != "ses:feedback-id-a" || sent.EmailTags[1].Name != "attempt" || len(sent.ReplyToAddresses) != 0 {
		t.Errorf("SES was sent %+v", sent)
	}
}

// TestErrors tells answers apart, and holds how often each was asked for: what is
// asked twice may be sent twice.
func TestErrors(t *testing.T) {
	t.Parallel()
	all := []error{email.ErrThrottled, email.ErrQuota, email.ErrPaused, email.ErrRecipient, email.ErrRefused, email.ErrAmbiguous}
	for name, story := range map[string]struct {
		status        int
		code, message string
		want          error
		asked         int32
	}{
		"too many a second":      {429, "TooManyRequestsException", "Maximum sending rate exceeded.", email.ErrThrottled, 2},
		"too many a day":         {429, "TooManyRequestsException", "Daily message quota exceeded.", email.ErrQuota, 1},
		"a limit":                {400, "LimitExceededException", "Maximum sending rate exceeded.", email.ErrThrottled, 2},
		"suspended":              {400, "AccountSuspendedException", "no", email.ErrPaused, 1},
		"paused":                 {400, "SendingPausedException", "no", email.ErrPaused, 1},
		"an unverified domain":   {400, "MailFromDomainNotVerifiedException", "no", email.ErrPaused, 1},
		"an unverified sender":   {400, "MessageRejected", "Email address is not verified. The following identities failed the check: queue@example.org", email.ErrPaused, 1},
		"no configuration set":   {404, "NotFoundException", "no", email.ErrPaused, 1},
		"not permitted":          {403, "AccessDeniedException", "no", email.ErrPaused, 1},
		"a paused account":       {400, "MessageRejected", "Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account.", email.ErrPaused, 1},
		"a refused recipient":    {400, "MessageRejected", "Address ann@example.com is blacklisted.", email.ErrRecipient, 1},
		"a rejected mail":        {400, "MessageRejected", "Message for ann@example.com rejected.", email.ErrRefused, 1},
		"a malformed address":    {400, "BadRequestException", "Missing final '@domain' in ann@example.com", email.ErrRefused, 1},
		"a code of next year":    {400, "MessageNotLikedException", "no", email.ErrRefused, 1},
		"a request not signed":   {403, "SignatureDoesNotMatch", "no", email.ErrPaused, 1},
		"an answer of no form":   {302, "", "", email.ErrAmbiguous, 1},
		"an error of the server": {500, "InternalServiceErrorException", "no", email.ErrAmbiguous, 1},
		"a gateway":              {503, "ServiceUnavailable", "no", email.ErrAmbiguous, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSES(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-ErrorType", story.code)
				w.WriteHeader(story.status)
				_ = json.NewEncoder(w).Encode(map[string]string{"message": story.message})
			})
			_, err := s.Send(t.Context(), invitation)
			for _, sentinel := range all {
				if errors.Is(err, sentinel) != errors.Is(sentinel, story.want) {
					t.Errorf("%v is %v, and is to be %v", err, sentinel, story.want)
				}
			}
			if got := s.asked.Load(); got != story.asked {
				t.Errorf("SES was asked %d times, not %d", got, story.asked)
			}
			if err != nil && strings.Contains(err.Error(), "@") {
				t.Errorf("the error repeats an address: %v", err)
			}
		})
	}
}

// TestInDoubt is an answer that never comes, and one that breaks off.
func TestInDoubt(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		s := newSES(t, answer)
		if _, err := s.Send(t.Context(), invitation); !errors.Is(err, email.ErrAmbiguous) || s.asked.Load() != 1 {
			t.Errorf("%s: %v after %d requests", name, err, s.asked.Load())
		}
	}
}

// TestNothingWasAsked: with nobody there, nothing was sent for certain.
func TestNothingWasAsked(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = mailer.New(emulators.Config("http://"+l.Addr().String()), "s").Send(t.Context(), invitation)
	if !email.NotSent(err) || errors.Is(err, email.ErrPaused) || errors.Is(err, email.ErrRefused) {
		t.Errorf("the error is %v", err)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]email.Account{
		`{"SendingEnabled":true,"EnforcementStatus":"HEALTHY","SendQuota":{"Max24HourSend":50000,"MaxSendRate":14,"SentLast24Hours":49000}}`: {Enabled: true, PerSecond: 14, Remaining24h: 1000},
		`{"SendingEnabled":true,"EnforcementStatus":"HEALTHY","SendQuota":{"Max24HourSend":-1,"MaxSendRate":90,"SentLast24Hours":7}}`:        {Enabled: true, PerSecond: 90, Remaining24h: -1},
		`{"SendingEnabled":true,"EnforcementStatus":"PROBATION","SendQuota":{"Max24HourSend":10,"MaxSendRate":1,"SentLast24Hours":12}}`:      {Enabled: true, PerSecond: 1},
		`{"SendingEnabled":false,"SendQuota":{"Max24HourSend":200,"MaxSendRate":1,"SentLast24Hours":0}}`:                                     {PerSecond: 1, Remaining24h: 200},
		`{"SendingEnabled":true,"EnforcementStatus":"SHUTDOWN","SendQuota":{"Max24HourSend":200,"MaxSendRate":1,"SentLast24Hours":0}}`:       {PerSecond: 1, Remaining24h: 200},
	} {
		s := newSES(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		got, err := s.Account(t.Context())
		if (got.Because == "") != want.Enabled {
			t.Errorf("%s: enabled %v because %q", answer, got.Enabled, got.Because)
		}
		got.Because = ""
		if err != nil || got != want {
			t.Errorf("%s gives %+v, %v", answer, got, err)
		}
	}
}
