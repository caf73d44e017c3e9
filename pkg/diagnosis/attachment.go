package diagnosis

import (
	"strings"

	"raincheck/pkg/attach"
	"raincheck/pkg/aws/distribution"
	"raincheck/pkg/aws/health"
)

// Attachment says how a distribution stands towards a stack that serves host from
// room. previous is the secret from before the last rotation, empty for none.
func Attachment(d distribution.Distribution, host string, room attach.Room, previous string) ([]health.Finding, error) {
	config, err := attach.Parse(d.Config)
	if err != nil {
		return nil, err
	}
	a := attach.Look(config, room)
	id := d.ID
	mend := "`raincheck attach --distribution-id " + id + " --host " + host + "` shows what would change."
	if len(a.Protected) == 0 && len(a.Half) == 0 {
		return []health.Finding{health.Warn(mend, "the distribution %s is not attached to this stack: everybody reaches the site", id)}, nil
	}
	var found []health.Finding
	if len(a.Half) > 0 {
		found = append(found, health.Bad(mend, "only one of the two functions is on %s", strings.Join(a.Half, ", ")))
	}
	if len(a.Plain) > 0 {
		found = append(found, health.Bad("Set their viewer protocol policy to redirect-to-https.", "%s takes plain HTTP, where a browser keeps no pass: people would wait again and again", strings.Join(a.Plain, ", ")))
	}
	switch {
	case !a.Room:
		found = append(found, health.Bad(mend, "the waiting room's behaviour %s is not the first one of %s: people would be sent to a page that is not there", attach.RoomPattern, id))
	case a.Domain != room.Domain:
		found = append(found, health.Bad(mend, "%s leads to %s, and this stack's waiting room is %s", attach.RoomPattern, a.Domain, room.Domain))
	case !a.Policies:
		found = append(found, health.Warn(mend, "%s has other policies than the stack's: the waiting room may get the site's cookies, and refuse a visitor who has many", attach.RoomPattern))
	}
	if sent := attach.SentSecret(config); a.Room && !a.Secret && sent != "" && sent == previous {
		found = append(found, health.Warn("`raincheck rotate --origin --apply` finishes it; another tool's distribution: docs/operating.md, Rotating.", "the distribution still sends the secret from before the last rotation, which is accepted until the next one"))
	} else if a.Room && !a.Secret {
		found = append(found, health.Bad(mend, "the distribution sends a secret that is not the stack's: the waiting room does not answer"))
	}
	if !d.Deployed {
		found = append(found, health.Warn("Wait a few minutes.", "a change of %s is on its way to the edges", id))
	}
	if len(found) == 0 {
		found = append(found, health.OK("%s (%s) is attached: %s, HTTPS only", id, d.Domain, strings.Join(a.Protected, ", ")))
	}
	acl := attach.WebACL(config)
	if acl == "" {
		acl = "none"
	}
	return append(found, health.OK("its web ACL: %s", acl)), nil
}
