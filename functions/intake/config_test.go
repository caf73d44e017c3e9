package main

import (
	"strings"
	"testing"

	"raincheck/functions/internal/env"
)

// docs/faults.md, row 44: a setting that makes no sense is named, at the start. What the room
// itself can check is the room's to say.
func TestSettingsThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	good := []string{"STACK=raincheck", "TABLE=table", "KEYS_SECRET=arn:keys", "ORIGIN_SECRET=arn:origin", "FROM=queue@example.org", "SITE_HOST=www.example.org", "LANGUAGES=en,es"}
	read := func(c *config, more ...string) error {
		return env.Read(append(append([]string{}, good...), more...), c)
	}
	var c config
	// As the template sets them when they are left out.
	if err := read(&c, "EMBEDDERS=", "FIELDS=[]"); err != nil || len(c.Embedders) != 0 || len(c.fields) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := read(&c, `FIELDS=[{"name":"state","labels":{"en":"State"}}]`, "EMBEDDERS=https://a.example,https://b.example"); err != nil || len(c.fields) != 1 || len(c.Embedders) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	for setting, want := range map[string]string{
		"FIELDS=state":      "FIELDS",
		`FIELDS={"name":1}`: "FIELDS",
		"PASS_LIFE=1":       "PASS_LIFE",
	} {
		if err := read(&config{}, setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", setting, err)
		}
	}
	if err := env.Read(good[:2], &config{}); err == nil || !strings.Contains(err.Error(), "SITE_HOST") || !strings.Contains(err.Error(), "ORIGIN_SECRET") {
		t.Errorf("with most of them missing: %v", err)
	}
}
