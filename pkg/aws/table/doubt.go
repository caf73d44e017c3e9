package table

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"raincheck/pkg/waitlist"
)

// A request that timed out may have been done. The SDK then asks again, and a
// condition that was true is false now: by our own first try. For the stage of
// an entry that is right, nothing happens twice. But whoever counts after a step
// would take the step for somebody else's and not count it; so a write remembers
// that it was tried again after an answer that leaves its fate open, and a
// refusal is then held against the item.

// witness is a Retryer that sees whether a try may have been done.
type witness struct {
	aws.RetryerV2
	u *update
}

// RetryDelay is called before each further try. A refusal by name says that
// nothing was done; a server's error or no answer says nothing.
func (w witness) RetryDelay(attempt int, err error) (time.Duration, error) {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorFault() != smithy.FaultClient {
		w.u.doubtful = true
	}
	return w.RetryerV2.RetryDelay(attempt, err)
}

// watch puts a witness into the options of one request.
func (u *update) watch(o *dynamodb.Options) {
	if v2, ok := o.Retryer.(aws.RetryerV2); ok {
		o.Retryer = witness{v2, u}
	}
}

// mine says that a write that was refused had been done by its own first try:
// the item is as that try leaves it. It gives the item. On DynamoDB the refusal
// shows it, if u is showing; some stand-ins never do, and it is read.
func (t *Table) mine(ctx context.Context, u *update, err error, left func(item) bool) (item, bool) {
	why := asRefused(err)
	if why == nil || !u.doubtful {
		return nil, false
	}
	it := why.Item
	if it == nil {
		if it, err = t.get(ctx, u.id); err != nil {
			return nil, false
		}
	}
	return it, it != nil && left(it)
}

// finish makes a write that ends an entry, and gives the stage that it ended and
// the item, of whose claim the caller counts what became known by it. to and when are
// the end's; refused is waitlist.ErrStale, as for a step.
func (t *Table) finish(ctx context.Context, doing string, u *update, ref waitlist.Ref, to waitlist.Stage, when time.Time) (from waitlist.Stage, old item, err error) {
	old, err = t.send(ctx, u.showing(), types.ReturnValueAllOld)
	if err == nil {
		return stageOf(old), old, nil
	}
	if it, done := t.mine(ctx, u, err, func(it item) bool {
		return stageOf(it) == to && has(it, "ended", at(when)) && has(it, "joining", number(int64(ref.Joining)))
	}); done {
		return endedFrom(it), it, nil
	}
	if refused(err) {
		return "", nil, waitlist.ErrStale
	}
	return "", nil, failed(doing, err)
}

// endedFrom tells what stage an entry ended in by what an end leaves of it: the
// claim, the attempt, and when it was invited.
func endedFrom(it item) waitlist.Stage {
	switch {
	case it["claim"] == nil:
		return waitlist.Waiting
	case it["invited"] != nil:
		return waitlist.Invited
	case has(it, "attempt", number(0)):
		return waitlist.Claimed
	}
	return waitlist.Sending
}

// has says that an attribute of an item is exactly a number or a text.
func has(it item, name string, value types.AttributeValue) bool {
	switch want := value.(type) {
	case *types.AttributeValueMemberN:
		got, ok := it[name].(*types.AttributeValueMemberN)
		return ok && got.Value == want.Value
	case *types.AttributeValueMemberS:
		got, ok := it[name].(*types.AttributeValueMemberS)
		return ok && got.Value == want.Value
	}
	return false
}
