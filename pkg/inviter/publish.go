package inviter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"raincheck/pkg/admission"
	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
	"raincheck/pkg/waitlist"
)

const (
	// pinned is how long a decision to turn people away means what it says.
	pinned = 10 * time.Minute
	// deadband is the least change of admit that is worth a write: a write costs
	// what a thousand visitors' requests do, and half a percent is below what the
	// counts at the edge can tell.
	deadband = 0.005
)

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
		was.ETag, was.Rest = etag, ""
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

// writeGate writes gate and base, each if it is not what was written last. It
// returns what is written now, also when the second of them failed.
func (s *Service) writeGate(ctx context.Context, now time.Time, keys *bypass.Keyring, control waitlist.Control, ruled ruling, was published, waiting bool) (is published, wrote bool, err error) {
	salt := nextSalt(keys, now, was, ruled.mode)
	passes := keys.PassKeys(now)
	g := gate.Gate{
		Mode: ruled.mode, Admit: ruled.admit, Salt: salt, Stale: s.Stale,
		Switched: control.Switched.Truncate(time.Second), Settings: s.Settings.Gate, Keys: passes,
	}
	expires := turnsAway(g.Mode, g.Admit) || g.Mode == gate.Throttle && waiting
	b := gate.Base{Mode: g.Mode, Salt: salt, Failure: s.Failure, Stale: s.Stale, Settings: s.Settings.Gate, Keys: passes}

	plain := g
	plain.Admit, plain.Until = 0, time.Unix(1, 0)
	rest, err := hash(plain)
	if err != nil {
		return was, false, err
	}
	bare := b
	bare.Mode = gate.Open
	base, err := hash(bare)
	if err != nil {
		return was, false, err
	}
	if was.ETag == "" {
		if _, was.ETag, err = s.Edge.Gate(ctx); was.ETag == "" {
			return was, false, fmt.Errorf("reading the gate's ETag: %w", err)
		}
	}
	moved := math.Abs(g.Admit-was.Admit) >= deadband || g.Admit != was.Admit && (g.Admit == 0 || g.Admit == 1)
	ending := expires != !was.Until.IsZero() || expires && was.Until.Sub(now) < pinned/2
	if rest != was.Rest || ending || moved && (g.Mode == gate.Throttle || g.Mode == gate.Observe) {
		if expires {
			g.Until = now.Add(pinned).Truncate(time.Second)
		}
		etag, err := s.Edge.PutGate(ctx, g, was.ETag)
		if err != nil {
			return was, false, err
		}
		was = published{ETag: etag, Rest: rest, Base: was.Base, Mode: g.Mode, Admit: g.Admit, Until: g.Until, Salt: salt}
		wrote = true
		s.count("inviter.published", 1)
	}
	if base != was.Base {
		etag, err := s.Edge.PutBase(ctx, b, was.ETag)
		if err != nil {
			return was, wrote, err
		}
		was.ETag, was.Base = etag, base
		wrote = true
		s.count("inviter.published", 1)
	}
	return was, wrote, nil
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
