package smtp

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"

	"raincheck/pkg/email"
)

// compose makes the MIME message: text and HTML as alternatives, encoded so that
// no relay needs to know of UTF-8.
func compose(m email.Message) (*mail.Msg, error) {
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("reading who writes: %w", err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(from.Name, from.Address); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, err
		}
	}
	msg.Subject(m.Subject)
	for _, h := range m.Headers {
		msg.SetGenHeaderPreformatted(mail.Header(h.Name), h.Value)
	}
	msg.SetGenHeaderPreformatted("Feedback-ID", email.FeedbackKind+":::raincheck")
	msg.SetDate()
	// A name of its own under the sender's domain; the library's would tell the name
	// of the machine.
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(hex.EncodeToString(random[:]) + "@" + domain)
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return msg, nil
}
