package table

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/waitlist"
)

// of adds the condition of every step after the claim: this joining, this claim.
func of(m waitlist.Message) *update {
	return change(entryID(m.Key)).when("#joining = ? AND #claim = ?", number(int64(m.Joining)), at(m.Claim))
}

// due moves an entry in the half of those about whom something is due.
func (u *update) due(shard int, when time.Time) *update {
	return u.set("#due = ?, #at = ?, #line = ?", at(when), at(when), str(waitlist.Part{Due: true, Shard: shard}.String()))
}

// Claim takes a waiting entry for a tick.
func (t *Table) Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error {
	// Written out and not made by event: the second half is this very claim, whose
	// answer got lost.
	u := change(entryID(p.Key)).
		when("#joining = ?", number(int64(p.Joining))).
		when("#stage = ? OR (#stage = ? AND #claim = ?)", str(string(waitlist.Waiting)), str(string(waitlist.Claimed)), at(tick)).
		set("#stage = ?, #claim = ?", str(string(waitlist.Claimed)), at(tick)).
		due(p.Shard, due)
	_, err := t.step(ctx, "claiming", u, types.ReturnValueNone)
	return err
}

// GiveBack returns a first attempt to its old place.
func (t *Table) GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error {
	begun := int64(0)
	if from == waitlist.Sending {
		begun = 1
	}
	u := of(m).event(waitlist.GiveBack, from).
		when("#attempt = ?", number(begun)).
		set("#attempt = ?, #line = ?, #at = #joined", number(0), str(waitlist.Part{Shard: m.Shard}.String())).
		remove("claim", "due", "code", "expires").
		showing()
	_, err := t.send(ctx, u, types.ReturnValueNone)
	_, done := t.mine(ctx, u, err, func(it item) bool {
		return stageOf(it) == waitlist.Waiting && has(it, "joining", number(int64(m.Joining)))
	})
	switch {
	case done:
	case refused(err):
		return waitlist.ErrStale
	case err != nil:
		return failed("giving back", err)
	}
	return t.count(ctx, m.Claim, "b")
}

// Begin writes down that a mail is about to be sent.
func (t *Table) Begin(ctx context.Context, m waitlist.Message, ticket waitlist.Ticket, now time.Time) (waitlist.Entry, error) {
	it, err := t.get(ctx, entryID(m.Key))
	if err != nil {
		return waitlist.Entry{}, failed("beginning", err)
	}
	if bare(it) || m.Attempt < 1 || m.Attempt > waitlist.MaxAttempts {
		return waitlist.Entry{}, waitlist.ErrStale
	}
	e, unreadable := entryOf(it)
	first := m.Attempt == 1
	again := first && e.Stage == waitlist.Sending && e.Attempt == 1 && e.Code == ticket.Code
	wanted := waitlist.Sending
	if first {
		wanted = waitlist.Claimed
	}
	switch {
	case e.Joining != m.Joining:
		return waitlist.Entry{}, waitlist.ErrStale
	case unreadable != nil && !e.Stage.Ended():
		return waitlist.Entry{}, failed("beginning", unreadable)
	case e.Suppressed && !e.Stage.Ended():
		return waitlist.Entry{}, waitlist.ErrSuppressed
	case !e.Claim.Equal(m.Claim.Truncate(time.Millisecond)), !again && (e.Stage != wanted || e.Attempt != m.Attempt-1):
		return waitlist.Entry{}, waitlist.ErrStale
	}
	u := of(m)
	if first {
		if err := t.putCode(ctx, m, ticket, e); err != nil {
			return waitlist.Entry{}, err
		}
		u.when("(#stage = ? AND #attempt = ?) OR (#stage = ? AND #attempt = ? AND #code = ?)",
			str(string(waitlist.Claimed)), number(0), str(string(waitlist.Sending)), number(1), str(string(ticket.Code))).
			set("#stage = ?, #code = ?, #expires = ?", str(string(waitlist.Sending)), str(string(ticket.Code)), at(ticket.Expires))
	} else {
		u.event(waitlist.Begin, waitlist.Sending).when("#attempt = ?", number(int64(m.Attempt-1)))
	}
	u.set("#attempt = ?", number(int64(m.Attempt))).due(e.Shard, now.Add(waitlist.Silence))
	// A bounce may have come between the read and this.
	u.when("attribute_not_exists(#suppressed)")
	got, err := t.step(ctx, "beginning", u, types.ReturnValueAllNew)
	if err != nil {
		return waitlist.Entry{}, err
	}
	e, err = entryOf(got)
	return e, failed("beginning", err)
}

