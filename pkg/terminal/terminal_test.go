package terminal

import (
	"strings"
	"testing"
	"time"
)

// A line is written when it is time for it: over itself on a terminal, in lines
// elsewhere, and not at all where nobody asked for lines.
func TestALineSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plain time.Duration
		over  bool
		want  string
	}{
		{15 * time.Second, false, "16 of 20\n"},
		{0, false, ""},
		{0, true, "\r\x1b[K1 of 20\r\x1b[K16 of 20\r\x1b[K"},
	} {
		var out strings.Builder
		at := time.Unix(0, 0)
		l := New(&out, func() time.Time { return at }, c.plain)
		if c.over {
			l.every, l.over = often, true
		}
		l.Say("%d of %d", 0, 20)
		for _, n := range []int{1, 16} {
			at = time.Unix(int64(n), 0)
			l.Say("%d of %d", n, 20)
			l.Say("too soon")
		}
		l.Clear()
		if got := out.String(); got != c.want {
			t.Errorf("every %s, terminal %t: %q, want %q", c.plain, c.over, got, c.want)
		}
	}
}
