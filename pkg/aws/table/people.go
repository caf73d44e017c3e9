package table

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/bypass"
	"raincheck/pkg/waitlist"
)

// Join puts a mailbox at the end of the line: one request.
func (t *Table) Join(ctx context.Context, s waitlist.Signup) (waitlist.Joined, error) {
	write := joinPlain
	values := item{
		":before": number(int64(waitlist.FirstJoining(s.At) - 1)), ":at": at(s.At),
		":shard": number(int64(s.Shard())), ":line": str(waitlist.Part{Shard: s.Shard()}.String()),
		":address": str(s.Address.Reveal()), ":language": str(s.Language), ":wanted": str(s.Wanted),
	}
	if len(s.Fields) > 0 {
		write, values[":fields"] = joinFields, fieldsOf(s.Fields)
	}
	u := write().with(entryID(s.Key), values)
	got, err := t.send(ctx, u, types.ReturnValueAllNew)
	if refused(err) {
		return waitlist.Joined{}, nil
	}
	if err != nil {
		return waitlist.Joined{}, failed("joining", err)
	}
	r := reader{item: got}
	joined := waitlist.Joined{New: true, Ref: waitlist.Ref{Key: s.Key, Joining: int(r.int("joining"))}}
	return joined, r.err()
}

// joinPlain and joinFields are the write of Join but for the values of the person,
// without fields and with them. Each is built once: a whole crowd makes the same one.
var (
	joinPlain  = sync.OnceValue(func() *update { return joins().remove("fields").fixed() })
	joinFields = sync.OnceValue(func() *update { return joins().set("#fields = :fields").fixed() })
)

func joins() *update {
	return change("").
		when("attribute_not_exists(#id) OR (#stage IN (?, ?, ?, ?, ?) AND attribute_not_exists(#suppressed))", ended()...).
		set("#joining = if_not_exists(#joining, :before) + ?", number(1)).
		set("#stage = ?, #joined = :at, #shard = :shard, #attempt = ?", str(string(waitlist.Waiting)), number(0)).
		set("#line = :line, #at = :at").
		set("#address = :address, #language = :language, #wanted = :wanted").
		remove("claim", "due", "code", "expires", "invited", "ended", "kept", "returned", "quiet", "delivery", TTL)
}

// ended lists the stages after which one may join again.
func ended() []types.AttributeValue {
	var all []types.AttributeValue
	for _, s := range waitlist.Stages() {
		if s.Ended() {
			all = append(all, str(string(s)))
		}
	}
	return all
}

// Redeem adds a use to a code: one request, and three more for the first use.
func (t *Table) Redeem(ctx context.Context, r waitlist.Redemption) (waitlist.Redeemed, error) {
	u := change(codeID(r.Code)).
		when("attribute_exists(#id) AND attribute_not_exists(#revoked)").
		when("contains(#uses, ?) OR attribute_not_exists(#uses) OR size(#uses) < ?", str(r.Use), number(waitlist.MaxUses)).
		add("uses", &types.AttributeValueMemberSS{Value: []string{r.Use}}).
		showing()
	got, err := t.send(ctx, u, types.ReturnValueAllNew)
	if why := asRefused(err); why != nil {
		it := why.Item
		if it == nil {
			// Nothing there, as after a restore: rare, and worth one more request to be
			// sure, because some stand-ins never show what they refused.
			if it, err = t.get(ctx, codeID(r.Code)); err != nil {
				return waitlist.Redeemed{}, failed("reading a code", err)
			}
		}
		if it == nil {
			return waitlist.Redeemed{}, nil
		}
		ticket, err := ticketOf(r.Code, it)
		redeemed := waitlist.Redeemed{Known: true, Ticket: ticket}
		switch {
		case err != nil:
			return redeemed, failed("reading a code", err)
		case ticket.Revoked:
			return redeemed, waitlist.ErrRevoked
		}
		return redeemed, waitlist.ErrUsedUp
	}
	if err != nil {
		return waitlist.Redeemed{}, failed("redeeming", err)
	}
	ticket, err := ticketOf(r.Code, got)
	redeemed := waitlist.Redeemed{Known: true, Ticket: ticket}
	if err != nil {
		return redeemed, failed("redeeming", err)
	}
	if got["told"] == nil {
		redeemed.First = t.tell(ctx, ticket, r.At)
	}
	return redeemed, nil
}

