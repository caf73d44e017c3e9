package email

import (
	"fmt"
	"strings"
	"testing"
)

// TestFaultOfEveryStatus is the whole table once more, by what it must say: the
// only codes that stop a mailbox for ever, and the only ones that are ours.
func TestFaultOfEveryStatus(t *testing.T) {
	t.Parallel()
	mailbox := " 5.1.1 5.1.2 5.1.3 5.1.6 5.1.10 5.2.1 "
	ours := " 5.1.7 5.1.8 "
	seen := map[string]bool{}
	for subject := range 10 {
		for detail := range 600 {
			code := fmt.Sprintf("5.%d.%d", subject, detail)
			want := Passing
			switch {
			case strings.Contains(mailbox, " "+code+" "):
				want = Mailbox
			case subject == 7, strings.Contains(ours, " "+code+" "):
				want = Ours
			}
			if got := FaultOf(code); got != want {
				t.Errorf("%s is the fault of %s, want %s", code, got, want)
			}
			if got := FaultOf("4" + code[1:]); got != Passing {
				t.Errorf("the transient 4%s is the fault of %s", code[1:], got)
			}
		}
	}
	for _, s := range statuses {
		code := fmt.Sprintf("%d.%d", s.subject, s.detail)
		if seen[code] || s.meaning == "" {
			t.Errorf("the row of x.%s stands twice or says nothing", code)
		}
		seen[code] = true
	}
	for _, code := range []string{"", "5", "5.1", "5.1.", "5..1", "x.y.z", "550", "5.1.1.1", "5.1.1 user unknown", "2.1.5"} {
		if got := FaultOf(code); got != Passing {
			t.Errorf("%q is the fault of %s", code, got)
		}
	}
	if FaultOf(" 5.1.1 ") != Mailbox {
		t.Error("blanks around a code change it")
	}
}

func TestStatusIn(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"smtp; 550 5.1.1 user unknown": "5.1.1",
		"smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated.": "5.7.26",
		"smtp;550 5.7.1 Unfortunately, messages from [5.1.1.7] weren't sent (S3150)":         "5.7.1",
		"smtp; 550 #5.1.0 Address rejected.":                                                 "5.1.0",
		"5.1.1":                                                                              "5.1.1",
		" 5.1.1 ":                                                                            "5.1.1",
		"5.1.1 user unknown":                                                                 "5.1.1",
		"5.1.10 (recipient has a null MX)":                                                   "5.1.10",
		"#5.1.1":                                                                             "5.1.1",
		"[5.7.1] blocked":                                                                    "5.7.1",
		"550: 5.1.1: unknown.":                                                               "5.1.1",
		"550 (5.1.1)":                                                                        "5.1.1",
		"smtp; 5.1.1 unknown":                                                                "5.1.1",
		"Status: 5.1.1":                                                                      "5.1.1",
		"dsn=5.4.4, status=bounced":                                                          "5.4.4",
		"550-5.1.1 unknown\n550 5.1.1 unknown":                                               "5.1.1",
		"550 [5.1.1.7] is on a list":                                                         "",
		"5.1.1.7":                                                                            "",
		"554 refused by Filter 5.1.1":                                                        "",
		"15.1.1":                                                                             "",
		"Amazon SES did not send the message to this address": "",
		"smtp; 554 blocked using 5.1.1.7":                     "",
		"":                                                    "",
	} {
		if got := StatusIn(words); got != want {
			t.Errorf("%q holds %q, want %q", words, got, want)
		}
	}
}
