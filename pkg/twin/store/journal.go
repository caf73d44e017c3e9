package store

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// JournalFile is the name of the journal in the data folder.
const JournalFile = "waitlist.jsonl"

// journal is the waitlist on disk: one JSON object a line, appended and never
// rewritten, each holding what one item is after a change. The last line about
// an item is the item. It is meant to be read: `grep`, `tail -f` and jq answer
// what a database would. The addresses are in it; the file is the operator's
// own, readable by them alone, and the only place of this package where an
// address is written out.
//
// A change is in the file before it is acknowledged, so a program that dies
// loses nothing. It is not forced to the disk each time: a machine that loses its
// power may lose the last moments, and half a line at the end.
type journal struct {
	file    *os.File
	pending bytes.Buffer
	err     error
}

// line is one change; one of its fields is set.
type line struct {
	Entry    *entryLine         `json:"entry,omitempty"`
	Code     *codeLine          `json:"code,omitempty"`
	Cohort   *waitlist.Cohort   `json:"cohort,omitempty"`
	Control  *waitlist.Control  `json:"control,omitempty"`
	Progress *waitlist.Progress `json:"progress,omitempty"`
	Words    *wordsLine         `json:"words,omitempty"`
	Forget   string             `json:"forget,omitempty"`
	Drop     bypass.Code        `json:"drop,omitempty"`
}

