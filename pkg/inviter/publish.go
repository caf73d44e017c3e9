package inviter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/metric"
	"raincheck/pkg/waitlist"
)

// deadband is the least change of admit that is worth a write: a write costs what
// a thousand visitors' requests do, and half a percent is below what the counts at
// the edge can tell.
const deadband = 0.005

// publishGate makes of the decision what the operator's mode asks for, and writes
// gate and base when they are to say something new. A failure does not stop the
// tick: what stands at the edge runs out by itself, and the next tick tries again.
// Where somebody else wrote meanwhile it looks first, and takes a newer switch
// over. It returns control, the ruling in force, what is known of the gate, and
// whether anything was written.
func (s *Service) publishGate(ctx context.Context, now time.Time, control waitlist.Control, decision admission.Decision, was published, waiting bool, faults *faults) (waitlist.Control, ruling, published, bool) {
	ruled := applyMode(control, decision)
	keys, err := s.Keys(ctx)
	if err != nil {
		faults.add("reading the key ring", err)
		was.Pending = true
		return control, ruled, was, false
	}
	written := false
	for range 3 {
		var wrote bool
		was, wrote, err = s.writeGate(ctx, now, keys, control, ruled, was, waiting)
		written = written || wrote
		if !errors.Is(err, gate.ErrChanged) {
			break
		}
		// Somebody wrote since. Perhaps the operator threw a switch: look before
		// deciding again.
		g, etag, unread := s.Edge.Gate(ctx)
		if etag == "" && unread != nil {
			faults.add("looking at the gate", unread)
			was.Pending = true
			return control, ruled, was, written
		}
		was.movedOn(etag)
		if unread == nil {
			var failed error
			if control, failed = s.adopt(ctx, control, g); failed != nil {
				*faults = append(*faults, failed)
				was.Pending = true
				return control, ruled, was, written
			}
			ruled = applyMode(control, decision)
		}
	}
	was.Pending = err != nil
	if err != nil {
		faults.add("publishing the gate", err)
	} else {
		// What is in force is what was last written, not what was asked for.
		ruled.admit = was.Admit
	}
	return control, ruled, was, written
}

// writeGate writes gate and base in one call, each if it is not what was written
// last. It returns what is written now.
func (s *Service) writeGate(ctx context.Context, now time.Time, keys *bypass.Keyring, control waitlist.Control, ruled ruling, was published, waiting bool) (is published, wrote bool, err error) {
	g := gate.Gate{
		Mode: ruled.mode, Admit: ruled.admit, Fixed: ruled.fixed, Salt: nextSalt(keys, now, was, ruled.mode), Stale: s.Stale,
		Switched: control.Switched.Truncate(time.Second), Settings: s.Settings.Gate, Keys: keys.PassKeys(now),
	}
	b := g.Base(gate.Fallback{Failure: s.Failure, Stale: s.Stale})
	// What an operator decided has no end; what the law decides has one.
	expires := g.Mode == gate.Throttle && !g.Fixed && (g.Admit < 1 || waiting)

	plain := g
	plain.Admit = 0
	if !g.Fixed {
		plain.Until = time.Unix(1, 0)
	}
	rest, err := hash(plain)
	if err != nil {
		return was, false, err
	}
	opened := b
	opened.Mode = gate.Open
	base, err := hash(opened)
	if err != nil {
		return was, false, err
	}
	if was.ETag == "" {
		// Not known what stands there: the caller looks first, for a newer switch.
		return was, false, gate.ErrChanged
	}
	moved := math.Abs(g.Admit-was.Admit) >= deadband || g.Admit != was.Admit && (g.Admit == 0 || g.Admit == 1)
	ending := expires != !was.Until.IsZero() || expires && was.Until.Sub(now) < gate.GoodFor/2
	var newGate *gate.Gate
	var newBase *gate.Base
	if rest != was.Rest || ending || moved && (g.Mode == gate.Throttle || g.Mode == gate.Observe) {
		if expires {
			g.Until = now.Add(gate.GoodFor).Truncate(time.Second)
		}
		newGate = &g
	}
	if base != was.Base {
		newBase = &b
	}
	if newGate == nil && newBase == nil {
		return was, false, nil
	}
	etag, err := s.Edge.Update(ctx, newGate, newBase, was.ETag)
	if err != nil {
		return was, false, err
	}
	s.count(metric.InviterPublished, 1)
	was.ETag, was.Base, was.Looked = etag, base, now
	if newGate != nil {
		was.Rest, was.Mode, was.Admit, was.Until, was.Salt = rest, g.Mode, g.Admit, g.Until, g.Salt
	}
	return was, true, nil
}

// turnsAway says that somebody may be turned away by such a gate.
func turnsAway(mode gate.Mode, admit float64) bool {
	return mode == gate.Hold || mode == gate.Throttle && admit < 1
}

// nextSalt changes the salt once a day, when nobody is turned away and the gate
// may be written anyway: with another salt everybody draws again, and who was
// turned away before would get a second draw.
func nextSalt(keys *bypass.Keyring, now time.Time, was published, mode gate.Mode) string {
	if was.Salt == "" || !turnsAway(was.Mode, was.Admit) && mode != gate.Open {
		return keys.DailySalt(now)
	}
	return was.Salt
}

// hash names a document without keeping it: it holds keys.
func hash(doc interface{ Encode() ([]byte, error) }) (string, error) {
	text, err := doc.Encode()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}
