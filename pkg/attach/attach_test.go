package attach_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"raincheck/pkg/attach"
	"raincheck/pkg/gate"
	"raincheck/test/template"
)

var update = flag.Bool("update", false, "write the golden plans and fragments")

var room = attach.Room{
	Domain:              "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
	Secret:              "not-a-real-secret",
	CachePolicy:         "11111111-2222-3333-4444-555555555555",
	OriginRequestPolicy: "66666666-7777-8888-9999-000000000000",
	Throttle:            "arn:aws:cloudfront::111122223333:function/raincheck-throttle",
	Remember:            "arn:aws:cloudfront::111122223333:function/raincheck-remember",
}

// cases are the recorded configurations of testdata, in the form in which
// CloudFront answers GetDistributionConfig, and what is asked for each.
var cases = []struct {
	name, file, host string
	paths            []string
	refused          bool
}{
	{"a new distribution, all of it", "new", "www.example.org", []string{"*"}, false},
	{"a new distribution, one path", "new", "www.example.org", []string{"/apply*"}, false},
	{"the distribution's own name", "new", "d111111abcdef8.cloudfront.net", []string{"*"}, false},
	{"a host that is not served", "new", "www.example.com", []string{"*"}, true},
	{"a large one: a new path, one that is there, one inside another", "large", "www.example.org", []string{"/apply*", "/account*", "/api/v1/start"}, false},
	{"a large one: all of it", "large", "example.org", []string{"*"}, false},
	{"a large one: a path below one that is covered", "large", "example.org", []string{"*", "/apply*"}, false},
	{"a large one: a part that takes plain HTTP", "large", "example.org", []string{"/old/*"}, true},
	{"a viewer function is there", "function", "www.example.org", []string{"*"}, true},
	{"a viewer function is there: a copy of that behaviour", "function", "www.example.org", []string{"/apply*"}, true},
	{"a viewer function elsewhere", "function", "www.example.org", []string{"/shop/*"}, false},
	{"Lambda@Edge on viewer requests", "lambda", "www.example.org", []string{"*"}, true},
	{"Lambda@Edge on origin responses", "lambda", "www.example.org", []string{"/shop/*"}, false},
	{"custom error responses", "errors", "app.example.org", []string{"*"}, false},
	{"caching by cookie", "cookies", "www.example.org", []string{"*", "/shop/*", "/forum/*"}, false},
	{"plain HTTP is allowed", "plain", "d111111abcdef8.cloudfront.net", []string{"*"}, true},
	{"plain HTTP elsewhere", "plain", "d111111abcdef8.cloudfront.net", []string{"/secure/*"}, false},
	{"a path of the room", "new", "www.example.org", []string{"/waiting-room/x"}, true},
	{"paths that are none", "new", "www.example.org", []string{"apply", "/ä", ""}, true},
}

func request(host string, paths ...string) attach.Request {
	return attach.Request{Host: host, Domain: "d111111abcdef8.cloudfront.net", Paths: paths, Room: room,
		CookiePolicies: []string{"9d0f5a66-8a3e-4f0c-8d1c-0f7c9a5b2e10"}}
}

// accepting is the request with every other name of the distribution accepted.
func accepting(r attach.Request, original []byte) attach.Request {
	for _, m := range regexp.MustCompile(`<CNAME>([^<]+)</CNAME>`).FindAllSubmatch(original, -1) {
		if name := string(m[1]); name != r.Host {
			r.AlsoAffects = append(r.AlsoAffects, name)
		}
	}
	return r
}

