package table

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// The control item and progress are JSON in the attribute doc: they are read
// whole, and a person who looks at the table can read them.

// Control reads what the operator wants.
func (t *Table) Control(ctx context.Context) (c waitlist.Control, err error) {
	it, err := t.get(ctx, controlID)
	if err == nil && it != nil {
		err = decode(it, &c)
	}
	if err != nil {
		return waitlist.Control{}, failed("reading the control item", err)
	}
	return c, nil
}

// Notice reads control and progress in one batch. It is not a strong read: it is
// cached for half a minute anyhow, and costs half.
func (t *Table) Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error) {
	c, p, _, err := t.notice(ctx, controlID, progressID)
	return c, p, err
}

// NoticeIn reads the words of a language in the same batch.
func (t *Table) NoticeIn(ctx context.Context, language string) (waitlist.Control, waitlist.Progress, site.Words, error) {
	return t.notice(ctx, controlID, progressID, wordsID(language))
}

func (t *Table) notice(ctx context.Context, ids ...string) (c waitlist.Control, p waitlist.Progress, w site.Words, err error) {
	items, err := t.batch(ctx, ids)
	if err != nil {
		return c, p, w, failed("reading the notice", err)
	}
	for _, it := range items {
		r := reader{item: it}
		switch r.text(Key) {
		case controlID:
			err = decode(it, &c)
		case progressID:
			err = decode(it, &p)
		default:
			err = decode(it, &w)
		}
		if err != nil {
			return waitlist.Control{}, waitlist.Progress{}, site.Words{}, failed("reading the notice: "+r.text(Key), err)
		}
	}
	return c, p, w, nil
}

// Words reads the words of a language. Like the notice it is not a strong read.
func (t *Table) Words(ctx context.Context, language string) (w site.Words, err error) {
	out, err := t.getItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: attribute(wordsID(language))})
	if err != nil || out.Item == nil {
		return w, failed("reading the words", err)
	}
	return w, failed("reading the words", decode(out.Item, &w))
}

// SaveWords replaces the words of a language.
func (t *Table) SaveWords(ctx context.Context, language string, w site.Words) error {
	return t.saveDoc(ctx, "writing the words", wordsID(language), w)
}

func decode(it item, into any) error {
	r := reader{item: it}
	r.need("doc")
	doc := r.text("doc")
	if err := r.err(); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(doc), into); err != nil {
		return fmt.Errorf("%w: %w", waitlist.ErrUnreadable, err)
	}
	return nil
}

// UpdateControl reads the control item, lets change decide, and writes it on the
// version that it read.
func (t *Table) UpdateControl(ctx context.Context, decide func(*waitlist.Control) error) error {
	for range 5 {
		before, err := t.Control(ctx)
		if err != nil {
			return err
		}
		after := before
		if before.Admit != nil {
			admit := *before.Admit
			after.Admit = &admit
		}
		if err := decide(&after); err != nil {
			return err
		}
		if reflect.DeepEqual(before, after) {
			return nil
		}
		after.Version = before.Version + 1
		doc, err := json.Marshal(after)
		if err != nil {
			return fmt.Errorf("table: writing the control item: %w", err)
		}
		u := change(controlID).
			when("attribute_not_exists(#id) OR #version = ?", number(int64(before.Version))).
			set("#doc = ?, #version = ?", str(string(doc)), number(int64(after.Version)))
		if _, err = t.send(ctx, u, types.ReturnValueNone); !refused(err) {
			return failed("writing the control item", err)
		}
	}
	return fmt.Errorf("table: writing the control item: others kept changing it: %w", waitlist.ErrBusy)
}

// SaveProgress writes what the public pages say.
func (t *Table) SaveProgress(ctx context.Context, p waitlist.Progress) error {
	return t.saveDoc(ctx, "writing progress", progressID, p)
}

// saveDoc writes an item that is one JSON document.
func (t *Table) saveDoc(ctx context.Context, doing, id string, v any) error {
	doc, err := json.Marshal(v)
	if err == nil {
		_, err = t.send(ctx, change(id).set("#doc = ?", str(string(doc))), types.ReturnValueNone)
	}
	return failed(doing, err)
}

