package bypass_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"raincheck/pkg/bypass"
)

const root = "a root of a test stack, which is not a real one"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func keyring(tb testing.TB, doc string) *bypass.Keyring {
	tb.Helper()
	k, err := bypass.ParseKeyring([]byte(doc))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func fresh(tb testing.TB) *bypass.Keyring { return keyring(tb, `{"root":"`+root+`"}`) }

func chance(seed uint64) *rand.ChaCha8 {
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	return rand.NewChaCha8(s)
}

func issue(tb testing.TB, k *bypass.Keyring, now time.Time, life time.Duration) bypass.Code {
	tb.Helper()
	c, err := k.IssueCode(now, now.Add(life), chance(7))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func rotate(tb testing.TB, k *bypass.Keyring, now time.Time, seed uint64) *bypass.Keyring {
	tb.Helper()
	doc, err := k.Rotate(now, chance(seed))
	if err != nil {
		tb.Fatal(err)
	}
	return keyring(tb, string(doc))
}

func TestParseKeyringRefuses(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s3cret", 6)
	entry := func(id int, at string) string {
		return fmt.Sprintf(`{"id":%d,"secret":"%s","notBefore":"%s"}`, id, secret, at)
	}
	for name, c := range map[string]struct{ doc, says string }{
		"nothing":              {``, "JSON"},
		"no JSON":              {secret, "JSON"},
		"no root":              {`{}`, "root"},
		"a short root":         {`{"root":"` + secret[:31] + `"}`, "root is 31"},
		"a typo":               {`{"root":"` + secret + `","rings":[]}`, "JSON"},
		"two documents":        {`{"root":"` + secret + `"}{}`, "follows"},
		"id 0":                 {`{"root":"` + secret + `","ring":[` + entry(0, "2026-01-01T00:00:00Z") + `]}`, "id 0"},
		"id 8":                 {`{"root":"` + secret + `","ring":[` + entry(8, "2026-01-01T00:00:00Z") + `]}`, "id 8"},
		"an id twice":          {`{"root":"` + secret + `","ring":[` + entry(1, "2026-01-01T00:00:00Z") + `,` + entry(1, "2026-01-02T00:00:00Z") + `]}`, "two"},
		"two at the same time": {`{"root":"` + secret + `","ring":[` + entry(1, "2026-01-01T00:00:00Z") + `,` + entry(2, "2026-01-01T00:00:00Z") + `]}`, "same time"},
		"no time":              {`{"root":"` + secret + `","ring":[{"id":1,"secret":"` + secret + `"}]}`, "notBefore"},
		"a bad time":           {`{"root":"` + secret + `","ring":[` + entry(1, "today") + `]}`, "JSON"},
		"a short secret":       {`{"root":"` + secret + `","ring":[{"id":1,"secret":"s3cret","notBefore":"2026-01-01T00:00:00Z"}]}`, "secret of ring entry 1"},
	} {
		_, err := bypass.ParseKeyring([]byte(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error repeats the secret: %v", name, err)
		}
	}
}

// TestNothingPrintsASecret puts whatever holds one through every way out.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	k := rotate(t, fresh(t), noon, 1)
	code := issue(t, k, noon, time.Hour)
	keys := k.PassKeys(noon)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("all", "ring", k, "code", code, "key", keys[0])
	asJSON, err := json.Marshal(map[string]any{"ring": k})
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(asJSON) + fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v %s", k, k, k, k, k, k, keys[0], keys[0], keys, keys)
	doc, err := k.Rotate(noon, chance(2))
	if err != nil {
		t.Fatal(err)
	}
	var secrets struct {
		Ring []struct{ Secret string }
	}
	if err := json.Unmarshal(doc, &secrets); err != nil || len(secrets.Ring) != 2 {
		t.Fatal(err, len(secrets.Ring))
	}
	for _, s := range []string{root, secrets.Ring[0].Secret, string(code), code.String(), keys[0].Key, keys[1].Key} {
		if strings.Contains(out, s) {
			t.Errorf("%q came out in %s", s, out)
		}
	}
}

// TestRotation is the story of two rotations: everybody goes on being let in,
// the new key waits for its time, and the old one ends.
func TestRotation(t *testing.T) {
	t.Parallel()
	before := fresh(t)
	mailbox := before.Mailbox("ann@example.com")
	leave := before.LeaveToken(mailbox, 1)
	oldCode := issue(t, before, noon, bypass.MaxCodeLife)
	oldPass, err := before.MintPass(bypass.Redeemed, "x", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}

	after := rotate(t, before, noon, 1)
	start := noon.Add(bypass.RotationLead)
	if got := issue(t, after, start.Add(-time.Second), time.Hour); got[0] != '0' {
		t.Errorf("a second before its time the new key signs: %q", string(got))
	}
	// A code's first symbol holds version, key id and one bit of the expiry.
	if got := issue(t, after, start, time.Hour); got[0]>>1 != '2'>>1 {
		t.Errorf("at its time the new key does not sign: %q", string(got))
	}
	if c, _, err := after.VerifyCode(string(oldCode), start.Add(time.Hour)); err != nil || c != oldCode {
		t.Errorf("a code of the old key: %v", err)
	}
	if _, err := after.VerifyPass(oldPass, noon.Add(59*time.Minute)); err != nil {
		t.Errorf("a pass of the old key: %v", err)
	}
	newCode := issue(t, after, start, time.Hour)
	if _, _, err := after.VerifyCode(string(newCode), start.Add(-5*time.Minute)); err != nil {
		t.Errorf("a code of the new key, met by a clock that is behind: %v", err)
	}
	if _, _, err := before.VerifyCode(string(newCode), start); !errors.Is(err, bypass.ErrCode) {
		t.Errorf("a function that has not read the secret again knows the new key: %v", err)
	}
	if after.Mailbox("ann@example.com") != mailbox {
		t.Error("a rotation changed a mailbox's name")
	}
	if _, _, err := after.VerifyLeave(leave); err != nil {
		t.Errorf("a rotation ended a leave link: %v", err)
	}
	if after.DailySalt(noon) != before.DailySalt(noon) {
		t.Error("a rotation changed the draws of the day")
	}

	// The edge is given the old key for as long as one of its passes can live.
	if n := len(after.PassKeys(start.Add(bypass.MaxPassLife))); n != 2 {
		t.Errorf("%d pass keys while old passes can live", n)
	}
	dead := start.Add(bypass.MaxPassLife + bypass.ClockGrace + time.Second)
	if n := len(after.PassKeys(dead)); n != 1 {
		t.Errorf("%d pass keys when none can", n)
	}

	// Whoever stole the old key cannot sign into the future with it.
	stolen := issue(t, before, start.Add(30*24*time.Hour), time.Hour)
	if _, _, err := after.VerifyCode(string(stolen), start.Add(30*24*time.Hour)); !errors.Is(err, bypass.ErrCode) {
		t.Errorf("a code forged with a replaced key: %v", err)
	}

	// Eight days on its entry would be gone; the root's key has no entry, and the
	// new key's goes a week after the next rotation.
	again := rotate(t, after, start.Add(8*24*time.Hour), 2)
	third := rotate(t, again, start.Add(20*24*time.Hour), 3)
	doc, err := third.Rotate(start.Add(40*24*time.Hour), chance(4))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(doc, []byte(`"id":1,`)) || !bytes.Contains(doc, []byte(`"id":3,`)) || !bytes.Contains(doc, []byte(`"id":4,`)) {
		t.Errorf("the wrong keys were dropped")
	}
}

func TestRotationFillsUp(t *testing.T) {
	t.Parallel()
	k, now := fresh(t), noon
	for i := range 7 {
		k = rotate(t, k, now, uint64(i))
		now = now.Add(time.Hour)
	}
	_, err := k.Rotate(now, chance(9))
	if !errors.Is(err, bypass.ErrRingFull) || !strings.Contains(err.Error(), "2026-03-08") {
		t.Errorf("an eighth rotation in a day: %v", err)
	}
	if _, err := k.Rotate(now.Add(8*24*time.Hour), chance(9)); err != nil {
		t.Errorf("a week later: %v", err)
	}
	if _, err := fresh(t).Rotate(now, strings.NewReader("short")); err == nil {
		t.Error("a source of chance that runs dry was not noticed")
	}
}

// fullWidth writes a text as a keyboard for Japanese does.
func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if '!' <= r && r <= '~' {
			return r + 0xfee0
		}
		return r
	}, s)
}

