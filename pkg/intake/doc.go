// Package intake is the waiting room: the pages and the API that take an
// address, take a code, and let somebody leave.
//
// Whoever sees these pages came for something else and was turned away, often
// on a bad day, often on an old phone. So a page is one request of a few
// kilobytes that works without JavaScript, and says facts and no promises: it
// never claims that an address was saved when it was not, and then what was typed
// is still there.
//
// The room stands in front of a crowd, and that shapes it. A GET changes
// nothing, sets no cookie and looks neither at the query nor at any header, so
// that one cached page serves everybody for a minute (mail scanners, too, that
// open every link); the form inside posts to its own address, query and all.
// Only a POST acts. There is one exception: the page between a redeeming POST
// and the site, which has to see whether the cookie came back, and says so if
// it did not, because sending that browser on would send it round for ever.
//
// Three attacks shape the rest. A form that sends mail to strangers is a weapon:
// nothing is sent at sign-up. A form that answers differently for an address
// that it knows tells on people: every answer to it looks the same. And a flood
// of guessed codes must not reach the database: a code is checked by arithmetic
// first, and a good one gets in even while the database is down.
//
// What a person must read travels under no status that a site may have replaced
// by a page of its own (400, 403, 404, 405, 414, 416, 500 to 504): 422 for what
// was typed, 409 for a form that is not ours or not open, 410 for a code that is
// over, 429 for what could not be saved.
//
// The package knows no cloud: it is a net/http handler over a few methods of a
// store. The words of a language are a file in web/words.
package intake
