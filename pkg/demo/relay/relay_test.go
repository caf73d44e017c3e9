package relay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlagsAreCheckedBeforeAnythingBegins: what is wrong is named by its flag, and no
// password is repeated.
func TestFlagsAreCheckedBeforeAnythingBegins(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "login.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	nothing := func(string) (string, bool) { return "", false }
	good := Flags{SMTP: "relay.example.org:587", From: "queue@example.org", SMTPRate: 5}
	for name, c := range map[string]struct {
		change func(*Flags)
		want   string
	}{
		"no port":            {func(f *Flags) { f.SMTP = "relay.example.org" }, "--smtp relay.example.org: want HOST:PORT"},
		"a port of letters":  {func(f *Flags) { f.SMTP = "relay.example.org:smtp" }, "the port is not a number"},
		"port 0":             {func(f *Flags) { f.SMTP = "relay.example.org:0" }, "want a port from 1 to 65535"},
		"a URL":              {func(f *Flags) { f.SMTP = "smtp://relay.example.org:587" }, "--smtp smtp://relay.example.org:587: want HOST:PORT"},
		"nobody writes":      {func(f *Flags) { f.From = "" }, "--from: with --smtp"},
		"a name that writes": {func(f *Flags) { f.From = "Queue <queue@example.org>" }, "by itself"},
		"no rate":            {func(f *Flags) { f.SMTPRate = 0 }, "--smtp-rate 0"},
		"no relay":           {func(f *Flags) { f.SMTP = "" }, "name it with --smtp"},
		"no such file":       {func(f *Flags) { f.SMTPLogin = "/nowhere/login.json" }, "--smtp-login"},
		"a file of words":    {func(f *Flags) { f.SMTPLogin = file("canary-secret") }, "want {"},
		"no user":            {func(f *Flags) { f.SMTPLogin = file(`{"password":"canary-secret"}`) }, "neither empty"},
	} {
		f := good
		c.change(&f)
		if _, err := f.Open(nothing); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := (Flags{}).Open(nothing); r != nil || err != nil {
		t.Errorf("without a relay: %v, %v", r, err)
	}
	for name, f := range map[string]Flags{"the environment": good, "a file": {SMTP: "[::1]:25", From: "queue@example.org", SMTPRate: 0.5, SMTPLogin: file(`{"user":"queue","password":"canary-secret"}`)}} {
		env := map[string]string{"RAINCHECK_SMTP_USER": "queue", "RAINCHECK_SMTP_PASSWORD": "canary-secret"}
		lookup := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
		if user, password, err := f.login(lookup); err != nil || user != "queue" || password != "canary-secret" {
			t.Errorf("the login of %s: %q, %v", name, user, err)
		}
		if r, err := f.Open(lookup); err != nil || r == nil || r.From != f.From {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}