// TestThereAndBack: attach changes what it says and nothing else, a second
// attach changes nothing, and detach restores the original byte for byte.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	var plans strings.Builder
	for _, tc := range cases {
		for _, form := range []string{"indented", "as on the wire"} {
			original := read(t, tc.file)
			if form == "as on the wire" {
				original = onTheWire(original)
			}
			plan := attach.Attach(parse(t, original), accepting(request(tc.host, tc.paths...), original))
			if form == "indented" {
				fmt.Fprintf(&plans, "# %s: %s for %s\n%s\n", tc.name, strings.Join(tc.paths, " "), tc.host, plan)
			}
			if tc.refused {
				if len(plan.Conflicts) == 0 || plan.Config != nil || len(plan.Steps) > 0 {
					t.Errorf("%s: not refused:\n%s", tc.name, plan)
				}
				continue
			}
			if len(plan.Conflicts) > 0 || len(plan.Steps) == 0 {
				t.Errorf("%s: refused or empty:\n%s", tc.name, plan)
				continue
			}
			consistent(t, tc.name, plan.Config)
			again := attach.Attach(parse(t, plan.Config), accepting(request(tc.host, tc.paths...), original))
			if len(again.Steps) > 0 || len(again.Conflicts) > 0 || !bytes.Equal(again.Config, plan.Config) {
				t.Errorf("%s: the second time is not a no-op:\n%s", tc.name, again)
			}
			back := attach.Detach(parse(t, plan.Config))
			if len(back.Steps) < len(plan.Steps) {
				t.Errorf("%s: %d steps there, %d back", tc.name, len(plan.Steps), len(back.Steps))
			}
			if !bytes.Equal(back.Config, original) {
				t.Errorf("%s (%s): detach does not restore the original:\n%s", tc.name, form, back.Config)
			}
			if rest := attach.Detach(parse(t, back.Config)); len(rest.Steps) > 0 || !bytes.Equal(rest.Config, original) {
				t.Errorf("%s: detach twice:\n%s", tc.name, rest)
			}
			if strings.Contains(plan.String(), room.Secret) || !bytes.Contains(plan.Config, []byte(room.Secret)) {
				t.Errorf("%s: the secret belongs into the configuration and into no plan", tc.name)
			}
		}
	}
	golden := filepath.Join("testdata", "plans.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(plans.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if plans.String() != string(want) {
		t.Errorf("the plans are not those of %s (to write them: go test ./pkg/attach -update):\n%s", golden, plans.String())
	}
}

// TestOnlyWhatIsNamedChanges takes the large configuration apart: without what
// attach added, each line of it is there still, in order, the setting too that
// no SDK knows.
func TestOnlyWhatIsNamedChanges(t *testing.T) {
	t.Parallel()
	original := read(t, "large")
	plan := attach.Attach(parse(t, original), accepting(request("example.org", "/apply*", "/account*"), read(t, "large")))
	rest := plan.Config
	for line := range bytes.Lines(original) {
		text := bytes.TrimSpace(line)
		if bytes.HasPrefix(text, []byte("<Quantity>")) || bytes.Equal(text, []byte("<FunctionAssociations>")) || bytes.Equal(text, []byte("</FunctionAssociations>")) {
			continue
		}
		_, after, found := bytes.Cut(rest, text)
		if !found {
			t.Fatalf("%s is gone, or has moved", text)
		}
		rest = after
	}
	if !bytes.Contains(plan.Config, []byte("<Mode>careful</Mode>")) {
		t.Error("the setting of next year is gone")
	}
}

// TestCopyStandsWhereItsRequestsWentBefore: precedence is by order, so a copy
// must come before the behaviour that it is a copy of, and behind everything
// that was asked before that one.
func TestCopyStandsWhereItsRequestsWentBefore(t *testing.T) {
	t.Parallel()
	plan := attach.Attach(parse(t, read(t, "large")), accepting(request("example.org", "/api/v1/start", "/apply*"), read(t, "large")))
	var got []string
	for _, m := range regexp.MustCompile(`<PathPattern>([^<]*)`).FindAllSubmatch(plan.Config, -1) {
		got = append(got, string(m[1]))
	}
	want := []string{"/waiting-room", "/waiting-room/*", "/static/*", "*.css", "*.js", "/api/v2/*", "/api/v1/start", "/api/*", "/apply/documents/*", "/account*", "/old/*", "/apply*"}
	if !slices.Equal(got, want) {
		t.Errorf("precedence %q, want %q", got, want)
	}
}

