package gate_test

import (
	"strings"
	"testing"

	"raincheck/pkg/gate"
)

// TestAStrictPrefixHasOneSpelling: a prefix that could be escaped, and then would
// not be recognised at the edge, is refused with its remedy.
func TestAStrictPrefixHasOneSpelling(t *testing.T) {
	t.Parallel()
	for prefix, good := range map[string]bool{
		"/account/": true, "/v1/orders.json": true, "/a-b_c~d": true,
		"/@me/": false, "/v1/orders:submit": false, "/a;b": false, "/a,b": false, "/a[1]": false, "/Account/": false, "/%40me/": false,
	} {
		s := gate.DefaultSettings()
		s.Strict, s.Languages = []string{prefix}, []string{"en"}
		err := s.Validate()
		if good != (err == nil) {
			t.Errorf("%s: %v", prefix, err)
		}
		if err != nil && !strings.Contains(err.Error(), prefix) {
			t.Errorf("%s: the error does not name it: %v", prefix, err)
		}
	}
}
