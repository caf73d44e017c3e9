package table

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/waitlist"
)

// Page reads one page of a part, oldest first: one request.
func (t *Table) Page(ctx context.Context, q waitlist.Query) ([]waitlist.Place, error) {
	in := t.query(q)
	in.Limit = aws.Int32(int32(min(q.Limit, waitlist.MaxPage)))
	out, err := t.queryPage(ctx, in)
	if err != nil {
		return nil, failed("reading the line", err)
	}
	page := make([]waitlist.Place, len(out.Items))
	for i, it := range out.Items {
		page[i] = placeOf(it, q.Part)
	}
	return page, nil
}

// Count counts one page of a part: one request.
func (t *Table) Count(ctx context.Context, q waitlist.Query) (int, waitlist.Mark, error) {
	in := t.query(q)
	in.Select = types.SelectCount
	out, err := t.queryPage(ctx, in)
	if err != nil {
		return 0, waitlist.Mark{}, failed("counting the line", err)
	}
	var next waitlist.Mark
	if last := out.LastEvaluatedKey; last != nil {
		r := reader{item: last}
		next = waitlist.Mark{When: r.time(Sort), Key: strings.TrimPrefix(r.text(Key), "e#")}
		if err := r.err(); err != nil {
			return 0, waitlist.Mark{}, failed("counting the line", err)
		}
	}
	return int(out.Count), next, nil
}

// query asks for what stands in a part between two moments. The index knows
// only closed intervals; times are whole milliseconds, so before means one less.
func (t *Table) query(q waitlist.Query) *dynamodb.QueryInput {
	from, to := int64(0), int64(math.MaxInt64)
	if !q.After.When.IsZero() {
		from = q.After.When.UnixMilli()
	}
	if !q.Until.IsZero() {
		// A bound between two milliseconds takes in the one before it.
		to = q.Until.Add(time.Millisecond-1).UnixMilli() - 1
	}
	in := &dynamodb.QueryInput{
		TableName: &t.name, IndexName: aws.String(Index),
		KeyConditionExpression:   aws.String("#line = :line AND #at BETWEEN :from AND :to"),
		ExpressionAttributeNames: map[string]string{"#line": Index, "#at": Sort},
		ExpressionAttributeValues: item{
			":line": str(q.Part.String()), ":from": number(from), ":to": number(max(from, to)),
		},
	}
	if q.After.Key != "" {
		in.ExclusiveStartKey = item{Key: str(entryID(q.After.Key)), Index: str(q.Part.String()), Sort: number(from)}
	}
	return in
}

// Entry reads one entry, strongly.
func (t *Table) Entry(ctx context.Context, key string) (waitlist.Entry, error) {
	it, err := t.get(ctx, entryID(key))
	if err != nil {
		return waitlist.Entry{}, failed("reading an entry", err)
	}
	if bare(it) {
		return waitlist.Entry{}, waitlist.ErrUnknown
	}
	e, err := entryOf(it)
	if err != nil {
		return waitlist.Entry{}, failed("reading an entry", err)
	}
	return e, nil
}
