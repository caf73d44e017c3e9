package bypass

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestAReceiptTellsOnlyUs: it comes back as it was sealed, all are of one length,
// no two are equal, and nothing else opens.
func TestAReceiptTellsOnlyUs(t *testing.T) {
	t.Parallel()
	k, err := ParseKeyring([]byte(`{"root":"the root of a test, and of nothing else at all"}`))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 4, 14, 31, 0, 0, time.UTC)
	began := Receipt{Key: k.Mailbox("ana@example.org"), Joining: 54000, At: at, End: at.Add(24 * time.Hour)}
	none := Receipt{At: at, End: at.Add(24 * time.Hour)}
	seen := map[string]bool{}
	for _, r := range []Receipt{began, none, began} {
		token, err := k.SealReceipt(r, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.OpenReceipt(token); err != nil || got != r {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
		if len(token) != 103 || seen[token] || strings.Contains(token, r.Key) && r.Key != "" {
			t.Errorf("the token %q has %d characters, or was there before", token, len(token))
		}
		seen[token] = true
	}
	token, err := k.SealReceipt(began, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ParseKeyring([]byte(`{"root":"the root of another stack, of which nobody knows"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.OpenReceipt(token); !errors.Is(err, ErrReceipt) {
		t.Errorf("another stack opened it: %v", err)
	}
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if _, err := k.OpenReceipt(string(changed)); !errors.Is(err, ErrReceipt) {
			t.Errorf("with character %d changed: %v", i, err)
		}
	}
	for _, bad := range []string{"", "x", token[:50], token + "A", k.LeaveToken(began.Key, 1), strings.Repeat("A", 5000)} {
		if _, err := k.OpenReceipt(bad); !errors.Is(err, ErrReceipt) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := k.SealReceipt(began, bytes.NewReader(nil)); err == nil {
		t.Error("sealed without chance")
	}
}
