// Package names is a small name server: it answers questions for TXT records
// over UDP from what it was told, and everything else with "no such name". It
// stands in for the DNS of somebody's domain.
package names

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Server is a name server that runs.
type Server struct {
	conn  net.PacketConn
	ended chan struct{}

	mu    sync.Mutex
	texts map[string][]string
}

// Start starts a server on a free port of this machine.
func Start() (*Server, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	s := &Server{conn: conn, ended: make(chan struct{}), texts: map[string][]string{}}
	go s.serve()
	return s, nil
}

// Addr is where it listens, HOST:PORT.
func (s *Server) Addr() string { return s.conn.LocalAddr().String() }

// Close ends it.
func (s *Server) Close() {
	_ = s.conn.Close() // a socket that is closed already is as good
	<-s.ended
}

// Put sets the TXT records of a name; none takes them away.
func (s *Server) Put(name string, texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[strings.ToLower(name)] = texts
}

func (s *Server) serve() {
	defer close(s.ended)
	buffer := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if reply, err := s.reply(buffer[:n]); err == nil {
			_, _ = s.conn.WriteTo(reply, from) // an asker who has gone asks again
		}
	}
}

func (s *Server) reply(question []byte) ([]byte, error) {
	var in dnsmessage.Message
	if err := in.Unpack(question); err != nil {
		return nil, err
	}
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: in.ID, Response: true, RecursionDesired: in.RecursionDesired, RecursionAvailable: true}, Questions: in.Questions}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range in.Questions {
		texts := s.texts[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))]
		if len(texts) == 0 || q.Type != dnsmessage.TypeTXT {
			out.RCode = dnsmessage.RCodeNameError
			continue
		}
		for _, text := range texts {
			out.Answers = append(out.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
				Body:   &dnsmessage.TXTResource{TXT: []string{text}},
			})
		}
	}
	return out.Pack()
}
