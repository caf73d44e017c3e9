package gate_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"raincheck/pkg/gate"
)

// FuzzGate reads anything, and holds what is read to coming back the same.
func FuzzGate(f *testing.F) {
	good, err := throttled(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	basic, err := base(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(good), string(basic), `{"mode":"open"}`, `{"mode":"observe","admit":1e-9}`, `{"mode":"open","keys":[[0,"k",0]]}`, `[`, `{"mode":"open","until":-1}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if g, err := gate.DecodeGate([]byte(s)); err == nil {
			doc, err := g.Encode()
			if err != nil {
				t.Fatalf("%s was read and cannot be written: %v", s, err)
			}
			if again, err := gate.DecodeGate(doc); err != nil || !reflect.DeepEqual(again, g) {
				t.Fatalf("%s comes back as %s, %v", s, doc, err)
			}
		}
		if b, err := gate.DecodeBase([]byte(s)); err == nil {
			doc, err := b.Encode()
			if err != nil {
				t.Fatalf("%s was read and cannot be written: %v", s, err)
			}
			if again, err := gate.DecodeBase(doc); err != nil || !reflect.DeepEqual(again, b) {
				t.Fatalf("%s comes back as %s, %v", s, doc, err)
			}
		}
	})
}

// FuzzPath asks of every path that is let through that it stays on the site,
// however a browser reads it.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/apply?x=1", "//example.org", "/\\example.org", "/\t/example.org", "/a/..//example.org", "/%2f%2fexample.org", "/#//", "/?u=//"} {
		f.Add(s)
	}
	site, err := url.Parse("https://www.example.com/waiting-room/en/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := gate.SafePath(s)
		if gate.SafePath(got) != got || len(got) > gate.MaxPath {
			t.Fatalf("%q becomes %q", s, got)
		}
		// Browsers take "\" for "/" and drop tabs and line ends before they look.
		seen := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(got)
		if seen != got || !strings.HasPrefix(seen, "/") || strings.HasPrefix(seen, "//") {
			t.Fatalf("%q is let through", got)
		}
		if u, err := url.Parse(got); err == nil {
			if to := site.ResolveReference(u); to.Host != site.Host || to.Scheme != site.Scheme || to.User != nil {
				t.Fatalf("%q leads to %s", got, to)
			}
		}
	})
}
