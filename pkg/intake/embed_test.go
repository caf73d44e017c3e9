package intake_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"raincheck/pkg/intake"
)

var update = flag.Bool("update", false, "write web/embed.min.js")

// TestEmbedScriptIsFreshAndSmall: what is served is web/embed.js, minified, and
// at most 3 KB of it.
func TestEmbedScriptIsFreshAndSmall(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("web/embed.js")
	if err != nil {
		t.Fatal(err)
	}
	out := api.Transform(string(source), api.TransformOptions{
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Target: api.ES2017, Charset: api.CharsetUTF8,
	})
	if len(out.Errors) > 0 {
		t.Fatal(out.Errors)
	}
	if *update {
		if err := os.WriteFile("web/embed.min.js", out.Code, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(out.Code, intake.EmbedSource()) {
		t.Error("web/embed.min.js is not what web/embed.js gives; to write it: go test ./pkg/intake -update")
	}
	if n := len(intake.EmbedSource()); n > 3<<10 {
		t.Errorf("the script has %d bytes, and at most %d are allowed", n, 3<<10)
	}
}
