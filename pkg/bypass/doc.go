// Package bypass makes and checks everything that raincheck hands out and
// later has to recognise: codes in mails, passes in cookies, tokens to leave
// with, the stamp of a form, and the keyed name under which a mailbox is kept.
//
// The rule of the package is that recognising costs nothing but arithmetic.
// A flood of guessed codes must not become a flood of database reads, and a
// person whose code is good must get in on a day when the database is down.
// So each of the texts carries what it says and a MAC (HMAC-SHA256) over it.
//
// Each purpose has a key of its own, derived with HKDF (RFC 5869) under a
// different info string. The attack this stops is a text carried over into
// another role: the leave link that everybody is mailed must never open the
// door, and a pass stolen from a browser must never read as a code.
//
// Keys come from one secret document. Its root is never replaced, because
// the names of all mailboxes hang on it: another pepper would forget who is
// waiting and whom never to mail again. What is replaced is the ring: every
// rotation adds an entry that starts ten minutes on, by which time all
// functions (which cache the secret for under five minutes) and the edge
// (which has it within two) know it. Old entries go on verifying exactly as
// long as something that they signed can be alive, and no longer: a key that
// leaked stops being worth anything by itself.
//
// A code is a queue ticket and not a login. Its 40 bits of MAC give a guesser
// at 10,000 tries a second one hit in about three and a half years, against
// rate limits that stop at a hundredth of that; what a hit would gain is one
// place on a web site. Passes, tokens and stamps have 132 bits, because nobody
// has to type them.
//
// Nothing here reads a clock or a random source by itself, and nothing here
// prints a secret: keys, codes and secret documents redact themselves in every
// log line and error.
package bypass
