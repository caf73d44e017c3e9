//go:build unix

package disk

import (
	"errors"
	"os"
	"syscall"
)

// Lock locks a file of that name (flock) and removes it at unlock. The lock
// dies with the process, so that a power cut leaves a file behind and no lock.
func Lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
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
	return func() { _ = errors.Join(os.Remove(name), f.Close()) }, nil // what is left behind locks nobody out
}
