package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// instance is a local instance that the run starts, breaks and stops: `raincheck
// local` without a crowd, which keeps its waitlist in a folder.
type instance struct {
	program, folder, base string
	log                   *os.File

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{}
	// broken are the times in which it was not whole.
	broken []window
	// highest is the most memory that an earlier process took.
	highest int
}

// window is a time in which a fault was made.
type window struct {
	What  string    `json:"what"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// startInstance starts the program in a new folder, and sends everybody to the
// waiting room.
func startInstance(ctx context.Context, program string) (*instance, error) {
	folder, err := os.MkdirTemp("", "raincheck-load-*")
	if err != nil {
		return nil, err
	}
	// A free port, which is ours again in a moment.
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	in := &instance{program: program, folder: folder, base: fmt.Sprintf("http://localhost:%d", port), log: log}
	if err := in.start(ctx); err != nil {
		return nil, errors.Join(err, in.remove())
	}
	if out, err := exec.CommandContext(ctx, program, "hold", "--apply", "--url", in.base).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("raincheck hold: %w: %s", err, out), in.remove())
	}
	if err := in.held(ctx); err != nil {
		return nil, errors.Join(err, in.remove())
	}
	return in, nil
}

// held returns when the edge knows of the hold: a change takes some seconds.
func (in *instance) held(ctx context.Context) error {
	for range 1200 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, in.base+"/apply", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Accept", "text/html")
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusFound {
			return nil
		}
		if !wait(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("the instance does not hold anybody, two minutes after it was told to")
}

// start starts the process and returns when it answers.
func (in *instance) start(ctx context.Context) error {
	_, port, _ := strings.Cut(strings.TrimPrefix(in.base, "http://"), ":")
	cmd := exec.Command(in.program, "local", "--crowd=none", "--speed", "1", "--port", port, "--data", filepath.Join(in.folder, "data"))
	cmd.Stdout, cmd.Stderr = in.log, in.log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the instance: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a process that was killed has an error
		close(ended)
	}()
	in.mu.Lock()
	in.process, in.ended = cmd, ended
	in.mu.Unlock()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, in.base+"/_raincheck/api/snapshot", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ended:
			said, _ := os.ReadFile(in.log.Name()) // the status is error enough
			return fmt.Errorf("the instance ended: %s", bytes.TrimSpace(said))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the process with a signal and waits for it.
func (in *instance) stop(signal os.Signal) error {
	in.mu.Lock()
	process, ended := in.process, in.ended
	in.mu.Unlock()
	if process == nil {
		return nil
	}
	_, in.highest = in.memory()
	if err := process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-ended
	return nil
}

// remove stops it for good and removes its folder.
func (in *instance) remove() error {
	return errors.Join(in.stop(os.Interrupt), in.log.Close(), os.RemoveAll(in.folder))
}

// breakIt makes the faults of a run that takes so long: for a tenth of it, and at
// most a minute, the disk is full, and later the process is killed and started
// again. Nothing else is left of it by then: what was acknowledged must be on disk.
func (in *instance) breakIt(ctx context.Context, over time.Duration) error {
	if !wait(ctx, over*3/10) {
		return nil
	}
	if err := in.fault("the disk is full", func() error {
		if err := in.fill("1"); err != nil { // no file may grow beyond a byte
			return err
		}
		wait(ctx, min(over/10, time.Minute))
		return in.fill("unlimited")
	}); err != nil {
		return err
	}
	if !wait(ctx, over*3/10) {
		return nil
	}
	return in.fault("killed, and started again", func() error {
		if err := in.stop(os.Kill); err != nil {
			return err
		}
		return in.start(ctx)
	})
}

func (in *instance) fault(what string, do func() error) error {
	in.mu.Lock()
	n := len(in.broken)
	in.broken = append(in.broken, window{what, time.Now(), time.Now().Add(time.Hour)}) // until it is over
	in.mu.Unlock()
	err := do()
	in.mu.Lock()
	in.broken[n].Until = time.Now()
	in.mu.Unlock()
	return err
}

// fill bounds the size of the files that the process writes (RLIMIT_FSIZE), which
// is how a full disk looks to it.
func (in *instance) fill(limit string) error {
	in.mu.Lock()
	pid := in.process.Process.Pid
	in.mu.Unlock()
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--fsize="+limit+":unlimited").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit (of util-linux, on Linux): %w: %s", err, out)
	}
	return nil
}

// whole says that no fault was made between two times; none is made in a site that is
// not ours.
func (in *instance) whole(from, until time.Time) bool {
	if in == nil {
		return true
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, w := range in.broken {
		if from.Before(w.Until) && until.After(w.From) {
			return false
		}
	}
	return true
}

// Memory is what the instance takes, in bytes; 0 where the system does not say.
type Memory struct {
	// Empty is before the first person, Highest the most, Full after the last.
	Empty   int `json:"empty"`
	Highest int `json:"highest"`
	Full    int `json:"full"`
	// Journal is the size of the waitlist's file.
	Journal int64 `json:"journal"`
}

// memory reads what Linux says of the process: now, and at most since it began.
func (in *instance) memory() (now, highest int) {
	in.mu.Lock()
	pid := in.process.Process.Pid
	in.mu.Unlock()
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		cells := strings.Fields(lines.Text())
		if len(cells) < 2 {
			continue
		}
		kilobytes, _ := strconv.Atoi(cells[1])
		switch cells[0] {
		case "VmRSS:":
			now = kilobytes << 10
		case "VmHWM:":
			highest = kilobytes << 10
		}
	}
	return now, highest
}

// wait waits, and says whether that was not cut short.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
