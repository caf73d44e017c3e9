package store

import (
	"encoding/json"
	"slices"
	"time"
	"unique"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
)

// record is an entry as it is kept: a million of them fit into some 300 MB. Times
// are milliseconds since 1970, and what many people have in common (a language, a
// path, their fields) is kept once.
//
// It has more than 15 fields: one for each field of waitlist.Entry.
type record struct {
	key                                                    string
	address                                                email.Address
	language, wanted, fields                               unique.Handle[string]
	code                                                   bypass.Code
	joined, claim, due, expires, invited, ended, forgotten int64
	joining                                                int32
	shard                                                  uint16
	stage, attempt                                         uint8
	delivery                                               waitlist.Delivery
	suppressed, complained, returned, quiet, kept          bool
	bare, damaged                                          bool
}

// item is an entry taken out of its record, with what only the store knows.
type item struct {
	waitlist.Entry
	// bare marks an item that a bounce made for a mailbox that is not kept: it
	// has no stage, only its suppression.
	bare bool
	// damaged stands for an item with a field missing or of the wrong type.
	damaged bool
}

// stages numbers the stages for a record, from 1; 0 is none.
var stages = waitlist.Stages()

// item takes a record apart.
func (r *record) item() *item {
	it := &item{bare: r.bare, damaged: r.damaged, Entry: waitlist.Entry{
		Ref: waitlist.Ref{Key: r.key, Joining: int(r.joining)}, Suppressed: r.suppressed, Complained: r.complained, Address: r.address,
		Returned: r.returned, Kept: r.kept, Quiet: r.quiet, Delivery: r.delivery,
		Joined: moment(r.joined), Shard: int(r.shard), Claim: moment(r.claim), Attempt: int(r.attempt), Due: moment(r.due),
		Code: r.code, Expires: moment(r.expires), Invited: moment(r.invited), Ended: moment(r.ended), Delete: moment(r.forgotten),
	}}
	if r.stage > 0 {
		it.Stage = stages[r.stage-1]
	}
	var none unique.Handle[string]
	if r.language != none {
		it.Language = r.language.Value()
	}
	if r.wanted != none {
		it.Wanted = r.wanted.Value()
	}
	if r.fields != none {
		_ = json.Unmarshal([]byte(r.fields.Value()), &it.Fields) // our own words, some lines below
	}
	return it
}

// keep puts an item into its record.
func (r *record) keep(it *item) {
	e := &it.Entry
	fields := ""
	if len(e.Fields) > 0 {
		text, _ := json.Marshal(e.Fields) // a map of strings always has its words
		fields = string(text)
	}
	*r = record{
		key: e.Key, joining: int32(e.Joining), stage: uint8(slices.Index(stages, e.Stage) + 1), suppressed: e.Suppressed, complained: e.Complained, address: e.Address,
		language: shared(e.Language), wanted: shared(e.Wanted), fields: shared(fields), joined: millis(e.Joined), shard: uint16(e.Shard),
		claim: millis(e.Claim), attempt: uint8(e.Attempt), due: millis(e.Due), code: e.Code, expires: millis(e.Expires),
		invited: millis(e.Invited), ended: millis(e.Ended), forgotten: millis(e.Delete), returned: e.Returned, kept: e.Kept, quiet: e.Quiet, delivery: e.Delivery,
		bare: it.bare, damaged: it.damaged,
	}
}

// place is where an entry stands on the waitlist; an ended one stands nowhere.
func (r *record) place() (p waitlist.Part, when int64, ok bool) {
	if r.stage == 0 {
		return p, 0, false
	}
	switch stages[r.stage-1] {
	case waitlist.Waiting:
		return waitlist.Part{Shard: int(r.shard)}, r.joined, true
	case waitlist.Claimed, waitlist.Sending, waitlist.Invited, waitlist.Held:
		return waitlist.Part{Due: true, Shard: int(r.shard)}, r.due, true
	}
	return p, 0, false
}

// shared is a text of which there is one in memory; the zero handle for none.
func shared(s string) unique.Handle[string] {
	if s == "" {
		return unique.Handle[string]{}
	}
	return unique.Make(s)
}

// millis is a time as a record has it, moment the time that it is.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
