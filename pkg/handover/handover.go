// Package handover hands invitations to a file instead of a mail service: for
// a stack whose account may not send (SES's sandbox), or whose owner has a
// bulk mailer of their own.
//
// # The promise
//
// Each address is in the file or in the line: never in both (somebody would be
// mailed twice, by two systems), never in neither (somebody would wait for
// ever), whatever interrupts the work, a power cut included. A file and a
// table cannot be changed in one step, so the promise is kept by order and by
// a journal:
//
//  1. The batch has a name, the time at which it began, and each claim of the
//     table carries it. It is written to a journal beside the file, FILE.part,
//     before anything is claimed.
//  2. Whom a chunk is about to claim is written to the journal before the
//     claims; each one's code is written to it before the table learns of that
//     code. Every write to the journal is on the disk before the next step.
//  3. The table is told: invited, with that code.
//  4. The file itself appears last, whole, by one rename, and has those of whom
//     the table says: invited, by this batch, with this code.
//
// Until the rename nobody has a file to mail from. Whoever runs
// the same command again finds the journal, asks the table about each line of
// it, finishes what was half done, gives back what was only claimed, and goes
// on to the number that was asked for. If nobody ever does, those only claimed
// go back to their places by the inviter's own due index, when their claim
// runs out.
//
// A mail service never sees these entries: their silence is set to the end of
// the code, so that the inviter does not take them for unanswered mails.
package handover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/disk"
	"raincheck/pkg/waitlist"
)

// store is what a handover needs of the waitlist; the contracts are in
// waitlisttest.Store.
type store interface {
	Page(ctx context.Context, q waitlist.Query) ([]waitlist.Place, error)
	Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error
	Entry(ctx context.Context, key string) (waitlist.Entry, error)
	steps
}

type steps interface {
	Begin(ctx context.Context, m waitlist.Message, t waitlist.Ticket, at time.Time) (waitlist.Entry, error)
	Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error
	GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error
	Fail(ctx context.Context, m waitlist.Message, at time.Time) error
}

// files is the part of a file system that a handover needs. What Append and
// Replace have returned from is on the disk.
type files interface {
	// Read returns a file's content; fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)
	// Append adds to the end of a file, and makes it when it is not there.
	Append(name string, data []byte) error
	// Replace puts a whole file in the place of another, or of none, in one step.
	Replace(name string, data []byte) error
	// Remove removes a file; no error when there is none.
	Remove(name string) error
	// Lock keeps a second run off the same file until unlock; ErrLocked when one
	// has it.
	Lock(name string) (unlock func(), err error)
}

// Handover is the means. Every field but Progress is needed.
type Handover struct {
	Store store
	Disk  files
	Keys  *bypass.Keyring
	// Now is the clock, Random gives codes: crypto/rand.Reader.
	Now    func() time.Time
	Random io.Reader
	// Room is the absolute address of the waiting room, as links begin:
	// https://www.example.org/waiting-room.
	Room string
	// Life is how long a code is good for, from when its line is written.
	Life time.Duration
	// Shards is the highest number of shards ever used (waitlist.Control).
	Shards int
	// Workers is how many requests to the store run side by side; Chunk how many
	// people are claimed before the table is told of them. Zero takes 16 and 500.
	Workers, Chunk int
	// Progress hears how many are in the batch so far; nil for nobody.
	Progress func(done int)
}

// Result is what became of a handover.
type Result struct {
	// Written is the number of lines of the file.
	Written int
	// Resumed says that an interrupted batch was gone on with.
	Resumed bool
	// Emptied says that nobody else waited.
	Emptied bool
	// Dropped are those of the batch who left, or whose claim had run out, before
	// the file appeared: they are where they should be, and not in the file.
	Dropped int
}

// ErrDone says that the file is there already, and no interrupted batch for it.
var ErrDone = errors.New("the file is there already and complete; name another one")

// ErrLocked says that another run is at work on the same file.
var ErrLocked = disk.ErrLocked

// claimFor is how long a claim holds. A chunk takes seconds; an hour leaves
// room for somebody to look for the charger.
const claimFor = time.Hour

