package table

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"raincheck/pkg/bypass"
	"raincheck/pkg/waitlist"
)

// Each calls f with every entry: a scan, page by page, of the whole table.
func (t *Table) Each(ctx context.Context, f func(waitlist.Entry) error) error {
	in := &dynamodb.ScanInput{
		TableName:                 &t.name,
		ConsistentRead:            aws.Bool(true),
		FilterExpression:          aws.String("begins_with(#id, :entries)"),
		ExpressionAttributeNames:  map[string]string{"#id": Key},
		ExpressionAttributeValues: item{":entries": str(entryID(""))},
	}
	for {
		page, err := t.scanPage(ctx, in)
		if err != nil {
			return failed("reading all entries", err)
		}
		for _, it := range page.Items {
			if bare(it) {
				continue
			}
			e, unreadable := entryOf(it)
			if unreadable != nil {
				r := reader{item: it}
				e = waitlist.Entry{Ref: waitlist.Ref{Key: strings.TrimPrefix(r.text(Key), "e#")}, Stage: waitlist.Failed}
			}
			if err := f(e); err != nil {
				return err
			}
		}
		if page.LastEvaluatedKey == nil {
			return nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

// Forget removes the mailbox and its code.
func (t *Table) Forget(ctx context.Context, key string) error {
	it, err := t.get(ctx, entryID(key))
	if err != nil || it == nil {
		return failed("forgetting", err)
	}
	r := reader{item: it}
	ids := []string{entryID(key)}
	if code := r.text("code"); code != "" {
		// The code first: if the second request fails, a next try finds it all again.
		ids = []string{codeID(bypass.Code(code)), entryID(key)}
	}
	for _, id := range ids {
		if _, err := t.deleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.name, Key: attribute(id)}); err != nil {
			return failed("forgetting", err)
		}
	}
	return nil
}

// Ticket reads the item of a code.
func (t *Table) Ticket(ctx context.Context, code bypass.Code) (waitlist.Ticket, error) {
	it, err := t.get(ctx, codeID(code))
	if err != nil {
		return waitlist.Ticket{}, failed("reading a code", err)
	}
	if it == nil {
		return waitlist.Ticket{}, waitlist.ErrUnknown
	}
	ticket, err := ticketOf(code, it)
	return ticket, failed("reading a code", err)
}
