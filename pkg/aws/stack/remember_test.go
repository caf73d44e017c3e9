package stack_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"raincheck/pkg/aws/stack"
)

// TestPartsAreRemembered by the name of the stack and the region, and a memory
// that cannot be read or written stops nothing.
func TestPartsAreRemembered(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir)
	t.Setenv("AWS_REGION", "eu-west-1")
	if got := stack.Remembered("raincheck"); got != (stack.Parts{}) {
		t.Errorf("of nothing: %+v", got)
	}
	parts := stack.Parts{EdgeStore: "arn:1", Table: "t1", At: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	stack.Remember("raincheck", parts)
	stack.Remember("other", stack.Parts{EdgeStore: "arn:2"})
	if got := stack.Remembered("raincheck"); got != parts {
		t.Errorf("%+v, want %+v", got, parts)
	}
	t.Setenv("AWS_REGION", "us-east-1")
	if got := stack.Remembered("raincheck"); got != (stack.Parts{}) {
		t.Errorf("in another region: %+v", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "raincheck", "*"))
	if len(files) == 0 {
		files, err = filepath.Glob(filepath.Join(dir, "raincheck", "*"))
	}
	if err != nil || len(files) != 1 {
		t.Fatalf("the files are %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	stack.Remember("raincheck", parts)
	if got := stack.Remembered("raincheck"); got != parts {
		t.Errorf("over a torn file: %+v, want %+v", got, parts)
	}
	t.Setenv("XDG_CACHE_HOME", os.DevNull)
	t.Setenv("HOME", os.DevNull)
	stack.Remember("raincheck", parts)
}
