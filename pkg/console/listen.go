package console

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Listen listens on localhost, where the switches are, and on the host if that is
// another one; port 0 picks a free one.
func Listen(name string, number int) ([]net.Listener, error) {
	hosts := []string{name}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsUnspecified() && !ip.IsLoopback()) {
		hosts = append(hosts, "localhost")
	}
	var listeners []net.Listener
	port := strconv.Itoa(number)
	for _, host := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			for _, l := range listeners {
				err = errors.Join(err, l.Close())
			}
			return nil, fmt.Errorf("listen on %s, port %s: %w; --port chooses another", host, port, inUse(err))
		}
		if _, port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
			return nil, fmt.Errorf("read the address: %w", err)
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

// Server serves pages of a few kilobytes: whoever is slower than a bad line
// is cut off, so that nobody can hold its connections.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
}

func inUse(err error) error {
	if strings.Contains(err.Error(), "address already in use") {
		return errors.New("something else listens there")
	}
	return err
}
