package handover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/waitlist"
)

// record is one line of the journal. The first has Batch and nothing else; one
// without a Code is somebody about to be claimed.
type record struct {
	Batch time.Time `json:"batch,omitzero"`

	Key      string      `json:"key,omitempty"`
	Joining  int         `json:"joining,omitempty"`
	Shard    int         `json:"shard,omitempty"`
	Joined   time.Time   `json:"joined,omitzero"`
	Address  string      `json:"address,omitempty"`
	Language string      `json:"language,omitempty"`
	Code     bypass.Code `json:"code,omitempty"`
	Expires  time.Time   `json:"expires,omitzero"`
	Attempt  int         `json:"attempt,omitempty"`
}

// line is one person of the file.
type line struct {
	record
	b *batch
}

func records(lines []line) []record {
	out := make([]record, len(lines))
	for i, l := range lines {
		out[i] = l.record
	}
	return out
}

// open finds the journal of an interrupted run, or begins one.
func (b *batch) open() error {
	data, err := b.Disk.Read(b.part)
	if err == nil {
		whole := data[:bytes.LastIndexByte(data, '\n')+1]
		if err := b.parse(whole); err != nil {
			return fmt.Errorf("reading the journal %s: %w", b.part, err)
		}
		if len(whole) < len(data) && len(b.found) > 0 {
			// The last line was being written when it happened: nothing was done on it.
			if err := b.Disk.Replace(b.part, whole); err != nil {
				return fmt.Errorf("mending the journal %s: %w", b.part, err)
			}
		}
		if len(b.found) > 0 {
			b.resumed = true
			b.claim = b.found[0].Batch
			b.found = b.found[1:]
			_, err := b.Disk.Read(b.file)
			b.published = err == nil
			return nil
		}
		// It was interrupted before its first line was whole: nothing was claimed.
		if err := b.Disk.Remove(b.part); err != nil {
			return fmt.Errorf("removing the empty journal %s: %w", b.part, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the journal %s: %w", b.part, err)
	}
	if _, err := b.Disk.Read(b.file); err == nil {
		return fmt.Errorf("%s: %w", b.file, ErrDone)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("looking for %s: %w", b.file, err)
	}
	// A tick's name is a whole minute; a batch's never is, so that the two cannot
	// claim under one name.
	b.claim = b.Now().UTC().Truncate(time.Millisecond)
	if b.claim.Truncate(time.Second).Equal(b.claim) {
		b.claim = b.claim.Add(time.Millisecond)
	}
	return b.write([]record{{Batch: b.claim}})
}

func (b *batch) parse(data []byte) error {
	n := 0
	for text := range bytes.Lines(data) {
		n++
		var r record
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&r); err != nil || n == 1 == r.Batch.IsZero() {
			// What json says could quote an address.
			return fmt.Errorf("line %d is not one of ours", n)
		}
		b.found = append(b.found, r)
	}
	return nil
}

// write adds records to the journal, and returns when they are on the disk.
func (b *batch) write(list []record) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, r := range list {
		if err := encoder.Encode(r); err != nil {
			return fmt.Errorf("writing the journal: %w", err)
		}
	}
	if err := b.Disk.Append(b.part, out.Bytes()); err != nil {
		return fmt.Errorf("writing the journal %s: %w", b.part, err)
	}
	return nil
}

// reconcile asks the table about each line of an interrupted run.
func (b *batch) reconcile(ctx context.Context) error {
	coded := map[string][]line{}
	var keys []string
	intents := map[string]record{}
	for _, r := range b.found {
		if _, seen := intents[r.Key]; !seen {
			keys = append(keys, r.Key)
		}
		intents[r.Key] = r
		if r.Code != "" {
			coded[r.Key] = append(coded[r.Key], line{r, b})
		}
	}
	return b.each(ctx, len(keys), func(i int) error {
		r := intents[keys[i]]
		return b.settle(ctx, r, coded[r.Key])
	})
}

// settle finishes what an interrupted run had begun with one person.
func (b *batch) settle(ctx context.Context, r record, lines []line) error {
	entry, err := b.Store.Entry(ctx, r.Key)
	switch {
	case errors.Is(err, waitlist.ErrUnknown), errors.Is(err, waitlist.ErrUnreadable):
		b.drop()
		return nil
	case err != nil:
		return fmt.Errorf("going on with the batch: %w", err)
	case entry.Joining != r.Joining || !entry.Claim.Equal(b.claim):
		// Given back when the claim ran out, or somebody else's by now.
		if len(lines) > 0 {
			b.drop()
		}
		return nil
	}
	switch entry.Stage {
	case waitlist.Claimed:
		if len(lines) > 0 && lines[len(lines)-1].Expires.After(b.Now()) {
			return b.mark(ctx, lines[len(lines)-1])
		}
		// Only claimed, or its code died in the journal: back to the old place. The
		// inviter may have been quicker.
		err := b.Store.GiveBack(ctx, b.message(entry.Ref, entry.Shard, entry.Attempt+1), waitlist.Claimed)
		if err != nil && !errors.Is(err, waitlist.ErrStale) {
			return fmt.Errorf("giving back: %w", err)
		}
		return nil
	case waitlist.Sending, waitlist.Invited:
		at := slices.IndexFunc(lines, func(l line) bool { return l.Code == entry.Code })
		if at < 0 {
			return fmt.Errorf("the table has a code for this batch that %s does not know: the journal is not that of this batch", b.part)
		}
		if entry.Stage == waitlist.Sending {
			return b.accept(ctx, lines[at])
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.marked[r.Key] = lines[at]
		return nil
	default:
		b.drop() // left meanwhile: no mail goes there
		return nil
	}
}

// lines are those of the file, in the order of joining.
func (b *batch) lines() []line {
	var out []line
	for _, l := range b.marked {
		out = append(out, l)
	}
	slices.SortFunc(out, func(x, y line) int {
		if c := x.Joined.Compare(y.Joined); c != 0 {
			return c
		}
		return strings.Compare(x.Key, y.Key)
	})
	return out
}
