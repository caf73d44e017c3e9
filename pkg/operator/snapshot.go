package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"raincheck/pkg/gate"
	"raincheck/pkg/inviter"
	"raincheck/pkg/version"
	"raincheck/pkg/waitlist"
)

// Snapshot is everything that is true now, as `raincheck status --json` and the
// console's GET api/snapshot give it: stable, for scripts. A field that is left
// out is not known.
type Snapshot struct {
	// Now is the time of the answer: virtual on the one-machine demo.
	Now time.Time `json:"now"`
	// Version is that of the program that answers: the tool for a deployed stack.
	Version string `json:"version"`
	Site
	// Control is what the operator wants. When the waitlist cannot be read it is
	// what the gate says, and Unread is true.
	Control waitlist.Control `json:"control"`
	Unread  bool             `json:"unread,omitempty"`
	Decision
	Standing
	// Trapped is how many sign-ups of the last hour the hidden field of the form
	// caught, who have no place; left out where nobody counts them.
	Trapped *int `json:"trapped,omitempty"`
	// Mails counts the mails of the last hour; left out where nobody counts them.
	Mails *Mails `json:"mails,omitempty"`
	// Warnings are what an operator must know first, one sentence each.
	Warnings []string `json:"warnings,omitempty"`
}

// Site is what the control plane knows of the site.
type Site struct {
	// Name is what is protected.
	Name string `json:"site"`
	// Target is the load to hold, Capacity the visitors at load 1.0; 0 is unknown.
	Target   float64 `json:"target"`
	Capacity float64 `json:"capacity"`
}

