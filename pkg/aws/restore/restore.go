// Package restore puts back into a table what an older copy of it has and the
// table has lost. DynamoDB restores into a new table; that one must not take the
// place of the first, since what happened since would be undone and people mailed
// twice. What the table still has is newer, and is left alone.
//
// The work can be interrupted at any moment and begun again: what is there is
// passed over by a read, which costs half of what a refused write would, and each
// write asks once more that the item be missing.
package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Key is the name of the table's one key attribute: table.Key.
const Key = "id"

const (
	// segments is how many parts of the copy are read side by side, writers how
	// many items of each are written so: 128 in all, some thousand a second.
	segments, writers = 8, 16
	// batch is the most items that DynamoDB reads in one batch.
	batch = 100
)

// Restore is a piece of work. It is used once.
type Restore struct {
	// From is the name of the copy, To that of the table.
	From, To string
	// Dry says that nothing is written, and what is missing only counted.
	Dry bool
	// Progress hears now and then how far it is, on one goroutine at a time; nil for
	// nobody.
	Progress func(Result)

	client              *dynamodb.Client
	read, there, missed atomic.Int64
	told                sync.Mutex
}

// Result counts items.
type Result struct {
	// Read are those of the copy so far. There are those that the table has, Missing
	// those that it had not: they are restored, unless the work was a dry run.
	Read, There, Missing int
}

// New prepares it. Nothing is sent before Run.
func New(cfg aws.Config, from, to string) *Restore {
	return &Restore{From: from, To: to, client: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		// Nobody waits for an answer here, and a table that was just made grows slowly:
		// a refused request is tried again for some minutes.
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts, r.MaxBackoff, r.RateLimiter = 20, 10*time.Second, ratelimit.None
		})
		o.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
	})}
}

// Run does it, and says how much was done also when it fails.
func (r *Restore) Run(ctx context.Context) (Result, error) {
	if r.From == r.To {
		return Result{}, errors.New("restoring: the copy is the table itself")
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	for segment := range int32(segments) {
		all.Go(func() {
			if err := r.segment(ctx, segment); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	result := r.result()
	if err := context.Cause(ctx); err != nil {
		return result, fmt.Errorf("restoring from %s: %w", r.From, err)
	}
	return result, nil
}

func (r *Restore) result() Result {
	return Result{int(r.read.Load()), int(r.there.Load()), int(r.missed.Load())}
}

// segment reads a part of the copy, page by page.
func (r *Restore) segment(ctx context.Context, segment int32) error {
	in := &dynamodb.ScanInput{TableName: &r.From, ConsistentRead: aws.Bool(true), Segment: aws.Int32(segment), TotalSegments: aws.Int32(segments)}
	for {
		page, err := r.client.Scan(ctx, in)
		if err != nil {
			return err
		}
		for items := range slices.Chunk(page.Items, batch) {
			if err := r.put(ctx, items); err != nil {
				return err
			}
		}
		if page.LastEvaluatedKey == nil {
			return nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

type item = map[string]types.AttributeValue

// put puts back those of some items that are missing.
func (r *Restore) put(ctx context.Context, items []item) error {
	missing, err := r.missing(ctx, items)
	if err != nil {
		return err
	}
	r.read.Add(int64(len(items)))
	r.there.Add(int64(len(items) - len(missing)))
	errs := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < len(missing) && errs[w] == nil; i += writers {
				errs[w] = r.one(ctx, missing[i])
			}
		})
	}
	all.Wait()
	if r.Progress != nil {
		r.told.Lock()
		r.Progress(r.result())
		r.told.Unlock()
	}
	return errors.Join(errs...)
}

func (r *Restore) one(ctx context.Context, it item) error {
	if r.Dry {
		r.missed.Add(1)
		return nil
	}
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.To, Item: it, ConditionExpression: aws.String("attribute_not_exists(#id)"), ExpressionAttributeNames: map[string]string{"#id": Key},
	})
	if _, there := errors.AsType[*types.ConditionalCheckFailedException](err); there {
		// It came back by itself since, or an answer was lost and this is the retry.
		r.there.Add(1)
		return nil
	}
	if err == nil {
		r.missed.Add(1)
	}
	return err
}

// missing are those of some items that the table has not.
func (r *Restore) missing(ctx context.Context, items []item) ([]item, error) {
	lost := map[string]item{}
	var keys []item
	for _, it := range items {
		id, ok := it[Key].(*types.AttributeValueMemberS)
		if !ok {
			return nil, fmt.Errorf("%s has an item without the key %q: it is not a copy of a table of raincheck", r.From, Key)
		}
		lost[id.Value] = it
		keys = append(keys, item{Key: id})
	}
	for len(keys) > 0 {
		out, err := r.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			r.To: {Keys: keys, ProjectionExpression: aws.String("#id"), ExpressionAttributeNames: map[string]string{"#id": Key}},
		}})
		if err != nil {
			return nil, err
		}
		for _, there := range out.Responses[r.To] {
			if id, ok := there[Key].(*types.AttributeValueMemberS); ok {
				delete(lost, id.Value)
			}
		}
		keys = out.UnprocessedKeys[r.To].Keys
		if len(keys) > 0 {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	var left []item
	for _, it := range lost {
		left = append(left, it)
	}
	return left, nil
}
