package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// options are what a run is made of.
//
// It has more than 15 fields: one for each flag.
type options struct {
	Base      string        `arg:"" optional:"" help:"The site, without a path: http://localhost:8080."`
	Instance  string        `placeholder:"RAINCHECK" help:"In place of a site: start this program as a local instance without a crowd, and stop it afterwards."`
	Faults    bool          `help:"Break the instance in the middle: its disk is full for a while, and later it is killed and started again."`
	Path      string        `default:"/apply" help:"The protected page that everybody asks for."`
	People    int           `default:"20000" short:"n" help:"How many come."`
	Over      time.Duration `default:"1m" help:"How long they take to come."`
	Curve     string        `enum:"constant,spike,trace" default:"constant" help:"How they come: constant, spike, or trace, the busiest twelve hours of --trace."`
	Trace     string        `type:"existingfile" help:"A trace of demand (CSV: minute,timestamp,count)."`
	Straight  bool          `help:"Everybody goes to the waiting room straight, as from a link."`
	JSON      bool          `help:"Sign up by JSON, as embed.js does."`
	Mailboxes string        `enum:"example,ses" default:"example" help:"Whose addresses they leave: example (example.com: pause sending before) or ses (SES's mailbox simulator, which takes every mail)."`
	Run       string        `help:"Names the run: part of every address. The default is the time."`
	Most      int           `default:"4000" help:"How many may be on their way at once; who comes beyond is counted as left out."`
	Timeout   time.Duration `default:"30s" help:"How long to wait for an answer."`
	Export    string        `placeholder:"COMMAND" help:"What prints the waitlist afterwards: raincheck export --format jsonl. Without it nothing is known of lost and doubled people."`
	Grace     time.Duration `default:"0s" help:"How long to wait between the last answer and the export."`
	HTML      string        `type:"path" help:"Write the report as one page to this file."`
	Out       string        `name:"json-report" type:"path" help:"Write the report as JSON to this file."`
	Remote    bool          `help:"Needed for a site that is not on this machine: the people come to a real waiting room."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("load"), kong.Description("Send a crowd to a site behind raincheck and check that nobody who was told so is missing from the waitlist."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	os.Exit(code)
}

// run plays a run. Its exit status is 0 when nothing is bad (Report.bad), 1 when
// something is, 2 for bad input.
func run(ctx context.Context, o options) (int, error) {
	o.Base = strings.TrimSuffix(o.Base, "/")
	if o.Run == "" {
		o.Run = strconv.FormatInt(time.Now().Unix(), 36)
	}
	switch {
	case (o.Base == "") == (o.Instance == ""):
		return 2, errors.New("name a site or --instance, one of them")
	case o.Faults && o.Instance == "":
		return 2, errors.New("--faults: they are made in an --instance")
	case o.Instance == "" && !o.Remote && !local(o.Base):
		return 2, fmt.Errorf("%s is not on this machine: --remote says that you mean it", o.Base)
	case o.People < 1 || o.People > 9_999_999:
		return 2, fmt.Errorf("--people %d: want 1 to 9,999,999", o.People)
	case o.Over <= 0:
		return 2, fmt.Errorf("--over %s: want more than 0", o.Over)
	case o.Curve == "trace" && o.Trace == "":
		return 2, errors.New("--curve trace: name the file with --trace")
	}
	shape, err := weights(o.Curve, o.Trace)
	if err != nil {
		return 2, err
	}
	curve, err := newCurve(shape, o.People, o.Over)
	if err != nil {
		return 2, err
	}
	var in *instance
	if o.Instance != "" {
		if in, err = startInstance(ctx, o.Instance); err != nil {
			return 1, err
		}
		defer func() { _ = in.remove() }() // the run is over, and its report written
		o.Base, o.Export = in.base, fmt.Sprintf("'%s' export --format jsonl --url %s", in.program, in.base)
	}
	report, err := play(ctx, newCrowd(o), curve, in)
	if err != nil {
		return 1, err
	}
	fmt.Print(report.text())
	if err := write(o.HTML, report.html); err != nil {
		return 1, err
	}
	if err := write(o.Out, report.json); err != nil {
		return 1, err
	}
	if report.bad() {
		return 1, nil
	}
	return 0, nil
}

// play sends the crowd, and checks what became of it.
func play(ctx context.Context, c *crowd, pacer *curve, in *instance) (Report, error) {
	fmt.Fprintf(os.Stderr, "%d people over %s, run %s\n", c.People, c.Over, c.Run)
	var memory Memory
	broken := make(chan error, 1)
	if in != nil {
		c.instance = in
		memory.Empty, _ = in.memory()
	}
	if c.Faults {
		go func() { broken <- in.breakIt(ctx, c.Over) }()
	} else {
		broken <- nil
	}
	c.send(ctx, pacer, func(c *crowd) { fmt.Fprintln(os.Stderr, c.line()) })
	ended := time.Now()
	if err := <-broken; err != nil {
		return Report{}, fmt.Errorf("breaking the instance: %w", err)
	}
	report := c.report(ended)
	if in != nil {
		memory.Full, memory.Highest = in.memory()
		memory.Highest = max(memory.Highest, in.highest)
		if info, err := os.Stat(filepath.Join(in.folder, "data", "waitlist.jsonl")); err == nil {
			memory.Journal = info.Size()
		}
		report.Memory, report.Broken = &memory, in.broken
	}
	if c.Export != "" {
		time.Sleep(c.Grace)
		found, err := c.exported(ctx, ended)
		if err != nil {
			return report, err
		}
		report.Check = &found
	}
	return report, nil
}

// local says that a site is on this machine.
func local(base string) bool {
	for _, prefix := range []string{"http://localhost", "http://127.0.0.1", "http://[::1]"} {
		if rest, ok := strings.CutPrefix(base, prefix); ok && (rest == "" || rest[0] == ':') {
			return true
		}
	}
	return false
}

// exported runs the export and checks what it prints.
func (c *crowd) exported(ctx context.Context, until time.Time) (Check, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Export)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Check{}, err
	}
	if err := cmd.Start(); err != nil {
		return Check{}, fmt.Errorf("exporting: %w", err)
	}
	found, err := c.check(out, until)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return found, err
	}
	if err := cmd.Wait(); err != nil {
		return found, fmt.Errorf("exporting: %w", err)
	}
	return found, nil
}

// write writes one form of the report, where it was asked for.
func write(file string, make func() ([]byte, error)) error {
	if file == "" {
		return nil
	}
	data, err := make()
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.WriteFile(file, data, 0o644)
}
