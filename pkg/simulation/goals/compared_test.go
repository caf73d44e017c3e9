package goals

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// comparedFile has what the law is compared with in every row and with every seed.
// It depends on the simulation and on 2013's rule, not on the law: it is run again
// by `make law`, and where their sources have changed since.
const comparedFile = "testdata/compared.json"

// comparedRows is the file: by row and seed.
type comparedRows struct {
	Sources string                         `json:"sources"`
	Rows    map[string]map[uint64]Compared `json:"rows"`
}

// comparedWith gives what a row is compared with.
func comparedWith(t *testing.T) func(Row, uint64) (Compared, error) {
	t.Helper()
	sources := comparedSources(t)
	known := comparedRows{Sources: sources, Rows: map[string]map[uint64]Compared{}}
	fresh := *write != ""
	if !fresh {
		data, err := os.ReadFile(comparedFile)
		if err != nil {
			t.Fatal(err)
		}
		var read comparedRows
		if err := json.Unmarshal(data, &read); err != nil {
			t.Fatalf("reading %s: %v", comparedFile, err)
		}
		if read.Sources == sources {
			known = read
		} else {
			t.Logf("%s is of other sources, so everything is run: `make law` writes it", comparedFile)
		}
	} else {
		t.Cleanup(func() {
			data, err := json.Marshal(known)
			if err == nil {
				err = os.WriteFile(comparedFile, append(data, '\n'), 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	var mu sync.Mutex
	return func(row Row, seed uint64) (Compared, error) {
		name := row.Family + ": " + row.Name
		mu.Lock()
		c, ok := known.Rows[name][seed]
		mu.Unlock()
		if ok {
			return c, nil
		}
		c, err := Compare(row, seed)
		mu.Lock()
		defer mu.Unlock()
		if known.Rows[name] == nil {
			known.Rows[name] = map[uint64]Compared{}
		}
		known.Rows[name][seed] = c
		return c, err
	}
}

// comparedSources is a digest of all that a comparison is made of.
func comparedSources(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	for _, pattern := range []string{"../*.go", "../traces/*", "families.go", "trials.go", "compared.go", "../../admission/ramp.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources %s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(data), data)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// TestComparisonsAreFresh runs one of the comparisons again: 2013's rule shares code
// with the law.
func TestComparisonsAreFresh(t *testing.T) {
	t.Parallel()
	row := Rows()[0]
	stored, err := comparedWith(t)(row, sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	now, err := Compare(row, sealed[0])
	if err != nil {
		t.Fatal(err)
	}
	if now != stored {
		t.Errorf("%s, %s: %+v, and %s has %+v: run `make law`", row.Family, row.Name, now, comparedFile, stored)
	}
}
