// Package waitlisttest holds every store of the waitlist to one contract: Store
// says what a store must do, Run tries it. A use case declares the few methods
// that it needs for itself; this is their union, written down once so that the
// twin in memory and the table of DynamoDB cannot drift apart.
//
// # One conditional request
//
// Each method is designed to be one conditional write, or one read, of one item
// in DynamoDB, unless its comment says otherwise. Nothing here is read, changed
// and written back but Control, which carries a version. What the condition
// refuses is told as an error of pkg/waitlist (ErrStale above all), never as an
// accident: a message delivered twice or an hour late is normal.
//
// The items, by the name of their key:
//
//	e#KEY     entry: the mailbox, its stage, its place in the index
//	c#CODE    code: entry, cohort, uses; with a time to live
//	n#BUCKET  cohort counters, ten minutes of ticks to an item: attributes
//	          s<tick> r<tick> b<tick> l<tick> d<tick> o<tick> (sent, redeemed, returned, left,
//	          deferred, ours), changed by ADD.
//	          The inviter must learn what changed since its last tick; with codes that
//	          live 24 hours that is two BatchGetItems of some 156 small items, where an
//	          item a tick would be 1,500 in 15 requests and one partition for all of
//	          them would need a sort key that nothing else does. With a time to live.
//	control   what the operator wants, with its version
//	progress  what the public pages say
//	lease     tick, until, slotsUntil
//	state     the controller's memory, opaque bytes
//
// The sparse index line has the partition w#SHARD (waiting, sorted by joined) or
// d#SHARD (something is due, sorted by due) and carries the attributes of
// waitlist.Place. Entering sending, being accepted or asked for again changes
// only the sort key; an end removes both, and so takes the entry out.
//
// Times are kept to the millisecond, UTC. Any store error that is not one of the
// sentinels is a failure of the store (retry later); one of load is ErrBusy.
//
// # Own retries
//
// A client library may send a request again whose answer it lost, and then its
// own first write is what the condition refuses. Each method says how that ends;
// none of them ends in a second mail.
package waitlisttest

import (
	"context"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/site"
	"raincheck/pkg/waitlist"
)

// Store is everything that a store of the waitlist does.
type Store interface {
	Entries
	Line
	Claims
	Desk
	Files
}

// Entries is what people do.
type Entries interface {
	// Join puts a mailbox at the end of the line: one conditional update of e#KEY.
	// Condition: no item, or one at an end that is not suppressed. It sets
	// joining = (joining, or FirstJoining-1 where there is none) + 1, stage waiting,
	// joined, shard, the index (w#shard, joined), address, language, wanted, fields,
	// and removes what the last joining left: claim, attempt, due, code, expires,
	// invited, ended, returned, quiet, delivery, time to live. An item without a stage is one that Bounce made:
	// suppressed. Refused: Joined{New: false}, nil. An own retry is the same: the
	// page does not tell. ErrBusy when throttled; an error never means joined.
	Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error)

	// Rejoin gives the owner of a joining that ended at Expired the old place back,
	// once: one conditional update of e#KEY. Condition: stage expired, that joining,
	// not suppressed, not kept before. It does what Join does, but joined and expires
	// stay, and kept is set, which Join removes. Already done, by an own retry or a
	// second press: Joined{New: false}, nil. Otherwise refused: ErrStale. ErrBusy.
	Rejoin(ctx context.Context, s waitlist.Signup, expired waitlist.Ref) (waitlist.Joined, error)

	// Redeem adds a use to a code: one conditional update of c#CODE. Condition: the
	// item exists, not revoked, and the use is in it or fewer than MaxUses are. The
	// whole item comes back. No item: Redeemed{Known: false}, nil.
	// ErrUsedUp, ErrRevoked (both with the ticket), ErrBusy.
	//
	// The first use also moves the entry (event Redeem; conditional on key, joining
	// and stage, its refusal ignored) and, if that moved it, adds one to the redeemed
	// of the code's cohort, to its sent if the entry was still sending in that cohort,
	// takes one off its deferred if the mail was delayed, and adds one to left of
	// CohortOf(at) if the entry waited (the code of an earlier round); then the code is
	// marked told. A code used and not told (a crash, a failure in between) is mended
	// at its next use, a repeated one too. A failure to tell fails nothing: the person
	// gets in. First is true for the use that moved the entry.
	Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error)

	// Leave ends the joining by the person: revokes the entry's code, if there is
	// one, then a conditional update (event Leave) of the entry; up to three requests
	// (read, revoke, leave) and one to a counter: left of CohortOf(at), when it left
	// waiting; sent of its claim, when it left sending. ErrStale when the joining is
	// not there or has ended: done, for the caller. A second Leave mends one that
	// failed half-way.
	Leave(ctx context.Context, ref waitlist.Ref, at time.Time) error

	// Quiet notes that the person wants no further mail: no second attempt and no new
	// round. The code works on. What is sending becomes invited (the person has the
	// mail; one more in the cohort's sent). What waits, is claimed or held for another
	// round ends as left; its codes are not revoked. Up to three requests and a
	// counter. ErrStale when the joining is not there or has ended.
	Quiet(ctx context.Context, ref waitlist.Ref, at time.Time) error

	// Bounce takes the bounce of a mailbox that does not exist about a joining: one conditional
	// update (event Bounce, joining = ref's) that also suppresses. Refused, a second,
	// unconditional one sets suppressed and removes the time to live, of whatever is
	// under the key, another joining or nothing at all. An entry that waits or is
	// claimed meanwhile in a later joining stays: Begin refuses it. From sending it
	// adds to the cohort's sent. Twice is once.
	Bounce(ctx context.Context, ref waitlist.Ref, at time.Time) error

	// Complain takes a complaint: as Bounce, and it is known from one, also where the
	// mailbox was suppressed already.
	Complain(ctx context.Context, ref waitlist.Ref, at time.Time) error
}

