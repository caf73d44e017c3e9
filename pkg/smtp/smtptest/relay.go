// Package smtptest is a mail relay for tests: it runs in the process of the test,
// speaks the real protocol, with STARTTLS and a login, and fails as it is told.
package smtptest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"

	"raincheck/pkg/email/mailertest"
)

// The steps of the dialogue at which a relay can be told to answer otherwise or to
// break off.
const (
	AtConnect = "connect"
	AtHello   = "EHLO"
	AtTLS     = "STARTTLS"
	AtLogin   = "AUTH"
	AtSender  = "MAIL"
	AtRcpt    = "RCPT"
	AtData    = "DATA"
	AtText    = "text" // after the first bytes of the text
	AtDot     = "dot"  // after the final dot, before the answer
	AtReset   = "RSET"
	AtQuit    = "QUIT"
)

// Answers that are none: the connection breaks, or nothing more comes.
const (
	BreakOff   = "break"
	StaySilent = "silent"
)

// Relay is a running relay, and what arrived at it.
type Relay struct {
	// Host and Port are where it listens, Roots trust its certificate.
	Host  string
	Port  int
	Roots *x509.CertPool
	// WithoutTLS has it offer none, Delay is how long it takes for each answer, and of
	// more than PerSecond mails in any second it takes no more; zero means that there is no bound. They
	// are set before the first mail.
	WithoutTLS bool
	Delay      time.Duration
	PerSecond  int

	mu       sync.Mutex
	answers  map[string]string // by step: a reply line, BreakOff, or StaySilent
	arrived  []arrival
	sessions int
	refused  int // for PerSecond
	config   *tls.Config
	listener net.Listener
}

// Serve starts a relay that ends with the test; secure speaks TLS from the first byte.
func Serve(t testing.TB, secure bool) *Relay {
	t.Helper()
	r := InMemory(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Port, r.listener = l.Addr().(*net.TCPAddr).Port, l
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if secure {
					conn = tls.Server(conn, r.config)
				}
				r.session(conn)
			}()
		}
	}()
	return r
}

// InMemory gives a relay that listens nowhere: Dial connects to it. Its time may be
// that of testing/synctest.
func InMemory(t testing.TB) *Relay {
	t.Helper()
	config, roots := Certificate(t)
	return &Relay{Host: "127.0.0.1", Port: 587, Roots: roots, answers: map[string]string{}, config: config}
}

// Dial connects to the relay without a network.
func (r *Relay) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		r.session(there)
	}()
	return here, nil
}

// Say has the relay answer a step so from now on: a line of the protocol, BreakOff or
// StaySilent; an empty one is its own again.
func (r *Relay) Say(step, answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[step] = answer
}

// Connections is how many there have been.
func (r *Relay) Connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions
}

// Refused is how many mails came beyond PerSecond.
func (r *Relay) Refused() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// at gives the answer to a step, or breaks off.
func (r *Relay) at(step, usual string) (reply string, broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch answer := r.answers[step]; answer {
	case "":
		return usual, false
	case BreakOff:
		return "", true
	default:
		return answer, false
	}
}

func (r *Relay) session(conn net.Conn) {
	r.mu.Lock()
	r.sessions++
	r.mu.Unlock()
	in := bufio.NewReader(conn)
	step := func(name, usual string) bool {
		reply, broken := r.at(name, usual)
		if broken {
			return false
		}
		if reply == StaySilent {
			_, _ = io.Copy(io.Discard, in)
			return false
		}
		time.Sleep(r.Delay)
		_, err := fmt.Fprintf(conn, "%s\r\n", reply)
		return err == nil
	}
	if !step(AtConnect, "220 relay ESMTP") {
		return
	}
	encrypted := false
	var to []string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		ok := true
		switch strings.ToUpper(verb) {
		case "EHLO", "HELO":
			hello := "250-relay\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"
			if !encrypted && !r.WithoutTLS {
				hello = strings.Replace(hello, "250-AUTH", "250-STARTTLS\r\n250-AUTH", 1)
			}
			ok = step(AtHello, hello)
		case "STARTTLS":
			if ok = step(AtTLS, "220 go on"); ok {
				secure := tls.Server(conn, r.config)
				conn, in, encrypted = secure, bufio.NewReader(secure), true
			}
		case "MAIL":
			to = nil
			ok = step(AtSender, "250 2.1.0 ok")
		case "RCPT":
			if _, refuses := r.at(AtRcpt, ""); !refuses {
				to = append(to, strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">"))
			}
			ok = step(AtRcpt, "250 2.1.5 ok")
		case "DATA":
			ok = r.data(in, to, step)
		case "QUIT":
			step(AtQuit, "221 2.0.0 bye")
			return
		default:
			ok = step(other(verb))
		}
		if !ok {
			return
		}
	}
}

