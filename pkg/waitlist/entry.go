package waitlist

import (
	"strings"
	"time"
	"unicode"

	"raincheck/pkg/bypass"
	"raincheck/pkg/email"
)

// Ref names one joining of one mailbox. Everything that travels outside the
// store (queue messages, code items, SES tags, leave tokens) carries a Ref, so
// that what arrives late from an earlier joining touches nothing.
type Ref struct {
	// Key is HMAC(pepper, mailbox), as bypass.Keyring.Mailbox makes it: the
	// same mailbox always gives the same key, and a key gives no mailbox.
	Key string `json:"key"`
	// Joining rises with every joining of the mailbox. It starts at
	// FirstJoining, so that it rises even when the store forgot the mailbox in
	// between: a link to leave never dies, and one from last year must not end
	// this year's place.
	Joining int `json:"joining"`
}

// Entry is one mailbox on the waitlist, at one stage of one joining.
//
// It has more than 15 fields: one for each attribute of the item in the table.
type Entry struct {
	Ref
	Stage Stage
	// Suppressed is set when the mailbox does not exist or the person complained, at
	// any stage, an ended one too. It outlives joinings: a suppressed mailbox never gets mail, and
	// its item has no time to live.
	Suppressed bool
	// Complained says that it is suppressed by a complaint of the person's: no release
	// of bounces by mistake (raincheck release) touches it.
	Complained bool

	// Address is where the invitation goes. It is erased (zero) once the entry
	// has ended; only the key stays until Delete.
	Address email.Address
	// Language is the language of the page that was used to join, a key of
	// email.Languages.
	Language string
	// Wanted is the path that the visitor asked for and lands on at the end:
	// relative, checked by gate.SafePath.
	Wanted string
	// Fields are the up to three values that the operator named, each at most
	// MaxFieldLength characters.
	Fields map[string]string

	// Joined is when this joining began, to the millisecond. It is the place in
	// the line and never changes, whatever is given back.
	Joined time.Time
	// Kept says that the place is an old one, which a person whose code expired has
	// had back: that works once. While such an entry waits, Expires is the old code's,
	// by which the line tells it from others.
	Kept bool
	// Shard is the partition of the line that the entry stands in, 0..Shards-1.
	Shard int

	// Claim is the scheduled time of the tick that claimed the entry: the name
	// of its cohort, and the condition on every later step, so that a stale or
	// doubled message does nothing. Zero while waiting.
	Claim time.Time
	// Attempt numbers the mails of the joining: those of the first round are 1 and
	// 2, those of the second 3 and 4, and so on (Round). It is 0 before the first
	// mail. A round that is over leaves the number of its second mail, whether that
	// was sent or not.
	Attempt int
	// Returned says that the one return of a place after a fault that is not ours is
	// used up. Quiet says that the person wants no further mail: no second attempt
	// and no new round; the code works on.
	Returned, Quiet bool
	// Delivery is what is known of the round's mail beyond that it was accepted.
	Delivery Delivery
	// Due is when something has to be done about the entry if nothing happens
	// before: the end of a claim, the check for an unanswered mail, the death of
	// the code, the end of a hold. Zero while waiting and after the end.
	Due time.Time

	// Code is the bypass code, from the first attempt of a round on; both attempts
	// send the same one. Empty before, between rounds and after the entry's end.
	Code bypass.Code
	// Expires is when Code dies.
	Expires time.Time

	// Invited is when the mail was accepted, Ended when the last stage was
	// reached; zero before.
	Invited, Ended time.Time
	// Delete is when the store may forget the item; zero for never.
	Delete time.Time
}

// Delivery is how far a mail came, as far as its events say.
type Delivery string

// Delayed: the receiving side has not taken it yet. Arrived: it has, after a
// delay or without one. Empty: nothing is known, which is the rule.
const (
	Delayed Delivery = "delayed"
	Arrived Delivery = "arrived"
)

// Limits of an entry. The attempts are the hard cap of docs/design.md, decision 20: SES has no
// idempotency token, and a person must not get three mails.
const (
	MaxAttempts = 2
	// MaxRounds is how often one joining is mailed at all, whatever the reasons.
	MaxRounds      = 3
	MaxFields      = 3
	MaxFieldLength = 64
	MaxUses        = 3
	Shards         = 32
	// Kept is how long the keyed hash of an ended entry stays: long enough for
	// every event of SES about it, and for the last use of its code.
	Kept = 30 * 24 * time.Hour
)

// Round is the round that an attempt belongs to, from 1; 0 before the first.
func Round(attempt int) int { return (attempt + MaxAttempts - 1) / MaxAttempts }

// Opens says that an attempt is the first of its round: it begins with a claim
// and draws the code.
func Opens(attempt int) bool { return attempt%MaxAttempts == 1 }

// LastOf is the last attempt of a round, and what an entry has when the round is
// over.
func LastOf(round int) int { return round * MaxAttempts }

// HoldFor is how long a place that was given back after a mail is not claimed:
// long enough for a receiver that delays strangers (greylisting), and for a fault
// of ours to show before everybody's rounds are used up.
const HoldFor = 15 * time.Minute

