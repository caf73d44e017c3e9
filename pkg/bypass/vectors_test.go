package bypass_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"raincheck/pkg/bypass"
)

// TestVectors reads test/vectors/bypass.json, which another program worked out
// from the text of the formats alone. It is the promise that a code mailed by
// one release is good in the next.
func TestVectors(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../test/vectors/bypass.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Secret    json.RawMessage
		Mailboxes []struct{ Mailbox, Name string }
		Salts     []struct {
			At   int64
			Salt string
		}
		PassKeys []struct {
			ID  int
			Key string
		}
		Codes []struct {
			Now, Expires int64
			Random, Code string
		}
		Passes []struct {
			Now, Expires, First int64
			Renew               int64 // 0 in version 1
			Kind, ID, Pass      string
		}
		Leave []struct {
			Key     string
			Joining int
			Token   string
		}
		Stamps []struct {
			At    int64
			Stamp string
		}
	}
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	k := keyring(t, string(v.Secret))
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	n := 0
	same := func(what, got, want string) {
		t.Helper()
		n++
		if got != want || want == "" {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	for _, c := range v.Mailboxes {
		same("the name of "+c.Mailbox, k.Mailbox(c.Mailbox), c.Name)
	}
	for _, c := range v.Salts {
		same("salt", k.DailySalt(at(c.At)), c.Salt)
	}
	keys := k.PassKeys(at(v.Codes[0].Now))
	for i, c := range v.PassKeys {
		same("pass key", keys[i].Key, c.Key)
		if keys[i].ID != c.ID {
			t.Errorf("pass key %d has the id %d", c.ID, keys[i].ID)
		}
	}
	for _, c := range v.Codes {
		random, err := hex.DecodeString(c.Random)
		if err != nil {
			t.Fatal(err)
		}
		code, err := k.IssueCode(at(c.Now), at(c.Expires), bytes.NewReader(random))
		if err != nil {
			t.Fatal(err)
		}
		same("code", string(code), c.Code)
		if _, until, err := k.VerifyCode(c.Code, at(c.Now)); err != nil || until.Sub(at(c.Expires)) >= time.Minute || until.Before(at(c.Expires)) {
			t.Errorf("%s is good until %v, %v", c.Code, until, err)
		}
	}
	for _, c := range v.Passes {
		p := bypass.Pass{Kind: bypass.Kind(c.Kind), First: at(c.First), Expires: at(c.Expires), ID: c.ID}
		if c.Renew != 0 {
			p.Renew = at(c.Renew)
		}
		value, err := k.PassKeys(at(c.Now)).Mint(p, at(c.Now))
		if err != nil {
			t.Fatal(err)
		}
		same("pass", value, c.Pass)
		if got, err := k.VerifyPass(c.Pass, at(c.Now)); err != nil || got != p {
			t.Errorf("%s reads as %+v, %v", c.Pass, got, err)
		}
	}
	for _, c := range v.Leave {
		same("leave token", k.LeaveToken(c.Key, c.Joining), c.Token)
	}
	for _, c := range v.Stamps {
		same("stamp", k.Stamp(at(c.At)), c.Stamp)
	}
	if n < 17 {
		t.Errorf("only %d vectors: the file was cut off", n)
	}
}