// TestCodeAsTyped is docs/faults.md, row 39.
func TestCodeAsTyped(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	code := issue(t, k, noon, 4*time.Hour)
	plain := string(code)
	if g := code.String(); len(g) != 23 || strings.ReplaceAll(g, "-", "") != plain {
		t.Fatalf("grouped: %q", g)
	}
	wrong := func(i int) string {
		b := []byte(plain)
		b[i] = "01"[(strings.IndexByte("0123456789ABCDEFGHJKMNPQRSTVWXYZ", b[i])+1)%2]
		return string(b)
	}
	confuse := strings.NewReplacer("0", "o", "1", "l").Replace(plain)
	good := []string{plain, code.String(), strings.ToLower(code.String()), confuse, strings.ReplaceAll(confuse, "l", "I"), " " + strings.Join(strings.Split(plain, ""), " ") + "\r\n",
		strings.ReplaceAll(code.String(), "-", "\u2013"), strings.ReplaceAll(code.String(), "-", "\u00a0"), "\u200b" + plain + "\ufeff",
		// What comes with a paste.
		"https://www.example.org/waiting-room/en/code?c=" + plain, "<https://www.example.org/waiting-room/en/code?c=" + plain + ">.",
		"https://www.example.org/waiting-room/zh-tw/code?to=%2F&c=" + plain + "&x=1#top", `"` + code.String() + `"`, "\u201c" + plain + "\u201d", "\u00ab" + plain + "\u00bb",
		"code: " + code.String(), "Code:" + plain, "Ihr Code lautet: " + plain + ".", "\u4ee3\u7801\uff1a" + plain, plain + ".", code.String() + " ,", "(" + plain + ")",
		fullWidth(code.String()), "Code " + code.String(), "Your code is " + code.String() + ".", "Su c\u00f3digo es " + plain, "c=" + plain, "?c=" + plain, "&c=" + code.String() + "&to=%2F", `"c=` + plain + `"`}
	for _, s := range good {
		got, expires, err := k.VerifyCode(s, noon)
		if err != nil || got != code || !expires.Equal(noon.Add(4*time.Hour)) {
			t.Errorf("%q: %v until %v, %v", s, got == code, expires, err)
		}
	}
	other := keyring(t, `{"root":"`+root+` but another"}`)
	for _, s := range []string{"", "hello", wrong(3), wrong(11), wrong(19), plain[:19], plain + "0", plain + plain, string(issue(t, other, noon, time.Hour)),
		k.LeaveToken(k.Mailbox("a@example.com"), 1), k.Stamp(noon), "U" + plain[1:], strings.Repeat("-", 300), "8" + plain[1:], "\xff" + plain, "a b c d e f " + plain, plain[:19] + " code", strings.Repeat("0", 20)} {
		if c, _, err := k.VerifyCode(s, noon); !errors.Is(err, bypass.ErrCode) || c != "" {
			t.Errorf("%q: %q, %v", s, string(c), err)
		}
	}
}

