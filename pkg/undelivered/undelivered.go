// Package undelivered deals with mails that came back and are known from a file
// alone, as a relay's are, and finds suppressions that may have been wrong.
package undelivered

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"raincheck/pkg/email"
	"raincheck/pkg/feedback"
	"raincheck/pkg/format"
	"raincheck/pkg/records"
	"raincheck/pkg/waitlist"
)

// List is a list of mails that came back.
type List struct {
	Store interface {
		Entry(ctx context.Context, key string) (waitlist.Entry, error)
		Forget(ctx context.Context, key string) error
	}
	// Keys gives the key of a mailbox.
	Keys interface{ Mailbox(mailbox string) string }
	// Feedback takes each as an event: a feedback.Service, or what hands it to one.
	Feedback interface {
		Handle(ctx context.Context, e feedback.Event) error
	}
	// Address and Status name the columns; a status is a code or words that hold one.
	Address, Status string
	// Undo takes the suppressions of the list back. Apply does it; without it nothing
	// is changed and the tally says what would be.
	Undo, Apply bool
	// Bad hears of a row that cannot be used. It is told no address.
	Bad func(line int, why error)
}

// Tally counts the mailboxes of a list, and its bad rows.
type Tally struct {
	// Suppressed do not exist, Returned have their place back, Undone are suppressed no
	// more.
	Suppressed, Returned, Undone int
	// Undo says that suppressions were to be taken back.
	Undo bool
	// Past have no mail under way any more, or were not suppressed, Strangers are not on the waitlist.
	Past, Strangers, Bad int
}

// Take reads the list and deals with each mailbox once. What is done stays done when
// it fails, and may be done again. The error is records.ErrHeader, or the store's.
func (l List) Take(ctx context.Context, from io.Reader) (n Tally, err error) {
	n.Undo = l.Undo
	done := map[string]bool{}
	columns := []string{l.Address, l.Status}
	if l.Undo {
		columns = columns[:1]
	}
	err = records.ReadColumns(stoppable{ctx, from}, columns, func(line int, cells []string, bad error) error {
		var address email.Address
		if bad == nil {
			if address, err = email.Parse(bare(cells[0])); err != nil {
				bad = errors.New("not an address")
			}
		}
		if bad != nil {
			n.Bad++
			l.Bad(line, bad)
			return nil
		}
		key := l.Keys.Mailbox(address.Mailbox())
		if done[key] {
			return nil
		}
		done[key] = true
		entry, err := l.Store.Entry(ctx, key)
		switch {
		case errors.Is(err, waitlist.ErrUnknown):
			n.Strangers++
			return nil
		case err != nil:
			return err
		case l.Undo:
			return l.undo(ctx, &n, entry)
		}
		return l.take(ctx, &n, entry, feedback.KindOfStatus(cells[1]), address.Provider())
	})
	return n, err
}

// bare takes off what a report or a mail has around an address, which nobody types:
// "rfc822; ann@example.org", "Ann <ann@example.org>".
func bare(cell string) string {
	if kind, rest, ok := strings.Cut(cell, ";"); ok && strings.EqualFold(strings.TrimSpace(kind), "rfc822") {
		cell = rest
	}
	if open := strings.LastIndexByte(cell, '<'); open >= 0 {
		cell = cell[open:]
	}
	return cell
}

// stoppable reads until it is told to stop, also from a device without an end.
type stoppable struct {
	ctx  context.Context
	from io.Reader
}

// Read reads.
func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.from.Read(p)
}

func (l List) take(ctx context.Context, n *Tally, entry waitlist.Entry, kind feedback.Kind, provider email.Provider) error {
	switch {
	case entry.Stage != waitlist.Sending && entry.Stage != waitlist.Invited:
		n.Past++
		return nil
	case kind == feedback.HardBounce:
		n.Suppressed++
	default:
		n.Returned++
	}
	if !l.Apply {
		return nil
	}
	return l.Feedback.Handle(ctx, feedback.Event{Kind: kind, Ref: entry.Ref, Attempt: entry.Attempt, Provider: provider})
}

func (l List) undo(ctx context.Context, n *Tally, entry waitlist.Entry) error {
	if !entry.Suppressed || entry.Complained || entry.Stage != waitlist.Bounced {
		n.Past++
		return nil
	}
	n.Undone++
	if !l.Apply {
		return nil
	}
	return l.Store.Forget(ctx, entry.Key)
}

// String says what became of the rows, or would.
func (n Tally) String() string {
	what, past := format.Thousands(n.Suppressed)+" suppressed, "+format.Count(n.Returned, "place", "places")+" given back", "not under way any more"
	if n.Undo {
		what, past = format.Count(n.Undone, "suppression", "suppressions")+" taken back", "not suppressed"
	}
	return fmt.Sprintf("%s, %s %s, %s not on the waitlist, %s", what, format.Thousands(n.Past), past, format.Thousands(n.Strangers), format.Count(n.Bad, "bad row", "bad rows"))
}