// Decision is what the inviter saw and decided at its last tick.
type Decision struct {
	// Decided is when; zero for never. Because is the reason in the law's own words.
	Decided time.Time `json:"decided,omitzero"`
	Because string    `json:"because"`
	// Invite is how many were invited by it.
	Invite int `json:"invite"`
	// Trust is how far the law's model has proved right, 0 to 1: below 1, a
	// controller that looks at the load alone bounds what it decides. TrustSince is when the model
	// was last found wrong, or its proof began. Left out where no model decides.
	Trust      *float64  `json:"trust,omitempty"`
	TrustSince time.Time `json:"trustSince,omitzero"`
	// Load is the newest load known, of LoadAt.
	Load   *float64  `json:"load,omitempty"`
	LoadAt time.Time `json:"loadAt,omitzero"`
	// Waiting is how many wait, Oldest the join time at the head of the waitlist,
	// Front the join time up to which people have been invited.
	Waiting int       `json:"waiting"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Front   time.Time `json:"front,omitzero"`
	// Empty is about when all who wait now will have been invited, at the pace of the
	// ten minutes before; left out where that says nothing.
	Empty time.Time `json:"empty,omitzero"`
}

// Standing is what the edge has.
type Standing struct {
	// Admit is the share of new visitors whom the edge lets straight in now.
	Admit *float64 `json:"admit,omitempty"`
	// Gate and Base are the two documents, without salt and keys, and how many
	// bytes they are at the edge.
	Gate      json.RawMessage `json:"gate,omitempty"`
	GateBytes int             `json:"gateBytes,omitempty"`
	Base      json.RawMessage `json:"base,omitempty"`
	BaseBytes int             `json:"baseBytes,omitempty"`
}

// Snapshot reads what the inviter decided last and what the edge has now. What
// cannot be read becomes a warning: on a bad day half a screen is better than
// none. The error means that neither could be read.
func (p *Plane) Snapshot(ctx context.Context) (Snapshot, error) {
	s := Snapshot{Now: p.Now().UTC().Truncate(time.Second), Version: version.String(), Site: p.Site}
	if p.Trouble != nil {
		if err := p.Trouble(); err != nil {
			s.warn(diskFull, err)
		}
	}
	report, lost := p.decided(ctx, &s)
	g, blind := p.edge(ctx, &s)
	switch {
	case lost != nil && blind != nil:
		return s, fmt.Errorf("neither the waitlist nor the edge can be read: %w", errors.Join(p.explain(lost), p.explain(blind)))
	case lost != nil:
		s.Unread = true
		s.warn(waitlistUnread, p.explain(lost))
		s.Control = waitlist.Control{Mode: g.Mode, Switched: g.Switched}
		if g.Fixed {
			s.Control.Admit = &g.Admit
		}
	default:
		s.sayReport(report)
	}
	switch {
	case blind != nil:
		s.warn(edgeUnread, p.explain(blind))
	case g.Mode != "":
		s.sayGate(g)
	}
	return s, nil
}

// decided reads what the operator wants and what the last tick reported.
func (p *Plane) decided(ctx context.Context, s *Snapshot) (r inviter.Report, err error) {
	control, progress, err := p.Desk.Notice(ctx)
	if err != nil {
		return r, err
	}
	stored, err := p.Desk.State(ctx)
	if err != nil {
		return r, err
	}
	if r, err = inviter.LastReport(stored); err != nil {
		return r, err
	}
	s.Control = control
	s.Decision = Decision{Decided: r.Tick, Because: r.Because, Invite: r.Claimed, Waiting: r.Waiting, Front: progress.Front}
	s.Empty = empty(s.Now, control, progress.Waited, r.Waiting)
	if !r.LoadAt.IsZero() {
		s.Load, s.LoadAt = &r.Load, r.LoadAt
	}
	if control.Law != "ramp" && models(control.Mode) && models(r.Mode) {
		s.Trust, s.TrustSince = &r.Numbers.Trust, r.Numbers.TrustSince
	}
	return r, nil
}

// empty is when the last of those who wait will be invited if it goes on as it did
// in the time that w tells of, to the next five minutes. Nobody invited in it, or
// an operator's stop, says nothing of what comes.
func empty(now time.Time, control waitlist.Control, w waitlist.Waited, waiting int) time.Time {
	const about, farthest = 5 * time.Minute, 48 * time.Hour
	if waiting == 0 || w.People == 0 || now.Sub(w.At) >= 2*waitlist.WaitedOver || control.Paused || control.Mode == gate.Hold {
		return time.Time{}
	}
	left := time.Duration(float64(waiting) / float64(w.People) * float64(waitlist.WaitedOver))
	if left > farthest {
		return time.Time{}
	}
	return now.Add(left + about - 1).Truncate(about)
}

// models says that a law decides in a mode.
func models(mode gate.Mode) bool { return mode == gate.Throttle || mode == gate.Observe }

// edge reads the two documents. Its gate is empty when there is none that can be
// read; the error means that the store could not be asked.
func (p *Plane) edge(ctx context.Context, s *Snapshot) (gate.Gate, error) {
	g, etag, lost := p.Edge.Gate(ctx)
	if etag == "" && lost != nil {
		return gate.Gate{}, lost
	}
	b, etag, noBase := p.Edge.Base(ctx)
	if etag == "" && noBase != nil {
		return gate.Gate{}, noBase
	}
	if noBase == nil {
		if doc, err := b.Encode(); err == nil {
			s.Base, s.BaseBytes = show(doc), len(doc)
		}
	}
	if lost == nil {
		share := g.LetsIn(s.Now)
		s.Admit = &share
		if doc, err := g.Encode(); err == nil {
			s.Gate, s.GateBytes = show(doc), len(doc)
		}
		return g, nil
	}
	if noBase != nil {
		if errors.Is(lost, gate.ErrMissing) && errors.Is(noBase, gate.ErrMissing) && s.Decided.IsZero() {
			s.warn(noGateYet)
			return gate.Gate{}, nil
		}
		s.warn(noGateNoBase, why(lost), why(noBase))
		return gate.Gate{}, nil
	}
	share := 1.0
	if b.Failure == gate.FailHold {
		share = b.Stale
	}
	s.Admit = &share
	s.warn(noGate, why(lost))
	return gate.Gate{}, nil
}

// why says what is wrong with a document.
func why(err error) string {
	if errors.Is(err, gate.ErrMissing) {
		return "is missing"
	}
	return fmt.Sprintf("is unreadable (%v)", err)
}

// muchDelayed is the share of delayed mails that is worth a warning, and the
// threshold of the alarm MailsDelayed.
const muchDelayed = 0.1

// sayReport warns of what the last tick found, and of one that is overdue.
func (s *Snapshot) sayReport(r inviter.Report) {
	turnsAway := s.Control.EffectiveMode() != gate.Open
	switch age := s.Now.Sub(r.Tick); {
	case r.Tick.IsZero():
		s.warn(neverDecided)
	case age > 3*time.Minute && turnsAway:
		s.warn(lastDecided, age.Round(time.Second))
	}
	if r.Fault != "" {
		s.warn(tickFailed, r.Fault)
	}
	if s.Control.SignupsOff && turnsAway && s.Control.EffectiveMode() != gate.Observe {
		s.warn(formClosed)
	}
	switch {
	case r.Paused != "":
		s.warn(mailPaused, r.Paused)
	case s.Control.Paused:
		s.warn(mailPausing)
	}
	if share, ok := r.DelayedShare(); ok && share >= muchDelayed {
		s.warn(mailsDelayed, r.Delayed, r.Recent)
	}
	if age := s.Now.Sub(s.LoadAt); s.Load != nil && age > 5*time.Minute && turnsAway {
		s.warn(loadOld, age.Round(time.Second))
	}
}

// sayGate warns of a gate that has run out, and of one that is not what the
// operator wants.
func (s *Snapshot) sayGate(g gate.Gate) {
	if !g.InForce(s.Now) {
		s.warn(gateOver, g.Until.UTC().Format("15:04"), 100*g.Stale)
	}
	if g.Mode != s.Control.EffectiveMode() && !s.Unread {
		s.warn(edgeDiffers, g.Mode, s.Control.EffectiveMode())
	}
}

// show makes a document of the edge fit to be looked at: who has its keys can
// make passes, and who has its salt can choose a draw. What is not a JSON object
// is not shown at all.
func show(document []byte) json.RawMessage {
	var fields map[string]any
	if json.Unmarshal(document, &fields) != nil {
		return nil
	}
	if _, ok := fields["salt"]; ok {
		fields["salt"] = "(hidden)"
	}
	if keys, ok := fields["keys"].([]any); ok {
		fields["keys"] = fmt.Sprintf("(%d hidden)", len(keys))
	} else {
		delete(fields, "keys")
	}
	shown, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return shown
}