// TestWhatSomebodyChangedSince: between attach and detach the site goes on
// living. Its changes stay, and a behaviour that attach made but somebody has
// since made their own is left to them.
func TestWhatSomebodyChangedSince(t *testing.T) {
	t.Parallel()
	attached := attach.Attach(parse(t, read(t, "large")), accepting(request("example.org", "/apply*", "/account*"), read(t, "large"))).Config

	t.Run("a new behaviour and another price class", func(t *testing.T) {
		t.Parallel()
		change := func(config []byte) []byte {
			s := strings.Replace(string(config), "PriceClass_All", "PriceClass_100", 1)
			return []byte(strings.Replace(s, "/account*", "/accounts*", 1))
		}
		back := attach.Detach(parse(t, change(attached)))
		if !bytes.Equal(back.Config, change(read(t, "large"))) {
			t.Errorf("detach touched what somebody else changed:\n%s", back)
		}
	})
	t.Run("the copy has another cache policy", func(t *testing.T) {
		t.Parallel()
		at := bytes.Index(attached, []byte("<PathPattern>/apply*<"))
		changed := append(slices.Clone(attached[:at]),
			bytes.Replace(attached[at:], []byte("7a1c2e0a-52f4-4a0d-8a5e-3c6b0a9f2d11"), []byte("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"), 1)...)
		back := attach.Detach(parse(t, changed))
		if !bytes.Contains(back.Config, []byte("<PathPattern>/apply*<")) || len(back.Warnings) != 1 {
			t.Errorf("the behaviour was thrown away, or nobody was told:\n%s", back)
		}
		if bytes.Contains(back.Config, []byte("raincheck")) {
			t.Errorf("something of raincheck is left:\n%s", back.Config)
		}
		consistent(t, "after detach", back.Config)
	})
}

// TestTheStackChanges: another secret, another API, another stack.
func TestTheStackChanges(t *testing.T) {
	t.Parallel()
	attached := attach.Attach(parse(t, read(t, "new")), request("www.example.org", "*", "/apply*")).Config
	renewed := request("www.example.org", "*")
	renewed.Room.Secret, renewed.Room.CachePolicy = "the-next-secret", "66666666-2222-3333-4444-555555555555"
	plan := attach.Attach(parse(t, attached), renewed)
	if len(plan.Steps) != 2 || bytes.Contains(plan.Config, []byte(room.Secret)) || !bytes.Contains(plan.Config, []byte("the-next-secret")) {
		t.Errorf("the secret was not renewed:\n%s", plan)
	}
	if back := attach.Detach(parse(t, plan.Config)); !bytes.Equal(back.Config, read(t, "new")) {
		t.Errorf("detach after a renewal:\n%s", back.Config)
	}
	other := request("www.example.org", "*")
	other.Room.Throttle, other.Room.Remember = room.Throttle+"-2", room.Remember+"-2"
	if plan := attach.Attach(parse(t, attached), other); len(plan.Conflicts) == 0 {
		t.Errorf("another stack was attached over the first:\n%s", plan)
	}
}

// TestWithoutItsNote: a distribution that the template or the fragment made has
// the origin and no note. Half of raincheck is never taken off: the functions
// would send people to a room that is gone. To attach once more writes the note.
func TestWithoutItsNote(t *testing.T) {
	t.Parallel()
	attached := attach.Attach(parse(t, read(t, "new")), request("www.example.org", "*")).Config
	bare := bytes.Replace(attached, []byte("<HeaderName>"+attach.NoteHeader+"<"), []byte("<HeaderName>x-another<"), 1)
	plan := attach.Detach(parse(t, bare))
	if len(plan.Conflicts) != 1 || len(plan.Steps) > 0 || plan.Config != nil {
		t.Fatalf("detach without the note:\n%s", plan)
	}
	again := attach.Attach(parse(t, bare), request("www.example.org", "*"))
	if len(again.Steps) != 1 || len(again.Conflicts) > 0 {
		t.Fatalf("attach writes the note again:\n%s", again)
	}
	if back := attach.Detach(parse(t, again.Config)); !bytes.Equal(back.Config, read(t, "new")) {
		t.Errorf("detach after that:\n%s", back.Config)
	}
}

// TestWhatIsNoConfiguration is refused before anything is planned.
func TestWhatIsNoConfiguration(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "<DistributionConfig>", "<Distribution></Distribution>", "<a></b>"} {
		if _, err := attach.Parse([]byte(text)); err == nil {
			t.Errorf("%q was taken as a configuration", text)
		}
	}
	c := parse(t, []byte("<DistributionConfig></DistributionConfig>"))
	if plan := attach.Attach(c, request("www.example.org", "*")); len(plan.Conflicts) == 0 {
		t.Error("an empty configuration was taken")
	}
	if plan := attach.Detach(c); len(plan.Steps) > 0 {
		t.Errorf("detach found something in nothing:\n%s", plan)
	}
}

