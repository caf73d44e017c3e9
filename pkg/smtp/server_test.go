//go:build emulators

package smtp_test

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/email/mailertest"
	"raincheck/pkg/smtp"
	"raincheck/pkg/smtp/smtptest"
)

// node is a relay on npm smtp-server (test/emulators/relay).
type node struct {
	*smtptest.Relay
	stdin io.Writer

	mu    sync.Mutex
	said  map[string]bool
	moved *sync.Cond
}

func startNode(t *testing.T) *node {
	t.Helper()
	config, roots := smtptest.Certificate(t)
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(config.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"key.pem": {Type: "PRIVATE KEY", Bytes: key}, "cert.pem": {Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.CommandContext(t.Context(), "node", "../../test/emulators/relay/server.js", filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem"))
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("node with npm smtp-server is needed (make test/emulators/node_modules): %v", err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	n := &node{Relay: &smtptest.Relay{Host: "127.0.0.1", Roots: roots}, stdin: stdin, said: map[string]bool{}}
	n.moved = sync.NewCond(&n.mu)
	ready := make(chan struct{})
	go n.read(stdout, ready)
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatal("the relay does not start")
	}
	return n
}

// read takes in what the server says: its port, that it obeyed, and the mails.
func (n *node) read(stdout io.Reader, ready chan struct{}) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var said struct {
			Port                      int
			Answer                    *string
			From, Subject, Text, HTML string
			To                        []string
			Headers                   map[string]string
			At                        int64
		}
		if json.Unmarshal(lines.Bytes(), &said) != nil {
			continue
		}
		switch {
		case said.Port != 0:
			n.Port = said.Port
			close(ready)
		case said.Answer != nil:
			n.mu.Lock()
			n.said[*said.Answer] = true
			n.moved.Broadcast()
			n.mu.Unlock()
		default:
			n.Keep(mailertest.Mail{
				From: said.From, To: said.To, Subject: said.Subject, Text: said.Text, HTML: said.HTML,
				Header: func(name string) string { return said.Headers[strings.ToLower(name)] },
			}, time.UnixMilli(said.At))
		}
	}
}

// order tells the server how to answer, and waits until it knows.
func (n *node) order(answer string) {
	fmt.Fprintln(n.stdin, answer)
	n.mu.Lock()
	defer n.mu.Unlock()
	for !n.said[answer] {
		n.moved.Wait()
	}
}

// settled gives the mails once no more come.
func (n *node) settled() []mailertest.Mail {
	for before := -1; ; {
		all := n.Mails()
		if len(all) == before {
			return all
		}
		before = len(all)
		<-time.After(50 * time.Millisecond) // the server is another process: it says when a mail came, not that none will
	}
}

// TestSMTPOnARealServer holds the mailer to its contract against a server that
// somebody else wrote, with TLS and a login.
func TestSMTPOnARealServer(t *testing.T) {
	orders := map[mailertest.Answer]string{
		mailertest.Throttle: "throttle", mailertest.Quota: "quota", mailertest.Pause: "auth", mailertest.RefuseRecipient: "recipient",
		mailertest.Later: "later", mailertest.Refuse: "refuse", mailertest.Lose: "lose", mailertest.Hang: "hang", mailertest.Away: "away",
	}
	mailertest.Run(t, func(t *testing.T) mailertest.Subject {
		n := startNode(t)
		return mailertest.Subject{Mailer: open(t, n.Relay, func(s *smtp.Settings) { s.Timeout = 10 * time.Second }), Arrived: n.settled, Answer: func(a mailertest.Answer) { n.order(orders[a]) }}
	}, nil)
}
