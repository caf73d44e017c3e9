package main

import (
	"context"
	"os"
	"os/signal"
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
				lookup: os.LookupEnv, now: time.Now,
			})
			stop()
			os.Exit(code)
		},
	})
}

// TestStories runs testdata/script: each command with its errors.
func TestStories(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
