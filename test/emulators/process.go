// Package emulators starts servers that speak the protocols of the AWS services
// that raincheck uses, so that the adapters, the functions and SAM can be tried
// with no account: what goes over the wire is real, and what answers keeps state.
//
// DynamoDB, SQS, SES and Secrets Manager are other people's stand-ins, started as
// programs. For CloudWatch's metrics and for the KeyValueStore's data plane there
// is none, and two small servers here stand in; the SDK's own encoder speaks to
// them in their tests, so that they cannot drift from the real form unseen.
//
// A stand-in is not the service. What each of them cannot carry is named where
// it is used, and another must carry it.
package emulators

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Server is a stand-in that runs.
type Server struct {
	// URL is where it listens, without a slash at the end.
	URL string
	// Port is the port of it.
	Port int
}

// Dynalite starts a DynamoDB.
func Dynalite(t testing.TB, host string) Server {
	return start(t, host, module("dynalite"), "--host", host, "--port", port, "--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0")
}

// SES starts an SES v2; what it was sent is at /store. account is the JSON that
// GetAccount answers.
func SES(t testing.TB, host, account string) Server {
	return startWith(t, host, []string{"AWS_SES_ACCOUNT=" + account}, module("aws-ses-v2-local"), "--host", host, "--port", port)
}

// Moto starts DynamoDB, SQS, Secrets Manager and others on one port. The program
// is the one that MOTO names, else the one that make test-emulators installs, else
// the one on the path. Writes to its DynamoDB go one at a time (oneAtATime).
func Moto(t testing.TB, host string) Server {
	program := os.Getenv("MOTO")
	if program == "" {
		program = filepath.Join(folder(), ".venv", "bin", "moto_server")
		if _, err := os.Stat(program); err != nil {
			program = "moto_server"
		}
	}
	return serial(t, host, start(t, "127.0.0.1", program, "-H", "127.0.0.1", "-p", port))
}

// port stands for the port in a command line.
const port = "PORT"

// folder is where this package is.
func folder() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Dir(here)
}

func module(name string) string {
	return filepath.Join(folder(), "node_modules", ".bin", name)
}

func start(t testing.TB, host, program string, args ...string) Server {
	t.Helper()
	return startWith(t, host, nil, program, args...)
}

func startWith(t testing.TB, host string, env []string, program string, args ...string) Server {
	t.Helper()
	free := freePort(t, host)
	command := append([]string(nil), args...)
	for i, a := range command {
		if a == port {
			command[i] = strconv.Itoa(free)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, program, command...)
	run.Env = append(os.Environ(), env...)
	var out lockedBuffer
	run.Stdout, run.Stderr = &out, &out
	if err := run.Start(); err != nil {
		cancel()
		t.Fatalf("starting %s: %v (make test-emulators installs what is missing)", program, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	address := net.JoinHostPort(host, strconv.Itoa(free))
	giveUp := time.After(60 * time.Second)
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return Server{URL: "http://" + address, Port: free}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", program, err, out.String())
		case <-giveUp:
			t.Fatalf("%s does not listen\n%s", program, out.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort(t testing.TB, host string) int {
	t.Helper()
	l := listen(t, host)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func listen(t testing.TB, host string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(fmt.Errorf("looking for a free port: %w", err))
	}
	return l
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
