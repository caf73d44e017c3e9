package disk

import (
	"errors"
	"os"
	"path/filepath"
)

// Late is a file that is written beside its name, and gets it once it is whole.
// If nothing is written, no file is made.
type Late struct {
	Name string
	file *os.File
}

// Write writes.
func (l *Late) Write(p []byte) (int, error) {
	if l.file == nil {
		var err error
		if l.file, err = os.CreateTemp(filepath.Dir(l.Name), "."+filepath.Base(l.Name)+".*"); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

// Keep gives the file its name, and says whether there is one.
func (l *Late) Keep() (bool, error) {
	if l.file == nil {
		return false, nil
	}
	if err := errors.Join(l.file.Sync(), l.file.Close()); err != nil {
		return false, err
	}
	return true, os.Rename(l.file.Name(), l.Name)
}

// Discard removes what was not kept.
func (l *Late) Discard() {
	if l.file != nil {
		_ = errors.Join(l.file.Close(), os.Remove(l.file.Name())) // both are done already when it was kept
	}
}
