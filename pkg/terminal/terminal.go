// Package terminal is what a command says beside its answer: how far a long piece
// of work has got, in one line that is written over on a terminal and now and then
// elsewhere; that the answer could not be written; what is wrong with its arguments.
package terminal

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Is says whether somebody looks at what is written there.
func Is(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// often is how often a line on a terminal is written over.
const often = 500 * time.Millisecond

// Line is such a line. It is not safe for concurrent use.
type Line struct {
	w     io.Writer
	now   func() time.Time
	every time.Duration // 0 says nothing
	over  bool          // the line is written over
	last  time.Time
	shown bool
}

// New is a line on w. Where w is not a terminal, a new one is written every plain;
// 0 writes none.
func New(w io.Writer, now func() time.Time, plain time.Duration) *Line {
	l := &Line{w: w, now: now, every: plain, last: now()}
	if Is(w) {
		l.every, l.over = often, true
	}
	return l
}

// Say writes the line if it is time for it.
func (l *Line) Say(format string, args ...any) {
	if l.every == 0 || l.now().Sub(l.last) < l.every {
		return
	}
	l.last, l.shown = l.now(), true
	if l.over {
		fmt.Fprintf(l.w, "\r\x1b[K"+format, args...)
		return
	}
	fmt.Fprintf(l.w, format+"\n", args...)
}

// Leave ends the line as it is; what follows begins a new one.
func (l *Line) Leave() {
	if l.over && l.shown {
		fmt.Fprintln(l.w)
	}
}

// Clear takes the line away.
func (l *Line) Clear() {
	if l.over && l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// Output remembers that something could not be written, such as to a full disk.
type Output struct {
	io.Writer
	// Failed is the first error.
	Failed error
}

// Write writes.
func (o *Output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.Failed == nil {
		o.Failed = err
	}
	return n, err
}
