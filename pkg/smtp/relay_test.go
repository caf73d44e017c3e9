package smtp_test

import (
	"bufio"
	"bytes"
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
	atConnect  = "connect"
	atHello    = "EHLO"
	atTLS      = "STARTTLS"
	atLogin    = "AUTH"
	atSender   = "MAIL"
	atRcpt     = "RCPT"
	atData     = "DATA"
	atText     = "text" // after the first bytes of the text
	atDot      = "dot"  // after the final dot, before the answer
	atReset    = "RSET"
	atQuit     = "QUIT"
	breakOff   = "break"
	staySilent = "silent"
)

// relay is a mail relay in this process that speaks the real protocol, with
// STARTTLS and a login, and fails as it is told.
type relay struct {
	host  string
	port  int
	roots *x509.CertPool

	mu       sync.Mutex
	answers  map[string]string // by step: a reply line, breakOff, or staySilent
	arrived  []mailertest.Mail
	stamps   []time.Time
	sessions int
	config   *tls.Config
	noTLS    bool
	listener net.Listener
}

// serve starts a relay; secure speaks TLS from the first byte.
func serve(t testing.TB, secure bool) *relay {
	t.Helper()
	config, roots := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port, roots: roots, answers: map[string]string{}, config: config, listener: l}
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
					conn = tls.Server(conn, config)
				}
				r.session(conn)
			}()
		}
	}()
	return r
}

func (r *relay) say(step, answer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[step] = answer
}

func (r *relay) mails() []mailertest.Mail {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]mailertest.Mail(nil), r.arrived...)
}

func (r *relay) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions
}

// at gives the answer to a step, or breaks off.
func (r *relay) at(step, usual string) (reply string, broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch answer := r.answers[step]; answer {
	case "":
		return usual, false
	case breakOff:
		return "", true
	default:
		return answer, false
	}
}

func (r *relay) session(conn net.Conn) {
	r.mu.Lock()
	r.sessions++
	r.mu.Unlock()
	in := bufio.NewReader(conn)
	step := func(name, usual string) bool {
		reply, broken := r.at(name, usual)
		if broken {
			return false
		}
		if reply == staySilent {
			_, _ = io.Copy(io.Discard, in)
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", reply)
		return err == nil
	}
	if !step(atConnect, "220 relay ESMTP") {
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
			if !encrypted && !r.noTLS {
				hello = strings.Replace(hello, "250-AUTH", "250-STARTTLS\r\n250-AUTH", 1)
			}
			ok = step(atHello, hello)
		case "STARTTLS":
			if ok = step(atTLS, "220 go on"); ok {
				secure := tls.Server(conn, r.config)
				conn, in, encrypted = secure, bufio.NewReader(secure), true
			}
		case "AUTH":
			ok = step(atLogin, "235 2.7.0 welcome")
		case "MAIL":
			to = nil
			ok = step(atSender, "250 2.1.0 ok")
		case "RCPT":
			if _, refuses := r.at(atRcpt, ""); !refuses {
				to = append(to, strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">"))
			}
			ok = step(atRcpt, "250 2.1.5 ok")
		case "DATA":
			if reply, _ := r.at(atData, "354 go on"); strings.HasPrefix(reply, "354") {
				if ok = step(atData, "354 go on"); ok {
					ok = r.text(in, to, step)
				}
			} else {
				ok = step(atData, reply)
			}
		case "RSET":
			ok = step(atReset, "250 2.0.0 ok")
		case "NOOP":
			ok = step("NOOP", "250 2.0.0 ok")
		case "QUIT":
			step(atQuit, "221 2.0.0 bye")
			return
		default:
			ok = step("", "500 5.5.1 what?")
		}
		if !ok {
			return
		}
	}
}

// text takes a message. What the relay breaks off it may have kept or not: this
// one keeps what ended with its dot, as a relay may.
func (r *relay) text(in *bufio.Reader, to []string, step func(name, usual string) bool) bool {
	if _, broken := r.at(atText, ""); broken {
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
	if reply, broken := r.at(atDot, "250 2.0.0 kept"); broken || reply == staySilent || strings.HasPrefix(reply, "2") {
		r.keep(raw.Bytes(), to)
	}
	return step(atDot, "250 2.0.0 kept")
}

func (r *relay) keep(raw []byte, to []string) {
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	from, err := e.AddressList("From")
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stamps = append(r.stamps, time.Now())
	r.arrived = append(r.arrived, mailertest.Mail{
		From: from[0].Address, To: to, Subject: e.GetHeader("Subject"), Text: e.Text, HTML: e.HTML, Header: e.GetHeader,
	})
}

// certificate makes one for 127.0.0.1, and the pool that trusts it.
func certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
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
