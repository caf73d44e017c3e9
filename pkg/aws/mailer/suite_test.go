package mailer_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"raincheck/pkg/email/mailertest"
)

// TestSESIsAMailer holds the adapter to the contract, against a small server that
// answers as SES documents. aws-ses-v2-local, which somebody else wrote, is tried
// by the stories of test/emulators.
func TestSESIsAMailer(t *testing.T) {
	t.Parallel()
	mailertest.Run(t, openSES, map[mailertest.Answer]string{
		mailertest.Later: "SES accepts first and tries by itself: it never asks for a later try",
	})
}

// answers are SES's, by status, code and words.
var answers = map[mailertest.Answer]struct {
	status        int
	code, message string
}{
	mailertest.Throttle:        {429, "TooManyRequestsException", "Maximum sending rate exceeded."},
	mailertest.Quota:           {429, "TooManyRequestsException", "Daily message quota exceeded."},
	mailertest.Pause:           {400, "MessageRejected", "Email address is not verified. The following identities failed the check in region US-EAST-1: queue@example.com"},
	mailertest.RefuseRecipient: {400, "MessageRejected", "Address ann@example.org is blacklisted."},
	mailertest.Refuse:          {400, "BadRequestException", "Illegal address ann@example.org"},
}

func openSES(t *testing.T) mailertest.Subject {
	var mu sync.Mutex
	var arrived []mailertest.Mail
	var answer mailertest.Answer
	s := newSES(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if a, refuses := answers[answer]; refuses {
			w.Header().Set("X-Amzn-ErrorType", a.code)
			w.WriteHeader(a.status)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": a.message})
			return
		}
		m, err := readSES(body)
		if err != nil {
			t.Error(err)
			return
		}
		arrived = append(arrived, m)
		switch answer {
		case mailertest.Lose:
			panic(http.ErrAbortHandler)
		case mailertest.Hang:
			mu.Unlock()
			<-r.Context().Done()
			mu.Lock()
			return
		}
		fmt.Fprintf(w, `{"MessageId":"m-%d"}`, len(arrived))
	})
	return mailertest.Subject{
		OwnFeedbackID: "SES writes it, from a tag",
		Mailer:        s.Mailer,
		Arrived: func() []mailertest.Mail {
			mu.Lock()
			defer mu.Unlock()
			return append([]mailertest.Mail(nil), arrived...)
		},
		Answer: func(a mailertest.Answer) {
			mu.Lock()
			defer mu.Unlock()
			answer = a
			if a == mailertest.Away {
				s.close()
			}
		},
	}
}

// readSES reads the body of SendEmail as SES documents it.
func readSES(body []byte) (mailertest.Mail, error) {
	var in struct {
		FromEmailAddress string
		Destination      struct{ ToAddresses []string }
		ReplyToAddresses []string
		Content          struct {
			Simple struct {
				Subject struct{ Data string }
				Body    struct{ Text, HTML struct{ Data string } }
				Headers []struct{ Name, Value string }
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return mailertest.Mail{}, err
	}
	from, err := mail.ParseAddress(in.FromEmailAddress)
	if err != nil {
		return mailertest.Mail{}, err
	}
	simple := in.Content.Simple
	return mailertest.Mail{
		From: from.Address, To: in.Destination.ToAddresses, Subject: simple.Subject.Data, Text: simple.Body.Text.Data, HTML: simple.Body.HTML.Data,
		Header: func(name string) string {
			if name == "Reply-To" {
				return strings.Join(in.ReplyToAddresses, ", ")
			}
			for _, h := range simple.Headers {
				if h.Name == name {
					return h.Value
				}
			}
			return ""
		},
	}, nil
}
