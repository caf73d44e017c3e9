// Package table is the waitlist in DynamoDB: one table, one sparse index.
//
// # Why so
//
// A queue that keeps a site up is busiest when everything else is too, so what
// the public does costs one conditional request and no more: a sign-up, and a
// use of a code. A condition both finds duplicates and keeps a late message from
// touching what has moved on. Nothing takes a lock, a transaction (they cost twice
// and fail under contention) or a read before a write except where the contract
// in waitlisttest says so. What a condition may ask for is made from the stages
// and events of pkg/waitlist, so that the diagram is written down once.
//
// # The items
//
// The key attribute is "id": e#KEY an entry, c#CODE a code, n#TEN-MINUTES the
// counters of the cohorts, words#LANGUAGE what pages and mails say about the site,
// and the four single ones: control, progress, lease, state. Keys of entries and codes are MACs and random, so no partition is hot;
// the single items are written by the inviter alone, a few times a minute.
//
// The index "line" has the partition key "line" (w#SHARD or d#SHARD) and the
// sort key "at" (milliseconds), and carries only what finding work needs. An
// entry without "line" is not in it: that is how an end takes somebody out. 32
// shards, because one partition takes 1,000 writes a second and an index that
// cannot keep up throttles the table behind it.
//
// # Time to live
//
// "ttl" holds seconds since 1970, as DynamoDB wants it. A suppressed mailbox must
// never be forgotten by itself, and an end of it must still be one request: so
// an end writes ttl = if_not_exists(suppressed, the time). For a suppressed item
// that copies the flag, which is not a number, and DynamoDB's time to live ignores
// whatever is not a number.
package table

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	endpoints "github.com/aws/smithy-go/endpoints"

	"raincheck/pkg/bypass"
	"raincheck/pkg/waitlist"
)

// The names that the template and the tests share with this package.
const (
	// Key is the name of the table's one key attribute, a string.
	Key = "id"
	// Index is the name of the sparse index, and of its partition key, a string.
	Index = "line"
	// Sort is the name of the index's sort key, a number.
	Sort = "at"
	// TTL is the attribute for DynamoDB's time to live.
	TTL = "ttl"
)

// Projected lists what the index carries beside its keys: the attributes of
// waitlist.Place.
func Projected() []string { return []string{"joining", "stage", "claim", "attempt", "expires"} }

// Table keeps the contract of waitlisttest.Store. It is safe for concurrent use.
type Table struct {
	// Now is the clock that bounds how far Cohorts looks; time.Now by default.
	// Everything else is told the time.
	Now func() time.Time

	name string
	api
}

// api is what is used of the client, and not the client: see pkg/aws/mailer.
type api struct {
	getItem    func(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	updateItem func(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	deleteItem func(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	batchGet   func(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	queryPage  func(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	scanPage   func(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// New gives the table of that name. Nothing is sent before the first use.
//
// A request is tried three times in all, half a second apart at most: a person
// who waits for a page is better served by "try again" than by a fourth. Each has
// its three: the SDK's own budget for retries, shared by all requests of a process,
// is used up after a hundred, and under throttling left 1.4 tries to each.
func New(cfg aws.Config, name string) *Table {
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = 3
			r.MaxBackoff = 500 * time.Millisecond
			r.RateLimiter = ratelimit.None
		})
		// The account's own endpoint would need the account's id, which a function
		// does not have at hand.
		o.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
		o.EndpointResolverV2 = &oneEndpoint{EndpointResolverV2: dynamodb.NewDefaultEndpointResolverV2()}
	})
	return &Table{Now: time.Now, name: name, api: api{
		getItem: client.GetItem, updateItem: client.UpdateItem, deleteItem: client.DeleteItem,
		batchGet: client.BatchGetItem, queryPage: client.Query, scanPage: client.Scan,
	}}
}

// oneEndpoint works the rules for the service's endpoint out once. Without the
// account's own endpoint they give the same for every request, and took a twentieth
// of each.
type oneEndpoint struct {
	dynamodb.EndpointResolverV2
	once     sync.Once
	endpoint endpoints.Endpoint
	err      error
}

// ResolveEndpoint gives the endpoint.
func (o *oneEndpoint) ResolveEndpoint(ctx context.Context, params dynamodb.EndpointParameters) (endpoints.Endpoint, error) {
	o.once.Do(func() { o.endpoint, o.err = o.EndpointResolverV2.ResolveEndpoint(ctx, params) })
	return o.endpoint, o.err
}

func entryID(key string) string      { return "e#" + key }
func codeID(code bypass.Code) string { return "c#" + string(code) }
func wordsID(language string) string { return "words#" + language }
func tallyID(bucket int64) string    { return "n#" + strconv.FormatInt(bucket, 10) }
func bucketOf(t time.Time) int64     { return t.Unix() / int64(bucket/time.Second) }
func attribute(id string) item       { return item{Key: str(id)} }
func refused(err error) bool         { return asRefused(err) != nil }

const (
	controlID  = "control"
	progressID = "progress"
	leaseID    = "lease"
	stateID    = "state"

	// bucket is how many minutes of cohorts share an item: with codes that live
	// 24 hours a tick reads some 156 items in two batches.
	bucket = 10 * time.Minute
	// batch is the most items that DynamoDB reads in one batch.
	batch = 100
	// afterwards is how long a code's item and a cohort's counters outlive the code:
	// long enough to say "expired" of it, and for an event that comes late.
	afterwards = 24 * time.Hour
)

// item is an item as DynamoDB has it.
type item = map[string]types.AttributeValue

// failed puts an error of DynamoDB into the words of the waitlist. What the
// caller may branch on stays a sentinel.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException":
			return fmt.Errorf("table: %s: %w: %w", doing, waitlist.ErrBusy, err)
		}
	}
	return fmt.Errorf("table: %s: %w", doing, err)
}

func asRefused(err error) *types.ConditionalCheckFailedException {
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		return refused
	}
	return nil
}

// get reads one item, strongly; nil when there is none.
func (t *Table) get(ctx context.Context, id string) (item, error) {
	out, err := t.getItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: attribute(id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}