// Run invites the n who have waited longest into the file name, in the format
// that its ending says (CheckName), or goes on with the batch that was
// interrupted there. Fewer wait: fewer are written. After an error, or none at
// all because the power went, run it again.
func (h *Handover) Run(ctx context.Context, n int, name string) (Result, error) {
	encode, err := formatOf(name)
	if err != nil {
		return Result{}, err
	}
	b := &batch{Handover: h, file: name, part: name + ".part", marked: map[string]line{}, hurdle: map[string]bool{}}
	unlock, err := h.Disk.Lock(name + ".lock")
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", name, err)
	}
	defer unlock()
	if err := b.open(); err != nil {
		return Result{}, err
	}
	if b.resumed {
		if err := b.reconcile(ctx); err != nil {
			return Result{}, err
		}
	}
	emptied := false
	for !b.published && !emptied && len(b.marked) < n {
		more, err := b.chunk(ctx, n-len(b.marked))
		if err != nil {
			return Result{}, err
		}
		b.progress()
		emptied = !more
	}
	lines := b.lines()
	data, err := encode(lines)
	if err != nil {
		return Result{}, err
	}
	if err := h.Disk.Replace(name, data); err != nil {
		return Result{}, fmt.Errorf("writing %s: %w", name, err)
	}
	if err := h.Disk.Remove(b.part); err != nil {
		return Result{}, fmt.Errorf("%s is complete, but its journal could not be removed: %w", name, err)
	}
	return Result{Written: len(lines), Resumed: b.resumed, Emptied: emptied, Dropped: b.dropped}, nil
}

// batch is one run.
type batch struct {
	*Handover
	file, part string
	// claim is the name of the batch: the claim of each of its entries.
	claim   time.Time
	resumed bool
	// published says that the file was there already: only the journal was left to
	// be removed, and somebody may have mailed from the file by now.
	published bool
	// found is the journal of an interrupted run.
	found []record
	// marked are those whom the table has as invited by this batch, by their key.
	marked map[string]line
	// hurdle are keys that this run could not claim or read; they are not tried
	// again, or the head of the line could stop the rest.
	hurdle  map[string]bool
	dropped int
	mu      sync.Mutex
}

func (b *batch) progress() {
	if b.Progress != nil {
		b.Progress(len(b.marked))
	}
}

// chunk claims, journals and marks up to a chunk of people; false when nobody
// is left.
func (b *batch) chunk(ctx context.Context, want int) (bool, error) {
	size := b.Chunk
	if size <= 0 {
		size = 500
	}
	want = min(want, size)
	places, err := waitlist.Oldest(want+len(b.hurdle), false, b.shards(), time.Time{}, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		return pages, b.each(ctx, len(queries), func(i int) error {
			page, err := b.Store.Page(ctx, queries[i])
			pages[i] = page
			return err
		})
	})
	if err != nil {
		return false, fmt.Errorf("finding the oldest: %w", err)
	}
	places = slices.DeleteFunc(places, func(p waitlist.Place) bool {
		// What cannot be read is the inviter's to bury.
		return p.Unreadable || b.hurdle[p.Key]
	})
	places = places[:min(want, len(places))]
	if len(places) == 0 {
		return false, nil
	}
	var intents []record
	for _, p := range places {
		intents = append(intents, record{Key: p.Key, Joining: p.Joining, Shard: p.Shard})
	}
	if err := b.write(intents); err != nil {
		return false, err
	}
	lines, err := b.claimAll(ctx, places)
	if err != nil {
		return false, err
	}
	if err := b.write(records(lines)); err != nil {
		return false, err
	}
	return true, b.each(ctx, len(lines), func(i int) error { return b.mark(ctx, lines[i]) })
}

// claimAll claims the places and draws a code for each that it got.
func (b *batch) claimAll(ctx context.Context, places []waitlist.Place) ([]line, error) {
	got := make([]*line, len(places))
	due := b.Now().Add(claimFor)
	err := b.each(ctx, len(places), func(i int) error {
		p := places[i]
		entry, err := b.claimOne(ctx, p, due)
		switch {
		case errors.Is(err, waitlist.ErrStale), errors.Is(err, waitlist.ErrUnknown), errors.Is(err, waitlist.ErrUnreadable):
			b.mu.Lock()
			defer b.mu.Unlock()
			b.hurdle[p.Key] = true
			return nil
		case err != nil:
			return fmt.Errorf("claiming: %w", err)
		}
		l, err := b.draw(entry)
		got[i] = &l
		return err
	})
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, l := range got {
		if l != nil {
			lines = append(lines, *l)
		}
	}
	return lines, nil
}

