package table

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
func yes() types.AttributeValue          { return &types.AttributeValueMemberBOOL{Value: true} }
func blob(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// at is a time as it is kept: milliseconds since 1970.
func at(t time.Time) types.AttributeValue { return number(t.UnixMilli()) }

// until is a time to live: whole seconds since 1970.
func until(t time.Time) types.AttributeValue { return number(t.Unix()) }

// reader takes an item apart and remembers what it could not read.
type reader struct {
	item item
	bad  []string
}

// text is the string under a name; absent is empty.
func (r *reader) text(name string) string {
	switch v := r.item[name].(type) {
	case nil:
		return ""
	case *types.AttributeValueMemberS:
		return v.Value
	}
	r.bad = append(r.bad, name)
	return ""
}

// int is the number under a name; absent is zero.
func (r *reader) int(name string) int64 {
	v, ok := r.item[name].(*types.AttributeValueMemberN)
	if r.item[name] == nil {
		return 0
	}
	if ok {
		if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
			return n
		}
	}
	r.bad = append(r.bad, name)
	return 0
}

// time is the moment under a name; absent is the zero time.
func (r *reader) time(name string) time.Time {
	ms := r.int(name)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// flag is the truth under a name; absent is false.
func (r *reader) flag(name string) bool {
	switch v := r.item[name].(type) {
	case nil:
		return false
	case *types.AttributeValueMemberBOOL:
		return v.Value
	}
	r.bad = append(r.bad, name)
	return false
}

// need says that something must be there.
func (r *reader) need(names ...string) {
	for _, name := range names {
		if r.item[name] == nil {
			r.bad = append(r.bad, name)
		}
	}
}

// err names what could not be read, never what was there.
func (r *reader) err() error {
	if len(r.bad) == 0 {
		return nil
	}
	slices.Sort(r.bad)
	return fmt.Errorf("%w: %s", waitlist.ErrUnreadable, strings.Join(slices.Compact(r.bad), ", "))
}

func (r *reader) stage() waitlist.Stage {
	s := waitlist.Stage(r.text("stage"))
	if !slices.Contains(waitlist.Stages(), s) {
		r.bad = append(r.bad, "stage")
	}
	return s
}

// bare says that the key has no joining: no item, or one that a
// bounce made for a mailbox that is not kept.
func bare(it item) bool {
	return it == nil || it["stage"] == nil && it["joining"] == nil && it[Index] == nil
}

// entryOf reads an entry. The error is waitlist.ErrUnreadable; the entry then
// holds what could be read.
func entryOf(it item) (waitlist.Entry, error) {
	r := reader{item: it}
	r.need("joining", "stage", "joined", "shard")
	e := waitlist.Entry{
		Ref:        waitlist.Ref{Key: strings.TrimPrefix(r.text(Key), "e#"), Joining: int(r.int("joining"))},
		Stage:      r.stage(),
		Suppressed: r.flag("suppressed"),
		Complained: r.flag("complained"),
		Returned:   r.flag("returned"),
		Quiet:      r.flag("quiet"),
		Delivery:   waitlist.Delivery(r.text("delivery")),
		Language:   r.text("language"),
		Wanted:     r.text("wanted"),
		Joined:     r.time("joined"),
		Kept:       r.flag("kept"),
		Shard:      int(r.int("shard")),
		Claim:      r.time("claim"),
		Attempt:    int(r.int("attempt")),
		Due:        r.time("due"),
		Code:       bypass.Code(r.text("code")),
		Expires:    r.time("expires"),
		Invited:    r.time("invited"),
		Ended:      r.time("ended"),
	}
	if ttl, ok := it[TTL].(*types.AttributeValueMemberN); ok { // else the flag of a suppressed one
		if s, err := strconv.ParseInt(ttl.Value, 10, 64); err == nil {
			e.Delete = time.Unix(s, 0).UTC()
		}
	}
	switch fields := it["fields"].(type) {
	case nil:
	case *types.AttributeValueMemberM:
		e.Fields = make(map[string]string, len(fields.Value))
		inner := reader{item: fields.Value}
		for name := range fields.Value {
			e.Fields[name] = inner.text(name)
		}
		r.bad = append(r.bad, inner.bad...)
	default:
		r.bad = append(r.bad, "fields")
	}
	if !e.Stage.Ended() {
		var err error
		if e.Address, err = email.Parse(r.text("address")); err != nil {
			r.bad = append(r.bad, "address")
		}
	}
	return e, r.err()
}

// placeOf reads what the index shows of an entry.
func placeOf(it item, part waitlist.Part) waitlist.Place {
	r := reader{item: it}
	p := waitlist.Place{
		Ref:   waitlist.Ref{Key: strings.TrimPrefix(r.text(Key), "e#")},
		Shard: part.Shard,
		When:  r.time(Sort),
	}
	r.need("joining", "stage")
	joining, stage, claim, attempt, expires := r.int("joining"), r.stage(), r.time("claim"), r.int("attempt"), r.time("expires")
	if r.err() != nil {
		p.Unreadable = true
		return p
	}
	p.Joining, p.Stage, p.Claim, p.Attempt, p.Expires = int(joining), stage, claim, int(attempt), expires
	return p
}

// ticketOf reads the item of a code.
func ticketOf(code bypass.Code, it item) (waitlist.Ticket, error) {
	r := reader{item: it}
	r.need("entry", "joining", "claim")
	t := waitlist.Ticket{
		Code:     code,
		Ref:      waitlist.Ref{Key: r.text("entry"), Joining: int(r.int("joining"))},
		Invited:  r.time("claim"),
		Expires:  r.time("expires"),
		Wanted:   r.text("wanted"),
		Language: r.text("language"),
		Revoked:  r.flag("revoked"),
	}
	switch uses := it["uses"].(type) {
	case nil:
	case *types.AttributeValueMemberSS:
		t.Uses = slices.Sorted(slices.Values(uses.Value))
	default:
		r.bad = append(r.bad, "uses")
	}
	return t, r.err()
}
