package inviter

import (
	"context"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// saveProgress writes what the public pages say, when it has changed, and returns
// what is written.
func (s *Service) saveProgress(ctx context.Context, when moment, was waitlist.Progress, waits waitlist.Waits, report Report, faults *faults) waitlist.Progress {
	next := waitlist.Progress{Front: was.Front, Waited: waits.Waited(when.at), Open: lettingAllIn(report.Mode, report.Admit, report.Waiting), At: when.at}
	if !report.Front.IsZero() {
		next.Front = report.Front
	}
	same := next.Waited.From == was.Waited.From && next.Waited.To == was.Waited.To && next.Waited.People == was.Waited.People
	if same && when.at.Sub(was.Waited.At) < waitlist.WaitedOver/2 {
		next.Waited = was.Waited // the same, said a while ago; the pages tell nothing that is old
	}
	if next.Front == was.Front && next.Waited == was.Waited && next.Open == was.Open && !was.At.IsZero() {
		return was
	}
	if err := s.Store.SaveProgress(ctx, next); err != nil {
		faults.add("saving the progress", err)
		return was
	}
	return next
}

// lettingAllIn says that no new visitor is turned away, and nobody waits for an
// earlier decision.
func lettingAllIn(mode gate.Mode, admit float64, waiting int) bool {
	switch mode {
	case gate.Open, gate.Observe:
		return true
	case gate.Throttle:
		return admit >= 1 && waiting == 0
	}
	return false
}

// rest notes that there was nothing to do, so that the next ticks can end after
// reading one item, and says whether it did.
func (s *Service) rest(ctx context.Context, now time.Time, control waitlist.Control, mode gate.Mode, memory state, faults *faults) bool {
	if mode != gate.Open || control.Paused || control.InviteNow > 0 || memory.Tally.Waiting > 0 || len(*faults) > 0 || memory.Gate.Pending {
		return false
	}
	out, _, err := s.countParts(ctx, partsDue(control.Readers()))
	if err != nil {
		faults.add("looking whether anything is due", err)
	}
	if err != nil || out > 0 {
		return false
	}
	version := control.Version
	err = s.Store.UpdateControl(ctx, func(c *waitlist.Control) error {
		// A switch that was thrown since this tick began is for the next one to see.
		if c.Version == version {
			c.Idle = now
		}
		return nil
	})
	if err != nil {
		faults.add("noting that there is nothing to do", err)
	}
	return err == nil
}

// saveMemory writes what the next tick needs.
func (s *Service) saveMemory(ctx context.Context, when moment, memory state, law admission.State, faults *faults) {
	encoded, err := law.Encode()
	if err == nil {
		memory.Law = encoded
		var data []byte
		if data, err = memory.encode(); err == nil {
			err = s.Store.SaveState(ctx, when.at, data)
		}
	}
	if err != nil {
		faults.add("saving the controller's memory", err)
	}
}

// countState reports what stands after a tick. A number that is reported is a
// metric, and a metric is paid by the month: a stack at rest has none.
func (s *Service) countState(report Report, control waitlist.Control, resting bool) {
	if !resting {
		s.count(metric.InviterWaiting, float64(report.Waiting))
		s.count(metric.InviterAdmit, report.Admit)
		unsent := 0.0
		if report.Waiting > 0 && report.Sent == 0 {
			unsent = 1
		}
		s.count(metric.InviterUnsent, unsent)
		if share, ok := report.DelayedShare(); ok {
			s.count(metric.InviterDelayed, share)
		}
	}
	if byOperator := control.Paused && control.PausedBecause == ""; report.Paused != "" && !byOperator {
		s.count(metric.InviterHalted, 1)
	}
}

// countDone reports what a tick did.
func (s *Service) countDone(d Done) {
	for _, c := range []struct {
		name metric.Name
		n    int
	}{
		{metric.InviterClaimed, d.Claimed}, {metric.InviterRetried, d.Retried}, {metric.InviterGivenBack, d.GivenBack}, {metric.InviterRequeued, d.Requeued},
		{metric.InviterExpired, d.Expired}, {metric.InviterTaken, d.Taken}, {metric.InviterBuried, d.Buried},
	} {
		if c.n > 0 {
			s.count(c.name, float64(c.n))
		}
	}
}