// entryLine is an entry as it stands in the journal.
// It has more than 15 fields: one for each field of waitlist.Entry.
type entryLine struct {
	Key        string            `json:"key"`
	Joining    int               `json:"joining,omitempty"`
	Stage      waitlist.Stage    `json:"stage,omitempty"`
	Address    string            `json:"address,omitempty"`
	Language   string            `json:"language,omitempty"`
	Wanted     string            `json:"wanted,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
	Joined     time.Time         `json:"joined,omitzero"`
	Kept       bool              `json:"kept,omitempty"`
	Shard      int               `json:"shard,omitempty"`
	Claim      time.Time         `json:"claim,omitzero"`
	Attempt    int               `json:"attempt,omitempty"`
	Due        time.Time         `json:"due,omitzero"`
	Code       bypass.Code       `json:"code,omitempty"`
	Expires    time.Time         `json:"expires,omitzero"`
	Invited    time.Time         `json:"invited,omitzero"`
	Ended      time.Time         `json:"ended,omitzero"`
	Delete     time.Time         `json:"delete,omitzero"`
	Suppressed bool              `json:"suppressed,omitempty"`
	Returned   bool              `json:"returned,omitempty"`
	Quiet      bool              `json:"quiet,omitempty"`
	Delivery   waitlist.Delivery `json:"delivery,omitempty"`
	Bare       bool              `json:"bare,omitempty"`
}

type wordsLine struct {
	Language string     `json:"language"`
	Words    site.Words `json:"words"`
}

type codeLine struct {
	Code     bypass.Code `json:"code"`
	Key      string      `json:"key"`
	Joining  int         `json:"joining"`
	Invited  time.Time   `json:"invited"`
	Expires  time.Time   `json:"expires"`
	Wanted   string      `json:"wanted,omitempty"`
	Language string      `json:"language,omitempty"`
	Uses     []string    `json:"uses,omitempty"`
	Revoked  bool        `json:"revoked,omitempty"`
	Told     bool        `json:"told,omitempty"`
}

// Open makes a store that is kept in a folder, which it makes if need be (for
// the operator alone), and reads back what is there. The lease and the
// controller's memory are not kept: after a restart the law starts from the
// codes that are out. A last line that was torn off is cut away; any other line
// that cannot be read is an error that names it.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, JournalFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	s := &Store{}
	if err := s.replay(file); err != nil {
		return nil, errors.Join(fmt.Errorf("reading the journal %s: %w", file.Name(), err), file.Close())
	}
	s.journal = &journal{file: file}
	return s, nil
}

// Close puts the journal on the disk and closes it; the store is not to be used
// any more. A store without a journal has nothing to close.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil
	}
	err := s.journal.flush()
	err = errors.Join(err, s.journal.file.Sync(), s.journal.file.Close())
	s.journal.err = fs.ErrClosed
	return err
}

// replay reads the journal and leaves the file at the end of its last whole line.
func (s *Store) replay(file *os.File) error {
	s.init()
	in := bufio.NewReader(file)
	var whole int64
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // a torn last line, or none
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			// What encoding/json says can quote the line, and the line has an address.
			return fmt.Errorf("line %d is no JSON object of ours", n)
		}
		if err := s.apply(l); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		whole += int64(len(text))
	}
	for _, it := range s.entries {
		s.index(it)
	}
	if err := file.Truncate(whole); err != nil {
		return err
	}
	_, err := file.Seek(whole, io.SeekStart)
	return err
}

func (s *Store) apply(l line) error {
	switch {
	case l.Entry != nil:
		e := l.Entry
		var a email.Address
		if e.Address != "" {
			var err error
			if a, err = email.Parse(e.Address); err != nil {
				return errors.New("its address is none")
			}
		}
		s.entries[e.Key] = &item{bare: e.Bare, Entry: waitlist.Entry{
			Ref: waitlist.Ref{Key: e.Key, Joining: e.Joining}, Stage: e.Stage, Suppressed: e.Suppressed,
			Returned: e.Returned, Quiet: e.Quiet, Delivery: e.Delivery,
			Address: a, Language: e.Language, Wanted: e.Wanted, Fields: e.Fields,
			Joined: e.Joined, Kept: e.Kept, Shard: e.Shard, Claim: e.Claim, Attempt: e.Attempt, Due: e.Due, Code: e.Code,
			Expires: e.Expires, Invited: e.Invited, Ended: e.Ended, Delete: e.Delete,
		}}
	case l.Code != nil:
		c := l.Code
		s.codes[c.Code] = &ticket{told: c.Told, Ticket: waitlist.Ticket{
			Code: c.Code, Ref: waitlist.Ref{Key: c.Key, Joining: c.Joining}, Invited: c.Invited, Expires: c.Expires,
			Wanted: c.Wanted, Language: c.Language, Uses: c.Uses, Revoked: c.Revoked,
		}}
	case l.Cohort != nil:
		s.count(l.Cohort.Invited, func(c *waitlist.Cohort) { *c = *l.Cohort })
	case l.Control != nil:
		s.control = *l.Control
	case l.Progress != nil:
		s.progress = *l.Progress
	case l.Words != nil:
		s.words[l.Words.Language] = l.Words.Words
	case l.Forget != "":
		delete(s.entries, l.Forget)
	case l.Drop != "":
		delete(s.codes, l.Drop)
	default:
		return errors.New("it says nothing that this version knows")
	}
	return nil
}

// add puts a line behind those that wait to be written. A nil journal keeps
// nothing.
func (j *journal) add(l line) {
	if j == nil {
		return
	}
	text, err := json.Marshal(l)
	if err != nil {
		j.err = errors.Join(j.err, fmt.Errorf("writing the journal: %w", err))
		return
	}
	j.pending.Write(text)
	j.pending.WriteByte('\n')
}

// flush writes the lines of one change. Once it has failed it fails for good:
// memory is ahead of the file, and no later change may be acknowledged.
func (j *journal) flush() error {
	if j == nil || j.err != nil || j.pending.Len() == 0 {
		if j != nil {
			return j.err
		}
		return nil
	}
	if _, err := j.file.Write(j.pending.Bytes()); err != nil {
		j.err = fmt.Errorf("writing the journal: %w", err)
	}
	j.pending.Reset()
	return j.err
}

func (j *journal) entry(it *item) {
	if j == nil {
		return
	}
	e := &it.Entry
	j.add(line{Entry: &entryLine{
		Key: e.Key, Joining: e.Joining, Stage: e.Stage, Address: e.Address.Reveal(), Language: e.Language, Wanted: e.Wanted,
		Fields: e.Fields, Joined: e.Joined, Kept: e.Kept, Shard: e.Shard, Claim: e.Claim, Attempt: e.Attempt, Due: e.Due, Code: e.Code,
		Expires: e.Expires, Invited: e.Invited, Ended: e.Ended, Delete: e.Delete, Suppressed: e.Suppressed,
		Returned: e.Returned, Quiet: e.Quiet, Delivery: e.Delivery, Bare: it.bare,
	}})
}

func (j *journal) code(t *ticket) {
	if j == nil {
		return
	}
	j.add(line{Code: &codeLine{
		Code: t.Code, Key: t.Key, Joining: t.Joining, Invited: t.Invited, Expires: t.Expires,
		Wanted: t.Wanted, Language: t.Language, Uses: t.Uses, Revoked: t.Revoked, Told: t.told,
	}})
}

func (j *journal) cohort(c *waitlist.Cohort)    { j.add(line{Cohort: c}) }
func (j *journal) control(c waitlist.Control)   { j.add(line{Control: &c}) }
func (j *journal) progress(p waitlist.Progress) { j.add(line{Progress: &p}) }
func (j *journal) words(language string, w site.Words) {
	j.add(line{Words: &wordsLine{Language: language, Words: w}})
}
func (j *journal) forget(key string)     { j.add(line{Forget: key}) }
func (j *journal) drop(code bypass.Code) { j.add(line{Drop: code}) }
