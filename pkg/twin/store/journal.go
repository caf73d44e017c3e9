package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/disk"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// JournalFile is the name of the journal in the data folder.
const JournalFile = "waitlist.jsonl"

// journal is the waitlist on disk: one JSON object a line, appended, each holding
// what one item is after a change. The last line about an item is the item. It is
// meant to be read: `grep`, `tail -f` and jq answer what a database would. The
// addresses are in it; the file is the operator's own, readable by them alone,
// and the only place of this package where an address is written out.
//
// A change is in the file before it is acknowledged, so a program that dies loses
// nothing. What people and operators are told (a sign-up, a code, a switch) is on
// the disk by then as well, so that a machine that loses its power keeps it too;
// a step that the next tick would make again goes with the next of these.
type journal struct {
	log    *log
	unlock func()
	dir    string
	// rewriting lets one compaction at a time, compacting is for Close to wait.
	rewriting  sync.Mutex
	compacting sync.WaitGroup
}

// unforced are the calls whose change is not flushed to the disk by itself: each
// is a step that is made again when it is missing.
var unforced = map[string]bool{
	"Claim": true, "GiveBack": true, "Accept": true, "Retry": true, "Postpone": true, "Expire": true, "Bury": true,
	"Return": true, "Requeue": true, "Delay": true, "Arrive": true, "SaveProgress": true, "Sweep": true, "Damage": true,
}

