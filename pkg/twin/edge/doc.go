// Package edge is CloudFront on one machine, as far as raincheck uses it: it runs
// the real throttle.js and remember.js, in goja, in front of any http.Handler.
//
// What it keeps of the original is what the two files can trip over. Headers and
// cookies arrive as CloudFront's event has them, in lower case, cookies apart,
// the headers it hides hidden, names that come more than once under one name in the
// order of their first. The store's values reach the edge half a minute
// after they were written, and a write needs the ETag of what it changes. A
// function that throws, answers with a header that CloudFront forbids or in another
// shape than the documented one, or changes what is read-only, is a 502 for the
// visitor. A function of more than 10 KB, or one that needs a global that the runtime
// does not document, does not start. The response function does not run when the origin
// answered 400 or above. What the functions print is counted by the minute, as
// the metric filter does. Any of it can be made to fail.
//
// What it leaves out: caching, and changes to method, path and query, none of
// which the two files make.
package edge
