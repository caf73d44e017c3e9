package diagnosis

import (
	"context"
	"errors"
	"time"

	"raincheck/pkg/aws/edgestore"
	"raincheck/pkg/aws/health"
	"raincheck/pkg/format"
	"raincheck/pkg/gate"
)

// EdgeDocuments says whether what the edge reads is there, whole and in force, and
// whether the settings of the stack fit into it.
func EdgeDocuments(ctx context.Context, store *edgestore.Store, settings gate.Settings, now time.Time) ([]health.Finding, error) {
	var found []health.Finding
	if err := settings.Fit(); err != nil {
		found = append(found, health.Bad("Shorten it and deploy; until then the edge keeps the last good gate.", "the settings do not fit: %v", err))
	}
	g, etag, err := store.Gate(ctx)
	switch {
	case errors.Is(err, gate.ErrMissing):
		found = append(found, health.Warn("Wait for the inviter's first minute; if it stays so, look at its logs.", "no gate yet: the edge fails the way EdgeFailure says"))
	case err != nil && etag == "":
		return nil, err
	case err != nil:
		found = append(found, health.Bad("`raincheck open` writes a good one; then look at the inviter's logs.", "the gate cannot be read: %v", err))
	case !g.InForce(now):
		found = append(found, health.Bad("The inviter renews it every few minutes: look at its logs (alarm NoTicks in docs/operating.md).", "the gate ran out at %s: the edge lets in its stale share, %s", format.Clock(g.Until), format.Percent(g.Stale)))
	default:
		doc, err := g.Encode()
		if err != nil {
			return nil, err
		}
		found = append(found, health.OK("the gate is in force: %s, %d of %d bytes", g.Mode, len(doc), gate.MaxDocument))
	}
	b, _, err := store.Base(ctx)
	switch {
	case errors.Is(err, gate.ErrMissing):
		found = append(found, health.Warn("The inviter writes it on its first tick; look at its logs.", "no base document: without a gate the edge falls back to what was deployed"))
	case err != nil:
		found = append(found, health.Bad("Look at the inviter's logs.", "the base cannot be read: %v", err))
	case len(b.Keys) == 0 && g.Mode != gate.Open: // open without a tick before it, or by hand, has none
		found = append(found, health.Bad("Look at the inviter's logs.", "the edge has no keys for passes"))
	}
	return found, nil
}
