// Package disk does the few things with files that need care: a lock that dies
// with the process, and a file that is replaced whole or not at all.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked says that another process has the lock.
var ErrLocked = errors.New("another process is at work on it")

// Replace writes a file for its owner alone beside the one of that name, and
// renames it over it once it is on the disk.
func Replace(name string, data []byte) error {
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
	return SyncFolder(name)
}

// Takes says why a folder does not take a new file of some kilobytes, if it does
// not: the disk is full or read-only, a quota is used up, the owner is another.
func Takes(dir string) error {
	// One name, so that a process that dies meanwhile leaves one file behind, not many.
	name := filepath.Join(dir, ".probe")
	if err := os.WriteFile(name, make([]byte, 4096), 0o600); err != nil {
		return errors.Join(err, os.RemoveAll(name))
	}
	return os.RemoveAll(name) // another one may have removed it in this moment
}

// SyncFolder makes a new, renamed or removed name durable. A file system that
// cannot sync a folder (some network ones) loses only that.
func SyncFolder(name string) error {
	f, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("opening the folder of %s: %w", name, err)
	}
	_ = f.Sync() // see above
	return f.Close()
}
