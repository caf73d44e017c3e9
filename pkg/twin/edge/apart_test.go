package edge

import (
	"testing"
	"time"

	"raincheck/functions/throttle"
)

// TestRequestsAreKeptApart: the answer to one visitor is not touched by the next
// request, and whatever is done to it afterwards does not reach that one, even
// if CloudFront ran both in the same copy of the code.
func TestRequestsAreKeptApart(t *testing.T) {
	before, after := throttle.ShippedThrottle()
	for form, source := range map[string]string{"written": throttle.Throttle("hold"), "shipped": before + "hold" + after} {
		js := build(t, source, throttle.Remember())
		turnAway := func(path string) (location, cacheControl func() string) {
			t.Helper()
			q := request{id: "id", ip: "192.0.2.1", method: "GET", path: path, headers: []pair{{"sec-fetch-mode", "navigate"}}}
			answer, err := js.run(js.throttle, &call{now: time.Unix(1772366400, 0)}, js.event("viewer-request", q, nil))
			if err != nil {
				t.Fatal(err)
			}
			header := func(name string) func() string {
				one := answer.Get("headers").ToObject(js.vm).Get(name).ToObject(js.vm)
				return func() string {
					value := one.Get("value").String()
					one.Set("value", "changed afterwards")
					return value
				}
			}
			return header("location"), header("cache-control")
		}
		ann, _ := turnAway("/ann")
		ben, keep := turnAway("/ben")
		if got := ann(); got != "/waiting-room?to=%2Fann" {
			t.Errorf("%s: after another visitor came, the first is sent to %s", form, got)
		}
		if got := ben(); got != "/waiting-room?to=%2Fben" {
			t.Errorf("%s: the second is sent to %s", form, got)
		}
		keep()
		if _, got := turnAway("/cem"); got() != "no-store" {
			t.Errorf("%s: an answer that was changed changes the next", form)
		}
	}
}
