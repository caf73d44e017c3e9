// Package feedback hears what became of a mail: SES publishes sends,
// deliveries, bounces and complaints as events, and each moves the entry that
// its tags name, or does nothing.
//
// It settles what the sender could not. A timeout, a reset or a 5xx leaves open
// whether a mail was accepted, and the tagged event is the only proof: any event
// that SES can only have made from an accepted mail (Send, Delivery, a delay, a
// bounce of either kind, a complaint) is one. So events may come in any order,
// twice or never: each is applied to where the entry stands now, by conditional
// writes, and what has moved on is left alone.
//
// Only the mailbox's own fault suppresses it, at any stage and in any later
// joining: that it does not exist (the statuses of email.FaultOf), that it is on
// one of SES's lists, or that the person complained. To mail on would cost the
// sender its reputation, and with that everybody's invitation. Every other mail
// that comes back gives the place back for a new round: as often as there are
// rounds where the fault is ours, else once. A report by a machine, or that a mail
// was no spam, changes nothing.
//
// Whoever can put an event on the bus can suppress people, so events are taken
// only from the source aws.ses and from our configuration set, whose name SES
// itself puts among the tags; a mail of another stack in the same account is
// not ours. Tags are read strictly and hold no address.
package feedback
