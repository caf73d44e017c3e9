package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Disk is the file system of this machine. Files are for their owner alone:
// they hold addresses and codes.
type Disk struct{}

// Read returns a file's content.
func (Disk) Read(name string) ([]byte, error) { return os.ReadFile(name) }

// Append adds to the end of a file, and returns when it is on the disk.
func (Disk) Append(name string, data []byte) (err error) {
	_, missing := os.Stat(name)
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if errors.Is(missing, fs.ErrNotExist) {
		return syncFolder(name) // a new file is on the disk once its name is
	}
	return nil
}

// Replace writes a file beside the other and renames it over it.
func (Disk) Replace(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(name)
}

// Remove removes a file, if there is one.
func (Disk) Remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(name)
}

// syncFolder makes a new, renamed or removed name durable. A file system that
// cannot sync a folder (some network ones) loses only that.
func syncFolder(name string) error {
	f, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("opening the folder of %s: %w", name, err)
	}
	_ = f.Sync() // see above
	return f.Close()
}
