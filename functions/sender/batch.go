package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"raincheck/functions/internal/report"
	"raincheck/pkg/waitlist"
)

// handler answers a batch of the queue by naming the messages that are to come
// again: those for which the store failed, and those that are none of ours, which
// end among the dead letters, for a person to see.
func handler(handle func(context.Context, []waitlist.Message) []int, meter *report.Meter, log *slog.Logger) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		defer meter.Flush(ctx)
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		fail := func(id string) {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
		}
		var batch []waitlist.Message
		var ids []string
		for _, record := range event.Records {
			var m waitlist.Message
			if err := json.Unmarshal([]byte(record.Body), &m); err != nil || m.Key == "" || m.Attempt < 1 {
				log.ErrorContext(ctx, "a message that is none of ours", "message", record.MessageId)
				fail(record.MessageId)
				continue
			}
			batch, ids = append(batch, m), append(ids, record.MessageId)
		}
		for _, i := range handle(ctx, batch) {
			fail(ids[i])
		}
		return out, nil
	}
}
