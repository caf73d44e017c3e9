//go:build emulators

package emulators_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"raincheck/test/emulators"
)

// largestZip is the bound of a function's zip, 4.5 MB: Lambda fetches and unpacks
// it at each cold start, at the very moment when many start at once.
const largestZip = 4_500_000

// TestEveryZipIsSmall builds for the template's default processor.
func TestEveryZipIsSmall(t *testing.T) {
	t.Parallel()
	all := append(emulators.Functions(), "smoke")
	programs := emulators.BuildFunctions(t, all, "GOOS=linux", "GOARCH=arm64")
	for _, name := range all {
		program, err := os.ReadFile(filepath.Join(programs, name, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w := zip.NewWriter(&packed)
		file, err := w.Create("bootstrap")
		if err == nil {
			_, err = file.Write(program)
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
