package records

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"raincheck/pkg/email"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

// joiner is the store, as an import needs it; contract in waitlisttest.Store.
type joiner interface {
	Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)
	// Entry is asked in a dry run: who is there already.
	Entry(ctx context.Context, key string) (waitlist.Entry, error)
}

// keys name mailboxes and rows: *bypass.Keyring.
type keys interface {
	Mailbox(mailbox string) string
	RowKey() []byte
}

// ErrSum says that not every line of the input became a row: a defect.
var ErrSum = errors.New("not every line of the file was read as a row, which is a defect of raincheck: nothing more is done")

// ErrHeader says that the first line of a CSV does not name the columns, so that
// nothing in it can be read.
var ErrHeader = errors.New("the first line must name the columns")

// Outcome says what became of a row.
type Outcome string

// What can become of a row.
const (
	// Joined: the person is in the line now (in a dry run: would be).
	Joined Outcome = "joined"
	// There: already in the line, already invited, or suppressed; which of them
	// is nobody's business here, as at the form.
	There Outcome = "there already"
	// Bad: the row cannot be used; Why says what is wrong with it.
	Bad Outcome = "bad"
	// Skipped: the row is of somebody whose joining has ended.
	Skipped Outcome = "skipped"
)

// Row is one line of the report. It has no address in it: a report is kept
// longer and shown to more people than the list.
type Row struct {
	// Line is the line of the input on which the row begins, from 1.
	Line    int
	Outcome Outcome
	Why     string
	// Digest knows the row again in another run: a keyed hash of its cells.
	Digest string
}

// Import is what an import needs.
type Import struct {
	Store joiner
	Keys  keys
	// Dry says that nothing is stored: what the run would do is looked up. A
	// mailbox that bounced, and of which nothing else is kept, is not seen.
	Dry bool
	// Now is when rows without a time of their own are taken to have joined, or when
	// the first run began (Done); each further one joins a millisecond later, so that
	// the order of the file is the order of the line.
	Now time.Time
	// Done are the rows that earlier runs have dealt with; nil for none.
	Done *Done
	// Report hears of each row that was dealt with now, in order, at most a block
	// after it was done.
	Report func(Row) error
	// Bad gets the bad rows as they stand in the input, below its header: a file
	// to put right and import. nil for nobody.
	Bad io.Writer
	// Workers is how many people join side by side; 0 is 16.
	Workers int
}

// Tally counts the rows by their outcome, those of earlier runs among them.
type Tally struct {
	Joined, There, Skipped, Bad int
	// Earlier is how many of them an earlier run had dealt with.
	Earlier int
}

// Rows is how many rows there were.
func (t Tally) Rows() int { return t.Joined + t.There + t.Skipped + t.Bad }

func (t *Tally) add(o Outcome) {
	switch o {
	case Joined:
		t.Joined++
	case There:
		t.There++
	case Skipped:
		t.Skipped++
	case Bad:
		t.Bad++
	}
}

// block is how many rows are done between two reports: few enough that little
// is done twice after an interruption, enough for all workers.
const block = 256

// Run reads records and joins each. A bad row never stops the others; an error
// of the store does, and Run with Done set goes on. ErrHeader: the input cannot
// be read at all. ErrSum: the rows are not all that the input has.
func (im Import) Run(ctx context.Context, from io.Reader, format Format) (Tally, error) {
	in, err := open(from, format, im.Keys.RowKey())
	if err != nil {
		return Tally{}, err
	}
	run := &run{Import: im, in: in, seen: map[string]bool{}}
	for order := 0; ; {
		rows := make([]parsed, 0, block)
		var last error
		for len(rows) < block {
			r, err := in.next()
			if err != nil {
				last = err
				break
			}
			order++
			if outcome, done := im.Done.take(r.digest); done {
				run.tally.add(outcome)
				run.tally.Earlier++
				continue
			}
			rows = append(rows, im.parse(r, order))
		}
		if err := run.deal(ctx, rows); err != nil {
			return run.tally, err
		}
		switch {
		case last == nil:
		case !errors.Is(last, io.EOF):
			return run.tally, fmt.Errorf("importing: %w", last)
		case !in.whole():
			return run.tally, ErrSum
		default:
			return run.tally, nil
		}
	}
}

// run is an import under way.
type run struct {
	Import
	in    *input
	tally Tally
	// seen are the mailboxes that a dry run has met.
	seen map[string]bool
	// headed says that Bad has its header.
	headed bool
}

// parsed is a row and what is to be done with it.
type parsed struct {
	Row
	text   string
	signup waitlist.Signup
}

