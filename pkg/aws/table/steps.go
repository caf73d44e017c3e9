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
	if !waitlist.Opens(m.Attempt) {
		return waitlist.ErrStale
	}
	begun := int64(m.Attempt - 1)
	if from == waitlist.Sending {
		begun = int64(m.Attempt)
	}
	u := of(m).event(waitlist.GiveBack, from).
		when("#attempt = ?", number(begun)).
		set("#attempt = ?, #line = ?, #at = #joined", number(int64(m.Attempt-1)), str(waitlist.Part{Shard: m.Shard}.String())).
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
	if bare(it) || m.Attempt < 1 || m.Attempt > waitlist.LastOf(waitlist.MaxRounds) {
		return waitlist.Entry{}, waitlist.ErrStale
	}
	e, unreadable := entryOf(it)
	first := waitlist.Opens(m.Attempt)
	again := first && e.Stage == waitlist.Sending && e.Attempt == m.Attempt && e.Code == ticket.Code
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
			str(string(waitlist.Claimed)), number(int64(m.Attempt-1)), str(string(waitlist.Sending)), number(int64(m.Attempt)), str(string(ticket.Code))).
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
		when("#joining = ?", number(int64(ref.Joining))).
		sameRound(attempt).
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
	if waitlist.Opens(m.Attempt) {
		return waitlist.ErrStale
	}
	u := of(m).event(waitlist.Retry).when("#attempt = ?", number(int64(m.Attempt))).
		set("#attempt = ?", number(int64(m.Attempt-1))).due(m.Shard, due)
	_, err := t.step(ctx, "postponing", u, types.ReturnValueNone)
	return err
}

// sameRound adds the condition that an attempt was begun in the round that the
// entry is in.
func (u *update) sameRound(attempt int) *update {
	return u.when("#attempt BETWEEN ? AND ?", number(int64(attempt)), number(int64(waitlist.LastOf(waitlist.Round(attempt)))))
}

// Return gives the place back after a mail that came to nothing: one request, and
// one or two for the counters. Where no round is left for it the entry ends, which
// may take a request more.
func (t *Table) Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error {
	this := func() *update {
		return change(entryID(ref.Key)).when("#joining = ?", number(int64(ref.Joining))).sameRound(attempt)
	}
	var old item
	err := waitlist.ErrStale
	if waitlist.Round(attempt) < waitlist.MaxRounds {
		old, err = t.hold(ctx, this().event(waitlist.Return), ref, attempt, b)
	}
	if errors.Is(err, waitlist.ErrStale) {
		u := end(this(), b.At).event(waitlist.Fail, waitlist.Sending, waitlist.Invited)
		switch {
		case waitlist.Round(attempt) >= waitlist.MaxRounds:
		case b.Once:
			u.when("attribute_exists(#quiet) OR attribute_exists(#suppressed) OR attribute_exists(#returned)")
		default:
			u.when("attribute_exists(#quiet) OR attribute_exists(#suppressed)")
		}
		old, err = t.step(ctx, "ending", u, types.ReturnValueAllOld)
	}
	if err != nil {
		return err
	}
	return t.countReturn(ctx, old, b)
}

// hold makes the write of a Return that finds a round left, and gives the entry as
// it was.
func (t *Table) hold(ctx context.Context, u *update, ref waitlist.Ref, attempt int, b waitlist.Back) (item, error) {
	last := number(int64(waitlist.LastOf(waitlist.Round(attempt))))
	u.when("attribute_not_exists(#quiet) AND attribute_not_exists(#suppressed)").
		// The part stays: whoever was mailed stands among the due.
		set("#due = ?, #at = ?, #attempt = ?", at(b.Until), at(b.Until), last).
		remove("code", "expires", "invited", "delivery").
		showing()
	if b.Once {
		u.when("attribute_not_exists(#returned)").set("#returned = ?", yes())
	}
	old, err := t.send(ctx, u, types.ReturnValueAllOld)
	if it, done := t.mine(ctx, u, err, func(it item) bool {
		return stageOf(it) == waitlist.Held && has(it, "joining", number(int64(ref.Joining))) && has(it, "attempt", last) && has(it, "due", at(b.Until))
	}); done {
		// What it was before is overwritten: taken as sending, which counts at most
		// one mail too many.
		it["stage"] = str(string(waitlist.Sending))
		return it, nil
	}
	if refused(err) {
		return nil, waitlist.ErrStale
	}
	return old, failed("giving back a place", err)
}

// countReturn counts what a Return made known.
func (t *Table) countReturn(ctx context.Context, old item, b waitlist.Back) error {
	var counts []string
	if b.Sent && stageOf(old) == waitlist.Sending {
		counts = append(counts, "s")
	}
	if b.Sent && !has(old, "delivery", str(string(waitlist.Delayed))) {
		counts = append(counts, "d")
	}
	var err error
	if len(counts) > 0 {
		err = t.count(ctx, claimOf(old), counts...)
	}
	if b.Ours {
		err = errors.Join(err, t.count(ctx, waitlist.CohortOf(b.At), "o"))
	}
	return err
}

// Requeue puts a returned place back into the line.
func (t *Table) Requeue(ctx context.Context, p waitlist.Place) error {
	u := change(entryID(p.Key)).event(waitlist.Requeue).
		when("#joining = ? AND #attempt = ?", number(int64(p.Joining)), number(int64(p.Attempt))).
		set("#line = ?, #at = #joined", str(waitlist.Part{Shard: p.Shard}.String())).
		remove("claim", "due")
	_, err := t.step(ctx, "putting a place back into the line", u, types.ReturnValueNone)
	return err
}

// Delay notes that the round's mail has not arrived yet.
func (t *Table) Delay(ctx context.Context, ref waitlist.Ref, attempt int) error {
	u := mailed(ref, attempt).when("attribute_not_exists(#delivery)").set("#delivery = ?", str(string(waitlist.Delayed)))
	old, err := t.step(ctx, "noting a delay", u, types.ReturnValueAllOld)
	if err != nil {
		return err
	}
	return t.count(ctx, claimOf(old), "d")
}

// Arrive notes that the round's mail has arrived.
func (t *Table) Arrive(ctx context.Context, ref waitlist.Ref, attempt int) error {
	u := mailed(ref, attempt).when("attribute_not_exists(#delivery) OR #delivery = ?", str(string(waitlist.Delayed))).
		set("#delivery = ?", str(string(waitlist.Arrived)))
	old, err := t.step(ctx, "noting an arrival", u, types.ReturnValueAllOld)
	if err != nil || !has(old, "delivery", str(string(waitlist.Delayed))) {
		return err
	}
	return t.count(ctx, claimOf(old), uncount+"d")
}

// mailed is a change to an entry whose mail of that round is out.
func mailed(ref waitlist.Ref, attempt int) *update {
	return change(entryID(ref.Key)).
		when("#joining = ? AND #stage IN (?, ?)", number(int64(ref.Joining)), str(string(waitlist.Sending)), str(string(waitlist.Invited))).
		sameRound(attempt)
}

// Expire ends an entry whose code died.
func (t *Table) Expire(ctx context.Context, ref waitlist.Ref, now time.Time) error {
	u := end(change(entryID(ref.Key)).event(waitlist.Expire), now).
		when("#joining = ? AND #expires <= ?", number(int64(ref.Joining)), at(now))
	from, old, err := t.finish(ctx, "expiring", u, ref, waitlist.Expired, now)
	if err == nil && from == waitlist.Sending {
		err = t.count(ctx, claimOf(old), "s")
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
