package main

import (
	"strings"
	"testing"

	"raincheck/functions/internal/env"
)

// docs/faults.md, row 44: a setting that makes no sense is named, at the start; with it no
// function runs, and the last good decision stands.
func TestSettingsThatMakeNoSenseAreNamed(t *testing.T) {
	t.Parallel()
	good := []string{"STACK=raincheck", "TABLE=table", "QUEUE_URL=https://queue.example/q", "KEYS_SECRET=arn:keys", "EDGE_STORE=arn:store", "EDGE_NAMESPACE=Raincheck/raincheck", "LANGUAGES=en,es"}
	read := func(more ...string) error {
		return env.Read(append(append([]string{}, good...), more...), &config{})
	}
	if err := read(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	for _, fine := range []string{"CAPACITY=0", "TARGET=1", "QUIET_HOURS=22:00-07:00-05:00", "EDGE_FAILURE=hold"} {
		if err := read(fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
	for setting, want := range map[string]string{
		"CAPACITY=-1":                   "capacity",
		"CAPACITY=NaN":                  "capacity",
		"CAPACITY=many":                 "CAPACITY",
		"TARGET=NaN":                    "target",
		"TARGET=-0.9":                   "target",
		"TARGET=90":                     "target",
		"QUEUE_FIRST=1.5":               "queueFirst",
		"FLOOR=-1":                      "floor",
		"MAX_INVITES=-5":                "maxInvitesPerMinute",
		"LAW=obsever":                   "obsever",
		"CODE_LIFE=4":                   "CODE_LIFE",
		"CODE_LIFE=-4h":                 "codeTTL",
		"STALE_SHARE=NaN":               "STALE_SHARE",
		"STALE_SHARE=1.1":               "STALE_SHARE",
		"EDGE_FAILURE=closed":           "EDGE_FAILURE",
		"SAMPLE=0":                      "SAMPLE",
		"QUIET_HOURS=22-7":              "QUIET_HOURS",
		"QUIET_HOURS=29:00-07:00+00:00": "quiet",
		"LOAD_SOURCE=alb-requests":      "resource",
		"LOAD_SOURCE=alb-conections":    "alb-conections",
		"PASS_LIFE=1000h":               "pass",
		"LANGUAGES=EN!":                 "lang",
		"LEAVE_ALONE=api":               "api",
		"STRICT=/Account/":              "lower case",
		"STRICT=/a/../b":                "/a/../b",
		"STRICT=/.well-known/x":         "never gated",
		"STRICT=/" + strings.Repeat("account/", 100): "801 bytes",
		"STRICT=/a" + strings.Repeat("account/", 50) + ",/b" + strings.Repeat("account/", 50) + ",/c" + strings.Repeat("account/", 50): "shorten the 3 strict prefixes",
	} {
		err := read(setting)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v; want an error that names %s", setting, err, want)
		}
	}
	err := read("CAPACITY=-1", "STALE_SHARE=2", "LAW=x")
	for _, want := range []string{"capacity", "STALE_SHARE", "law"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of three mistakes %s is not named: %v", want, err)
		}
	}
	if err := env.Read(good[:2], &config{}); err == nil || !strings.Contains(err.Error(), "QUEUE_URL") {
		t.Errorf("without a queue: %v", err)
	}
}
