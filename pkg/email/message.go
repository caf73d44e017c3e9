package email

import (
	"errors"
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
	// Subject, Text and HTML are UTF-8; an adapter encodes them. Text and HTML
	// say the same.
	Subject, Text, HTML string
	// Headers are to be sent beside From, To, Subject, Date and the MIME ones.
	Headers []Header
	// Tags come back with every event about the mail: key, joining, attempt.
	// Never an address.
	Tags map[string]string
}

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
	for _, name := range []string{"key", "joining", "attempt"} {
		if v, ok := m.Tags[name]; ok {
			b.WriteString(" " + name + "=" + v)
		}
	}
	return strings.TrimSpace(b.String())
}

// What a mail service answers, as far as the sender must tell it apart. An
// adapter wraps one of them; an error that is none of them may hide an accepted
// mail, and is to be taken as ErrAmbiguous.
var (
	// ErrThrottled: too many a second. Nothing was sent; later it may be.
	ErrThrottled = errors.New("email: too many mails at once")
	// ErrQuota: the mails of these 24 hours are used up. Nothing was sent.
	ErrQuota = errors.New("email: the day's mails are used up")
	// ErrPaused: the service does not let us send now (account or configuration
	// set suspended, sandbox). Nothing was sent, and a person must look.
	ErrPaused = errors.New("email: sending is suspended")
	// ErrRefused: this address, or this message, is refused for good.
	ErrRefused = errors.New("email: refused for good")
	// ErrAmbiguous: no answer, or one that does not say. The mail may have been
	// accepted, and sending again may send it twice.
	ErrAmbiguous = errors.New("email: no word whether it was accepted")
)

// Account is what a mail service lets us do now.
type Account struct {
	// PerSecond is how many mails a second are accepted.
	PerSecond float64
	// Remaining24h is how many more may be sent in these 24 hours; -1 is no bound.
	Remaining24h float64
	// Enabled says that sending is allowed at all.
	Enabled bool
	// Because says why not, in words for an operator, when Enabled is false.
	Because string
}