// other is the step and the usual answer of a verb that changes nothing here.
func other(verb string) (name, usual string) {
	switch strings.ToUpper(verb) {
	case "AUTH":
		return AtLogin, "235 2.7.0 welcome"
	case "RSET":
		return AtReset, "250 2.0.0 ok"
	case "NOOP":
		return "NOOP", "250 2.0.0 ok"
	}
	return "", "500 5.5.1 what?"
}

// data answers DATA, and takes the message if it says so.
func (r *Relay) data(in *bufio.Reader, to []string, step func(name, usual string) bool) bool {
	reply, _ := r.at(AtData, "354 go on")
	if !strings.HasPrefix(reply, "354") {
		return step(AtData, reply)
	}
	return step(AtData, "354 go on") && r.text(in, to, step)
}

// text takes a message. What the relay breaks off it may have kept or not: this
// one keeps what ended with its dot, as a relay may.
func (r *Relay) text(in *bufio.Reader, to []string, step func(name, usual string) bool) bool {
	if _, broken := r.at(AtText, ""); broken {
		_, _ = in.ReadByte()
		return false
	}
	var raw bytes.Buffer
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	if reply, broken := r.at(AtDot, "250 2.0.0 kept"); broken || reply == StaySilent || strings.HasPrefix(reply, "2") {
		if !r.keep(arrival{at: time.Now(), to: to, raw: raw.Bytes()}) {
			return step("", "451 4.7.0 too many mails in a second")
		}
	}
	return step(AtDot, "250 2.0.0 kept")
}

// arrival is a mail that arrived: as it came, or taken apart.
type arrival struct {
	at   time.Time
	to   []string
	raw  []byte
	mail *mailertest.Mail
}

// keep notes a mail, unless a second's mails have arrived in the last second.
func (r *Relay) keep(a arrival) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.arrived); r.PerSecond > 0 && n >= r.PerSecond && a.at.Sub(r.arrived[n-r.PerSecond].at) < time.Second {
		r.refused++
		return false
	}
	r.arrived = append(r.arrived, a)
	return true
}

// Keep notes a mail that arrived at that time.
func (r *Relay) Keep(m mailertest.Mail, at time.Time) {
	r.keep(arrival{at: at, to: m.To, mail: &m})
}

// Arrivals says when each mail arrived, by the relay's clock, and to whom.
func (r *Relay) Arrivals() (at []time.Time, to []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.arrived {
		at, to = append(at, a.at), append(to, strings.Join(a.to, " "))
	}
	return at, to
}

// Mails lists what arrived, the first one first.
func (r *Relay) Mails() []mailertest.Mail {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []mailertest.Mail
	for i := range r.arrived {
		if a := &r.arrived[i]; a.mail == nil {
			a.mail = read(a.raw, a.to)
		}
		out = append(out, *r.arrived[i].mail)
	}
	return out
}

func read(raw []byte, to []string) *mailertest.Mail {
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	from, err := e.AddressList("From")
	if err != nil {
		panic(err)
	}
	return &mailertest.Mail{From: from[0].Address, To: to, Subject: e.GetHeader("Subject"), Text: e.Text, HTML: e.HTML, Header: e.GetHeader}
}

// Leave ends the listening: nobody can connect any more.
func (r *Relay) Leave() { _ = r.listener.Close() }

// Certificate makes one for 127.0.0.1, and the pool that trusts it.
func Certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}
