package intake_test

import (
	"bytes"
	"compress/gzip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestWhatAPersonReads counts the bytes from the form to the way in, and holds
// docs/costs.md to them: the cached pages compressed, the answer to the sign-up as
// it is, and five times the headers. A site with a logo and a message
// adds a little, and so does a language. The docs round to whole kilobytes.
func TestWhatAPersonReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	total := 0
	for _, path := range []string{"/waiting-room/en/", "/waiting-room/en/code"} {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		if _, err := z.Write([]byte(w.get(path).status(200).body)); err != nil || z.Close() != nil {
			t.Fatal("compressing a page failed")
		}
		total += out.Len()
	}
	joined := w.join("ana@example.org").status(200)
	_, code := w.invited("ben")
	redeemed := w.post("/waiting-room/en/code?c="+string(code), url.Values{}).status(303)
	for _, header := range []map[string][]string{joined.Header, joined.Header, joined.Header, redeemed.Header, redeemed.Header} {
		for name, values := range header {
			total += len(name) + len(values[0]) + len(": \r\n")
		}
	}
	total += len(joined.body)
	text, err := os.ReadFile("../../docs/costs.md")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`5 requests a person \(.*\) and some (\d+) KB`).FindSubmatch(text)
	if said == nil {
		t.Fatal("docs/costs.md does not say how much a person reads of CloudFront")
	}
	if kb, _ := strconv.Atoi(string(said[1])); total > (2*kb+1)<<9 || total < kb<<10*3/4 {
		t.Errorf("a person reads %d bytes, and docs/costs.md says some %d KB", total, kb)
	}
}
