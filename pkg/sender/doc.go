// Package sender sends what the inviter asked for: one mail for each message of
// the queue, at its second, and never one too many.
//
// Three facts shape it. A mail cannot be taken back. SES has no idempotency
// token, so asking twice is sending twice. And a queue delivers at least once,
// late, to two senders at the same time, and after a stall everything at once.
//
// So a mail is written down before it is sent (an outbox): the entry goes to
// sending, with the attempt and the code, by a conditional write that only one
// sender can win. Then the mail service is asked, once. A yes is recorded;
// an answer that refuses is a certain no, and gives the place in the line back
// where it was not the recipient's fault; no answer stays open, because the mail may be on its way: only after 15 minutes
// without an event about it does the inviter ask for a second and last attempt,
// with the same code.
//
// And a message is good for 30 seconds from its slot. The slot is the rate of
// SES, planned; and an invitation is a promise of a place on the site that was
// free at that minute. What comes late, or while sending is paused, goes back to
// waiting at its old place and will be invited by a newer decision. There is no
// backlog of stale invitations, whatever was paused, stalled or throttled, and
// for how long.
//
// Only a failure of the store returns a message to the queue.
package sender