// TestCodeOverTime is docs/faults.md, row 42: whatever the minute, the leap day or the change
// of clocks, a code lives exactly as long as its mail says, and two minutes of
// grace.
func TestCodeOverTime(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		zone = time.FixedZone("", -5*3600)
	}
	// Years are 24 bits of minutes from 2020; the longest life must end in them.
	lastIssue := int64(1577836800) + (1<<24-2)*60 - int64(bypass.MaxCodeLife/time.Second)
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1577836800, lastIssue).Draw(t, "now"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
		life := time.Duration(rapid.Int64Range(1, int64(bypass.MaxCodeLife)).Draw(t, "life"))
		code, err := k.IssueCode(now, now.Add(life), chance(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		_, expires, err := k.VerifyCode(code.String(), now.Add(life))
		if err != nil || expires.Before(now.Add(life)) || expires.Sub(now.Add(life)) >= time.Minute {
			t.Fatalf("at its end: until %v, %v", expires, err)
		}
		skew := time.Duration(rapid.Int64Range(-int64(5*time.Minute), int64(bypass.ClockGrace)).Draw(t, "skew"))
		if _, _, err := k.VerifyCode(string(code), expires.Add(skew)); err != nil {
			t.Fatalf("with a clock %v off: %v", skew, err)
		}
		late := expires.Add(bypass.ClockGrace + 1)
		got, until, err := k.VerifyCode(string(code), late)
		if !errors.Is(err, bypass.ErrCodeExpired) || got != code || !until.Equal(expires) {
			t.Fatalf("after its end: %v", err)
		}
	})
	for _, bad := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(bypass.MaxCodeLife + 1)} {
		if _, err := k.IssueCode(noon, bad, chance(1)); err == nil {
			t.Errorf("a code until %v was issued at %v", bad, noon)
		}
	}
	end := time.Date(2051, 11, 25, 0, 0, 0, 0, time.UTC)
	if _, err := k.IssueCode(end, end.Add(time.Hour), chance(1)); err == nil {
		t.Error("a code whose time has no room was issued")
	}
}

