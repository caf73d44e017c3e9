package table

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/waitlist"
)

// Rejoin gives somebody whose code expired the old place back: one request.
func (t *Table) Rejoin(ctx context.Context, s waitlist.Signup, expired waitlist.Ref) (waitlist.Joined, error) {
	u := change(entryID(s.Key)).
		when("#stage = ? AND #joining = ?", str(string(waitlist.Expired)), number(int64(expired.Joining))).
		when("attribute_not_exists(#suppressed) AND attribute_not_exists(#kept)").
		set("#joining = #joining + ?, #kept = ?", number(1), yes()).
		set("#stage = ?, #shard = ?, #attempt = ?", str(string(waitlist.Waiting)), number(int64(s.Shard())), number(0)).
		set("#line = ?, #at = #joined", str(waitlist.Part{Shard: s.Shard()}.String())).
		set("#address = ?, #language = ?, #wanted = ?", str(s.Address.Reveal()), str(s.Language), str(s.Wanted)).
		remove("claim", "due", "code", "invited", "ended", "returned", "quiet", "delivery", TTL).
		showing()
	u.fields(s.Fields)
	ref := waitlist.Ref{Key: s.Key, Joining: expired.Joining + 1}
	_, err := t.send(ctx, u, types.ReturnValueNone)
	if !refused(err) {
		return waitlist.Joined{New: err == nil, Ref: ref}, failed("giving a place back", err)
	}
	it := asRefused(err).Item
	if it == nil {
		// Some stand-ins never show what they refused.
		if it, err = t.get(ctx, entryID(s.Key)); err != nil {
			return waitlist.Joined{}, failed("giving a place back", err)
		}
	}
	r := reader{item: it}
	if r.flag("kept") && int(r.int("joining")) == ref.Joining && !stageOf(it).Ended() {
		return waitlist.Joined{}, nil
	}
	return waitlist.Joined{}, waitlist.ErrStale
}

// fields sets what the operator asked for beside the address.
func (u *update) fields(values map[string]string) {
	if len(values) == 0 {
		u.remove("fields")
		return
	}
	u.set("#fields = ?", fieldsOf(values))
}

func fieldsOf(values map[string]string) types.AttributeValue {
	fields := item{}
	for name, value := range values {
		fields[name] = str(value)
	}
	return &types.AttributeValueMemberM{Value: fields}
}
