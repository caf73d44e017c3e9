package bypass

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestWrongCodesTakeTheSameWork is docs/faults.md, row 39: whatever is wrong with a code, it
// costs one MAC over the same eight bytes, as a good one does, so that the time
// until "that code is not right" tells nothing. Work is counted by what it
// allocates, which no busy machine changes: a MAC takes several times what all
// else may.
func TestWrongCodesTakeTheSameWork(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ring := func(doc string) *Keyring {
		k, err := ParseKeyring([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	issue := func(k *Keyring, at time.Time) string {
		c, err := k.IssueCode(at, at.Add(time.Hour), strings.NewReader("1234"))
		if err != nil {
			t.Fatal(err)
		}
		return string(c)
	}
	before := ring(`{"root":"a root of a test stack, which is not a real one"}`)
	k := ring(`{"root":"a root of a test stack, which is not a real one","ring":[{"id":1,"secret":"a second secret of a test stack, no real one","notBefore":"2026-02-01T12:00:00Z"}]}`)
	good := issue(k, now)
	flip := func(i int) string {
		symbol := "0"
		if good[i] == '0' {
			symbol = "1"
		}
		return good[:i] + symbol + good[i+1:]
	}

	const runs = 100
	mac := testing.AllocsPerRun(runs, func() { codeMAC(k.decoy, 1) })
	if mac < 4 {
		t.Fatalf("a MAC takes %g allocations, too few to be told from the rest", mac)
	}
	macs := func(what, typed string, want error) {
		t.Helper()
		if _, _, err := k.VerifyCode(typed, now); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		got := testing.AllocsPerRun(runs, func() { _, _, _ = k.VerifyCode(typed, now) })
		// Besides the MAC, a code that can be read is a string.
		if got < mac || got > mac+1 {
			t.Errorf("%s takes %g allocations, one MAC takes %g", what, got, mac)
		}
	}
	macs("a good code", good, nil)
	for what, typed := range map[string]string{
		"a wrong MAC, at its first symbol": flip(12), "a wrong MAC, at its last symbol": flip(19), "a wrong expiry": flip(3), "another random part": flip(8),
		"a key that nobody has": "2" + flip(19)[1:], "a version that nobody has": "G" + good[1:], "another stack's": issue(ring(`{"root":"the root of somebody else's stack of a test"}`), now),
		"a replaced key of a thief": issue(before, now), "cut off": good[:19], "too long": good + "0", "no symbol of ours": "U" + good[1:],
		"nothing": "", "endless": strings.Repeat("A", 5000), "a leave token": k.LeaveToken("key", 1),
	} {
		macs(what, typed, ErrCode)
	}
}
