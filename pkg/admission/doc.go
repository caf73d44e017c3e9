// Package admission decides, once a minute, how many people may come to a site:
// which share of new visitors the edge lets straight in, and how many of those
// who wait are invited back.
//
// The trouble is delay. What is measured is two minutes old, a decision takes
// another minute to reach every edge, whoever is let in stays for tens of
// minutes, and whoever is invited comes in a few minutes, in hours, or never. A
// rule that follows the measured load swings around it; a rule that invites a
// fixed number below a threshold fills the site with people it has forgotten
// that it called. So the law keeps its own count of who is there and of who is
// still to come, lets the metric correct the count, and decides for the moment
// when the decision will show:
//
//	visits    how long people stay, learned from what was let in and measured (a
//	          package of its own)
//	demand    the new visitors at the edge, smoothed, and how many of the share that
//	          is admitted really get in
//	trim      the correction of the count by the metric, late as it is
//	returns   how many of the invited come back, and how soon (a package of its own)
//	follow    what decides while the model has not proved right
//	law       admit and the invitations, from all of these
//
// docs/control.md has it on one page, with formulae, sources, limits and the
// results on days that can be run again.
//
// What it must survive: a load that is missing, frozen, late, sent twice or
// nonsense; counts that are estimates; ticks that were missed; a site that loses
// a third of its capacity; people who suddenly come three times as often, or who
// are asleep. Where it does not know, it lets fewer people in. Everything is a
// pure function of its arguments: the inviter, the simulator and `raincheck
// decide` call the same Next.
package admission
