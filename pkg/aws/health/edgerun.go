package health

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"raincheck/pkg/bypass"
	"raincheck/pkg/gate"
)

// Trial runs the throttle on a test event in CloudFront's own runtime, and gives
// what it answered, how much of its time it took in percent, and its error if it
// failed.
type Trial func(ctx context.Context, event []byte) (output []byte, utilisation int, failed string, err error)

// nearBound is the share of its time, in percent, above which a function is too
// near to being stopped: a slow moment of the edge can double it.
const nearBound = 80

// EdgeRuns says whether the throttle at the edge answers as its gate says: a
// newcomer whose draw lets them in, the holder of a pass, and, where the gate turns
// people away, a newcomer whose draw is above admit. What a test event cannot show
// is the query as it was typed, which it has only in parts.
func EdgeRuns(ctx context.Context, try Trial, host, path string, g gate.Gate, keys *bypass.Keyring, now time.Time) ([]Finding, error) {
	const mend = "`raincheck detach --distribution-id ID --apply` takes it off; then deploy again (alarm EdgeErrors in docs/operating.md)."
	turnsAway := g.Mode == gate.Hold || g.Mode == gate.Throttle && g.Admit < 1
	visitors := []visitor{{name: "the holder of a pass", ip: "192.0.2.1", in: true}}
	id := keys.PassID("doctor", now.Format(time.RFC3339Nano))
	pass, err := keys.MintPass(bypass.Operator, id, now, 5*time.Minute)
	if err != nil {
		return nil, err
	}
	visitors[0].pass = pass
	if ip, found := drawn(g, func(draw float64) bool { return !turnsAway || draw < g.Admit && g.Mode != gate.Hold }); found {
		visitors = append(visitors, visitor{name: "a newcomer", ip: ip, in: true})
	}
	if ip, found := drawn(g, func(draw float64) bool { return draw >= g.Admit || g.Mode == gate.Hold }); found && turnsAway {
		visitors = append(visitors, visitor{name: "a newcomer above admit", ip: ip})
	}
	var found []Finding
	var said []string
	most := 0
	for _, v := range visitors {
		event, err := v.event(host, path)
		if err != nil {
			return nil, err
		}
		output, utilisation, failed, err := try(ctx, event)
		switch {
		case err != nil:
			return found, err
		case failed != "":
			found = append(found, Bad(mend, "the throttle fails for %s: %s", v.name, failed))
			continue
		}
		most = max(most, utilisation)
		let, problem := v.read(output)
		switch {
		case problem != "":
			found = append(found, Bad(mend, "the throttle answers %s with %s", v.name, problem))
		case let != v.in && v.pass != "":
			found = append(found, Bad("Look at the inviter's logs: the edge has other pass keys than the key ring.", "the throttle turns away the holder of a good pass"))
		case let != v.in:
			found = append(found, Warn("A gate takes up to a minute to reach the edge: run it again.", "the throttle does not do as the gate says: %s is let in: %v", v.name, let))
		default:
			said = append(said, fmt.Sprintf("%s %s", v.name, map[bool]string{true: "is let in", false: "is sent to the waiting room"}[let]))
		}
	}
	if most >= nearBound {
		found = append(found, Warn("Report it. Until then protect fewer paths; above 100 % CloudFront stops the function.", "the throttle takes up to %d %% of the time that it may take", most))
	}
	if len(found) == 0 {
		found = append(found, OK("%s; it takes up to %d %% of its time", strings.Join(said, ", "), most))
	}
	return found, nil
}

// agent is the browser of the test events.
const agent = "raincheck-doctor"

// drawn looks for an address whose draw is as wanted, among those that are kept
// for documentation. Without a salt nobody draws.
func drawn(g gate.Gate, wanted func(draw float64) bool) (ip string, found bool) {
	for i := range 3 * 256 {
		ip = fmt.Sprintf("%s%d", []string{"192.0.2.", "198.51.100.", "203.0.113."}[i/256], i%256)
		if wanted(gate.Draw(g.Salt, ip, agent)) {
			return ip, true
		}
	}
	return "", false
}

// visitor is one whom the throttle is asked about.
type visitor struct {
	name, ip, pass string
	// in says that the visitor is to be let in.
	in bool
}

type value struct {
	Value string `json:"value"`
}

// event is a navigation of the visitor, as a viewer request event:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
func (v visitor) event(host, path string) ([]byte, error) {
	cookies := map[string]value{}
	if v.pass != "" {
		cookies[bypass.CookieName] = value{v.pass}
	}
	return json.Marshal(map[string]any{
		"version": "1.0",
		"context": map[string]string{
			"distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "EDFDVBD6EXAMPLE", "eventType": "viewer-request",
			"requestId": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
		},
		"viewer": map[string]string{"ip": v.ip},
		"request": map[string]any{
			"method": "GET", "uri": path, "querystring": map[string]value{}, "cookies": cookies,
			"headers": map[string]value{
				"host": {host}, "user-agent": {agent}, "accept": {"text/html"}, "accept-language": {"en"},
				"sec-fetch-mode": {"navigate"}, "sec-fetch-dest": {"document"},
			},
		},
	})
}

// read says whether the visitor was let in, or what is wrong with the answer.
func (v visitor) read(output []byte) (in bool, problem string) {
	var out struct {
		Request *struct {
			Cookies map[string]json.RawMessage `json:"cookies"`
		} `json:"request"`
		Response *struct {
			StatusCode int              `json:"statusCode"`
			Headers    map[string]value `json:"headers"`
		} `json:"response"`
	}
	decoder := json.NewDecoder(bytes.NewReader(output))
	switch err := decoder.Decode(&out); {
	case err != nil:
		return false, "something that is not an event"
	case out.Response != nil && out.Response.StatusCode == 302 && strings.HasPrefix(out.Response.Headers["location"].Value, gate.Room):
		return false, ""
	case out.Response != nil:
		return false, fmt.Sprintf("the status %d", out.Response.StatusCode)
	case out.Request == nil:
		return false, "neither a request nor a response"
	case out.Request.Cookies[bypass.CookieName] != nil:
		return true, "its own cookie left in the request: every pass would be a cache key of its own"
	}
	return true, ""
}
