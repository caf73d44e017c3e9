// Package metric names every number that raincheck reports about itself. The
// functions write them as log lines from which CloudWatch makes metrics, in one
// namespace and with the stack's name as the one dimension. The alarms and the
// dashboard of template.yaml and the table in docs/costs.md are held to this
// list by test/template.
package metric

// Name is the name of a metric.
type Name string

// Namespace is that of all metrics named here, and Dimension their one dimension,
// whose value is the stack's name.
const (
	Namespace = "Raincheck"
	Dimension = "Stack"
)

// What the inviter counts in a tick, and what stands after it.
const (
	InviterClaimed   Name = "inviter.claimed"
	InviterRetried   Name = "inviter.retried"
	InviterGivenBack Name = "inviter.givenback"
	InviterRequeued  Name = "inviter.requeued"
	InviterExpired   Name = "inviter.expired"
	InviterTaken     Name = "inviter.taken"
	InviterBuried    Name = "inviter.buried"
	InviterPublished Name = "inviter.published"
	InviterSkipped   Name = "inviter.skipped"
	InviterBlind     Name = "inviter.blind"
	InviterWaiting   Name = "inviter.waiting"
	InviterAdmit     Name = "inviter.admit"
	InviterLoad      Name = "inviter.load"
	InviterLoadAge   Name = "inviter.loadage"
	InviterUnsent    Name = "inviter.unsent"
	InviterHalted    Name = "inviter.halted"
	InviterDelayed   Name = "inviter.delayed"
)

// What became of each message that a sender took from the queue.
const (
	SenderSent       Name = "sender.sent"
	SenderLate       Name = "sender.late"
	SenderPaused     Name = "sender.paused"
	SenderStale      Name = "sender.stale"
	SenderThrottled  Name = "sender.throttled"
	SenderQuota      Name = "sender.quota"
	SenderSuspended  Name = "sender.suspended"
	SenderAmbiguous  Name = "sender.ambiguous"
	SenderFailed     Name = "sender.failed"
	SenderRefused    Name = "sender.refused"
	SenderLater      Name = "sender.later"
	SenderTested     Name = "sender.tested"
	SenderUnrecorded Name = "sender.unrecorded"
	SenderStore      Name = "sender.store"
)

// The mail service's events.
const (
	FeedbackSent       Name = "feedback.sent"
	FeedbackDelivered  Name = "feedback.delivered"
	FeedbackDelayed    Name = "feedback.delayed"
	FeedbackSoftBounce Name = "feedback.softbounce"
	FeedbackOurBounce  Name = "feedback.ourbounce"
	FeedbackHardBounce Name = "feedback.hardbounce"
	FeedbackReplied    Name = "feedback.replied"
	FeedbackComplaint  Name = "feedback.complaint"
	FeedbackRejected   Name = "feedback.rejected"
	FeedbackReported   Name = "feedback.reported"
	FeedbackOther      Name = "feedback.other"
	FeedbackForeign    Name = "feedback.foreign"
	FeedbackMalformed  Name = "feedback.malformed"
)

// What the waiting room counts.
const (
	IntakeSignupsNew      Name = "intake.SignupsNew"
	IntakeSignupsKnown    Name = "intake.SignupsKnown"
	IntakeSignupsTrapped  Name = "intake.SignupsTrapped"
	IntakeSignupsRefused  Name = "intake.SignupsRefused"
	IntakeSignupsFailed   Name = "intake.SignupsFailed"
	IntakePlacesKept      Name = "intake.PlacesKept"
	IntakeCodesRedeemed   Name = "intake.CodesRedeemed"
	IntakeCodesUnrecorded Name = "intake.CodesUnrecorded"
	IntakeCodesWrong      Name = "intake.CodesWrong"
	IntakeCodesOver       Name = "intake.CodesOver"
	IntakeLeft            Name = "intake.Left"
	IntakeForeignForms    Name = "intake.ForeignForms"
	IntakeDirectHits      Name = "intake.DirectHits"
)

// SmokeFailed is the canary's.
const SmokeFailed Name = "smoke.failed"

// Metric is one of them, with what it means.
type Metric struct {
	Name  Name
	Means string
}

