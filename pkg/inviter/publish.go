package inviter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

const (
	// pinned is how long a decision to turn people away means what it says.
	pinned = 10 * time.Minute
	// deadband is the least change of admit that is worth a write: a write costs
	// what a thousand visitors' requests do, and half a percent is below what the
	// counts at the edge can tell.
	deadband = 0.005
)

// publish tells the edge, when it is to be told something new. A failure does not
// stop the tick: what stands at the edge runs out by itself, and the next tick
// tries again.
func (t *tick) publish(ctx context.Context) {
	keys, err := t.Keys(ctx)
	if err != nil {
		t.fault("reading the key ring", err)
		t.state.Gate.Pending = true
		return
	}
	for range 3 {
		if err = t.tell(ctx, keys); !errors.Is(err, gate.ErrChanged) {
			break
		}
		// Somebody wrote since. Perhaps the operator threw a switch: look before
		// deciding again.
		g, etag, err := t.Edge.Gate(ctx)
		if etag == "" && err != nil {
			t.fault("looking at the gate", err)
			t.state.Gate.Pending = true
			return
		}
		t.state.Gate.ETag, t.state.Gate.Rest = etag, ""
		before := t.report.Mode
		if err == nil {
			if err := t.adopt(ctx, g); err != nil {
				t.failures = append(t.failures, err)
				t.state.Gate.Pending = true
				return
			}
		}
		if t.report.Mode != before {
			t.obey()
		}
	}
	t.state.Gate.Pending = err != nil
	if err != nil {
		t.fault("publishing the gate", err)
	}
}

// tell writes gate and base, each if it is not what was written last.
func (t *tick) tell(ctx context.Context, keys *bypass.Keyring) error {
	was := t.state.Gate
	salt := t.salt(keys)
	passes := keys.PassKeys(t.now)
	g := gate.Gate{
		Mode: t.report.Mode, Admit: t.report.Admit, Salt: salt, Stale: t.Stale,
		Switched: t.control.Switched.Truncate(time.Second), Settings: t.Settings.Gate, Keys: passes,
	}
	expires := t.turnsAway() || g.Mode == gate.Throttle && t.state.Tally.Waiting > 0
	b := gate.Base{Mode: g.Mode, Salt: salt, Failure: t.Failure, Stale: t.Stale, Settings: t.Settings.Gate, Keys: passes}

	plain := g
	plain.Admit, plain.Until = 0, time.Unix(1, 0)
	rest, err := hash(plain)
	if err != nil {
		return err
	}
	bare := b
	bare.Mode = gate.Open
	base, err := hash(bare)
	if err != nil {
		return err
	}
	if t.state.Gate.ETag == "" {
		if _, t.state.Gate.ETag, err = t.Edge.Gate(ctx); t.state.Gate.ETag == "" {
			return fmt.Errorf("reading the gate's ETag: %w", err)
		}
	}
	moved := math.Abs(g.Admit-was.Admit) >= deadband || g.Admit != was.Admit && (g.Admit == 0 || g.Admit == 1)
	ending := expires != !was.Until.IsZero() || expires && was.Until.Sub(t.now) < pinned/2
	if rest != was.Rest || ending || moved && (g.Mode == gate.Throttle || g.Mode == gate.Observe) {
		if expires {
			g.Until = t.now.Add(pinned).Truncate(time.Second)
		}
		etag, err := t.Edge.PutGate(ctx, g, t.state.Gate.ETag)
		if err != nil {
			return err
		}
		was = t.state.Gate
		t.state.Gate = published{ETag: etag, Rest: rest, Base: was.Base, Mode: g.Mode, Admit: g.Admit, Until: g.Until, Salt: salt}
		t.report.Published = true
		t.count("inviter.published", 1)
	}
	if base != t.state.Gate.Base {
		etag, err := t.Edge.PutBase(ctx, b, t.state.Gate.ETag)
		if err != nil {
			return err
		}
		t.state.Gate.ETag, t.state.Gate.Base = etag, base
		t.report.Published = true
		t.count("inviter.published", 1)
	}
	// What is in force is what was last written, not what was wished for.
	t.report.Admit = t.state.Gate.Admit
	return nil
}

// turnsAway says that somebody may be turned away by this decision.
func (t *tick) turnsAway() bool {
	return t.report.Mode == gate.Hold || t.report.Mode == gate.Throttle && t.report.Admit < 1
}

// salt changes once a day, when nobody is turned away and the gate may be written
// anyway: with another salt everybody draws anew, and who was turned away before
// would get a second draw.
func (t *tick) salt(keys *bypass.Keyring) string {
	was := t.state.Gate
	turned := was.Mode == gate.Hold || was.Mode == gate.Throttle && was.Admit < 1
	if was.Salt == "" || !turned && t.report.Mode != gate.Open {
		return keys.DailySalt(t.now)
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