// Line finds work.
type Line interface {
	// Page reads one page of a part, oldest first: one Query of the index, at most
	// q.Limit places. Fewer than asked for are the last. Entries of the same
	// millisecond come in any order, the same each time. A damaged item comes as an
	// Unreadable place; it never fails the page.
	Page(ctx context.Context, q waitlist.Query) ([]waitlist.Place, error)

	// Count counts one page of a part: one Query with Select=COUNT, from q.After
	// (with an empty Key: from that time on, inclusive) to q.Until (exclusive).
	// next is where the count goes on, zero at the end.
	Count(ctx context.Context, q waitlist.Query) (n int, next waitlist.Mark, err error)

	// Entry reads one entry (strongly). ErrUnknown when there is none (an item
	// that Bounce made counts as none); ErrUnreadable when it cannot be read.
	Entry(ctx context.Context, key string) (waitlist.Entry, error)
}

// Claims moves one entry a step. Every step is one conditional update of e#KEY
// on joining, claim (from Claim on), attempt and stage; refused is ErrStale.
// The messages' and places' own Shard names the part that it goes to.
type Claims interface {
	// Claim takes a waiting entry for a tick: stage claimed, claim = tick, the index
	// (d#shard, due). An own retry (claimed by the same tick) is not refused.
	Claim(ctx context.Context, p waitlist.Place, tick, due time.Time) error

	// GiveBack returns the first attempt of a round to its old place (event GiveBack):
	// the index is (w#shard, joined) again; claim, due, code and expires go, attempt
	// is m.Attempt-1. from is
	// Claimed for what is late or paused and was not begun, Sending for the sender
	// that began it and was told for certain that no mail went out; the condition
	// names that stage and, for Sending, m.Attempt. Then it adds one to the cohort's
	// returned (a second request).
	GiveBack(ctx context.Context, m waitlist.Message, from waitlist.Stage) error

	// Begin writes down that a mail is about to be sent, before SES is asked: reads
	// the entry, puts the code's item (the first attempt of a round only; condition:
	// not there, or there for this very joining and claim), then the conditional
	// update; three requests, two for a second attempt. A first attempt goes from
	// claimed to sending and stores t.Code and t.Expires; a second stays in sending
	// and keeps the code of the first. attempt = m.Attempt, due = at + Silence, the index (d#shard, due). The
	// ticket needs Code and Expires; the rest comes from m and the entry.
	// It returns the entry as it is now.
	//
	// ErrTaken: the code is another's, draw again. ErrSuppressed and ErrUnreadable:
	// nothing was begun; Fail it. ErrStale: also when m.Attempt is not one more than
	// the entry's. An own retry (the same ticket code) of a first attempt is not refused;
	// of a second it is, and the silence of 15 minutes decides.
	Begin(ctx context.Context, m waitlist.Message, t waitlist.Ticket, at time.Time) (waitlist.Entry, error)

	// Accept tells that a mail of the joining was accepted, by SES itself or by an
	// event, or is taken as accepted (event Accept; condition: joining, stage sending,
	// that attempt begun, in the entry's round): stage invited, invited = at, the index
	// (d#shard, expires). Then it adds one to the cohort's sent (a second request).
	Accept(ctx context.Context, ref waitlist.Ref, attempt int, at time.Time) error

	// Retry makes an unanswered mail due again at due, which is ClaimDue of the
	// message that is about to ask for the second attempt (event Retry): condition:
	// sending, attempt = m.Attempt-1. Attempt stays.
	Retry(ctx context.Context, m waitlist.Message, due time.Time) error

	// Postpone takes back a second attempt that was begun and certainly not sent:
	// attempt = m.Attempt-1 and a new due time. Condition: sending, attempt =
	// m.Attempt, and that is the second of a round.
	Postpone(ctx context.Context, m waitlist.Message, due time.Time) error

	// Return gives the place back after a mail of that attempt that came to nothing
	// (event Return; condition: joining, stage, the attempt's round is the entry's):
	// stage held, due = b.Until, attempt = the last of the round, code, expires,
	// invited and delivery go; claim stays. With b.Once it also sets returned, and
	// wants it not set. Where no round is left (MaxRounds, returned with b.Once, quiet,
	// suppressed) the entry ends as failed. Then one to the cohort's sent (b.Sent,
	// from sending), one to its deferred (b.Sent, not delayed already), one to ours of
	// CohortOf(b.At) (b.Ours). Codes are not revoked.
	Return(ctx context.Context, ref waitlist.Ref, attempt int, b waitlist.Back) error

	// Requeue puts a held place back into the line (event Requeue; condition: joining,
	// attempt): the index is (w#shard, joined); claim and due go.
	Requeue(ctx context.Context, p waitlist.Place) error

	// Delay notes that a mail was delayed (condition: joining, sending or invited, the
	// attempt's round, no delivery noted), and adds one to the cohort's deferred.
	// Arrive notes that it arrived (not yet noted), and takes that one off again.
	Delay(ctx context.Context, ref waitlist.Ref, attempt int) error
	Arrive(ctx context.Context, ref waitlist.Ref, attempt int) error

	// Expire ends an entry whose code died (event Expire; condition: stage and
	// expires <= at). From sending it adds to the cohort's sent.
	Expire(ctx context.Context, ref waitlist.Ref, at time.Time) error

	// Fail ends an entry that no mail can reach (event Fail): m names it by joining,
	// claim and attempt (the one begun, or the one before). From claimed or sending.
	// Its code, if any, is not revoked: nobody was told it.
	Fail(ctx context.Context, m waitlist.Message, at time.Time) error

	// Bury ends an entry that cannot be read, by its key: stage failed, out of the
	// index. Condition: it is in the line. It asks nothing of the other attributes,
	// which may be of the wrong type, and removes all but the key, suppressed and a
	// joining that can be read. ErrStale when it is not in the line.
	Bury(ctx context.Context, key string, at time.Time) error
}

