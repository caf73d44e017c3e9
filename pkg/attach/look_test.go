package attach_test

import (
	"bytes"
	"slices"
	"testing"

	"raincheck/pkg/attach"
)

// TestLook follows a distribution from nothing to attached and back, and sees
// what somebody broke on the way.
func TestLook(t *testing.T) {
	t.Parallel()
	look := func(config []byte) attach.Attached {
		t.Helper()
		c, err := attach.Parse(config)
		if err != nil {
			t.Fatal(err)
		}
		return attach.Look(c, room)
	}
	plain := parse(t, read(t, "large"))
	if a := look(read(t, "large")); len(a.Protected)+len(a.Half)+len(a.Plain) > 0 || a.Room {
		t.Errorf("before: %+v", a)
	}
	attached := attach.Attach(plain, accepting(request("example.org", "*", "/account*"), read(t, "large"))).Config
	a := look(attached)
	if !slices.Equal(a.Protected, []string{"/account*", "*"}) || len(a.Half)+len(a.Plain) > 0 || !a.Room || a.Domain != room.Domain || !a.Secret {
		t.Errorf("attached: %+v", a)
	}
	for name, broken := range map[string]struct {
		from, to string
		says     func(attach.Attached) bool
	}{
		"a function taken off by hand": {room.Remember, "arn:aws:cloudfront::111122223333:function/other", func(a attach.Attached) bool {
			return len(a.Half) == 2 && len(a.Protected) == 0
		}},
		"plain HTTP":       {"<ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>", "<ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>", func(a attach.Attached) bool { return len(a.Plain) > 0 }},
		"another secret":   {room.Secret, "an-older-secret", func(a attach.Attached) bool { return a.Room && !a.Secret }},
		"another stack":    {room.Domain, "other.example.com", func(a attach.Attached) bool { return a.Domain == "other.example.com" }},
		"no room any more": {attach.RoomPattern, "/elsewhere*", func(a attach.Attached) bool { return !a.Room }},
	} {
		if a := look(bytes.ReplaceAll(attached, []byte(broken.from), []byte(broken.to))); !broken.says(a) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	c, err := attach.Parse(attached)
	if err != nil {
		t.Fatal(err)
	}
	if a := look(attach.Detach(c).Config); len(a.Protected) > 0 || a.Room {
		t.Errorf("after: %+v", a)
	}
}