// tell takes the first use of a code to its entry. Whatever fails here is
// mended by the next use, and nobody is kept out for it.
func (t *Table) tell(ctx context.Context, ticket waitlist.Ticket, used time.Time) bool {
	u := end(change(entryID(ticket.Key)).event(waitlist.Redeem), used).
		when("#joining = ?", number(int64(ticket.Joining)))
	from, old, err := t.finish(ctx, "telling of a use", u, ticket.Ref, waitlist.Used, used)
	if err != nil && !errors.Is(err, waitlist.ErrStale) {
		return false
	}
	first := err == nil
	if first {
		counts := []string{"r"}
		// What was accepted has its time, before and after the end. The code of an
		// earlier round is counted there already.
		this := claimOf(old).Equal(ticket.Invited)
		if from == waitlist.Sending && this {
			counts = append(counts, "s")
		}
		if this && has(old, "delivery", str(string(waitlist.Delayed))) {
			counts = append(counts, uncount+"d")
		}
		if t.count(ctx, ticket.Invited, counts...) != nil {
			return true
		}
		if from == waitlist.Waiting && t.count(ctx, waitlist.CohortOf(used), "l") != nil {
			return true
		}
	}
	told := change(codeID(ticket.Code)).when("attribute_exists(#id)").set("#told = ?", yes())
	_, _ = t.send(ctx, told, types.ReturnValueNone)
	return first
}

// Leave ends the joining by the person.
func (t *Table) Leave(ctx context.Context, ref waitlist.Ref, left time.Time) error {
	it, err := t.get(ctx, entryID(ref.Key))
	if err != nil {
		return failed("leaving", err)
	}
	r := reader{item: it}
	if joining, code := r.int("joining"), bypass.Code(r.text("code")); joining != int64(ref.Joining) || stageOf(it).Ended() {
		return waitlist.ErrStale
	} else if code != "" {
		u := change(codeID(code)).when("#entry = ? AND #joining = ?", str(ref.Key), number(joining)).set("#revoked = ?", yes())
		if _, err := t.send(ctx, u, types.ReturnValueNone); err != nil && !refused(err) {
			return failed("withdrawing a code", err)
		}
	}
	u := end(change(entryID(ref.Key)).event(waitlist.Leave), left).when("#joining = ?", number(int64(ref.Joining)))
	from, old, err := t.finish(ctx, "leaving", u, ref, waitlist.Left, left)
	switch {
	case err != nil:
		return err
	case from == waitlist.Waiting:
		return t.count(ctx, waitlist.CohortOf(left), "l")
	case from == waitlist.Sending:
		return t.count(ctx, claimOf(old), "s")
	}
	return nil
}

// Quiet notes that the person wants no further mail: one request where a mail of
// this round is out, else one more.
func (t *Table) Quiet(ctx context.Context, ref waitlist.Ref, told time.Time) error {
	this := func() *update {
		return change(entryID(ref.Key)).when("#joining = ?", number(int64(ref.Joining)))
	}
	// Whoever answers a mail has it: what was sending is invited.
	u := this().event(waitlist.Accept).set("#quiet = ?, #invited = ?, #due = #expires, #at = #expires", yes(), at(told))
	old, err := t.step(ctx, "noting that no mail is wanted", u, types.ReturnValueAllOld)
	if err == nil {
		return t.count(ctx, claimOf(old), "s")
	}
	if errors.Is(err, waitlist.ErrStale) {
		u = this().when("#stage = ?", str(string(waitlist.Invited))).set("#quiet = ?", yes())
		_, err = t.step(ctx, "noting that no mail is wanted", u, types.ReturnValueNone)
	}
	if !errors.Is(err, waitlist.ErrStale) {
		return err
	}
	u = end(this().event(waitlist.Leave, waitlist.Waiting, waitlist.Claimed, waitlist.Held), told)
	from, _, err := t.finish(ctx, "noting that no mail is wanted", u, ref, waitlist.Left, told)
	if err == nil && from == waitlist.Waiting {
		err = t.count(ctx, waitlist.CohortOf(told), "l")
	}
	return err
}

