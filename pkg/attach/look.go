package attach

import (
	"slices"
	"strings"

	"raincheck/pkg/gate"
)

// Attached is how a distribution stands towards one stack.
type Attached struct {
	// Protected are the path patterns with both functions on them; "*" is the
	// default behaviour.
	Protected []string
	// Half are the patterns that have only one of the two: nobody there ever gets
	// a pass that lasts, or nobody is ever asked.
	Half []string
	// Plain are the protected patterns that take plain HTTP, where a browser keeps
	// no pass.
	Plain []string
	// Room says that the waiting room's behaviour is there and comes first, and
	// Domain is where it leads; empty without a room.
	Room   bool
	Domain string
	// Policies says that the room's behaviour has the stack's own policies, Secret
	// that its origin sends the stack's present secret.
	Policies, Secret bool
}

// Look says how the distribution stands towards a stack. It plans nothing.
func Look(c *Config, room Room) Attached {
	var a Attached
	functions := []string{room.Throttle, room.Remember}
	behaviours := items(c.root.at("CacheBehaviors"))
	for _, b := range append(slices.Clone(behaviours), c.root.at("DefaultCacheBehavior")) {
		if b == nil {
			continue
		}
		pattern := c.text(b, "PathPattern")
		if b.name == "DefaultCacheBehavior" {
			pattern = "*"
		}
		found := 0
		for _, f := range items(b.at("FunctionAssociations")) {
			if slices.Contains(functions, c.text(f, "FunctionARN")) {
				found++
			}
		}
		switch found {
		case 0:
			continue
		case 1:
			a.Half = append(a.Half, pattern)
		default:
			a.Protected = append(a.Protected, pattern)
		}
		if c.text(b, "ViewerProtocolPolicy") == "allow-all" {
			a.Plain = append(a.Plain, pattern)
		}
	}
	// The behaviour of earlier releases serves as well.
	first := behaviours[:min(2, len(behaviours))]
	if len(first) > 0 && c.text(first[0], "PathPattern") == formerPattern {
		first = first[:1]
	} else if len(first) < 2 || c.text(first[0], "PathPattern") != BarePattern || c.text(first[1], "PathPattern") != RoomPattern {
		return a
	}
	a.Room, a.Policies = true, true
	for _, b := range first {
		a.Policies = a.Policies && c.text(b, "CachePolicyId") == room.CachePolicy && c.text(b, "OriginRequestPolicyId") == room.OriginRequestPolicy
	}
	if origin := c.find("Origins", "Id", c.text(first[len(first)-1], "TargetOriginId")); origin != nil {
		a.Domain = c.text(origin, "DomainName")
		a.Secret = strings.TrimSpace(c.header(origin, gate.OriginHeader)) == room.Secret
	}
	return a
}

// SentSecret is the value of gate.OriginHeader that the distribution sends to the
// waiting room; empty when it sends none.
func SentSecret(c *Config) string {
	origin := c.find("Origins", "Id", OriginID)
	if origin == nil {
		return ""
	}
	return strings.TrimSpace(c.header(origin, gate.OriginHeader))
}

// WebACL is the ARN of the distribution's web ACL; empty when it has none.
func WebACL(c *Config) string { return strings.TrimSpace(c.text(c.root, "WebACLId")) }
