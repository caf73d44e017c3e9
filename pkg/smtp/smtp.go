package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"raincheck/pkg/email"
)

// Settings name a relay.
type Settings struct {
	// Host and Port are the relay's. 465 speaks TLS from the first byte; any other
	// port begins with STARTTLS.
	Host string
	Port int
	// User and Password log in; an empty User does not.
	User, Password string
	// Roots verify the relay's certificate; nil is the machine's own.
	Roots *x509.CertPool
	// Timeout bounds each mail; zero is DefaultTimeout.
	Timeout time.Duration
	// Dial connects to the relay; nil is by TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	// DefaultTimeout bounds a mail: ten of a batch fit the sender's 60 s.
	DefaultTimeout = 5 * time.Second
	// idle is how long a connection is kept for the next mail. Relays close those
	// that are silent for longer, and a function may be frozen between two batches.
	idle = 15 * time.Second
	// tlsPort speaks TLS from the first byte (RFC 8314).
	tlsPort = 465
)

// Check says what is wrong with the settings, or nil.
func (s Settings) Check() error {
	switch {
	case s.Host == "" || strings.ContainsAny(s.Host, " /@:") && net.ParseIP(s.Host) == nil:
		return errors.New("want the relay's host by itself, such as smtp.example.org")
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("want a port from 1 to 65535, such as 587, not %d", s.Port)
	case s.User == "" && s.Password != "":
		return errors.New("there is a password and no user")
	}
	return nil
}

// local says that the relay is on this machine, where TLS is not demanded.
func (s Settings) local() bool {
	ip := net.ParseIP(s.Host)
	return s.Host == "localhost" || ip != nil && ip.IsLoopback()
}

// Mailer sends through a relay. It is safe for concurrent use.
type Mailer struct {
	settings Settings
	client   *mail.Client

	mu   sync.Mutex
	free []*connection
}

// connection is one to the relay that has no mail under way.
type connection struct {
	*smtp.Client
	used time.Time
}

// New gives a mailer. Nothing is asked before the first mail.
func New(s Settings) (*Mailer, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	policy := mail.TLSMandatory
	if s.local() {
		policy = mail.TLSOpportunistic
	}
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(s.Timeout), mail.WithTLSPolicy(policy), mail.WithoutNoop(),
		// The name of this machine is nobody's business, and a function has none.
		mail.WithHELO("raincheck"),
		mail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	if s.Port == tlsPort {
		options = append(options, mail.WithSSL())
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	if s.Dial != nil {
		options = append(options, mail.WithDialContextFunc(s.Dial))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return &Mailer{settings: s, client: client}, nil
}

// Send sends one mail and gives its Message-ID. Its errors are as pkg/email says.
func (m *Mailer) Send(ctx context.Context, mail email.Message) (id string, err error) {
	msg, err := compose(mail)
	if err != nil {
		return "", fmt.Errorf("smtp: composing the mail: %w", email.ErrRefused)
	}
	for first := true; ; first = false {
		conn, reused, err := m.take(ctx)
		if err != nil {
			return "", err
		}
		err = m.client.SendWithSMTPClient(conn.Client, msg)
		switch {
		case err == nil:
			m.keep(conn)
			return msg.GetMessageID(), nil
		case msg.IsDelivered():
			// What broke came after the relay had taken the mail.
			_ = conn.Close()
			return msg.GetMessageID(), nil
		}
		failure := classify(err)
		if failure.code == 0 || failure.code == 421 {
			_ = conn.Close()
		} else {
			m.keep(conn)
		}
		if reused && first && failure.code == 0 && email.NotSent(failure) && ctx.Err() == nil {
			continue // the relay was tired of the connection, and nothing was sent
		}
		return "", failure
	}
}

// take gives a connection that is free, or makes one. Its error means that
// nothing was sent.
func (m *Mailer) take(ctx context.Context) (conn *connection, reused bool, err error) {
	now := m.settings.Now()
	m.mu.Lock()
	for len(m.free) > 0 {
		conn := m.free[len(m.free)-1]
		m.free = m.free[:len(m.free)-1]
		if age := now.Sub(conn.used); age < 0 || age > idle {
			_ = conn.Close()
			continue
		}
		m.mu.Unlock()
		return conn, true, nil
	}
	m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, false, fmt.Errorf("smtp: %w: %w", email.ErrNotSent, err)
	}
	client, err := m.client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, false, dialFailure(err)
	}
	return &connection{Client: client, used: now}, false, nil
}

func (m *Mailer) keep(conn *connection) {
	conn.used = m.settings.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free = append(m.free, conn)
}

// Close ends the connections that are free.
func (m *Mailer) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, conn := range m.free {
		_ = m.client.CloseWithSMTPClient(conn.Client)
		_ = conn.Close() // a relay that was idle for long may not have heard the farewell
	}
	m.free = nil
}
