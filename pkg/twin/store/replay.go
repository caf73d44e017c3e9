package store

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// batch is how many lines are decoded at once, on all processors.
const batch = 4096

// parsed is a line taken apart.
type parsed struct {
	line
	address email.Address
	err     error
}

// replay reads the journal, and leaves the file with whole lines alone. It gives
// the file's size and how many lines it has.
func (s *Store) replay(file *os.File, check func(mailbox, key string) bool, progress func(read, all int64)) (size int64, lines int, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	s.init()
	in := bufio.NewReaderSize(file, 1<<20)
	for done := false; !done; {
		var texts [][]byte
		var read int64
		if texts, read, done, err = readBatch(in, file); err != nil {
			return 0, 0, err
		}
		size += read
		for _, p := range parse(texts, check) {
			lines++
			if p.err == nil {
				p.err = s.apply(p)
			}
			if p.err != nil {
				return 0, 0, fmt.Errorf("line %d %w; was it edited? Put the line right, or take it out, and start again", lines, p.err)
			}
		}
		if progress != nil {
			progress(size, info.Size())
		}
	}
	s.arrange()
	return size, lines, file.Truncate(size)
}

// readBatch reads whole lines, as many as are decoded at once, and says how many
// bytes of the file they are and whether the file ends after them. A last line
// without its end is half of one, or the whole work of an editor: that gets its end.
func readBatch(in *bufio.Reader, file *os.File) (texts [][]byte, size int64, done bool, err error) {
	for len(texts) < batch && !done {
		text, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			done = true
			if len(text) == 0 || !json.Valid(text) {
				continue
			}
			if _, err := file.Write([]byte("\n")); err != nil {
				return nil, 0, true, err
			}
			size++
		case err != nil:
			return nil, 0, true, err
		}
		texts = append(texts, text)
		size += int64(len(text))
	}
	return texts, size, done, nil
}

// parse decodes lines side by side.
func parse(texts [][]byte, check func(mailbox, key string) bool) []parsed {
	out := make([]parsed, len(texts))
	var wait sync.WaitGroup
	for chunk := range slices.Chunk(slices.Collect(upTo(len(texts))), batch/8) {
		wait.Go(func() {
			for _, i := range chunk {
				out[i] = parseLine(texts[i], check)
			}
		})
	}
	wait.Wait()
	return out
}

func upTo(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// parseLine decodes one line. What encoding/json says can quote the line, and the
// line has an address: the errors are our own words.
func parseLine(text []byte, check func(mailbox, key string) bool) (p parsed) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields() // they would be lost when the journal is compacted
	if err := in.Decode(&p.line); err != nil {
		var typ *json.UnmarshalTypeError
		switch {
		case !json.Valid(text):
			p.err = errors.New("is not JSON")
		case errors.As(err, &typ):
			p.err = fmt.Errorf("has a value of the wrong type under %q", typ.Field)
		case strings.HasPrefix(err.Error(), "json: unknown field "):
			p.err = fmt.Errorf("has a name that this version does not know: %s", strings.TrimPrefix(err.Error(), "json: unknown field "))
		default:
			p.err = errors.New("cannot be read")
		}
		return p
	}
	if rest := bytes.TrimSpace(text[in.InputOffset():]); len(rest) > 0 {
		p.err = errors.New("has more on it than one JSON object")
		return p
	}
	if e := p.Entry; e != nil {
		p.err = p.check(e, check)
	}
	return p
}

// check holds an entry to what every entry has.
func (p *parsed) check(e *entryLine, right func(mailbox, key string) bool) error {
	switch {
	case e.Key == "":
		return errors.New(`has an entry without "key"`)
	case e.Bare:
		return nil
	case !slices.Contains(stages, e.Stage):
		return errors.New(`has an entry whose "stage" does not exist`)
	case e.Joining < 1 || e.Joined.IsZero():
		return errors.New(`has an entry without "joining" or "joined"`)
	case e.Shard < 0 || e.Shard > 1<<15 || e.Attempt < 0 || e.Attempt > 1<<7:
		return errors.New(`has an entry whose "shard" or "attempt" is out of range`)
	case e.Stage.Ended():
		return nil
	}
	var err error
	if p.address, err = email.Parse(e.Address); err != nil {
		return errors.New(`has an entry whose "address" is not an address`)
	}
	if !right(p.address.Mailbox(), e.Key) {
		return errors.New(`has an entry whose "key" is that of another address; an address is changed by ` + "`raincheck forget` and `raincheck import`")
	}
	return nil
}

func (s *Store) apply(p parsed) error {
	switch {
	case p.Entry != nil:
		e := p.Entry
		r := s.entries[e.Key]
		if r == nil {
			r = &record{}
			s.entries[e.Key] = r
		}
		r.keep(&item{bare: e.Bare, Entry: waitlist.Entry{
			Ref: waitlist.Ref{Key: e.Key, Joining: e.Joining}, Stage: e.Stage, Suppressed: e.Suppressed, Complained: e.Complained,
			Returned: e.Returned, Quiet: e.Quiet, Delivery: e.Delivery,
			Address: p.address, Language: e.Language, Wanted: e.Wanted, Fields: e.Fields,
			Joined: e.Joined, Kept: e.Kept, Shard: e.Shard, Claim: e.Claim, Attempt: e.Attempt, Due: e.Due, Code: e.Code,
			Expires: e.Expires, Invited: e.Invited, Ended: e.Ended, Delete: e.Delete,
		}})
	case p.Code != nil:
		c := p.Code
		s.codes[c.Code] = &ticket{told: c.Told, Ticket: waitlist.Ticket{
			Code: c.Code, Ref: waitlist.Ref{Key: c.Key, Joining: c.Joining}, Invited: c.Invited, Expires: c.Expires,
			Wanted: c.Wanted, Language: c.Language, Uses: c.Uses, Revoked: c.Revoked,
		}}
	case p.Cohort != nil:
		s.count(p.Cohort.Invited, func(c *waitlist.Cohort) { *c = *p.Cohort })
	case p.Control != nil:
		s.control = *p.Control
	case p.Progress != nil:
		s.progress = *p.Progress
	case p.Words != nil:
		s.words[p.Words.Language] = p.Words.Words
	case p.Forget != "":
		delete(s.entries, p.Forget)
	case p.Drop != "":
		delete(s.codes, p.Drop)
	default:
		return errors.New("says nothing that this version knows")
	}
	return nil
}

// arrange puts everybody in their places, all at once: one after the other would
// move half the waitlist for each.
func (s *Store) arrange() {
	for _, r := range s.entries {
		if p, when, ok := r.place(); ok {
			part := s.part(p)
			part.places = append(part.places, place{when, r})
		}
	}
	for _, p := range s.parts {
		slices.SortFunc(p.places, func(a, b place) int {
			return cmp.Or(cmp.Compare(a.when, b.when), strings.Compare(a.it.key, b.it.key))
		})
	}
}
