// Package browser lives the visitor's story in a real browser: Debian's
// Chromium, driven over its debugging protocol, in front of the whole local
// instance and of the waiting room in every state it has. What a handler's test
// cannot see is seen here: that the pages work without JavaScript, that a cookie
// comes back or that somebody is told so, that nothing else is loaded, that what
// a browser fetches ahead or in a frame meets no waiting room, that
// embed.js lives under another page's content security policy, and what axe-core
// (WCAG 2.2 AA) says of every page on a phone and a laptop, by day and by night.
//
// The tests stand behind the build tag browser (make test-browser) and need
// Chromium, Node.js and npm. Without them they are skipped, and say so; in CI
// that is a failure. With -args -sheet they leave screenshots in out/browser; `make
// contact-sheet` leaves those of every page, state and look on one sheet a language.
package browser
