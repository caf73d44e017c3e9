package handover

import (
	"errors"
	"io/fs"
	"os"

	"raincheck/pkg/disk"
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
		return disk.SyncFolder(name) // a new file is on the disk once its name is
	}
	return nil
}

// Replace writes a file beside the other and renames it over it.
func (Disk) Replace(name string, data []byte) error { return disk.Replace(name, data) }

// Lock locks a file of that name and removes it at unlock (disk.Lock).
func (Disk) Lock(name string) (unlock func(), err error) { return disk.Lock(name) }

// Remove removes a file, if there is one.
func (Disk) Remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.SyncFolder(name)
}
