// Package killed runs a piece of work in a process of its own and kills it, as a
// power cut would, at moments that nobody chose. `make kills` asks for many.
package killed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// folderVariable tells a process that it is the one to be killed, and where to work.
const folderVariable = "RAINCHECK_TEST_FOLDER"

// Folder is where the work is done, in the process that is to be killed; it is empty
// in the one that kills.
func Folder() string { return os.Getenv(folderVariable) }

// Kills is how many kills are asked for (RAINCHECK_KILLS), or else some.
func Kills(t testing.TB, otherwise int) int { return asked(t, "RAINCHECK_KILLS", otherwise) }

// Rows is with how many people (RAINCHECK_ROWS), or else with some.
func Rows(t testing.TB, otherwise int) int { return asked(t, "RAINCHECK_ROWS", otherwise) }

func asked(t testing.TB, name string, n int) int {
	t.Helper()
	if more := os.Getenv(name); more != "" {
		if _, err := fmt.Sscan(more, &n); err != nil || n < 1 {
			t.Fatalf("%s=%s: want a number", name, more)
		}
	}
	return n
}

// Random gives a source of moments, and writes down its seed.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Process runs the test that calls it once more, in a process of its own that works
// in dir, and kills it (SIGKILL) after a time. It says whether the work was still
// going on by then. That it failed by itself is a failure of the test.
func Process(t testing.TB, dir string, after time.Duration, environ ...string) (killed bool) {
	t.Helper()
	run := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60m")
	run.Env = append(append(os.Environ(), folderVariable+"="+dir), environ...)
	log, err := os.CreateTemp(t.TempDir(), "output")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	run.Stdout, run.Stderr = log, log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			said, _ := os.ReadFile(log.Name()) // the status is error enough
			t.Fatalf("the process ended by itself: %v\n%s", err, said)
		}
		return false
	case <-time.After(after):
		_ = run.Process.Kill() // it may have ended in this moment, and is killed then in no moment at all
		<-ended
		return true
	}
}
