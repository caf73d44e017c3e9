// Package simulation runs days that have not happened: the demand of a site,
// people who leave an address, wait, come back or do not, a site that people
// stay on for a while, and a metric that is late and noisy. It is where the
// admission law is proved, and how an operator learns in a second what a
// capacity would have meant on a day like the last one.
//
// People are counted by the minute and never kept one by one: who came in a
// minute leaves over the next hours, by one draw each from the distribution of
// visits, into a table of departures; returns likewise. 48 hours with three
// million visits take a fraction of a second. Chance comes from one seeded
// generator: the same seed gives the same bytes.
//
// The law sees of all this only what it would see in production: sampled counts
// and a load that are minutes old, redemptions, mails sent, and the length of
// the waitlist.
package simulation
