package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the stories in testdata/script call raincheck as a command of
// its own process, as an operator does.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"raincheck": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			code := run(ctx, os.Args[1:], &env{
				stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
				lookup: os.LookupEnv, now: storyClock,
			})
			stop()
			os.Exit(code)
		},
	})
}

// storyClock is the wall's clock, set forward by STORY_AHEAD: a story does not
// wait for a second to pass.
func storyClock() time.Time {
	ahead, err := time.ParseDuration(os.Getenv("STORY_AHEAD"))
	if err != nil {
		ahead = 0
	}
	return time.Now().Add(ahead)
}

// TestStories runs testdata/script: each command with its errors.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Getuid() == 0, nil
			case "unshare": // of util-linux: a file system of the story's own
				return exec.Command("unshare", "--mount", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("no such condition: %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"freeport": freePort,
			"await":    await,
		},
	})
}

// freePort NAME sets an environment variable to a port that nothing listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "localhost:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], port)
}

// await URL [TEXT] returns when the address answers, and fails when the answer is
// without the text.
func await(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get(args[0]); err == nil {
			body, err := io.ReadAll(answer.Body)
			ts.Check(errors.Join(err, answer.Body.Close()))
			if len(args) > 1 && !strings.Contains(string(body), args[1]) {
				ts.Fatalf("%s answers %d without %q:\n%s", args[0], answer.StatusCode, args[1], body)
			}
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s does not answer", args[0])
		case <-tick.C:
		}
	}
}
