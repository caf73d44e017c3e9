// Command raincheck is the operators' tool, and the whole of raincheck on one
// machine.
//
// It is read by somebody whose site may be falling over: every command says in
// one line what it does, everything that it prints is in plain words, an error
// names what is wrong and where, and a command that changes something on a
// deployed stack prints its plan and does nothing without --apply. `open` acts at
// once: letting everybody in is the way back to a site without raincheck. So do
// `load`, which cron calls, and `smoke`; they switch nothing.
//
// Exit status: 0 done, 1 it could not be done, 2 the command or its input is
// wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"raincheck/pkg/terminal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// cli is every command, in the order in which help shows them. A command is a
// struct of flags with a method Run(*env) error.
//
// It has more than 15 fields: one for each command.
type cli struct {
	Open     openCmd     `cmd:"" group:"The switches" help:"Let everybody in. Acts at once, without asking."`
	Throttle throttleCmd `cmd:"" group:"The switches" help:"Let in as many as the site can take (the law decides), or a fixed share."`
	Hold     holdCmd     `cmd:"" group:"The switches" help:"Let nobody new in; whoever is in stays in."`
	Observe  observeCmd  `cmd:"" group:"The switches" help:"Decide and count as throttle would, and let everybody in."`
	Pause    pauseCmd    `cmd:"" group:"The switches" help:"Stop the mail. Nobody loses their place."`
	Resume   resumeCmd   `cmd:"" group:"The switches" help:"Send again."`
	Say      sayCmd      `cmd:"" group:"The switches" help:"Put a message on every page of the waiting room, until it ends by itself."`
	Load     loadCmd     `cmd:"" group:"The switches" help:"Enter the site's load by hand, or from cron: 0.93 is 93 % of the capacity."`

	Invite  inviteCmd  `cmd:"" group:"The line" help:"Invite a number of people now, beside the law; or into a file, for another mailer."`
	Drain   drainCmd   `cmd:"" group:"The line" help:"Invite everyone left at the safe pace, and take no more addresses."`
	Export  exportCmd  `cmd:"" group:"The line" help:"Write the waitlist to standard output, as CSV or JSON lines."`
	Import  importCmd  `cmd:"" group:"The line" help:"Put the people of a file into the line."`
	Forget  forgetCmd  `cmd:"" group:"The line" help:"Remove one person, by their address."`
	Restore restoreCmd `cmd:"" group:"The line" help:"Put back what the table has lost and a copy of it has."`

	Bounced bouncedCmd `cmd:"" group:"The line" help:"Take the mails that came back to the sender, from a file."`
	Release releaseCmd `cmd:"" group:"The line" help:"Take suppressions back that were wrong, here and on SES's list."`

	Status  statusCmd  `cmd:"" group:"Looking" help:"What happens now and why, in one screen."`
	Console consoleCmd `cmd:"" group:"Looking" help:"The state of a deployed stack on a page, read-only, for everybody who decides."`
	Doctor  doctorCmd  `cmd:"" group:"Looking" help:"What would go wrong on the day: quotas, mail, edge, clock, load; and how to mend each."`
	Smoke   smokeCmd   `cmd:"" group:"Looking" help:"Send one invented person the whole way: form, mail, code, site; and remove them again."`

	Version versionCmd `cmd:"" group:"Looking" help:"Which raincheck this is."`

	Attach attachCmd `cmd:"" group:"Setting up" help:"Put raincheck onto an existing CloudFront distribution."`
	Detach detachCmd `cmd:"" group:"Setting up" help:"Take raincheck off a distribution again. Before deleting the stack."`

	Words  wordsCmd  `cmd:"" group:"Setting up" help:"The site's name, colour, logo, contact and time zone, for pages and mails: check, set, example."`
	Rotate rotateCmd `cmd:"" group:"Setting up" help:"Put a new signing key into the ring. Nobody notices."`

	Simulate simulateCmd `cmd:"" group:"Trying it out" help:"Run a day through the law in a second: what a capacity would have meant."`
	Decide   decideCmd   `cmd:"" group:"Trying it out" help:"The admission law by itself: observations in, decisions out, as lines of JSON."`

	Local localCmd `cmd:"" group:"Trying it out" help:"Run the whole of raincheck on this machine: site, edge, waiting room, mail, console."`
}

// env is all that a command gets from the outside: nothing here is global, so
// that tests can run every command in process.
type env struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// lookup reads the environment, as os.LookupEnv does.
	lookup func(string) (string, bool)
	// now is the wall clock.
	now func() time.Time
}

// usageError marks what the caller got wrong (a flag, a file's content): exit
// status 2 instead of 1.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// badInput makes a usageError in fmt.Errorf's words.
func badInput(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// The second one ends it at once, if it does not stop by the first.
	context.AfterFunc(ctx, stop)
	out := &terminal.Output{Writer: os.Stdout}
	code := run(ctx, os.Args[1:], &env{
		stdin: os.Stdin, stdout: out, stderr: os.Stderr,
		lookup: os.LookupEnv, now: time.Now,
	})
	stop()
	if code == 0 && out.Failed != nil {
		fmt.Fprintln(os.Stderr, "raincheck: writing the answer:", out.Failed)
		code = 1
	}
	os.Exit(code)
}

// helped is how --help leaves kong, which would exit the process by itself.
type helped struct{ code int }

// run parses args, runs the command and returns the exit status. It prints the
// one line that says what went wrong, and nothing else: kong's usage text of
// sixty lines would scroll that line away.
func run(ctx context.Context, args []string, e *env) (code int) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case helped:
			code = r.code
		default:
			panic(r)
		}
	}()
	e.ctx = ctx
	var commands cli
	parser, err := kong.New(&commands,
		kong.Name("raincheck"),
		kong.Description("Keeps a busy web site up by asking people to come back a little later. "+
			"In trouble: `raincheck open` lets everybody in, at once."),
		kong.Writers(e.stdout, e.stderr),
		kong.Exit(func(code int) { panic(helped{code}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Help(help),
	)
	if err != nil {
		fmt.Fprintln(e.stderr, "raincheck: the command line is built wrongly:", err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(e.stderr, "raincheck: %s\n  raincheck --help lists the commands, raincheck COMMAND --help explains one\n", terminal.Sentence(args, err))
		return 2
	}
	return e.status(command.Run(e))
}

// help is kong's, and at its end what the exit status says, for every command
// that does not say it better itself.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if node := ctx.Selected(); node == nil || !strings.Contains(node.Detail, "Exit status:") {
		fmt.Fprint(ctx.Stdout, "\nExit status: 0 done, 1 it could not be done, 2 the command or its input is wrong.\n")
	}
	return nil
}

// status says what went wrong, in one line, and gives the exit status.
func (e *env) status(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errUnwell) {
		return 1 // what is wrong has been said
	}
	fmt.Fprintln(e.stderr, "raincheck:", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}
