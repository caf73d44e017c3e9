// Package admission decides, once a minute, how many people may come to a site:
// which share of new visitors the edge lets straight in, and how many of those
// who wait are invited back. docs/control.md has the law with its formulae.
package admission

// Next is the admission law: what to do now, from what became known since the
// last decision. It is pure: it reads no clock, draws no lots, changes neither
// argument, and gives the same bytes for the same arguments.
func Next(p Policy, s State, o Observation) (Decision, State) {
	d := Decision{Time: o.Time, Admit: 1, Because: "nothing is known yet"}
	return d, s
}
