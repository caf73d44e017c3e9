// Package memory is everything that raincheck asks of AWS, on one machine: the
// store of the waitlist, the queue, the mail service with its outbox and the
// metrics (the edge's store is in pkg/local/edge). They are twins and not mocks: what they
// promise is what the adapters promise, and the store passes the same suite as
// the table of DynamoDB (waitlisttest).
//
// They have no goroutine, no timer and no clock. Whatever happens at a time is
// told the time, and what becomes due can be asked for (Queue.Next), so that a
// day can be lived through in minutes by jumping from one moment to the next,
// and stands still while a busy machine catches up. Nothing is found by
// scanning: the line is kept sorted, and a tick over 100,000 people waiting
// costs as much as one over a thousand.
//
// Every twin can be watched and troubled through a Probe: it counts the calls
// and makes one fail before it takes effect, or after, which is how a network
// fails.
package memory