// Desk is what the inviter and the operator keep.
type Desk interface {
	// Control reads what the operator wants; the zero Control when nothing is stored.
	Control(ctx context.Context) (waitlist.Control, error)

	// Notice reads control and progress in one batch read, for the public pages and
	// the sender, who cache it for 30 s.
	Notice(ctx context.Context) (waitlist.Control, waitlist.Progress, error)

	// Words reads what pages and mails in a language say about the site: one item,
	// words#LANGUAGE. The zero Words when none were saved. Callers cache them as
	// they cache the notice.
	Words(ctx context.Context, language string) (site.Words, error)

	// NoticeIn is the notice and the words of a language, in one request: what a page is
	// made from.
	NoticeIn(ctx context.Context, language string) (waitlist.Control, waitlist.Progress, site.Words, error)

	// SaveWords replaces the words of a language; unconditional.
	SaveWords(ctx context.Context, language string, w site.Words) error

	// UpdateControl reads, lets change decide and writes on the version that was
	// read, again from the start when somebody else was quicker (a bounded number of
	// times, then ErrBusy). change leaves Version alone; what it leaves unchanged is
	// not written, and its error is returned as it is, with nothing written.
	UpdateControl(ctx context.Context, change func(*waitlist.Control) error) error

	// SaveProgress writes progress; unconditional.
	SaveProgress(ctx context.Context, p waitlist.Progress) error

	// Lease takes the lease for a tick until then (condition: Lease.Free(tick, now))
	// and returns it, SlotsUntil being what the last tick left. ErrLease when refused,
	// an own retry too: it cannot be told from the same tick run twice in the same
	// millisecond, and a minute that is lost is harmless where a doubled one is not.
	Lease(ctx context.Context, tick, now, until time.Time) (waitlist.Lease, error)

	// Reserve writes the end of the slots that the tick is about to give out.
	// Condition: the lease is still this tick's; else ErrLease.
	Reserve(ctx context.Context, tick, slotsUntil time.Time) error

	// Release gives the lease back: until is removed. Condition: it is still this
	// tick's; else ErrLease.
	Release(ctx context.Context, tick time.Time) error

	// State reads what SaveState wrote; nil when nothing was.
	State(ctx context.Context) ([]byte, error)

	// SaveState writes the controller's memory. Condition: the stored one is of an
	// older tick, or of this one; else ErrLease.
	SaveState(ctx context.Context, tick time.Time, state []byte) error

	// Cohorts gives the counters of all ticks (and minutes of leaving) since then,
	// in order of time: one batch read.
	Cohorts(ctx context.Context, since time.Time) ([]waitlist.Cohort, error)
}

// Files is what the operator's tool does with the data itself.
type Files interface {
	// Each calls f with every entry, in any order, until f fails (a scan; people may
	// join meanwhile: an entry that stays put is seen exactly once). An entry that
	// cannot be read has its Key and stage Failed.
	Each(ctx context.Context, f func(waitlist.Entry) error) error

	// Forget removes the mailbox and its code, suppression included. It does not mind
	// when there is nothing.
	Forget(ctx context.Context, key string) error

	// Ticket reads the item of a code; ErrUnknown when there is none.
	Ticket(ctx context.Context, code bypass.Code) (waitlist.Ticket, error)
}
