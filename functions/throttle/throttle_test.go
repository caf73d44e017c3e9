package throttle

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

var update = flag.Bool("update", false, "minify the functions into shipped/")

var exported = regexp.MustCompile(`export\{([\w$]+) as handler\};?\n?`)

// short is a constant that is a digit or a text. A digit is shorter than a name,
// and so is a text that stands in one place.
var short = regexp.MustCompile(`(?m)^const ([A-Z]+) = (-?\d|'[^']+');.*$`)

var inside = regexp.MustCompile(`(?m)^([ \t]+)const `)

// ship minifies as the template ships. The target leaves out what the minifier
// would otherwise bring in by itself (?. and ?? for a start); the runtime check
// reads what comes out.
func ship(t *testing.T, name, source string) string {
	t.Helper()
	// Inside a function let does what const does, and is shorter.
	source = inside.ReplaceAllString(source, "${1}let ")
	for _, m := range short.FindAllStringSubmatch(source, -1) {
		name := regexp.MustCompile(`\b` + m[1] + `\b`)
		if m[2][0] == '\'' && len(name.FindAllString(source, -1)) > 2 {
			continue
		}
		source = name.ReplaceAllLiteralString(strings.Replace(source, m[0], "", 1), m[2])
	}
	// Exported for the minifier alone, which would rename or drop it otherwise.
	r := api.Transform(source+"\nexport { handler };", api.TransformOptions{
		Loader: api.LoaderJS, Sourcefile: name, Format: api.FormatESModule, Charset: api.CharsetASCII,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
		Target:    api.ES2017,
		Supported: map[string]bool{"object-extensions": false, "destructuring": false, "default-argument": false, "for-of": false},
	})
	for _, m := range r.Errors {
		t.Errorf("%s: %s", name, m.Text)
	}
	export := exported.FindSubmatch(r.Code)
	if export == nil {
		t.Fatalf("%s: the minifier's output exports no handler", name)
	}
	code := strings.Replace(string(r.Code), string(export[0]), "", 1)
	// CloudFront calls it by its name, and nothing in the file does.
	return strings.Replace(code, "function "+string(export[1])+"(", "function handler(", 1)
}

func TestShippedIsFresh(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{"throttle.js": throttleSource, "remember.js": rememberSource} {
		got := ship(t, name, source)
		if *update {
			if err := os.WriteFile("shipped/"+name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile("shipped/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != got {
			t.Errorf("shipped/%s is not what %s says: go test ./functions/throttle -update", name, name)
		}
		if len(have) > MaxShipped {
			t.Errorf("shipped/%s has %d bytes, and at most %d are to ship", name, len(have), MaxShipped)
		}
		if !regexp.MustCompile(`function handler\(`).Match(have) {
			t.Errorf("shipped/%s has no function handler for CloudFront to call", name)
		}
		t.Logf("%s: %d bytes written, %d shipped", name, len(source), len(have))
	}
}

// TestConstantIsJoined holds the template to one place where the constant goes,
// in both forms.
func TestConstantIsJoined(t *testing.T) {
	t.Parallel()
	if n := strings.Count(throttleShipped, placeholder); n != 1 {
		t.Fatalf("the shipped throttle.js names %s %d times, and the template joins once", placeholder, n)
	}
	before, after := ShippedThrottle()
	for form, source := range map[string]string{"written": Throttle("hold"), "shipped": before + "hold" + after} {
		if strings.Contains(source, "global "+placeholder) || !regexp.MustCompile(`["']hold["']`).MatchString(source) {
			t.Errorf("%s: the constant did not go in", form)
		}
	}
	// CloudFormation's Sub reads ${ in a text as its own; the template uses Join,
	// and this keeps the day away on which somebody does not.
	if strings.Contains(throttleShipped+rememberShipped, "${") {
		t.Error("the shipped form has a template literal with an expression")
	}
}
