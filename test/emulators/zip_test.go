//go:build emulators

package emulators_test

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"testing"

	"raincheck/test/emulators"
)

// largestZip is the bound of a function's zip, 4.5 MB: Lambda fetches and unpacks
// it at each cold start, at the very moment when many start at once.
const largestZip = 4_500_000

// TestEveryZipIsSmall builds for both processors of the template, and each program
// is one for the processor that it was built for.
func TestEveryZipIsSmall(t *testing.T) {
	t.Parallel()
	for processor, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		t.Run(processor, func(t *testing.T) { zips(t, processor, machine) })
	}
}

func zips(t *testing.T, processor string, machine elf.Machine) {
	t.Helper()
	all := append(emulators.Functions(), "smoke")
	programs := emulators.BuildFunctions(t, all, "GOOS=linux", "GOARCH="+processor)
	for _, name := range all {
		file, err := elf.Open(filepath.Join(programs, name, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		if file.Machine != machine {
			t.Errorf("%s is for %s, want %s", name, file.Machine, machine)
		}
		program, err := os.ReadFile(filepath.Join(programs, name, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w := zip.NewWriter(&packed)
		part, err := w.Create("bootstrap")
		if err == nil {
			_, err = part.Write(program)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-8s %5.2f MB, zipped %.2f MB", name, float64(len(program))/1e6, float64(packed.Len())/1e6)
		if packed.Len() > largestZip {
			t.Errorf("the zip of %s has %d bytes, more than %d", name, packed.Len(), largestZip)
		}
	}
}
