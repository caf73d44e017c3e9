// Command load sends a crowd to a site behind raincheck, person by person, and
// checks afterwards that everybody whose sign-up was acknowledged is on the
// waitlist, once.
//
// Each person does what a browser does: asks for the protected page, follows the
// throttle to the waiting room if there is one, reads the form, leaves an
// address and keeps the cookies that are set. People arrive by an open curve:
// they come when they come, whether or not the ones before them were answered,
// so that a slow server meets a queue as it would on the day.
//
// What is counted:
//
//   - accepted: the waiting room said that the address is saved.
//   - refused: the waiting room said that it is not, with a status that
//     raincheck documents (409, 410, 413, 422, 429, 503).
//   - let in: the throttle or an open waiting room led on to the site.
//   - unanswered: no answer came to a sign-up, so that it may be saved or not.
//   - failed: any other answer, or no answer to a page.
//   - lost: accepted, and not in the export. It must be 0.
//   - doubled: in the export more than once. It must be 0.
//
// With --instance it starts `raincheck local` itself, on a free port and in a new
// folder, and with --faults it breaks that in the middle. Whoever fails meanwhile
// is excused; nobody may be lost, and most of those who come while it is whole must be
// accepted.
//
// It is a module of its own, so that what it needs never reaches the product.
package main
