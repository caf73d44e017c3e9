//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// Lock locks a file of that name (flock) and removes it at unlock. The lock
// dies with the process, so that a power cut leaves a file behind and no lock. The
// file holds the number of the process, which an ErrLocked names.
func Lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = locked(f)
		}
		return nil, errors.Join(err, f.Close())
	}
	// The one before may have removed the name between our opening it and our
	// locking it: then others lock another file of the same name.
	mine, err := f.Stat()
	named, missing := os.Stat(name)
	if err != nil || missing != nil || !os.SameFile(mine, named) {
		return nil, errors.Join(ErrLocked, f.Close())
	}
	// On a full disk it is locked without the number.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(strconv.AppendInt(nil, int64(os.Getpid()), 10), 0)
	}
	return func() { _ = errors.Join(os.Remove(name), f.Close()) }, nil // what is left behind locks nobody out
}

// locked is ErrLocked with the number of the process that has the lock, if it stands
// in the file.
func locked(f *os.File) error {
	text := make([]byte, 20)
	n, _ := f.ReadAt(text, 0) // the end of the file comes with what was read
	if pid, err := strconv.Atoi(string(text[:n])); err == nil {
		return fmt.Errorf("%w (process %d)", ErrLocked, pid)
	}
	return ErrLocked
}
