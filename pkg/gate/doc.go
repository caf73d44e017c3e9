// Package gate is what the edge knows, and what it does with it: the two small
// documents in the KeyValueStore, the draw, and a twin of throttle.js in Go.
//
// There are two documents because one can be missing. The gate changes by the
// minute and is the only one read on the normal path; a write takes about half a
// minute to reach every edge, and for a moment meanwhile a key can be unreadable
// at one of them. The base changes with the key ring and the settings only, and
// says what to do without the gate: open, or hold but for the stale share. With
// neither, a constant that was joined into the code at deploy decides. None of
// these cases ends in an error page: what stands in front of a site must not be
// able to take the site down.
//
// A decision also runs out. In throttle and hold the gate carries the time until
// which it means what it says; a controller that died leaves a gate that falls
// back to the stale share by itself, ten minutes later, at every edge at once.
//
// A visitor draws once. The number in [0,1) is a keyed hash of the network
// address and the browser's name under a salt that changes once a day: reloading
// at the throttle gives the same answer, raising the admitted share only ever adds
// people, and nobody can work out a name that draws well, because the salt is
// not public. What this cannot stop is known and accepted: another browser draws
// again, and an office behind one address with one managed browser shares its
// fate.
//
// Decide does in Go, from the same facts, what throttle.js does at the edge.
// Simulated visitors are decided with it, a hundred times faster; shared vectors,
// a differential fuzz test, and one simulated visitor in a hundred hold the two
// equal. Where they differ, throttle.js is right and Decide is the defect.
package gate
