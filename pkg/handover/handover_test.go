package handover_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/handover"
	"raincheck/pkg/twin"
	"raincheck/pkg/twin/store"
	"raincheck/pkg/waitlist"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestAThousandBadDays: a handover is interrupted at every kind of step, by a
// call that fails before or after it took effect, by a torn write, by a power
// cut after which nothing happens any more; people leave meanwhile, claims run
// out and are given back, and somebody runs it again until it is through. Then
// each person is in the file or in the line: never both, never neither.
func TestAThousandBadDays(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	struck := map[string]int{}
	for run := range uint64(1000) {
		badDay(t, seed+run, struck)
		if t.Failed() {
			t.Fatalf("seed %d", seed+run)
		}
	}
	// Every step was hit, before it took effect and after.
	for _, step := range []string{"Page", "Claim", "Entry", "Begin", "Accept", "GiveBack", "the disk's Append", "the disk's Replace", "the disk's Remove"} {
		for _, when := range []string{"before ", "after "} {
			if struck[when+step] == 0 {
				t.Errorf("seed %d: nothing ever went wrong %s%s: %v", seed, when, step, struck)
			}
		}
	}
	t.Logf("what went wrong, by step: %v", struck)
}

func badDay(t *testing.T, seed uint64, struck map[string]int) {
	t.Helper()
	w := newWorld(t, seed, 14)
	w.struck = struck
	const file = "people.jsonl"
	n := 1 + w.chance.IntN(14)
	left := map[string]bool{}
	var result handover.Result
	for attempt := 0; ; attempt++ {
		if attempt == 200 {
			t.Fatal("it never gets through")
		}
		// Early attempts are the worst; without an end to the faults there is none.
		w.trouble(attempt)
		var err error
		result, err = w.handover().Run(t.Context(), n, file)
		w.calm()
		if err == nil || errors.Is(err, handover.ErrDone) && attempt > 0 {
			break
		}
		if !errors.Is(err, errTrouble) {
			t.Fatalf("attempt %d: %v", attempt, err)
		}
		if w.chance.IntN(3) == 0 {
			w.later(t, time.Duration(w.chance.IntN(120))*time.Minute)
		}
		if w.chance.IntN(3) == 0 {
			left[w.leave(t, w.chance.IntN(14))] = true
		}
	}
	lines := w.lines(t, file)
	if len(lines) > n {
		t.Errorf("%d asked for, %d in the file", n, len(lines))
	}
	if result.Written > 0 && result.Written != len(lines) {
		t.Errorf("%d said to be written, %d there", result.Written, len(lines))
	}
	if _, err := w.disk.Read(file + ".part"); err == nil {
		// Only the very last step may have failed; the next run removes it.
		again, err := w.handover().Run(t.Context(), 14, file)
		if err != nil {
			t.Errorf("the run after: %v", err)
		}
		if again.Emptied {
			t.Error("the run after looked at no line, and says that nobody waits")
		}
		if after := w.lines(t, file); len(after) != len(lines) {
			t.Errorf("the run after changed the file from %d to %d lines", len(lines), len(after))
		}
	}
	w.later(t, 0)
	for i := range 14 {
		address := person(i)
		entry, err := w.store.Entry(t.Context(), key(i))
		if err != nil {
			t.Fatal(err)
		}
		l, inFile := lines[address]
		switch inLine := entry.Stage == waitlist.Waiting; {
		case inFile && inLine:
			t.Errorf("person %d is in the file and in the line", i)
		case left[key(i)] && inFile && entry.Stage != waitlist.Left:
			t.Errorf("person %d left and is %s", i, entry.Stage)
		case left[key(i)]:
		case !inFile && !inLine:
			t.Errorf("person %d is in neither: %s, claim %v", i, entry.Stage, entry.Claim)
		case inFile:
			if entry.Stage != waitlist.Invited || entry.Code.String() != l.Code {
				t.Errorf("person %d: the file has the code %s, the table %s at %s", i, l.Code, entry.Code, entry.Stage)
			}
			if ticket, err := w.store.Ticket(t.Context(), entry.Code); err != nil || ticket.Key != key(i) || ticket.Revoked {
				t.Errorf("person %d: the code's item is %+v, %v", i, ticket, err)
			}
		}
	}
}

