package email

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Header is one field of a message. Its value is ASCII and has no line end.
type Header struct{ Name, Value string }

// Message is one mail to one person, as Compose makes it. It holds an address
// and a code, and redacts itself in logs and through fmt.
type Message struct {
	// From is a mailbox as it stands in a header (RFC 5322): an address, or an
	// encoded name and an address in angle brackets.
	From string
	// To is the one recipient: Address.Reveal.
	To string
	// ReplyTo is the address that takes answers; empty is From.
	ReplyTo string
	// Subject, Text and HTML are UTF-8; an adapter encodes them. Text and HTML
	// say the same.
	Subject, Text, HTML string
	// Headers are to be sent beside From, To, Subject, Date and the MIME ones.
	Headers []Header
	// Tags come back with every event about the mail: see TagKey. Never an address.
	Tags map[string]string
}

// The tags that the sender puts on a mail: the entry, its joining and the number
// of the mail, the large provider that it goes to, and that it is only a test.
const (
	TagKey      = "key"
	TagJoining  = "joining"
	TagAttempt  = "attempt"
	TagProvider = "provider"
	TagTest     = "test"
)

// FeedbackKind is what the mails are, for the header Feedback-ID, by which Gmail
// tells a sender how many complain. A mailer writes it: some services write the
// header themselves.
const FeedbackKind = "invitation"

// Format redacts, for every verb of fmt.
func (m Message) Format(s fmt.State, _ rune) {
	io.WriteString(s, "[message redacted, "+m.tags()+"]")
}

// LogValue redacts. The tags name the mail without telling whose it is.
func (m Message) LogValue() slog.Value {
	return slog.StringValue("[message redacted, " + m.tags() + "]")
}

func (m Message) tags() string {
	var b strings.Builder
	for _, name := range []string{TagKey, TagJoining, TagAttempt} {
		if v, ok := m.Tags[name]; ok {
			b.WriteString(" " + name + "=" + v)
		}
	}
	return strings.TrimSpace(b.String())
}