func (im Import) parse(in row, order int) parsed {
	p := parsed{Row: Row{Line: in.line, Outcome: Bad, Digest: in.digest}, text: in.text}
	if in.err != nil {
		p.Why = in.err.Error()
		return p
	}
	r := in.record
	if r.Address == "" && (r.Stage.Ended() || r.Suppressed) {
		p.Outcome, p.Why = Skipped, "the joining has ended, and its address is erased"
		return p
	}
	address, err := email.Parse(r.Address)
	switch {
	case errors.Is(err, email.ErrEmpty):
		p.Why = "no address"
	case errors.Is(err, email.ErrLetters):
		p.Why = "letters before the @ that mail cannot carry"
	case err != nil:
		p.Why = "not an address"
	case len(r.Fields) > waitlist.MaxFields:
		p.Why = fmt.Sprintf("%d fields, and at most %d are kept", len(r.Fields), waitlist.MaxFields)
	case r.Joined.After(im.Now):
		p.Why = "joined in the future"
	case !r.Joined.IsZero() && r.Joined.Year() < 2000:
		p.Why = "joined before the year 2000"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		v := waitlist.Field(r.Fields[name])
		r.Fields[name] = v
		switch {
		case p.Why != "":
		case utf8.RuneCountInString(v) > waitlist.MaxFieldLength:
			p.Why = fmt.Sprintf("the field %q is longer than %d characters", name, waitlist.MaxFieldLength)
		case !waitlist.Printable(v):
			p.Why = fmt.Sprintf("the field %q has a character that cannot be shown: a line end, another control character or a mark of direction", name)
		}
	}
	if p.Why != "" {
		return p
	}
	p.signup = waitlist.Signup{
		Key: im.Keys.Mailbox(address.Mailbox()), Address: address, Language: language(r.Language), Wanted: gate.SafePath(r.Wanted), Fields: r.Fields,
		At: r.Joined,
	}
	if p.signup.At.IsZero() {
		p.signup.At = im.Done.began(im.Now).Add(time.Duration(order) * time.Millisecond)
	}
	p.Outcome = Joined
	return p
}

// language is the language's tag if there are words for it, else the default's.
func language(tag string) string {
	known := email.Languages()
	for _, l := range known {
		if strings.EqualFold(l.Tag, tag) {
			return l.Tag
		}
	}
	return known[0].Tag
}

// deal deals with a block's rows, side by side, and reports in order.
func (r *run) deal(ctx context.Context, rows []parsed) error {
	work := r.joinAll
	if r.Dry {
		work = r.lookAll
	}
	if err := work(ctx, rows); err != nil {
		return fmt.Errorf("importing line %d and after: %w", rows[0].Line, err)
	}
	for _, row := range rows {
		r.tally.add(row.Outcome)
		if row.Outcome == Bad {
			if err := r.keep(row.text); err != nil {
				return fmt.Errorf("writing the bad rows: %w", err)
			}
			if r.Done.bad(row.Digest) {
				continue // it was bad before, and the report says so
			}
		}
		if r.Report == nil {
			continue
		}
		if err := r.Report(row.Row); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

// keep hands a bad row to Bad. One that is too long to be read is not kept.
func (r *run) keep(text string) error {
	if r.Bad == nil || text == "" {
		return nil
	}
	if !r.headed {
		r.headed = true
		text = r.in.head() + text
	}
	_, err := io.WriteString(r.Bad, text+"\n")
	return err
}

// lookAll finds out who is there already.
func (r *run) lookAll(ctx context.Context, rows []parsed) error {
	known := make([]bool, len(rows))
	err := r.each(rows, func(i int) error {
		e, err := r.Store.Entry(ctx, rows[i].signup.Key)
		switch {
		case errors.Is(err, waitlist.ErrUnknown):
			return nil
		case errors.Is(err, waitlist.ErrUnreadable):
			known[i] = true
			return nil
		}
		known[i] = e.Suppressed || !e.Stage.Ended()
		return err
	})
	for i := range rows {
		if rows[i].Outcome != Joined {
			continue
		}
		if key := rows[i].signup.Key; known[i] || r.seen[key] {
			rows[i].Outcome = There
		} else {
			r.seen[key] = true
		}
	}
	return err
}

func (r *run) joinAll(ctx context.Context, rows []parsed) error {
	return r.each(rows, func(i int) error {
		joined, err := r.Store.Join(ctx, rows[i].signup)
		if err == nil && !joined.New {
			rows[i].Outcome = There
		}
		return err
	})
}

// each calls f for the rows that are somebody's, side by side.
func (r *run) each(rows []parsed, f func(i int) error) error {
	workers := r.Workers
	if workers <= 0 {
		workers = 16
	}
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for worker := range workers {
		wait.Go(func() {
			for i := worker; i < len(rows) && errs[worker] == nil; i += workers {
				if rows[i].Outcome == Joined {
					errs[worker] = f(i)
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