// TestPatterns holds the two questions about patterns to brute force: regular
// expressions over all short paths.
func TestPatterns(t *testing.T) {
	t.Parallel()
	var paths []string
	var grow func(string)
	grow = func(p string) {
		paths = append(paths, p)
		if len(p) < 6 {
			grow(p + "a")
			grow(p + "b")
		}
	}
	grow("/")
	glob := rapid.StringMatching(`/[ab*?]{0,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := glob.Draw(t, "a"), glob.Draw(t, "b")
		ra, rb := expression(a), expression(b)
		both, onlyB := false, false
		for _, p := range paths {
			switch inA, inB := ra.MatchString(p), rb.MatchString(p); {
			case inA && inB:
				both = true
			case inB:
				onlyB = true
			}
		}
		if got := attach.Overlaps(a, b); got != both {
			t.Fatalf("overlaps(%q, %q) = %v", a, b, got)
		}
		if attach.Covers(a, b) && onlyB {
			t.Fatalf("covers(%q, %q), but a path is only in the second", a, b)
		}
		if !strings.Contains(a+b, "?") && !attach.Covers(a, b) && !onlyB && !strings.Contains(a+b, "**") {
			// With two characters and short paths brute force may miss a path that
			// only b matches; a longer or third character would tell. Only exact
			// prefixes are certain.
			if strings.HasSuffix(a, "*") && strings.Count(a, "*") == 1 && strings.HasPrefix(b, strings.TrimSuffix(a, "*")) {
				t.Fatalf("covers(%q, %q) = false", a, b)
			}
		}
	})
}

func expression(glob string) *regexp.Regexp {
	s := regexp.QuoteMeta(glob)
	s = strings.ReplaceAll(s, `\*`, `.*`)
	return regexp.MustCompile("^" + strings.ReplaceAll(s, `\?`, `.`) + "$")
}

// FuzzParse: whatever comes is refused, or planned on without a panic and
// without a byte changed where nothing has to.
func FuzzParse(f *testing.F) {
	// Small ones: with a recorded configuration the fuzzer spends its time on
	// making its finds shorter.
	f.Add([]byte("<DistributionConfig><Origins><Quantity>0</Quantity></Origins><DefaultCacheBehavior></DefaultCacheBehavior></DistributionConfig>"))
	f.Add([]byte("<DistributionConfig><Aliases><Quantity>1</Quantity><Items><CNAME>www.example.org</CNAME></Items></Aliases><Origins><Quantity>0</Quantity><Items/></Origins>" +
		"<DefaultCacheBehavior><FunctionAssociations><Quantity>0</Quantity></FunctionAssociations></DefaultCacheBehavior>" +
		"<CacheBehaviors><Quantity>1</Quantity><Items><CacheBehavior><PathPattern>/a*</PathPattern></CacheBehavior></Items></CacheBehaviors></DistributionConfig>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := attach.Parse(data)
		if err != nil {
			return
		}
		if back := attach.Detach(c); len(back.Steps)+len(back.Conflicts) == 0 && !bytes.Equal(back.Config, data) {
			t.Error("no step, but another configuration")
		}
		attach.Attach(c, request("www.example.org", "*", "/apply*"))
	})
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, data []byte) *attach.Config {
	t.Helper()
	c, err := attach.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onTheWire takes out the indentation of testdata.
func onTheWire(data []byte) []byte {
	return regexp.MustCompile(`>\n\s*<`).ReplaceAll(data, []byte("><"))
}

// consistent checks what CloudFront checks: each Quantity counts its Items.
func consistent(t *testing.T, name string, config []byte) {
	t.Helper()
	var root node
	if err := xml.Unmarshal(config, &root); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	root.check(t, name)
}

// node is any element of XML.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

func (n node) check(t *testing.T, name string) {
	t.Helper()
	quantity, members := "", 0
	for _, child := range n.Children {
		switch child.XMLName.Local {
		case "Quantity":
			quantity = child.Text
		case "Items":
			members = len(child.Children)
		}
		child.check(t, name)
	}
	if quantity != "" && quantity != strconv.Itoa(members) {
		t.Errorf("%s: %s says %s and has %d", name, n.XMLName.Local, quantity, members)
	}
}

// TestFragments are for those whose distribution belongs to another tool: the
// same facts, no secret, and the same refusals.
func TestFragments(t *testing.T) {
	t.Parallel()
	stack, generated := deployed(t)
	secret := stack.Outputs["OriginSecretArn"]
	var all strings.Builder
	for _, tool := range []attach.Tool{attach.CloudFormation, attach.Terraform} {
		text, err := attach.Fragment(parse(t, read(t, "large")), accepting(request("example.org", "/apply*", "/account*"), read(t, "large")), tool, secret, "a-version")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, room.Secret) || !strings.Contains(text, secret) {
			t.Errorf("%s: the secret itself belongs into no fragment", tool)
		}
		if got := sentAs(t, tool, text, secret, generated); got != generated {
			t.Errorf("%s: the origin is sent %q in %s, and the secret is %q", tool, got, gate.OriginHeader, generated)
		}
		all.WriteString(text + "\n")
	}
	golden := filepath.Join("testdata", "fragments.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("the fragments are not those of %s (to write them: go test ./pkg/attach -update):\n%s", golden, all.String())
	}
	if _, err := attach.Fragment(parse(t, read(t, "plain")), request("d111111abcdef8.cloudfront.net", "*"), attach.Terraform, secret, "a-version"); err == nil {
		t.Error("a fragment for what attach refuses")
	}
}

// deployed is the stack that the template makes, and its origin secret as Secrets
// Manager generates it.
func deployed(t *testing.T) (*template.Stack, string) {
	t.Helper()
	tmpl, err := template.Read(template.Main)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := tmpl.Deploy("raincheck", map[string]string{"SiteHost": "www.example.org", "FromAddress": "queue@example.org", "MailIdentity": "example.org"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	generated, err := stack.Secret("OriginSecret")
	if err != nil {
		t.Fatal(err)
	}
	return stack, generated
}

// sentAs is the value of the origin header as the tool that owns the distribution
// makes it of the fragment and of the secret's text.
func sentAs(t *testing.T, tool attach.Tool, fragment, arn, text string) string {
	t.Helper()
	if tool == attach.Terraform {
		file, diagnostics := hclsyntax.ParseConfig([]byte(fragment), "fragment.tf", hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatalf("it is not HCL: %v", diagnostics)
		}
		context := &hcl.EvalContext{Variables: map[string]cty.Value{"data": cty.ObjectVal(map[string]cty.Value{
			"aws_secretsmanager_secret_version": cty.ObjectVal(map[string]cty.Value{"raincheck_origin": cty.ObjectVal(map[string]cty.Value{"secret_string": cty.StringVal(text)})}),
		})}}
		for _, origin := range file.Body.(*hclsyntax.Body).Blocks {
			for _, header := range origin.Body.Blocks {
				if header.Type == "custom_header" {
					value, diagnostics := header.Body.Attributes["value"].Expr.Value(context)
					if diagnostics.HasErrors() {
						t.Fatalf("the header's value: %v", diagnostics)
					}
					return value.AsString()
				}
			}
		}
		t.Fatal("no origin has a custom header")
	}
	var document struct {
		Origins []struct {
			OriginCustomHeaders []struct{ HeaderName, HeaderValue string } `yaml:"OriginCustomHeaders"`
		} `yaml:"Origins"`
	}
	var raw map[string]any
	if err := yaml.Unmarshal([]byte(fragment), &raw); err != nil {
		t.Fatalf("it is not YAML: %v", err)
	}
	encoded, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(encoded, &document)
	}
	if err != nil || len(document.Origins) != 1 || len(document.Origins[0].OriginCustomHeaders) != 1 {
		t.Fatalf("the fragment has no origin with one header: %v, %+v", err, document)
	}
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
	reference := regexp.MustCompile(`^\{\{resolve:secretsmanager:(arn:[^:]+:secretsmanager:[^:]+:[^:]+:secret:[^:]+):SecretString(?::([^:]*)::([^:]+))?\}\}$`)
	m := reference.FindStringSubmatch(document.Origins[0].OriginCustomHeaders[0].HeaderValue)
	switch {
	case m == nil || m[1] != arn:
		t.Fatalf("CloudFormation cannot resolve %q", document.Origins[0].OriginCustomHeaders[0].HeaderValue)
	case m[2] != "":
		var keys map[string]string
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			t.Fatalf("the key %s of a secret that is not JSON: %v", m[2], err)
		}
		return keys[m[2]]
	}
	return text
}

// TestFormerPattern: a distribution that an earlier release attached gets the two
// patterns in the place of the one that took the site's own /waiting-rooms.
func TestFormerPattern(t *testing.T) {
	t.Parallel()
	r := request("www.example.org", "*")
	now := attach.Attach(parse(t, read(t, "new")), r).Config
	room := regexp.MustCompile(`(?s)<CacheBehavior><PathPattern>/waiting-room</PathPattern>.*?</CacheBehavior>`)
	former := room.ReplaceAll(now, nil)
	former = bytes.Replace(former, []byte("<PathPattern>/waiting-room/*<"), []byte("<PathPattern>/waiting-room*<"), 1)
	former = bytes.Replace(former, []byte("<CacheBehaviors><Quantity>2<"), []byte("<CacheBehaviors><Quantity>1<"), 1)
	if a := attach.Look(parse(t, former), r.Room); !a.Room {
		t.Error("what an earlier release attached does not count as attached")
	}
	plan := attach.Attach(parse(t, former), r)
	if len(plan.Conflicts) > 0 || bytes.Contains(plan.Config, []byte("/waiting-room*")) || len(room.FindAll(plan.Config, -1)) != 1 {
		t.Fatalf("%s\n%s", plan, plan.Config)
	}
	if again := attach.Attach(parse(t, plan.Config), r); len(again.Steps) > 0 {
		t.Errorf("attached, it is to be changed again: %s", again)
	}
}

// TestSeveralHosts: a distribution with other names than the host is refused until
// each of them is accepted by its name.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	large := read(t, "large")
	for _, story := range []struct {
		also     []string
		conflict string
		warning  string
	}{
		{nil, "the distribution answers to example.org, *.example.org too", ""},
		{[]string{"*.example.org"}, "accept it with --also-affects '*.example.org,example.org'", ""},
		{[]string{"Example.org", "*.example.org"}, "", "example.org, *.example.org: who is turned away there joins the waiting room of www.example.org"},
		{[]string{"example.org", "*.example.org", "shop.example.net"}, "--also-affects names shop.example.net, and the distribution does not answer to it", ""},
	} {
		r := request("www.example.org", "/apply*")
		r.AlsoAffects = story.also
		plan := attach.Attach(parse(t, large), r)
		if conflicts := strings.Join(plan.Conflicts, "\n"); (story.conflict == "") != (conflicts == "") || !strings.Contains(conflicts, story.conflict) {
			t.Errorf("%q: the conflicts are %q", story.also, conflicts)
		}
		if !strings.Contains(strings.Join(plan.Warnings, "\n"), story.warning) {
			t.Errorf("%q: the warnings are %q", story.also, plan.Warnings)
		}
	}
}

// TestRenew: the origin alone changes, and a distribution that attach has not
// changed is refused.
func TestRenew(t *testing.T) {
	t.Parallel()
	original := read(t, "new")
	attached := attach.Attach(parse(t, original), request("www.example.org", "/apply*")).Config
	next := room
	next.Secret = "another-secret-of-a-test"
	plan := attach.Renew(parse(t, attached), next)
	if want := bytes.ReplaceAll(attached, []byte(room.Secret), []byte(next.Secret)); !bytes.Equal(plan.Config, want) || len(plan.Steps) != 1 {
		t.Errorf("%s\n%s", plan, plan.Config)
	}
	if got := attach.SentSecret(parse(t, plan.Config)); got != next.Secret {
		t.Errorf("it sends %q", got)
	}
	if again := attach.Renew(parse(t, plan.Config), next); len(again.Steps) != 0 {
		t.Errorf("a second time: %s", again)
	}
	if plan := attach.Renew(parse(t, original), next); len(plan.Conflicts) != 1 || plan.Config != nil || attach.SentSecret(parse(t, original)) != "" {
		t.Errorf("not attached: %s", plan)
	}
}
