// Package email holds what raincheck knows of mail: the address that somebody
// types, the one message that it ever sends, and what a mail service can answer.
// It sends nothing; an adapter does.
//
// An address is the only thing that raincheck asks of a person, on a day when
// thousands are asked at once, and most of them type it on a phone. So reading
// one forgives what cannot be meant (blanks around it, a dot after it,
// invisible characters that came with a paste) and refuses the rest with an
// error that a page can turn into a plain sentence. It refuses more than the
// RFCs do: quoted local parts and domain literals are legal, nobody has one, and
// both have carried attacks into mail systems.
//
// An address is also the only thing that raincheck could lose. Address prints a
// redaction through every verb of fmt, in every log line, every error and all
// JSON; only Reveal gives it, and that word is what a reviewer looks for.
//
// The invitation is written for a reader who may not trust it, and should not
// have to: plain words, no picture, no tracking, no hurry but the real one. The
// code stands in it as an equal to the link, because people are rightly told not
// to press links in mails; the time it runs out is absolute and has its zone,
// because "in four hours" means nothing in a mail that was opened later; and
// there is always a way to leave (List-Unsubscribe). The words of a language are one
// file in words/: adding a language is adding a file.
package email