// TestOldestFirstIntoBothFormats: what a mailer gets, and in which order.
func TestOldestFirstIntoBothFormats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, 5)
	folder := t.TempDir()
	h := w.handover()
	h.Disk = handover.Disk{}
	name := filepath.Join(folder, "first.csv")
	result, err := h.Run(t.Context(), 3, name)
	if err != nil || result != (handover.Result{Written: 3}) {
		t.Fatalf("%+v, %v", result, err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "address,language,code,link,expires,leave" {
		t.Errorf("header %s", got)
	}
	for i, row := range rows[1:] {
		if row[0] != person(i) || row[1] != "es" || row[4] != "2026-11-24T16:00:00Z" {
			t.Errorf("row %d: %q", i, row)
		}
		if code, _, err := w.keys.VerifyCode(row[2], noon); err != nil || row[3] != "https://www.example.org/waiting-room/es/code?c="+string(code) {
			t.Errorf("row %d: code %s, link %s: %v", i, row[2], row[3], err)
		}
		if k, joining, err := w.keys.VerifyLeave(strings.TrimPrefix(row[5], "https://www.example.org/waiting-room/es/leave?t=")); err != nil || k != key(i) || joining == 0 {
			t.Errorf("row %d: leaving by %s: %v", i, row[5], err)
		}
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is for everybody: %v, %v", info.Mode(), err)
	}
	if _, err := h.Run(t.Context(), 3, name); !errors.Is(err, handover.ErrDone) {
		t.Errorf("over a file that is there: %v", err)
	}
	if result, err = h.Run(t.Context(), 9, filepath.Join(folder, "rest.jsonl")); err != nil || result.Written != 2 {
		t.Errorf("the rest: %+v, %v", result, err)
	}
	if result, err = h.Run(t.Context(), 9, filepath.Join(folder, "none.jsonl")); err != nil || result.Written != 0 {
		t.Errorf("nobody is left: %+v, %v", result, err)
	}
	if _, err := h.Run(t.Context(), 1, filepath.Join(folder, "people.xlsx")); err == nil || !strings.Contains(err.Error(), ".csv or .jsonl") {
		t.Errorf("another format: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "*.[pl]*[tk]")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestTwoAtOnce: a second run on the same file is refused, and two files never
// share a person.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2, 60)
	folder := t.TempDir()
	release, err := handover.Disk{}.Lock(filepath.Join(folder, "a.jsonl.lock"))
	if err != nil {
		t.Fatal(err)
	}
	h := w.handover()
	h.Disk = handover.Disk{}
	if _, err := h.Run(t.Context(), 5, filepath.Join(folder, "a.jsonl")); !errors.Is(err, handover.ErrLocked) {
		t.Errorf("a second run on the same file: %v", err)
	}
	release()
	var wait sync.WaitGroup
	for i := range 3 {
		wait.Go(func() {
			h := w.handover()
			h.Disk = handover.Disk{}
			// Each begins in a millisecond of its own, as three people do.
			h.Now = func() time.Time { return noon.Add(time.Duration(i) * 7 * time.Millisecond) }
			if _, err := h.Run(t.Context(), 20, filepath.Join(folder, fmt.Sprintf("%d.jsonl", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	seen := map[string]int{}
	for i := range 3 {
		data, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)))
		if err != nil {
			t.Fatal(err)
		}
		for address := range parse(t, data) {
			seen[address]++
		}
	}
	for address, times := range seen {
		if times > 1 {
			t.Errorf("%s is in %d files", address, times)
		}
	}
	if len(seen) == 0 {
		t.Error("the files are empty")
	}
}

// TestSuppressedAndDamaged never reach a file, and do not stop the rest.
func TestSuppressedAndDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3, 4)
	if err := w.store.Bounce(t.Context(), waitlist.Ref{Key: key(0), Joining: 1}, noon); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Damage(t.Context(), key(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.handover().Run(t.Context(), 4, "people.jsonl"); err != nil {
		t.Fatal(err)
	}
	lines := w.lines(t, "people.jsonl")
	if len(lines) != 2 || lines[person(2)].Code == "" || lines[person(3)].Code == "" {
		t.Errorf("the file has %v", lines)
	}
}

// world is a line of people, a disk and what may go wrong with both.
type world struct {
	store  *store.Store
	disk   *memoryDisk
	keys   *bypass.Keyring
	chance *mathrand.Rand

	mu  sync.Mutex
	now time.Time
	// odds is one in how many calls goes wrong; 0 for none. dead fails them all.
	odds int
	dead bool
	// struck counts what went wrong, by step; nil for nobody who asks.
	struck map[string]int
}

var errTrouble = errors.New("trouble")

func newWorld(t *testing.T, seed uint64, people int) *world {
	t.Helper()
	keys, err := bypass.ParseKeyring([]byte(`{"root":"` + strings.Repeat("r", bypass.MinSecret) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{keys: keys, now: noon, chance: mathrand.New(mathrand.NewPCG(seed, 7))}
	w.store = &store.Store{}
	w.disk = &memoryDisk{files: map[string][]byte{}, world: w}
	for i := range people {
		address, err := email.Parse(person(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Join(context.Background(), waitlist.Signup{Key: key(i), Address: address, Language: "es", At: noon.Add(time.Duration(i-people) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	w.store.Probe = &twin.Probe{
		Before: func(_ context.Context, call string) error { return w.strike("before " + call) },
		After:  func(_ context.Context, call string) error { return w.strike("after " + call) },
	}
	return w
}

func person(i int) string { return fmt.Sprintf("person%d@example.org", i) }
func key(i int) string    { return fmt.Sprintf("key-of-person-%d", i) }

func (w *world) handover() *handover.Handover {
	return &handover.Handover{Store: w.store, Disk: w.disk, Keys: w.keys, Random: rand.Reader, Room: "https://www.example.org/waiting-room",
		Life: 4 * time.Hour, Workers: 3, Chunk: 4, Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		}}
}

func (w *world) trouble(attempt int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.odds = 4 + attempt*6 + w.chance.IntN(60)
}

func (w *world) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.odds, w.dead = 0, false
}

// strike fails a call now and then; half of the time it is the power.
func (w *world) strike(step string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errTrouble
	}
	if w.odds == 0 || w.chance.IntN(w.odds) > 0 {
		return nil
	}
	w.dead = w.chance.IntN(2) == 0
	if w.struck != nil {
		w.struck[step]++
	}
	return errTrouble
}

// later passes time, and does what the inviter does with claims that ran out.
func (w *world) later(t *testing.T, d time.Duration) {
	t.Helper()
	w.mu.Lock()
	w.now = w.now.Add(d)
	now := w.now
	w.mu.Unlock()
	due, err := waitlist.Oldest(100, true, waitlist.Shards, now, func(queries []waitlist.Query) ([][]waitlist.Place, error) {
		pages := make([][]waitlist.Place, len(queries))
		for i, q := range queries {
			page, err := w.store.Page(t.Context(), q)
			if err != nil {
				return nil, err
			}
			pages[i] = page
		}
		return pages, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range due {
		if p.Stage != waitlist.Claimed {
			continue
		}
		if err := w.store.GiveBack(t.Context(), waitlist.Message{Ref: p.Ref, Shard: p.Shard, Claim: p.Claim, Attempt: 1}, waitlist.Claimed); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) leave(t *testing.T, i int) string {
	t.Helper()
	entry, err := w.store.Entry(t.Context(), key(i))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Leave(t.Context(), entry.Ref, noon); err != nil && !errors.Is(err, waitlist.ErrStale) {
		t.Fatal(err)
	}
	return key(i)
}

type row struct{ Address, Code string }

func (w *world) lines(t *testing.T, name string) map[string]row {
	t.Helper()
	data, err := w.disk.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t *testing.T, data []byte) map[string]row {
	t.Helper()
	rows := map[string]row{}
	for text := range bytes.Lines(data) {
		var r row
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if _, twice := rows[r.Address]; twice {
			t.Errorf("%s is in the file twice", r.Address)
		}
		rows[r.Address] = r
	}
	return rows
}

// memoryDisk is a disk whose writes may be torn.
type memoryDisk struct {
	mu    sync.Mutex
	files map[string][]byte
	world *world
}

func (d *memoryDisk) Read(name string) ([]byte, error) {
	if err := d.world.strike("before the disk's Read"); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	data, ok := d.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(data), nil
}

func (d *memoryDisk) Append(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.world.strike("before the disk's Append"); err != nil {
		// Some of it may have got there.
		d.files[name] = append(d.files[name], data[:d.world.upTo(len(data))]...)
		return err
	}
	d.files[name] = append(d.files[name], data...)
	return d.world.strike("after the disk's Append")
}

func (d *memoryDisk) Replace(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.world.strike("before the disk's Replace"); err != nil {
		return err
	}
	d.files[name] = bytes.Clone(data)
	return d.world.strike("after the disk's Replace")
}

func (d *memoryDisk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.world.strike("before the disk's Remove"); err != nil {
		return err
	}
	delete(d.files, name)
	return d.world.strike("after the disk's Remove")
}

func (d *memoryDisk) Lock(string) (func(), error) { return func() {}, nil }

func (w *world) upTo(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return w.chance.IntN(n + 1)
	}
	return 0
}