// unkept are the calls that change nothing that is kept.
var unkept = map[string]bool{
	"Control": true, "Notice": true, "NoticeIn": true, "Words": true, "Page": true, "Count": true, "Entry": true, "Ticket": true, "Each": true,
	"Cohorts": true, "Lease": true, "Reserve": true, "Release": true, "State": true, "SaveState": true,
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
	Complained bool              `json:"complained,omitempty"`
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

// Options are what Open may be told.
type Options struct {
	// Progress is called now and then with how much of the journal was read, in
	// bytes; nil is not.
	Progress func(read, all int64)
	// Names gives the function that names mailboxes by the secret kept beside the
	// journal; nil checks no names. An entry whose address has another name was edited
	// by hand: it would never be found again, and its person could join twice.
	Names func(secret []byte) (func(mailbox string) string, error)
}

// Open makes a store that is kept in a folder, which it makes if need be (for
// the operator alone), and reads back what is there. The lease and the
// controller's memory are not kept: after a restart the law starts from the
// codes that are out. The folder is locked against a second process until Close;
// the error is then disk.ErrLocked. A last line that was torn off by a crash is
// cut away: nobody was told of it. Any other line that cannot be read is an error
// that names it.
func Open(dir string, o Options) (s *Store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	unlock, err := disk.Lock(filepath.Join(dir, "lock"))
	if errors.Is(err, disk.ErrLocked) {
		return nil, fmt.Errorf("opening the data folder %s: %w: stop the other raincheck, or name another folder", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	name := filepath.Join(dir, JournalFile)
	// What a compaction left that was killed takes the room of as many sign-ups.
	if err := os.RemoveAll(name + ".new"); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	s = &Store{}
	check, err := o.check(dir)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	size, lines, err := s.replay(file, check, o.Progress)
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the journal %s: %w", name, err), file.Close())
	}
	s.journal = &journal{log: newLog(name, file, size), unlock: unlock, dir: dir}
	if live := len(s.entries) + len(s.codes) + len(s.counters); lines > 2*live+10_000 {
		if err := s.Compact(); err != nil && !full(err) {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// secretFile is the name of the secret in the data folder.
const secretFile = "secret.json"

// check gives what an entry's address and key are held to, if there is a secret.
func (o Options) check(dir string) (func(mailbox, key string) bool, error) {
	right := func(string, string) bool { return true }
	if o.Names == nil {
		return right, nil
	}
	doc, err := os.ReadFile(filepath.Join(dir, secretFile))
	if errors.Is(err, fs.ErrNotExist) {
		return right, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := o.Names(doc)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, secretFile), err)
	}
	return func(mailbox, key string) bool { return names(mailbox) == key }, nil
}

// full says that the disk has no space for a second file; the first one serves.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// Close puts the journal on the disk and closes it; the store is not to be used
// any more. A store without a journal has nothing to close.
func (s *Store) Close() error {
	if s.journal == nil {
		return nil
	}
	s.journal.compacting.Wait()
	err := s.journal.log.close()
	s.journal.unlock()
	return err
}

// scarce is the room on the disk below which Trouble says so: some ten thousand
// sign-ups.
const scarce = 16 << 20

// Trouble says why the journal takes nothing more, or soon will not; nil is a journal
// that can grow, or none. What failed before is tried again first, and where nothing
// did, a file beside it is tried: nobody may have joined since the disk filled up.
func (s *Store) Trouble() error {
	if s.journal == nil {
		return nil
	}
	if err := s.journal.log.ready(); err != nil {
		return err
	}
	if err := s.journal.log.there(); err != nil {
		return err
	}
	if err := disk.Takes(s.journal.dir); err != nil {
		return fmt.Errorf("trying the data folder: %w", err)
	}
	if free, known := disk.Free(s.journal.dir); known && free < scarce {
		return fmt.Errorf("%.1f MB are left in %s, and 17 are wanted", float64(free)/1e6, s.journal.dir)
	}
	return nil
}

// Secret is the secret that is kept beside the journal, made by draw the first
// time. Without it nobody on the waitlist can be found again, nor their codes be
// checked: its lack is an error where somebody is there. A store without a journal
// draws one each time.
func (s *Store) Secret(draw func() ([]byte, error)) ([]byte, error) {
	if s.journal == nil {
		return draw()
	}
	name := filepath.Join(s.journal.dir, secretFile)
	doc, err := os.ReadFile(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return doc, err
	}
	if len(s.entries) > 0 {
		return nil, fmt.Errorf("%s is missing, and only with it the people of the waitlist beside it can be found: put it back, or begin with an empty folder", name)
	}
	if doc, err = draw(); err != nil {
		return nil, err
	}
	return doc, disk.Replace(name, doc)
}

// Compact rewrites the journal with one line for each item, beside the old one,
// and puts it in its place. People go on joining meanwhile. It runs by itself at
// Open and when the file has doubled.
func (s *Store) Compact() (err error) {
	s.journal.rewriting.Lock()
	defer s.journal.rewriting.Unlock()
	name := filepath.Join(s.journal.dir, JournalFile)
	out, err := os.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("compacting the journal: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("compacting the journal: %w", err), out.Close(), os.Remove(out.Name()))
		}
	}()
	s.mu.Lock()
	start := s.journal.log.end()
	keys, codes := slices.Collect(maps.Keys(s.entries)), slices.Collect(maps.Keys(s.codes))
	s.mu.Unlock()

	w := bufio.NewWriterSize(out, 1<<20)
	if err := s.rewriteAll(w, keys, codes); err != nil {
		return err
	}
	// What came meanwhile is little, and is copied while all wait.
	if err := errors.Join(w.Flush(), out.Sync()); err != nil {
		return err
	}
	return s.journal.log.swap(out, start, func() error {
		if err := os.Rename(out.Name(), name); err != nil {
			return err
		}
		return disk.SyncFolder(name)
	})
}

// rewriteAll writes a line for each item, a thousand at a time, so that nobody
// waits long for the lock.
func (s *Store) rewriteAll(w *bufio.Writer, keys []string, codes []bypass.Code) error {
	for chunk := range slices.Chunk(keys, 1000) {
		if err := s.rewrite(w, func(add func(line)) {
			for _, key := range chunk {
				if r := s.entries[key]; r != nil {
					add(entryOf(r.item()))
				}
			}
		}); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(codes, 1000) {
		if err := s.rewrite(w, func(add func(line)) {
			for _, code := range chunk {
				if t := s.codes[code]; t != nil {
					add(codeOf(t))
				}
			}
		}); err != nil {
			return err
		}
	}
	return s.rewrite(w, func(add func(line)) {
		for _, ms := range s.ticks {
			add(line{Cohort: s.counters[ms]})
		}
		for _, language := range slices.Sorted(maps.Keys(s.words)) {
			add(line{Words: &wordsLine{Language: language, Words: s.words[language]}})
		}
		add(line{Control: &s.control})
		add(line{Progress: &s.progress})
	})
}

// rewrite writes some lines, made under the lock.
func (s *Store) rewrite(w io.Writer, lines func(add func(line))) error {
	var all []byte
	s.mu.Lock()
	lines(func(l line) { all = append(all, text(l)...) })
	s.mu.Unlock()
	_, err := w.Write(all)
	return err
}

// add queues a line. A nil journal keeps nothing.
func (j *journal) add(l line) { j.log.add(text(l)) }

// text is a line as it stands in the journal.
func text(l line) []byte {
	one, err := json.Marshal(l)
	if err != nil {
		panic("store: " + err.Error()) // strings, numbers and times always have their JSON
	}
	return append(one, '\n')
}

func (j *journal) entry(it *item) {
	if j != nil {
		j.add(entryOf(it))
	}
}

func (j *journal) code(t *ticket) {
	if j != nil {
		j.add(codeOf(t))
	}
}

func (j *journal) cohort(c *waitlist.Cohort) {
	if j != nil {
		j.add(line{Cohort: c})
	}
}

func (j *journal) control(c waitlist.Control) {
	if j != nil {
		j.add(line{Control: &c})
	}
}

func (j *journal) progress(p waitlist.Progress) {
	if j != nil {
		j.add(line{Progress: &p})
	}
}

func (j *journal) words(language string, w site.Words) {
	if j != nil {
		j.add(line{Words: &wordsLine{Language: language, Words: w}})
	}
}

func (j *journal) forget(key string) {
	if j != nil {
		j.add(line{Forget: key})
	}
}

func (j *journal) drop(code bypass.Code) {
	if j != nil {
		j.add(line{Drop: code})
	}
}

func entryOf(it *item) line {
	e := &it.Entry
	return line{Entry: &entryLine{
		Key: e.Key, Joining: e.Joining, Stage: e.Stage, Address: e.Address.Reveal(), Language: e.Language, Wanted: e.Wanted,
		Fields: e.Fields, Joined: e.Joined, Kept: e.Kept, Shard: e.Shard, Claim: e.Claim, Attempt: e.Attempt, Due: e.Due, Code: e.Code,
		Expires: e.Expires, Invited: e.Invited, Ended: e.Ended, Delete: e.Delete, Suppressed: e.Suppressed, Complained: e.Complained,
		Returned: e.Returned, Quiet: e.Quiet, Delivery: e.Delivery, Bare: it.bare,
	}}
}

func codeOf(t *ticket) line {
	return line{Code: &codeLine{
		Code: t.Code, Key: t.Key, Joining: t.Joining, Invited: t.Invited, Expires: t.Expires,
		Wanted: t.Wanted, Language: t.Language, Uses: t.Uses, Revoked: t.Revoked, Told: t.told,
	}}
}
