// Package inviter is the controller: once a minute it looks at the site, at the
// door and at the line, decides with admission.Next, and does what was decided.
//
// A tick holds a lease, so that a doubled tick, a late one and two at once do
// nothing; it does everything by conditional writes, so that one that died half
// way is mended by the next; and what it costs follows what happens in it, never
// how many wait: the heads of the line, the counts of its shards, what is due.
//
// In order: read what the operator wants, the load and the counts; decide;
// publish the gate; work off what is due (claims that nobody began, mails that
// nobody answered for, codes that died); claim the oldest; hand them to the
// sender, each with its second. With nobody waiting, nothing due and the door
// open a tick reads one small item and ends.
//
// What it cannot know it does not guess. A tick that cannot read the operator's
// wish publishes nothing: a dead controller's gate runs out at the edge by
// itself. A missing metric is no healthy site: the law gets nothing and goes by
// what it knows. A switch that the operator threw at the edge while the store was
// down is newer than what the store says, and is never overwritten.
package inviter
