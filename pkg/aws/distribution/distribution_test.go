package distribution_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"raincheck/pkg/attach"
	"raincheck/pkg/aws/distribution"
	"raincheck/test/emulators/cloudfront"
)

const id = "E2EXAMPLE"

// TestThereAndBackOverTheWire attaches to each recorded configuration through
// the SDK's own client, and detaches: what the service then answers is what it
// answered at first, byte for byte.
func TestThereAndBackOverTheWire(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ file, path string }{
		{"new", "*"}, {"new", "/apply*"}, {"large", "*"}, {"large", "/apply*"}, {"function", "/shop/*"},
		{"lambda", "/shop/*"}, {"errors", "*"}, {"cookies", "/forum/*"}, {"plain", "/secure/*"},
	} {
		t.Run(tc.file+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			server, client := start(t, tc.file)
			ctx := t.Context()
			before := read(t, client)
			for round := range 2 {
				d := read(t, client)
				plan := attach.Attach(parse(t, d.Config), request(d, tc.path))
				if len(plan.Conflicts) > 0 || (len(plan.Steps) == 0) != (round == 1) {
					t.Fatalf("round %d:\n%s", round, plan)
				}
				if err := client.Write(ctx, id, d.ETag, plan.Config); err != nil {
					t.Fatal(err)
				}
			}
			d := read(t, client)
			if err := client.Write(ctx, id, d.ETag, attach.Detach(parse(t, d.Config)).Config); err != nil {
				t.Fatal(err)
			}
			if after := read(t, client); string(after.Config) != string(before.Config) || server.Config(id) != string(before.Config) {
				t.Errorf("detach does not restore the original:\n%s\nwas\n%s", after.Config, before.Config)
			}
		})
	}
}

// TestErrors: each class that a caller branches on, as the service makes it.
func TestErrors(t *testing.T) {
	t.Parallel()
	server, client := start(t, "new")
	ctx := t.Context()
	if _, err := client.Read(ctx, "E0SOMEBODYELSES"); !errors.Is(err, distribution.ErrNotFound) {
		t.Errorf("another account's distribution: %v", err)
	}
	d := read(t, client)
	if err := client.Write(ctx, id, "E0OLD", d.Config); !errors.Is(err, distribution.ErrChanged) {
		t.Errorf("an old ETag: %v", err)
	}
	wrong := strings.Replace(string(d.Config), "<TargetOriginId>web<", "<TargetOriginId>gone<", 1)
	if err := client.Write(ctx, id, d.ETag, []byte(wrong)); !errors.Is(err, distribution.ErrRefused) || !strings.Contains(err.Error(), "NoSuchOrigin") {
		t.Errorf("a behaviour without its origin: %v", err)
	}
	miscounted := strings.Replace(string(d.Config), "<Quantity>1<", "<Quantity>2<", 1)
	if err := client.Write(ctx, id, d.ETag, []byte(miscounted)); !errors.Is(err, distribution.ErrRefused) {
		t.Errorf("a wrong quantity: %v", err)
	}
	server.Meanwhile(id, func(config string) string { return strings.Replace(config, "the site", "our site", 1) })
	d = read(t, client)
	if err := client.Write(ctx, id, d.ETag, d.Config); !errors.Is(err, distribution.ErrChanged) {
		t.Errorf("somebody else's change meanwhile: %v", err)
	}
	if !strings.Contains(server.Config(id), "our site") {
		t.Error("somebody else's change was overwritten")
	}
	server.Deny(true)
	if _, err := client.Read(ctx, id); !errors.Is(err, distribution.ErrDenied) {
		t.Errorf("without permission: %v", err)
	}
}

// TestDeployedPolicyAndOwner reads what attach asks besides the configuration.
func TestDeployedPolicyAndOwner(t *testing.T) {
	t.Parallel()
	server, client := start(t, "new")
	server.Looks = 2
	server.CachePolicy("11111111-0000-0000-0000-000000000001", "whitelist")
	server.CachePolicy("11111111-0000-0000-0000-000000000002", "none")
	ctx := t.Context()
	d := read(t, client)
	if err := client.Write(ctx, id, d.ETag, d.Config); err != nil {
		t.Fatal(err)
	}
	var seen []bool
	for range 3 {
		deployed, err := client.Deployed(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, deployed)
	}
	if want := []bool{false, true, true}; seen[0] != want[0] || seen[1] != want[1] || seen[2] != want[2] {
		t.Errorf("deployed %v, want %v", seen, want)
	}
	for policy, want := range map[string]bool{"11111111-0000-0000-0000-000000000001": true, "11111111-0000-0000-0000-000000000002": false} {
		if got, err := client.CachesByCookie(ctx, policy); err != nil || got != want {
			t.Errorf("policy %s: %v, %v", policy, got, err)
		}
	}
	if owner, err := client.Owner(ctx, d.ARN); err != nil || owner != "" {
		t.Errorf("owner %q, %v", owner, err)
	}
	server.Owner(id, "web-production")
	if owner, err := client.Owner(ctx, d.ARN); err != nil || owner != "web-production" {
		t.Errorf("owner %q, %v", owner, err)
	}
}

// TestWhichServesAHost: the distribution with the very name comes before one with a
// wildcard, as CloudFront itself chooses, whatever their ids.
func TestWhichServesAHost(t *testing.T) {
	t.Parallel()
	server, client := start(t, "large") // example.org and *.example.org
	data, err := os.ReadFile("../../attach/testdata/new.xml")
	if err != nil {
		t.Fatal(err)
	}
	server.Put("E9LATER", data) // www.example.org
	for host, want := range map[string][]string{
		"www.example.org": {"E9LATER", id}, "example.org": {id}, "shop.example.org": {id}, "a.shop.example.org": nil, "example.com": nil,
	} {
		if got, err := client.Serving(t.Context(), host); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", host, got, err, want)
		}
	}
}

func start(t *testing.T, file string) (*cloudfront.Server, *distribution.Client) {
	t.Helper()
	server := &cloudfront.Server{}
	data, err := os.ReadFile("../../attach/testdata/" + file + ".xml")
	if err != nil {
		t.Fatal(err)
	}
	server.Put(id, data)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	return server, distribution.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(listener.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "not-a-secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	})
}

func read(t *testing.T, client *distribution.Client) distribution.Distribution {
	t.Helper()
	d, err := client.Read(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func parse(t *testing.T, config []byte) *attach.Config {
	t.Helper()
	c, err := attach.Parse(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(d distribution.Distribution, path string) attach.Request {
	var others []string // the recorded sites have more names, and accept them all
	for _, name := range regexp.MustCompile(`<CNAME>([^<]+)</CNAME>`).FindAllSubmatch(d.Config, -1) {
		others = append(others, string(name[1]))
	}
	return attach.Request{Host: d.Domain, Domain: d.Domain, AlsoAffects: others, Paths: []string{path}, Room: attach.Room{
		Domain: "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", Secret: "not-a-real-secret", CachePolicy: "11111111-2222-3333-4444-555555555555",
		Throttle: "arn:aws:cloudfront::111122223333:function/raincheck-throttle", Remember: "arn:aws:cloudfront::111122223333:function/raincheck-remember",
	}}
}
