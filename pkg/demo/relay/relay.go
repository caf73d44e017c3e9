// Package relay mails the people of a local instance through a mail relay: the flags
// that name one, and the carriers that send while the clock goes on.
package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strconv"
	"time"

	"raincheck/pkg/smtp"
)

// Flags name a relay. A password is not among them: the list of processes shows flags.
type Flags struct {
	SMTP      string  `name:"smtp" placeholder:"HOST:PORT" help:"Mail people through this relay; the simulated crowd's mails stay here. TLS is demanded, but for a relay on this machine."`
	From      string  `placeholder:"ADDRESS" help:"With --smtp, the address that writes; the relay must let it."`
	SMTPLogin string  `name:"smtp-login" placeholder:"FILE" help:"With --smtp, a file with {\"user\": …, \"password\": …}. Else RAINCHECK_SMTP_USER and RAINCHECK_SMTP_PASSWORD of the environment; without a user nobody logs in."`
	SMTPRate  float64 `name:"smtp-rate" placeholder:"N" default:"5" help:"With --smtp, how many mails a second the relay takes (${default})."`
}

// patience is how long the relay may take for each step of a mail. Some look for spam
// before they answer to its end.
const patience = 15 * time.Second

// Open gives the relay that is named, or nil where none is. Nothing is asked of it
// before the first mail. The error says which flag is wrong, and repeats no password.
func (f Flags) Open(lookup func(string) (string, bool)) (*Relay, error) {
	if f.SMTP == "" {
		if f.From != "" || f.SMTPLogin != "" {
			return nil, errors.New("--from, --smtp-login: there is no relay to use them with; name it with --smtp HOST:PORT")
		}
		return nil, nil
	}
	host, number, err := net.SplitHostPort(f.SMTP)
	if err != nil {
		return nil, fmt.Errorf("--smtp %s: want HOST:PORT, such as smtp.example.org:587", f.SMTP)
	}
	port, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("--smtp %s: the port is not a number", f.SMTP)
	}
	if from, err := mail.ParseAddress(f.From); err != nil || from.Address != f.From {
		return nil, errors.New("--from: with --smtp, want the address that writes, by itself, such as queue@example.org")
	}
	if !(f.SMTPRate > 0 && f.SMTPRate <= 1000) {
		return nil, fmt.Errorf("--smtp-rate %g: want mails a second, above 0 and at most 1000", f.SMTPRate)
	}
	user, password, err := f.login(lookup)
	if err != nil {
		return nil, err
	}
	mailer, err := smtp.New(smtp.Settings{Host: host, Port: port, User: user, Password: password, Timeout: patience})
	if err != nil {
		return nil, fmt.Errorf("--smtp %s: %w", f.SMTP, err)
	}
	return &Relay{Mail: mailer, From: f.From, PerSecond: f.SMTPRate}, nil
}

// login reads the user and the password.
func (f Flags) login(lookup func(string) (string, bool)) (user, password string, err error) {
	if f.SMTPLogin == "" {
		user, _ = lookup("RAINCHECK_SMTP_USER")
		password, _ = lookup("RAINCHECK_SMTP_PASSWORD")
		return user, password, nil
	}
	text, err := os.ReadFile(f.SMTPLogin)
	if err != nil {
		return "", "", fmt.Errorf("--smtp-login: %w", err)
	}
	var login struct{ User, Password string }
	if err := json.Unmarshal(text, &login); err != nil || login.User == "" || login.Password == "" {
		return "", "", fmt.Errorf(`--smtp-login %s: want {"user": "…", "password": "…"}, and neither empty`, f.SMTPLogin)
	}
	return login.User, login.Password, nil
}
