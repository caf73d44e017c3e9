package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"raincheck/pkg/waitlist"
)

// log is a file that lines are appended to, many callers at once. Who waits for
// a line to be kept writes whatever is queued, for all others who wait: a hundred
// sign-ups at once take one write and one flush of the disk (group commit).
//
// A write that fails, as on a full disk, is taken back from the file and stays in
// the queue: whoever waited hears that nothing was kept, and the next one tries
// again, so that all goes on when there is room.
type log struct {
	// name is where the file is, and must stay while it is written to.
	name string

	mu   sync.Mutex
	turn sync.Cond
	file *os.File
	// size is how much of the file is surely on the disk, synced the same as a
	// position among all bytes that were ever queued.
	size, synced int64
	// queue is what came after, of which so many bytes are written.
	queue   []byte
	written int64
	// busy says that somebody writes, torn that half a write may be in the file,
	// stuck that the last one failed.
	busy, torn, stuck, closed bool
	// limit is the size beyond which the file is worth compacting.
	limit int64
}

// unsynced is how much may be written and not flushed to the disk.
const unsynced = 1 << 20

func newLog(name string, file *os.File, size int64) *log {
	l := &log{name: name, file: file, size: size, limit: limitFor(size)}
	l.turn.L = &l.mu
	return l
}

// limitFor is twice what a compacted file holds, and no less than 16 MB.
func limitFor(size int64) int64 { return max(16<<20, 2*size) }

// add queues lines and gives the position behind them.
func (l *log) add(text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, text...)
}

// end is the position behind everything that was queued.
func (l *log) end() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced + int64(len(l.queue))
}

// ready tries again what failed before, so that nothing is added to what the
// file does not take.
func (l *log) ready() error {
	l.mu.Lock()
	stuck, end := l.stuck, l.synced+int64(len(l.queue))
	l.mu.Unlock()
	if !stuck {
		return nil
	}
	return l.commit(end, true)
}

// there says whether the file is still in its place.
func (l *log) there() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.busy {
		l.turn.Wait()
	}
	if l.closed {
		return nil
	}
	return l.inPlace(l.file)
}

// commit returns when everything before a position is in the file, and with sync
// when it is on the disk.
func (l *log) commit(end int64, sync bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return fmt.Errorf("writing the journal: %w", fs.ErrClosed)
		case l.synced >= end, !sync && l.synced+l.written >= end:
			return nil
		case l.busy:
			l.turn.Wait()
			continue
		}
		if err := l.write(sync || len(l.queue) > unsynced); err != nil {
			return err
		}
	}
}

// write writes the queue, and flushes the disk. l.mu is held, and free meanwhile.
func (l *log) write(sync bool) error {
	file, size, torn, text := l.file, l.size, l.torn, l.queue[l.written:]
	l.busy = true
	l.mu.Unlock()
	err := appendTo(file, size, torn, text, sync)
	if err == nil && sync {
		err = l.inPlace(file)
	}
	taken := err == nil || file.Truncate(size) == nil
	l.mu.Lock()
	l.busy = false
	l.turn.Broadcast()
	if err != nil {
		l.written, l.torn, l.stuck = 0, !taken, true
		return fmt.Errorf("writing the journal: %w: %w", waitlist.ErrBusy, err)
	}
	l.written += int64(len(text))
	l.torn, l.stuck = false, false
	if sync {
		l.settle(l.size + l.written)
	}
	return nil
}

// inPlace says that the file is the one that the next start reads. It stays open
// when somebody moves or deletes it, and takes lines that are lost then.
func (l *log) inPlace(file *os.File) error {
	ours, err := file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(l.name)
	if err != nil || !os.SameFile(ours, there) {
		return fmt.Errorf("%s was moved, deleted or replaced while raincheck is at work on it", l.name)
	}
	return nil
}

// settle takes what is written as being on the disk, in a file of that size.
func (l *log) settle(size int64) {
	l.synced += l.written
	l.queue = l.queue[l.written:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	l.written, l.size = 0, size
}

func appendTo(file *os.File, size int64, torn bool, text []byte, sync bool) error {
	if torn {
		if err := file.Truncate(size); err != nil {
			return err
		}
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	if sync {
		return file.Sync()
	}
	return nil
}

// grown says once that the file is worth compacting.
func (l *log) grown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size < l.limit || l.closed {
		return false
	}
	l.limit = 2 * l.size // should it fail
	return true
}

// swap puts a new file in the place of the old one: out holds everything that was
// queued before start, and gets what came later; then rename makes it the file.
// Nothing is written meanwhile.
func (l *log) swap(out *os.File, start int64, rename func() error) error {
	if err := l.commit(start, true); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.busy {
		l.turn.Wait()
	}
	if l.closed {
		return fs.ErrClosed
	}
	origin := l.size - l.synced // of a position in the file
	l.busy = true
	from, length := start+origin, l.synced+l.written-start
	l.mu.Unlock()
	_, err := io.Copy(out, io.NewSectionReader(l.file, from, length))
	if err == nil {
		err = out.Sync()
	}
	var info os.FileInfo
	if err == nil {
		info, err = out.Stat()
	}
	if err == nil {
		err = rename()
	}
	l.mu.Lock()
	l.busy = false
	l.turn.Broadcast()
	if err != nil {
		return err
	}
	old := l.file
	l.file = out
	l.settle(info.Size())
	l.limit = limitFor(info.Size())
	_ = old.Close() // nothing of it is needed any more
	return nil
}

// close writes what is queued and closes the file.
func (l *log) close() error {
	err := l.commit(l.end(), true)
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.busy {
		l.turn.Wait()
	}
	l.closed = true
	l.turn.Broadcast()
	return errors.Join(err, l.file.Close())
}