// Lease takes the lease for a tick.
func (t *Table) Lease(ctx context.Context, tick, now, until time.Time) (waitlist.Lease, error) {
	u := change(leaseID).
		when("attribute_not_exists(#tick) OR (#tick < ? AND (attribute_not_exists(#until) OR #until <= ?))",
			at(tick), at(now)).
		set("#tick = ?, #until = ?", at(tick), at(until))
	got, err := t.send(ctx, u, types.ReturnValueAllNew)
	if refused(err) {
		return waitlist.Lease{}, waitlist.ErrLease
	}
	if err != nil {
		return waitlist.Lease{}, failed("taking the lease", err)
	}
	r := reader{item: got}
	l := waitlist.Lease{Tick: r.time("tick"), Until: r.time("until"), SlotsUntil: r.time("slotsUntil")}
	return l, r.err()
}

// Reserve writes the end of the slots that the tick gives out.
func (t *Table) Reserve(ctx context.Context, tick, slotsUntil time.Time) error {
	return t.holding(ctx, "reserving slots", change(leaseID).when("#tick = ?", at(tick)).set("#slotsUntil = ?", at(slotsUntil)))
}

// Release gives the lease back.
func (t *Table) Release(ctx context.Context, tick time.Time) error {
	return t.holding(ctx, "giving the lease back", change(leaseID).when("#tick = ?", at(tick)).remove("until"))
}

func (t *Table) holding(ctx context.Context, doing string, u *update) error {
	_, err := t.send(ctx, u, types.ReturnValueNone)
	if refused(err) {
		return waitlist.ErrLease
	}
	return failed(doing, err)
}

// State reads the controller's memory.
func (t *Table) State(ctx context.Context) ([]byte, error) {
	it, err := t.get(ctx, stateID)
	if err != nil {
		return nil, failed("reading the state", err)
	}
	switch v := it["state"].(type) {
	case nil:
		return nil, nil
	case *types.AttributeValueMemberB:
		return v.Value, nil
	}
	return nil, failed("reading the state", waitlist.ErrUnreadable)
}

// SaveState writes the controller's memory.
func (t *Table) SaveState(ctx context.Context, tick time.Time, state []byte) error {
	return t.holding(ctx, "writing the state", change(stateID).
		when("attribute_not_exists(#tick) OR #tick <= ?", at(tick)).
		set("#tick = ?, #state = ?", at(tick), blob(state)))
}

// Cohorts gives the counters of all ticks since then, up to Now: one request for
// every thousand minutes.
func (t *Table) Cohorts(ctx context.Context, since time.Time) ([]waitlist.Cohort, error) {
	var ids []string
	for b := bucketOf(since); b <= bucketOf(t.Now()); b++ {
		ids = append(ids, tallyID(b))
	}
	items, err := t.batch(ctx, ids)
	if err != nil {
		return nil, failed("reading the cohorts", err)
	}
	found := map[int64]waitlist.Cohort{}
	for _, it := range items {
		r := reader{item: it}
		for name := range it {
			ms, err := strconv.ParseInt(name[1:], 10, 64)
			if err != nil || ms < since.UnixMilli() {
				continue // the key, the time to live, a tick before
			}
			c, n := found[ms], int(r.int(name))
			switch name[0] {
			case 's':
				c.Sent = n
			case 'r':
				c.Redeemed = n
			case 'b':
				c.Returned = n
			case 'l':
				c.Left = n
			case 'd':
				c.Deferred = n
			case 'o':
				c.Ours = n
			}
			c.Invited = time.UnixMilli(ms).UTC()
			found[ms] = c
		}
		if err := r.err(); err != nil {
			return nil, failed("reading the cohorts", err)
		}
	}
	cohorts := make([]waitlist.Cohort, 0, len(found))
	for _, c := range found {
		cohorts = append(cohorts, c)
	}
	slices.SortFunc(cohorts, func(a, b waitlist.Cohort) int { return cmp.Compare(a.Invited.UnixMilli(), b.Invited.UnixMilli()) })
	return cohorts, nil
}

// batch reads items by their ids, as many as there are.
func (t *Table) batch(ctx context.Context, ids []string) ([]item, error) {
	var found []item
	for chunk := range slices.Chunk(ids, batch) {
		var keys []item
		for _, id := range chunk {
			keys = append(keys, attribute(id))
		}
		for again := 0; len(keys) > 0; again++ {
			if again == 3 {
				return nil, errors.Join(waitlist.ErrBusy, errors.New("the store kept leaving items out of a batch"))
			}
			out, err := t.batchGet(ctx, &dynamodb.BatchGetItemInput{
				RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: keys}},
			})
			if err != nil {
				return nil, err
			}
			found = append(found, out.Responses[t.name]...)
			keys = out.UnprocessedKeys[t.name].Keys
		}
	}
	return found, nil
}
