// Package mailer sends through SES v2, one SendEmail a person.
//
// SES has no idempotency token: what is asked twice is sent twice. The SDK's
// usual retries would turn one mail whose answer got lost into three, so only an
// answer that says for certain that nothing was sent (too many a second) is
// retried here. Everything else is told apart for the sender by the contract of
// pkg/email: once a request may have reached SES, an answer that is not a plain
// refusal is email.ErrAmbiguous; before that, nothing was sent.
//
// SendBulkEmail is not used: it is documented at one call a second, and one lost
// answer would leave fifty people in doubt at once.
package mailer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"raincheck/pkg/email"
)

// Mailer sends mail of one configuration set. It is safe for concurrent use.
type Mailer struct {
	set string
	// Two of the client's methods, and not the client. Wherever text/template is
	// linked, as it is in the waiting room, the linker must keep every method of every
	// type that reflection could reach, and a client has dozens: 2 MB of code that a
	// function would unpack at each start. All adapters hold to that.
	send    func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
	account func(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// New gives a mailer for a configuration set, which names where the events of
// each mail go. Nothing is sent before the first use.
func New(cfg aws.Config, configurationSet string) *Mailer {
	client := sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = 2
			r.MaxBackoff = time.Second
			r.Retryables = []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				return aws.BoolTernary(throttled(err) && !daily(err))
			})}
		})
	})
	return &Mailer{set: configurationSet, send: client.SendEmail, account: client.GetAccount}
}

// Send asks SES for one mail and gives SES's id of it. Its errors wrap the
// sentinels of pkg/email, by its contract.
func (m *Mailer) Send(ctx context.Context, mail email.Message) (string, error) {
	var asked atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { asked.Store(true) }})
	out, err := m.send(ctx, m.input(mail))
	if err != nil {
		return "", classify(err, asked.Load())
	}
	return aws.ToString(out.MessageId), nil
}

func (m *Mailer) input(mail email.Message) *sesv2.SendEmailInput {
	in := &sesv2.SendEmailInput{
		ConfigurationSetName: &m.set,
		FromEmailAddress:     &mail.From,
		Destination:          &types.Destination{ToAddresses: []string{mail.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: content(mail.Subject),
			Body:    &types.Body{Text: content(mail.Text), Html: content(mail.HTML)},
		}},
	}
	if mail.ReplyTo != "" {
		in.ReplyToAddresses = []string{mail.ReplyTo}
	}
	for _, h := range mail.Headers {
		in.Content.Simple.Headers = append(in.Content.Simple.Headers, types.MessageHeader{Name: aws.String(h.Name), Value: aws.String(h.Value)})
	}
	// SES writes the header Feedback-ID itself, and takes its first field from a tag.
	// https://docs.aws.amazon.com/ses/latest/dg/monitor-using-event-publishing.html
	in.EmailTags = []types.MessageTag{{Name: aws.String("ses:feedback-id-a"), Value: aws.String(email.FeedbackKind)}}
	for _, name := range slices.Sorted(maps.Keys(mail.Tags)) {
		in.EmailTags = append(in.EmailTags, types.MessageTag{Name: aws.String(name), Value: aws.String(mail.Tags[name])})
	}
	return in
}

func content(text string) *types.Content {
	return &types.Content{Data: &text, Charset: aws.String("UTF-8")}
}

// classify puts an error of SendEmail into the words of pkg/email. asked says
// that a request may have reached SES.
func classify(err error, asked bool) error {
	if !asked {
		return fmt.Errorf("mailer: asking SES: %w (%s)", email.ErrNotSent, email.Mask(err.Error()))
	}
	class := classOf(err)
	if errors.Is(class, email.ErrAmbiguous) {
		return fmt.Errorf("mailer: %w (%s)", class, code(err))
	}
	return fmt.Errorf("mailer: %w (%s: %s)", class, code(err), email.Mask(message(err)))
}

// classOf tells whose fault a refusal is by its code, and by its words where SES
// uses one code for several things (the rate and the quota; a message, a sender
// and an account that it does not like).
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
func classOf(err error) error {
	status := 0
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = response.HTTPStatusCode()
	}
	switch {
	case throttled(err) && daily(err):
		return email.ErrQuota
	case throttled(err):
		return email.ErrThrottled
	case status < 400 || status >= 500:
		return email.ErrAmbiguous
	}
	words := strings.ToLower(message(err))
	switch code(err) {
	case "AccountSuspendedException", "SendingPausedException", "MailFromDomainNotVerifiedException", "NotFoundException":
		return email.ErrPaused
	case "MessageRejected":
		switch {
		// An identity that is not verified is our sender, or in the sandbox the
		// recipient: no fault of the address either way.
		case strings.Contains(words, "not verified"), strings.Contains(words, "sending paused"), strings.Contains(words, "sending is paused"),
			strings.Contains(words, "sandbox"), strings.Contains(words, "suspended"), strings.Contains(words, "shut down"):
			return email.ErrPaused
		case strings.Contains(words, "blacklisted"), strings.Contains(words, "suppression list"):
			return email.ErrRecipient
		}
	}
	if status == 401 || status == 403 {
		return email.ErrPaused // not permitted, or not signed as SES wants it
	}
	return email.ErrRefused
}

// throttled says that SES refused for how much was asked. It uses one error for
// the rate and for the quota of the day, and the message alone tells.
func throttled(err error) bool {
	switch code(err) {
	case "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling":
		return true
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() == 429
}

func daily(err error) bool {
	text := strings.ToLower(message(err))
	return strings.Contains(text, "daily") || strings.Contains(text, "quota")
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return "no answer"
}

func message(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

// Account asks what SES lets us do now. The account may ask once a second in
// all, so one function does, once a tick.
func (m *Mailer) Account(ctx context.Context) (email.Account, error) {
	out, err := m.account(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return email.Account{}, fmt.Errorf("mailer: asking SES for the account: %w", err)
	}
	account := email.Account{Enabled: out.SendingEnabled}
	if q := out.SendQuota; q != nil {
		account.PerSecond, account.Remaining24h = q.MaxSendRate, -1
		if q.Max24HourSend >= 0 {
			account.Remaining24h = max(0, q.Max24HourSend-q.SentLast24Hours)
		}
	}
	switch status := aws.ToString(out.EnforcementStatus); {
	case status == "SHUTDOWN":
		account.Enabled, account.Because = false, "SES has shut down sending for this account; see the reputation dashboard of SES"
	case !out.SendingEnabled:
		account.Because = "sending is switched off for this account in SES"
	}
	return account, nil
}
