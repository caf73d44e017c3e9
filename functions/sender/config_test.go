package main

import (
	"strings"
	"testing"

	"raincheck/functions/internal/env"
)

// docs/faults.md, row 44: a setting that makes no sense is named, at the start.
func TestSettingsThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	good := []string{"STACK=raincheck", "TABLE=table", "KEYS_SECRET=arn:keys", "CONFIGURATION_SET=set", "FROM=queue@example.org", "SITE_HOST=www.example.org"}
	read := func(c *config, more ...string) error {
		return env.Read(append(append([]string{}, good...), more...), c)
	}
	var c config
	if err := read(&c, "REPLY_TO=help@example.org"); err != nil {
		t.Fatal(err)
	}
	if s := c.settings(); s.From != "queue@example.org" || s.ReplyTo != "help@example.org" || s.Site != "www.example.org" || s.Room != "https://www.example.org/waiting-room" {
		t.Errorf("the settings are %+v", s)
	}
	for setting, want := range map[string]string{
		"REPLY_TO=Help <a@b.c>":      "REPLY_TO",
		"CODE_LIFE=29m":              "CODE_LIFE",
		"CODE_LIFE=169h":             "CODE_LIFE",
		"CODE_LIFE=soon":             "CODE_LIFE",
		"FROM=The site":              "FROM",
		"FROM=The site <a@b.c>":      "FROM",
		"FROM=a@b.c\r\nBcc: x@y.org": "FROM",
		"TEST_ADDRESS=nobody":        "TEST_ADDRESS",
		"MAILER=pigeon":              "MAILER",
		"MAILER=smtp":                "SMTP_HOST",
	} {
		if err := read(&config{}, setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", setting, err)
		}
	}
	if err := env.Read(good[:2], &config{}); err == nil || !strings.Contains(err.Error(), "SITE_HOST") || !strings.Contains(err.Error(), "KEYS_SECRET") {
		t.Errorf("with most of them missing: %v", err)
	}
}
