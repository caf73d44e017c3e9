//go:build emulators

package smtp

import (
	"bytes"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"raincheck/pkg/email"
	"raincheck/pkg/site"
)

// TestSpamAssassin: an invitation has at most one point of SpamAssassin's five, by
// the rules that need no network.
func TestSpamAssassin(t *testing.T) {
	t.Parallel()
	filter, err := exec.LookPath("spamassassin")
	if err != nil {
		t.Skip("spamassassin is missing on this machine: apt install spamassassin")
	}
	now := time.Now()
	for _, language := range []string{"en", "es"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			to, err := email.Parse("ana.b@example.org")
			if err != nil {
				t.Fatal(err)
			}
			m, err := email.Compose(email.Invitation{
				To: to, Language: language, From: "queue@example.com", ReplyTo: "help@example.com", Room: "https://www.example.com/waiting-room",
				Site: site.Words{Name: "Example Benefits", Contact: "Questions? Call us, 8 am to 8 pm.", Telephone: "+1 800 555 0100", ZoneName: "Eastern time"},
				Code: "ABCDE-FGHJK-MNPQR-STVWX", LeaveToken: "dGhpcyBpcyBub3QgYSB0b2tlbg.4711.c2lnbmF0dXJl", Joined: now.Add(-time.Hour), Expires: now.Add(24 * time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			msg, err := compose(m)
			if err != nil {
				t.Fatal(err)
			}
			// As it arrives: the receiver's server says from where.
			raw := bytes.NewBufferString("Received: from relay.example.com (relay.example.com [54.240.8.10]) by mx.example.org with ESMTPS id 1; " + now.Format(time.RFC1123Z) + "\r\n")
			if _, err := msg.WriteTo(raw); err != nil {
				t.Fatal(err)
			}
			run := exec.CommandContext(t.Context(), filter, "--local", "--test-mode")
			run.Stdin = bytes.NewReader(bytes.ReplaceAll(raw.Bytes(), []byte("\r\n"), []byte("\n")))
			out, err := run.Output()
			if err != nil {
				t.Fatal(err)
			}
			found := regexp.MustCompile(`(?s)X-Spam-Status: \w+, score=(-?[0-9.]+) required=\S+\s+tests=([A-Z0-9_,\s]*)`).FindSubmatch(out)
			if found == nil {
				t.Fatalf("it says no score:\n%s", out)
			}
			t.Logf("score %s of at most 1.0, by %s", found[1], bytes.TrimSpace(found[2]))
			if score, err := strconv.ParseFloat(string(found[1]), 64); err != nil || score > 1 {
				t.Errorf("the score is %s, by %s", found[1], found[2])
			}
		})
	}
}
