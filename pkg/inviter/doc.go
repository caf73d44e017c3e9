// Package inviter is the controller: once a minute it looks at the site, at the
// edge and at the waitlist, decides with admission.Next, and does what was decided.
//
// A tick holds a lease, so that a doubled tick, a late one and two at once do
// nothing; it does everything by conditional writes, so that one that died half
// way is mended by the next; and what it costs follows what happens in it, never
// how many wait: the oldest entries, the counts of the shards, what is due.
//
// A tick is these steps, each a function that takes what it needs and returns what
// it found or changed (Service.run): readControl, readMemory, applySwitch (a newer
// one at the edge), endPause, observe (the counters, the counts and the metrics),
// decide, publishGate, work (claims that nobody began, mails that nobody answered
// for, codes that died; then the oldest are claimed and handed to the sender, each
// with its second), saveProgress, rest, saveMemory. With nobody waiting, nothing
// due and the gate open a tick reads one small item and ends.
//
// What it cannot know it does not guess. A tick that cannot read what the operator
// wants publishes nothing: the gate of a dead controller runs out at the edge by
// itself. A missing metric does not mean a healthy site: the law gets nothing and
// goes by what it knows. A switch that the operator threw at the edge while the
// store was down is newer than what the store says, and is never overwritten.
package inviter