// TestPassLife walks a pass from its first issue to its last hour.
func TestPassLife(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	value, err := k.MintPass(bypass.Redeemed, "AbC_-9", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(value, " ;,\"\\=") || len(value) > 120 {
		t.Errorf("%q is not a cookie value", value)
	}
	now, renewals := noon, 0
	for ; ; now = now.Add(time.Minute) {
		p, err := k.VerifyPass(value, now)
		if err != nil {
			break
		}
		if p.Kind != bypass.Redeemed || p.ID != "AbC_-9" || !p.First.Equal(noon) {
			t.Fatalf("a renewal changed who it is: %+v", p)
		}
		next, err := k.RenewPass(p, now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if next != "" {
			if left := p.Expires.Sub(now); left > 30*time.Minute || left <= 29*time.Minute {
				t.Fatalf("renewed with %v left", left)
			}
			if !strings.HasPrefix(next, "2.") || len(next) > 140 {
				t.Fatalf("renewed to %q", next)
			}
			value = next
			renewals++
		}
	}
	if !now.Equal(noon.Add(bypass.MaxPassLife)) || renewals < 40 || renewals > 48 {
		t.Errorf("it lived until %v, with %d renewals", now, renewals)
	}
	for name, f := range map[string]func() (string, error){
		"a kind": func() (string, error) { return k.MintPass("d.9", "x", noon, time.Hour) },
		"an id":  func() (string, error) { return k.MintPass(bypass.Drawn, "a.b", noon, time.Hour) },
		"no id":  func() (string, error) { return k.MintPass(bypass.Drawn, "", noon, time.Hour) },
		"a long life": func() (string, error) {
			return k.PassKeys(noon).Mint(bypass.Pass{Kind: bypass.Drawn, First: noon, Expires: noon.Add(25 * time.Hour), ID: "x"}, noon)
		},
		"no key": func() (string, error) {
			return bypass.PassKeys{}.Mint(bypass.Pass{Kind: bypass.Drawn, First: noon, Expires: noon, ID: "x"}, noon)
		},
	} {
		if v, err := f(); err == nil {
			t.Errorf("%s that is none made the pass %q", name, v)
		}
	}
	if p, err := k.MintPass(bypass.Drawn, "x", noon, 48*time.Hour); err != nil {
		t.Error(err)
	} else if got, _ := k.VerifyPass(p, noon); !got.Expires.Equal(noon.Add(bypass.MaxPassLife)) {
		t.Errorf("a life of two days was given: %v", got.Expires)
	}
}

func TestPassIDs(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	if a, b := k.PassID("ab", "c"), k.PassID("a", "bc"); a == b || a != k.PassID("ab", "c") || len(a) != 16 {
		t.Errorf("ids of what identifies a browser: %q %q", a, b)
	}
	id, err := bypass.NewPassID(chance(1))
	if err != nil || len(id) != 16 {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := k.MintPass(bypass.Redeemed, id, noon, time.Hour); err != nil {
		t.Error(err)
	}
}

func TestStamps(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	s := k.Stamp(noon)
	for _, c := range []struct {
		stamp string
		after time.Duration
		want  error
	}{
		{s, 0, nil}, {s, 2 * time.Hour, nil}, {s, -bypass.ClockGrace, nil}, {s, 2*time.Hour + time.Second, bypass.ErrStampOld},
		{s, -bypass.ClockGrace - time.Second, bypass.ErrStamp}, {s + "x", 0, bypass.ErrStamp}, {"", 0, bypass.ErrStamp}, {"9." + s[2:], 0, bypass.ErrStamp},
		{strings.Replace(s, ".1772366400.", ".1772366500.", 1), 0, bypass.ErrStamp},
	} {
		if err := k.VerifyStamp(c.stamp, noon.Add(c.after), 2*time.Hour); !errors.Is(err, c.want) {
			t.Errorf("%q %v later: %v, want %v", c.stamp, c.after, err, c.want)
		}
	}
}

// TestRolesAreApart is the rule of the package: what is made for one role is
// nothing in any other, of this stack or another.
func TestRolesAreApart(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	other := keyring(t, `{"root":"`+root+` but another"}`)
	roles := map[string]func(k *bypass.Keyring, s string) bool{
		"code":  func(k *bypass.Keyring, s string) bool { _, _, err := k.VerifyCode(s, noon); return err == nil },
		"pass":  func(k *bypass.Keyring, s string) bool { _, err := k.VerifyPass(s, noon); return err == nil },
		"leave": func(k *bypass.Keyring, s string) bool { _, _, err := k.VerifyLeave(s); return err == nil },
		"form":  func(k *bypass.Keyring, s string) bool { return k.VerifyStamp(s, noon, time.Hour) == nil },
	}
	rapid.Check(t, func(t *rapid.T) {
		code, err := k.IssueCode(noon, noon.Add(time.Hour), chance(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "id")
		pass, err := k.MintPass(bypass.Drawn, id, noon, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		joining := rapid.IntRange(0, 1_000_000).Draw(t, "joining")
		leave := k.LeaveToken(k.Mailbox(id), joining)
		key, n, err := k.VerifyLeave(leave)
		if err != nil || key != k.Mailbox(id) || n != joining {
			t.Fatalf("a leave token does not come back: %q %d %v", key, n, err)
		}
		for made, text := range map[string]string{"code": string(code), "pass": pass, "leave": leave, "form": k.Stamp(noon), "mailbox": k.Mailbox(id), "salt": k.DailySalt(noon)} {
			for role, good := range roles {
				if good(other, text) {
					t.Fatalf("another stack takes our %s as its %s", made, role)
				}
				if got, want := good(k, text), made == role; got != want {
					t.Fatalf("the %s %q as a %s: %v", made, text, role, got)
				}
			}
			// One symbol changed is nothing anywhere.
			b := []byte(text)
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			if b[i] == 'x' || b[i] == 'X' {
				continue
			}
			b[i] = 'x'
			for role, good := range roles {
				if good(k, string(b)) {
					t.Fatalf("%q, changed from %q, is a good %s", b, text, role)
				}
			}
		}
	})
}

func TestMailboxNames(t *testing.T) {
	t.Parallel()
	k := fresh(t)
	seen := map[string]bool{}
	for i := range 1000 {
		name := k.Mailbox(fmt.Sprintf("person%d@example.com", i))
		if len(name) != 28 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" || seen[name] {
			t.Fatalf("%q", name)
		}
		seen[name] = true
	}
	if k.DailySalt(noon) == k.DailySalt(noon.Add(12*time.Hour)) || k.DailySalt(noon) != k.DailySalt(noon.In(time.FixedZone("", 3600*9))) {
		t.Error("the salt does not change with the UTC day")
	}
}

func FuzzCode(f *testing.F) {
	k, err := bypass.ParseKeyring([]byte(`{"root":"` + root + `"}`))
	if err != nil {
		f.Fatal(err)
	}
	code := issue(f, k, noon, time.Hour)
	for _, s := range []string{string(code), code.String(), strings.ToLower(code.String()), "", "oOiIlL"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := bypass.ParseCode(s)
		if err != nil {
			if c != "" || !errors.Is(err, bypass.ErrCode) {
				t.Fatalf("%q with %v", string(c), err)
			}
			if _, _, err := k.VerifyCode(s, noon); !errors.Is(err, bypass.ErrCode) {
				t.Fatalf("no code, and yet %v", err)
			}
			return
		}
		again, err := bypass.ParseCode(c.String())
		if err != nil || again != c {
			t.Fatalf("%q reads back as %q, %v", string(c), string(again), err)
		}
		got, _, err := k.VerifyCode(s, noon)
		if err == nil && got != code {
			t.Fatalf("a code that was never issued is good: %q", s)
		}
	})
}

func FuzzPass(f *testing.F) {
	k, err := bypass.ParseKeyring([]byte(`{"root":"` + root + `"}`))
	if err != nil {
		f.Fatal(err)
	}
	pass, err := k.MintPass(bypass.Drawn, "only-one", noon, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pass)
	renewed, err := k.PassKeys(noon).Mint(bypass.NewPass(bypass.Drawn, "only-one", noon, time.Hour), noon)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(renewed)
	f.Add(strings.ToUpper(renewed))
	f.Add("1.0.d.9999999999.1.x.y")
	f.Add("......")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := k.VerifyPass(s, noon)
		if err == nil && s != pass && s != renewed {
			t.Fatalf("a pass that was never made is good: %q", s)
		}
		if err != nil && (p != bypass.Pass{} || !errors.Is(err, bypass.ErrPass)) {
			t.Fatalf("%+v with %v", p, err)
		}
		if _, _, err := k.VerifyLeave(s); err == nil {
			t.Fatalf("%q is a leave token", s)
		}
		if err := k.VerifyStamp(s, noon, time.Hour); err == nil && s != k.Stamp(noon) {
			t.Fatalf("%q is a stamp", s)
		}
	})
}
