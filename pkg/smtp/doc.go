// Package smtp sends through a mail relay: for whoever has one, and for the days
// until SES lets a new account mail strangers.
//
// What counts is the answer to the message itself. Up to and including the answer
// to DATA nothing was sent, whatever broke; after it only a reply decides: 2xx is
// sent, whatever happens to the commands that follow, 4xx is throttled, 5xx is
// refused. A connection that breaks once the text has begun is ambiguous, before
// the final dot and after it: a client cannot know which (the library gives the
// same error for both).
//
// TLS is demanded, but for a relay on this machine. Errors carry the step and the
// relay's codes, and never its words, which print addresses.
//
// The dialogue and the MIME are those of github.com/wneessen/go-mail, which is
// well kept and has no dependencies of its own beyond golang.org/x. Only the
// sender links it.
package smtp