func (b *batch) claimOne(ctx context.Context, p waitlist.Place, due time.Time) (waitlist.Entry, error) {
	if err := b.Store.Claim(ctx, p, b.claim, due); err != nil {
		return waitlist.Entry{}, err
	}
	entry, err := b.Store.Entry(ctx, p.Key)
	switch {
	case err != nil:
		return entry, err
	case entry.Joining != p.Joining || !entry.Claim.Equal(b.claim) || entry.Stage != waitlist.Claimed:
		return entry, waitlist.ErrStale // left, and perhaps back again, since
	case entry.Suppressed:
		// A bounce of an earlier joining: no mail goes there again.
		if err := b.Store.Fail(ctx, b.message(entry.Ref, entry.Shard, entry.Attempt+1), b.Now()); err != nil {
			return entry, err
		}
		return entry, waitlist.ErrStale
	}
	return entry, nil
}

// draw makes the line of an entry. A code's end is a whole minute.
func (b *batch) draw(entry waitlist.Entry) (line, error) {
	now := b.Now()
	expires := now.Add(b.Life).Truncate(time.Minute)
	code, err := b.Keys.IssueCode(now, expires, b.Random)
	if err != nil {
		return line{}, err
	}
	return line{record: record{Key: entry.Key, Joining: entry.Joining, Shard: entry.Shard,
		Joined: entry.Joined, Address: entry.Address.Reveal(), Language: entry.Language, Code: code, Expires: expires, Attempt: entry.Attempt + 1}, b: b}, nil
}

// mark tells the table that the line's person is invited.
func (b *batch) mark(ctx context.Context, l line) error {
	m := b.message(waitlist.Ref{Key: l.Key, Joining: l.Joining}, l.Shard, l.Attempt)
	for {
		_, err := b.Store.Begin(ctx, m, waitlist.Ticket{Code: l.Code, Expires: l.Expires}, l.Expires.Add(-waitlist.Silence))
		switch {
		case errors.Is(err, waitlist.ErrTaken):
			entry, err := b.Store.Entry(ctx, l.Key)
			if err != nil {
				return fmt.Errorf("drawing another code: %w", err)
			}
			if l, err = b.draw(entry); err != nil {
				return err
			}
			if err := b.write(records([]line{l})); err != nil {
				return err
			}
			continue
		case errors.Is(err, waitlist.ErrStale), errors.Is(err, waitlist.ErrUnreadable):
			b.drop()
			return nil
		case errors.Is(err, waitlist.ErrSuppressed):
			b.drop()
			if err := b.Store.Fail(ctx, m, b.Now()); err != nil && !errors.Is(err, waitlist.ErrStale) {
				return fmt.Errorf("ending a suppressed entry: %w", err)
			}
			return nil
		case err != nil:
			return fmt.Errorf("marking as invited: %w", err)
		}
		return b.accept(ctx, l)
	}
}

// accept is the last step of one person: from sending to invited.
func (b *batch) accept(ctx context.Context, l line) error {
	err := b.Store.Accept(ctx, waitlist.Ref{Key: l.Key, Joining: l.Joining}, max(1, l.Attempt), b.Now())
	if errors.Is(err, waitlist.ErrStale) {
		b.drop() // left in this very moment
		return nil
	}
	if err != nil {
		return fmt.Errorf("marking as invited: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marked[l.Key] = l
	return nil
}

func (b *batch) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropped++
}

func (b *batch) message(ref waitlist.Ref, shard, attempt int) waitlist.Message {
	// A journal of an older version has no attempts: its people were in their first round.
	return waitlist.Message{Ref: ref, Shard: shard, Claim: b.claim, Attempt: max(1, attempt)}
}

func (b *batch) shards() int {
	if b.Shards > 0 {
		return b.Shards
	}
	return waitlist.Shards
}

// each calls f for 0..n-1, Workers at a time, and returns the first error once
// all have come back.
func (b *batch) each(ctx context.Context, n int, f func(i int) error) error {
	workers := b.Workers
	if workers <= 0 {
		workers = 16
	}
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		first error
		next  int
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if first == nil && ctx.Err() != nil {
			first = ctx.Err()
		}
		if first != nil || next >= n {
			return 0, false
		}
		next++
		return next - 1, true
	}
	for range min(workers, n) {
		wait.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wait.Wait()
	return first
}
