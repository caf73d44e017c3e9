package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"syscall"

	"github.com/wneessen/go-mail"

	"raincheck/pkg/email"
)

// failure is why a mail was not sent, or may not have been. It prints the step and
// the relay's codes; the relay's words print addresses.
type failure struct {
	step   string
	code   int    // 0 where the connection broke
	status string // the enhanced status code; empty where there was none
	class  error
}

func (f *failure) Error() string {
	said := "no answer"
	if f.code != 0 {
		said = strings.TrimSpace(fmt.Sprintf("%d %s", f.code, f.status))
	}
	return fmt.Sprintf("smtp: %v (%s: %s)", f.class, f.step, said)
}

func (f *failure) Unwrap() error { return f.class }

// classify tells by the step of the dialogue, and by the relay's codes, what a
// failed mail means.
func classify(err error) *failure {
	failed, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return &failure{step: "sending", class: email.ErrAmbiguous}
	}
	f := &failure{code: failed.ErrorCode(), status: failed.EnhancedStatusCode()}
	if f.status == "" {
		// The library reads a status only of relays that announce them; many that do not
		// say one all the same.
		f.status = email.StatusIn(strings.ReplaceAll(failed.Error(), `"`, ""))
	}
	switch failed.Reason {
	case mail.ErrConnCheck:
		f.step, f.class = "connection", email.ErrNotSent
	case mail.ErrSMTPMailFrom:
		f.step, f.class = "MAIL FROM", email.ErrPaused // the relay does not let this sender send
	case mail.ErrSMTPRcptTo:
		f.step, f.class = "RCPT TO", f.recipient()
		if f.code/100 == 4 && f.code != 421 {
			f.class = email.ErrLater // greylisting: this person's delay, and nobody else's
		}
	case mail.ErrSMTPData:
		f.step, f.class = "DATA", f.recipient()
	case mail.ErrSMTPDataClose:
		f.step, f.class = "the text", f.recipient()
		if f.code == 0 {
			f.class = email.ErrAmbiguous
		}
		return f.temporary()
	case mail.ErrWriteContent:
		// What the relay may have said of a text that was broken off is not its answer.
		return &failure{step: "the text", class: email.ErrAmbiguous}
	case mail.ErrGetSender, mail.ErrGetRcpts, mail.ErrNoUnencoded:
		f.step, f.class = "composing", email.ErrRefused
		return f
	default:
		f.step, f.class = "sending", email.ErrAmbiguous
		return f
	}
	if f.code == 0 {
		f.class = email.ErrNotSent // it broke before the relay answered to DATA
	}
	return f.temporary()
}

// temporary turns what only holds now into throttled.
func (f *failure) temporary() *failure {
	if f.code/100 == 4 && !errors.Is(f.class, email.ErrLater) {
		f.class = email.ErrThrottled
	}
	return f
}

// recipient is whose fault a 5xx is by its status. 5.4.5 is what relays say of a
// day's mails that are used up, though RFC 3463 means the network.
func (f *failure) recipient() error {
	switch {
	case f.status == "5.4.5":
		return email.ErrQuota
	case email.FaultOf(f.status) == email.Mailbox:
		return email.ErrRecipient
	}
	return email.ErrRefused
}

// dialFailure tells what a connection that did not come about means: nothing was
// sent for certain.
func dialFailure(err error) error {
	said, answered := errors.AsType[*textproto.Error](err)
	f := &failure{step: "connection", class: email.ErrNotSent}
	switch {
	case answered && said.Code/100 == 4:
		f.code, f.class = said.Code, email.ErrThrottled
	case answered:
		f.code, f.class = said.Code, email.ErrPaused
		switch said.Code {
		case 530, 534, 535, 538:
			f.step = "credentials"
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("smtp: %w (nothing listens at the relay's port)", email.ErrNotSent)
	case nameless(err):
		return fmt.Errorf("smtp: %w (the relay's name cannot be looked up)", email.ErrNotSent)
	case untrusted(err):
		return fmt.Errorf("smtp: %w (the relay's certificate is not trusted)", email.ErrPaused)
	case strings.Contains(err.Error(), "STARTTLS"):
		return fmt.Errorf("smtp: %w (the relay does not offer TLS)", email.ErrPaused)
	case unusable(err):
		return fmt.Errorf("smtp: %w (the relay offers no way to log in that is safe)", email.ErrPaused)
	}
	return f
}

func nameless(err error) bool {
	_, dns := errors.AsType[*net.DNSError](err)
	return dns
}

func untrusted(err error) bool {
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	return authority || name || invalid || verification
}

// unusable says that the relay answered and cannot be logged in to.
func unusable(err error) bool {
	return errors.Is(err, mail.ErrNoSupportedAuthDiscovered) || strings.Contains(err.Error(), "does not support SMTP AUTH")
}