// All lists every metric.
func All() []Metric {
	return []Metric{
		{InviterClaimed, "people invited"},
		{InviterRetried, "second mails asked for"},
		{InviterGivenBack, "claims that nobody began, returned to their places"},
		{InviterRequeued, "places that came back after a mail, returned to the line"},
		{InviterExpired, "codes that died unused"},
		{InviterTaken, "mails taken as accepted after a second silence"},
		{InviterBuried, "entries ended because they cannot be read"},
		{InviterPublished, "writes to the edge"},
		{InviterSkipped, "ticks that did nothing: nothing to do, or another one was at work"},
		{InviterBlind, "ticks that could not read what the operator wants"},
		{InviterWaiting, "how many wait"},
		{InviterAdmit, "the share of new visitors let in, 0 to 1"},
		{InviterLoad, "the newest load, 1 is full"},
		{InviterLoadAge, "seconds since the newest load, while the gate may turn people away"},
		{InviterUnsent, "1 for a minute in which people wait and no mail goes out, else 0"},
		{InviterHalted, "1 for a minute in which nothing is sent, and no operator wanted it so"},
		{InviterDelayed, "the share of the mails of two hours that receivers keep waiting, 0 to 1, of 20 mails or more"},
		{SenderSent, "mails that were sent"},
		{SenderLate, "mails given back, being past their second"},
		{SenderPaused, "mails given back while sending is paused"},
		{SenderStale, "messages whose entry had moved on"},
		{SenderThrottled, "mails given back, the mail service being asked too fast"},
		{SenderQuota, "mails given back, the day's quota being used up"},
		{SenderSuspended, "mails given back, the mail service not letting us send"},
		{SenderAmbiguous, "mails without an answer whether they were accepted"},
		{SenderFailed, "people whose address is refused for good or cannot be read"},
		{SenderRefused, "mails refused for a reason that the mail service does not say; the places are held"},
		{SenderLater, "mails for which the recipient's server asks for a later try; the places are held"},
		{SenderTested, "test mails sent after refusals in a row"},
		{SenderUnrecorded, "mails sent and not written down"},
		{SenderStore, "messages returned to the queue: the store or the key ring did not answer, or it was too early"},
		{FeedbackSent, "mails that the mail service accepted, by its event"},
		{FeedbackDelivered, "mails that the recipients' servers took"},
		{FeedbackDelayed, "mails that the mail service is trying to deliver"},
		{FeedbackSoftBounce, "mails that came back for a reason that may pass, or that nobody says"},
		{FeedbackOurBounce, "mails that came back by a fault of ours (5.7.x)"},
		{FeedbackHardBounce, "mails to mailboxes that do not exist"},
		{FeedbackReplied, "mails that a machine of the recipient's answered"},
		{FeedbackComplaint, "mails reported as spam by the person"},
		{FeedbackRejected, "mails accepted and then not sent"},
		{FeedbackReported, "mails reported by a machine, or as not spam"},
		{FeedbackOther, "events of a type that raincheck does not know"},
		{FeedbackForeign, "events that are not about a mail of this stack"},
		{FeedbackMalformed, "events about one that cannot be read"},
		{IntakeSignupsNew, "people who joined"},
		{IntakeSignupsKnown, "sign-ups of a mailbox that waits already, or is suppressed"},
		{IntakeSignupsTrapped, "sign-ups caught by the hidden field"},
		{IntakeSignupsRefused, "sign-ups with input that is refused"},
		{IntakeSignupsFailed, "sign-ups that could not be saved"},
		{IntakePlacesKept, "people whose code expired and who have their old place again"},
		{IntakeCodesRedeemed, "codes used"},
		{IntakeCodesUnrecorded, "people let in by a code while the store was down"},
		{IntakeCodesWrong, "codes that were wrong"},
		{IntakeCodesOver, "codes that were expired, used up or withdrawn"},
		{IntakeLeft, "people who left the waitlist"},
		{IntakeForeignForms, "forms of another site"},
		{IntakeDirectHits, "requests that did not come through the distribution"},
		{SmokeFailed, "1 when the canary did not come through, else 0"},
	}
}