// Back says how a place is given back after a mail that came to nothing. The entry
// ends as failed instead where MaxRounds are used up, where Once finds the one
// return used, and where the person wants no further mail.
type Back struct {
	// At is when that became known, Until the time before which the place is not
	// claimed.
	At, Until time.Time
	// Once uses up the one return that a joining has for faults that are not ours.
	Once bool
	// Sent says that the mail did go out, and came back. Else it was refused.
	Sent bool
	// Ours counts it among the faults that are ours and show at a large provider.
	Ours bool
}

// FirstJoining is the number of the first joining of a mailbox that the store
// does not know: the hours since 2020. A mailbox that was forgotten (after Kept,
// or by `raincheck forget`) and joins again gets a higher number than it ever
// had, unless it joined more often than once an hour all along.
func FirstJoining(at time.Time) int {
	return max(1, int(at.Sub(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))/time.Hour))
}

// Signup is what a person hands in at the form, checked and normalised.
type Signup struct {
	Key      string
	Address  email.Address
	Language string
	Wanted   string
	Fields   map[string]string
	At       time.Time
	// Shards is how many partitions writers of the line use now, as
	// Control.Writers gives it (intake knows it from its cached notice, so that a
	// sign-up stays one request); zero means the constant Shards.
	Shards int
}

// Shard gives the shard that the sign-up stands in.
func (s Signup) Shard() int { return ShardOf(s.Key, s.Shards) }

// Joined is the answer to a Signup. The page never shows it: every answer to
// the form looks the same.
type Joined struct {
	// New says that this sign-up began a joining; false for somebody already in
	// the line, already invited, or suppressed.
	New bool
	Ref Ref // the joining; zero unless New
}

// Ticket is the item of a code: what one conditional request can tell about a
// code that somebody holds, without reading the entry.
type Ticket struct {
	Code bypass.Code
	Ref
	// Invited is the cohort: the Claim of the entry.
	Invited time.Time
	Expires time.Time
	// Wanted and Language are the entry's, so that a redemption needs no second read.
	Wanted   string
	Language string
	// Uses are the ids of the passes that this code gave, at most MaxUses: for a
	// phone, a desktop, and a mail scanner that presses buttons.
	Uses []string
	// Revoked is set when the person leaves or is forgotten.
	Revoked bool
}

// Redemption is somebody handing in a verified code.
type Redemption struct {
	Code bypass.Code
	// Use is the id of the pass that it would give, or of the one that the
	// browser already holds from this code: a repeated Use adds nothing.
	Use string
	At  time.Time
}

// Redeemed is the answer to a Redemption.
type Redeemed struct {
	Ticket Ticket
	// First says that this was the first use of the code.
	First bool
	// Known is false for a good code without an item, as after a restore: it
	// gets in all the same.
	Known bool
}

// Message asks the sender for one mail. It carries no address: the sender
// reads the entry, conditionally, when the slot has come.
type Message struct {
	Ref
	// Shard is the entry's, so that a give-back needs no read.
	Shard int       `json:"shard"`
	Claim time.Time `json:"claim"`
	// Slot is the second at which the mail may be sent.
	Slot    time.Time `json:"slot"`
	Attempt int       `json:"attempt"`
}

// Cohort counts what became of the invitations of one tick.
type Cohort struct {
	// Invited is the scheduled time of the tick.
	Invited time.Time
	// Sent counts the entries that got past sending with a mail out: accepted,
	// taken as accepted, or proved to have arrived by a use, a leave, a bounce or
	// a dead code. Redeemed counts first uses.
	Sent, Redeemed int
	// Deferred counts the mails of Sent that are known not to have arrived: delayed
	// now, or come back.
	Deferred int
	// Returned counts give-backs of this tick's claims. Left counts those who left
	// while waiting, or came in by an earlier code, in the minute of this tick. Both
	// keep the count of the waiting right between two recounts.
	Returned, Left int
	// Ours counts the mails that came back to us in the minute of this tick, from a
	// large provider and by a fault of ours (Back.Ours).
	Ours int
}

// CohortOf is the cohort in which a leave at that time is counted: the minute,
// which is the tick's scheduled time on AWS.
func CohortOf(at time.Time) time.Time { return at.UTC().Truncate(time.Minute) }

// Overview is how many stand where, for status and console. Waiting is exact
// right after a recount and an estimate between.
type Overview struct {
	Waiting int `json:"waiting"`
	// Oldest is the join time at the head of the line; zero when nobody waits.
	Oldest time.Time `json:"oldest,omitzero"`
}

// Field is the value of a field as it is kept, with plain blanks: the ideographic and
// the no-break one are typed as blanks.
func Field(value string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, value))
}

// Printable says that the value of a field can be shown and exported as it is. Between
// letters and their marks a joiner is part of a word, as in Sinhala or Persian.
func Printable(value string) bool {
	runes := []rune(value)
	letter := func(i int) bool {
		return 0 <= i && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsMark(runes[i]))
	}
	for i, r := range runes {
		joiner := r == '\u200c' || r == '\u200d'
		if joiner && letter(i-1) && letter(i+1) {
			continue
		}
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