// Bounce takes the bounce of a mailbox that does not exist, and suppresses it.
func (t *Table) Bounce(ctx context.Context, ref waitlist.Ref, bounced time.Time) error {
	return t.suppress(ctx, ref, bounced, "#suppressed = ?", yes())
}

// Complain takes a complaint, and suppresses the mailbox.
func (t *Table) Complain(ctx context.Context, ref waitlist.Ref, complained time.Time) error {
	return t.suppress(ctx, ref, complained, "#suppressed = ?, #complained = ?", yes(), yes())
}

func (t *Table) suppress(ctx context.Context, ref waitlist.Ref, when time.Time, mark string, values ...types.AttributeValue) error {
	u := change(entryID(ref.Key)).event(waitlist.Bounce).
		when("#joining = ?", number(int64(ref.Joining))).
		set(mark, values...).set("#ended = ?", at(when)).
		remove(append([]string{TTL}, personal...)...)
	from, old, err := t.finish(ctx, "suppressing", u, ref, waitlist.Bounced, when)
	if errors.Is(err, waitlist.ErrStale) {
		_, err := t.send(ctx, change(entryID(ref.Key)).set(mark, values...).remove(TTL), types.ReturnValueNone)
		return failed("suppressing", err)
	}
	if err == nil && from == waitlist.Sending {
		err = t.count(ctx, claimOf(old), "s")
	}
	return err
}

// personal is what an end removes: whom the entry was about, and its place.
var personal = []string{"address", "language", "wanted", "fields", "code", "due", "delivery", Index, Sort}

// end takes an entry out of the line and forgets whom it was about. A suppressed
// one keeps no time to live (see the package comment).
func end(u *update, when time.Time) *update {
	return u.set("#ended = ?, #ttl = if_not_exists(#suppressed, ?)", at(when), until(when.Add(waitlist.Kept))).remove(personal...)
}

func stageOf(it item) waitlist.Stage {
	r := reader{item: it}
	return waitlist.Stage(r.text("stage"))
}

func claimOf(it item) time.Time {
	r := reader{item: it}
	return r.time("claim")
}

// uncount before the name of a counter takes one off it.
const uncount = "-"

// count adds one to counters of a cohort: s sent, r redeemed, d not arrived, b
// given back, l left, o come back by a fault of ours.
//
// An addition has no condition that a second try could fail: one whose answer got
// lost is made again, three times in all at most, and counts too often. To be
// exact would take a set of those counted, of which a cohort of 20,000 does not
// fit an item, or a transaction, at twice the price. Not to try again would count
// too little, and of the two that is the dangerous error: who is counted twice is
// expected and does not come, who is not counted comes unexpected. The law takes
// one count in fifty wrong all day, and all of a quarter of an hour three times,
// with the load below 1 (TestWrongCountsAreBounded in pkg/simulation). How many
// wait is put right by the next recount.
func (t *Table) count(ctx context.Context, tick time.Time, counters ...string) error {
	u := change(tallyID(bucketOf(tick))).set("#ttl = ?", until(tick.Add(bucket+bypass.MaxCodeLife+afterwards)))
	for _, c := range counters {
		name, down := strings.CutPrefix(c, uncount)
		one := int64(1)
		if down {
			one = -1
		}
		u.add(fmt.Sprintf("%s%d", name, tick.UnixMilli()), number(one))
	}
	_, err := t.send(ctx, u, types.ReturnValueNone)
	return failed("counting", err)
}
