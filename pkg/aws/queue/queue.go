// Package queue is the line of mails to be sent, in SQS, between the inviter
// that plans them and the sender.
//
// A message names an entry and never holds an address: what lies in a queue, in
// a dead-letter queue or in somebody's console must say nothing about anybody.
// The plan of a minute is given out ahead: each message has the second of its
// slot and is delayed until then, so that mails leave evenly with no program
// that waits.
//
// Lambda receives for the sender, so that nothing here does.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"raincheck/pkg/waitlist"
)

const (
	// perBatch is the most messages that SQS takes at once.
	perBatch = 10
	// atOnce is how many batches are under way together: 20,000 messages of a big
	// minute are 2,000 batches, a second or two at some 15 ms each.
	atOnce = 16
	// longest is the longest delay that SQS knows.
	longest = 900 * time.Second
)

// ErrIncomplete says that not every message was taken. Those that were not are
// claimed with nobody to send them, and go back to their places when their
// claims run out.
var ErrIncomplete = errors.New("queue: not every message was taken")

// Queue sends to one queue. It is safe for concurrent use.
type Queue struct {
	// Now is the clock for delays; time.Now by default.
	Now func() time.Time

	url string
	// A method of the client, and not the client: see pkg/aws/mailer.
	sendBatch func(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// New gives the queue of that URL. Nothing is sent before the first use.
func New(cfg aws.Config, url string) *Queue {
	return &Queue{Now: time.Now, url: url, sendBatch: sqs.NewFromConfig(cfg).SendMessageBatch}
}

// Enqueue asks for mails, each to be seen by a sender at its slot or, where the
// slot is more than a quarter of an hour off, at the end of that.
func (q *Queue) Enqueue(ctx context.Context, messages []waitlist.Message) error {
	var (
		wait   sync.WaitGroup
		places = make(chan struct{}, atOnce)
		mu     sync.Mutex
		lost   int
		first  error
	)
	for batch := range slices.Chunk(messages, perBatch) {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			if n, err := q.send(ctx, batch); n > 0 {
				mu.Lock()
				lost += n
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if lost > 0 {
		return fmt.Errorf("%w: %d of %d: %w", ErrIncomplete, lost, len(messages), first)
	}
	return nil
}

// send asks for one batch, and once more for what SQS did not take of it. It
// gives how many were not taken in the end.
func (q *Queue) send(ctx context.Context, batch []waitlist.Message) (lost int, err error) {
	var entries []types.SendMessageBatchRequestEntry
	for i, m := range batch {
		body, err := json.Marshal(m)
		if err != nil {
			return len(batch), err
		}
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body)), DelaySeconds: q.delay(m.Slot),
		})
	}
	for range 2 {
		out, err := q.sendBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err != nil {
			return len(entries), err
		}
		if len(out.Failed) == 0 {
			return 0, nil
		}
		entries = slices.DeleteFunc(entries, func(e types.SendMessageBatchRequestEntry) bool {
			return !slices.ContainsFunc(out.Failed, func(f types.BatchResultErrorEntry) bool { return aws.ToString(f.Id) == aws.ToString(e.Id) })
		})
	}
	return len(entries), errors.New("SQS refused a part of the batch twice")
}

// delay is how long a message stays unseen: whole seconds, down, because a
// sender waits for the second and a late mail is given back.
func (q *Queue) delay(slot time.Time) int32 {
	return int32(min(max(slot.Sub(q.Now()), 0), longest) / time.Second)
}