// putCode makes the item of a code, before the entry says that there is one.
func (t *Table) putCode(ctx context.Context, m waitlist.Message, ticket waitlist.Ticket, e waitlist.Entry) error {
	u := change(codeID(ticket.Code)).
		when("attribute_not_exists(#id) OR (#entry = ? AND #joining = ? AND #claim = ?)", str(m.Key), number(int64(m.Joining)), at(m.Claim)).
		set("#entry = ?, #joining = ?, #claim = ?", str(m.Key), number(int64(m.Joining)), at(m.Claim)).
		set("#expires = ?, #wanted = ?, #language = ?", at(ticket.Expires), str(e.Wanted), str(e.Language)).
		set("#ttl = ?", until(ticket.Expires.Add(afterwards)))
	_, err := t.send(ctx, u, types.ReturnValueNone)
	if refused(err) {
		return waitlist.ErrTaken
	}
	return failed("issuing a code", err)
}

// Accept tells that a mail of the joining was accepted.
func (t *Table) Accept(ctx context.Context, ref waitlist.Ref, attempt int, accepted time.Time) error {
	u := change(entryID(ref.Key)).event(waitlist.Accept).
		when("#joining = ? AND #attempt >= ?", number(int64(ref.Joining)), number(int64(attempt))).
		// The part stays: whoever is sending stands among the due.
		set("#invited = ?, #due = #expires, #at = #expires", at(accepted)).
		showing()
	entry, err := t.send(ctx, u, types.ReturnValueAllOld)
	if it, done := t.mine(ctx, u, err, func(it item) bool {
		return has(it, "invited", at(accepted)) && has(it, "joining", number(int64(ref.Joining)))
	}); done {
		entry, err = it, nil
	}
	switch {
	case refused(err):
		return waitlist.ErrStale
	case err != nil:
		return failed("accepting", err)
	}
	return t.count(ctx, claimOf(entry), "s")
}

// Retry makes an unanswered mail due again, for its second attempt.
func (t *Table) Retry(ctx context.Context, m waitlist.Message, due time.Time) error {
	u := of(m).event(waitlist.Retry).when("#attempt = ?", number(int64(m.Attempt-1))).due(m.Shard, due)
	_, err := t.step(ctx, "asking again", u, types.ReturnValueNone)
	return err
}

// Postpone takes back a second attempt that was begun and not sent.
func (t *Table) Postpone(ctx context.Context, m waitlist.Message, due time.Time) error {
	if m.Attempt < 2 {
		return waitlist.ErrStale
	}
	u := of(m).event(waitlist.Retry).when("#attempt = ?", number(int64(m.Attempt))).
		set("#attempt = ?", number(int64(m.Attempt-1))).due(m.Shard, due)
	_, err := t.step(ctx, "postponing", u, types.ReturnValueNone)
	return err
}

// Expire ends an entry whose code died.
func (t *Table) Expire(ctx context.Context, ref waitlist.Ref, now time.Time) error {
	u := end(change(entryID(ref.Key)).event(waitlist.Expire), now).
		when("#joining = ? AND #expires <= ?", number(int64(ref.Joining)), at(now))
	from, claim, err := t.finish(ctx, "expiring", u, ref, waitlist.Expired, now)
	if err == nil && from == waitlist.Sending {
		err = t.count(ctx, claim, "s")
	}
	return err
}

// Fail ends an entry that no mail can reach.
func (t *Table) Fail(ctx context.Context, m waitlist.Message, now time.Time) error {
	u := end(of(m).event(waitlist.Fail, waitlist.Claimed, waitlist.Sending), now).
		when("#attempt IN (?, ?)", number(int64(m.Attempt-1)), number(int64(m.Attempt)))
	_, err := t.step(ctx, "ending", u, types.ReturnValueNone)
	return err
}

// Bury ends an entry that cannot be read: two requests when not even its joining
// can be.
func (t *Table) Bury(ctx context.Context, key string, now time.Time) error {
	bury := func() *update {
		return end(change(entryID(key)), now).
			when("attribute_exists(#line)").
			set("#stage = ?, #joined = ?, #shard = ?", str(string(waitlist.Failed)), at(now), number(0)).
			remove("claim", "attempt", "expires", "invited")
	}
	_, err := t.step(ctx, "burying", bury().when("attribute_type(#joining, ?)", str("N")), types.ReturnValueNone)
	if errors.Is(err, waitlist.ErrStale) {
		// The next joining must not be taken for an older one: count from now.
		u := bury().set("#joining = ?", number(int64(waitlist.FirstJoining(now)))).when("NOT attribute_type(#joining, ?)", str("N"))
		_, err = t.step(ctx, "burying", u, types.ReturnValueNone)
	}
	return err
}
