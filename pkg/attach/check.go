package attach

import (
	"slices"
	"strings"
)

// cookiesInKey are CloudFront's managed cache policies with cookies in the
// cache key.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
var cookiesInKey = []string{
	"2e54312d-136d-493c-8eb9-b001f22f67d2", // Amplify
	"83da9c7e-98b4-4e11-a168-04f0df8e2c65", // UseOriginCacheControlHeaders
	"4cc15a8a-d715-48a4-82b8-cc0b614638fe", // UseOriginCacheControlHeaders-QueryStrings
}

// Policies lists the cache policies that the behaviours use and whose content
// Attach does not know by itself: the caller looks them up and names those
// with cookies in the key in Request.CookiePolicies.
func Policies(c *Config) []string {
	managed := append([]string{
		"658327ea-f89d-4fab-a63d-7e88639e58f6", // CachingOptimized
		"b2884449-e4de-46a7-ac36-70bc7f1ddd6d", // CachingOptimizedForUncompressedObjects
		"4135ea2d-6df8-44a3-9df3-4b5a84be39ad", // CachingDisabled
		"08627262-05a9-4f76-9ded-b50ca2e3a84f", // Elemental-MediaPackage
	}, cookiesInKey...)
	var ids []string
	for _, b := range append(items(c.root.at("CacheBehaviors")), c.root.at("DefaultCacheBehavior")) {
		id := c.text(b, "CachePolicyId")
		if id != "" && c.text(b, "TargetOriginId") != OriginID && !slices.Contains(managed, id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// checkDistribution looks at what holds for the whole distribution; false when
// the document lacks what every distribution has.
func (a *attaching) checkDistribution() bool {
	for _, must := range [][]string{{"DefaultCacheBehavior"}, {"Origins", "Quantity"}} {
		if a.c.root.at(must...) == nil {
			a.conflict("the configuration has no %s: it is not a whole one", must[0])
			return false
		}
	}
	if list := a.c.root.at("CacheBehaviors"); list != nil && list.at("Quantity") == nil {
		a.conflict("the list of behaviours has no Quantity: the configuration is not a whole one")
		return false
	}
	if len(a.r.Paths) == 0 {
		a.conflict("no path to protect was named")
	}
	if !a.serves(a.r.Host) {
		a.conflict("the distribution does not serve %s: it answers to %s", a.r.Host, strings.Join(append(a.aliases(), a.r.Domain), ", "))
	}
	a.checkOtherHosts()
	if a.c.text(a.c.root, "ConnectionMode") == "tenant-only" {
		a.conflict("the distribution serves many tenants (connection mode tenant-only); raincheck protects one host, so each tenant needs a distribution of its own")
	}
	if a.c.text(a.c.root, "Enabled") == "false" {
		a.warn("the distribution is disabled")
	}
	if a.c.text(a.c.root, "Staging") == "true" {
		a.warn("this is a staging distribution: what is attached here goes live when it is promoted")
	}
	if a.c.text(a.c.root, "ContinuousDeploymentPolicyId") != "" {
		a.warn("a staging distribution is in use (continuous deployment): visitors sent there are not protected, and promoting it would take raincheck off; attach there too")
	}
	var codes []string
	for _, e := range items(a.c.root.at("CustomErrorResponses")) {
		codes = append(codes, a.c.text(e, "ErrorCode"))
	}
	if len(codes) > 0 {
		a.warn("the distribution has error pages of its own for %s; they replace the waiting room's answers with such a status too. What a person must read there never has one of these, so nothing is lost but the API's own page when it is down", strings.Join(codes, ", "))
	}
	return true
}

// checkOtherHosts refuses a distribution with other names than the host, unless
// all of them are named and accepted: a behaviour is for every name.
func (a *attaching) checkOtherHosts() {
	same := func(name string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(name, other) }
	}
	aliases := a.aliases()
	var accepted, unnamed []string
	for _, name := range aliases {
		switch {
		case strings.EqualFold(name, a.r.Host):
		case slices.ContainsFunc(a.r.AlsoAffects, same(name)):
			accepted = append(accepted, name)
		default:
			unnamed = append(unnamed, name)
		}
	}
	for _, name := range a.r.AlsoAffects {
		if !slices.ContainsFunc(aliases, same(name)) {
			a.conflict("--also-affects names %s, and the distribution does not answer to it", name)
		}
	}
	const happens = "who is turned away there joins the waiting room of %s and is mailed a link to that host, and the pass it gives is good there alone"
	if len(unnamed) > 0 {
		a.conflict("the distribution answers to %s too, and its behaviours are the same for every name: "+happens+". Give them a distribution of their own, or accept it with --also-affects '%s'",
			strings.Join(unnamed, ", "), a.r.Host, strings.Join(append(accepted, unnamed...), ","))
	} else if len(accepted) > 0 {
		a.warn("%s: "+happens, strings.Join(accepted, ", "), a.r.Host)
	}
}

func (a *attaching) aliases() []string {
	var names []string
	for _, alias := range items(a.c.root.at("Aliases")) {
		names = append(names, a.c.text(&element{children: []*element{alias}}, alias.name))
	}
	return names
}

// serves says whether the distribution answers for host; an alias may be a
// wildcard for one label.
func (a *attaching) serves(host string) bool {
	return slices.ContainsFunc(append(a.aliases(), a.r.Domain), func(name string) bool {
		if strings.EqualFold(name, host) {
			return true
		}
		rest, wild := strings.CutPrefix(name, "*.")
		_, parent, dotted := strings.Cut(host, ".")
		return wild && dotted && strings.EqualFold(rest, parent)
	})
}

// mayProtect refuses a behaviour on which the two functions cannot stand.
func (a *attaching) mayProtect(name string, b *element) bool {
	before := len(a.plan.Conflicts)
	for _, f := range items(b.at("FunctionAssociations")) {
		arn, event := a.c.text(f, "FunctionARN"), a.c.text(f, "EventType")
		if !slices.Contains(a.functions, arn) {
			a.conflict("%s has the function %s on %s already, and CloudFront allows one for an event; join the two into one function, or protect other paths", name, last(arn, "/"), event)
		}
	}
	for _, f := range items(b.at("LambdaFunctionAssociations")) {
		if event := a.c.text(f, "EventType"); strings.HasPrefix(event, "viewer-") {
			a.conflict("%s has Lambda@Edge (%s) on %s, and CloudFront does not allow a function beside it; move it to origin-request or origin-response, or protect other paths", name, last(a.c.text(f, "LambdaFunctionARN"), "function:"), event)
		}
	}
	if a.c.text(b, "ViewerProtocolPolicy") == "allow-all" {
		a.conflict("%s takes plain HTTP, where a browser keeps no pass (its cookie is Secure) and a visitor would be asked to wait again and again; set its viewer protocol policy to redirect-to-https first", name)
	}
	return len(a.plan.Conflicts) == before
}

// noteCookies remembers a behaviour about to be protected that caches by
// cookie.
func (a *attaching) noteCookies(b *element) {
	forward := a.c.text(b, "ForwardedValues", "Cookies", "Forward")
	policy := a.c.text(b, "CachePolicyId")
	if forward == "all" || forward == "whitelist" || slices.Contains(cookiesInKey, policy) || slices.Contains(a.r.CookiePolicies, policy) {
		if name := a.c.describe(b); !slices.Contains(a.byCookie, name) {
			a.byCookie = append(a.byCookie, name)
		}
	}
}

func (a *attaching) warnOfCookies() {
	if len(a.byCookie) > 0 {
		a.warn("cached by cookie: %s. throttle takes raincheck's own cookie out of the request before the cache is asked, so the hit rate stays; look at it after the first hour", strings.Join(a.byCookie, ", "))
	}
}

// warnOfPaths says what narrow paths do not do, and what strict paths need.
func (a *attaching) warnOfPaths() {
	const strict = "under the stack's parameter Strict, webhooks and pages that another site posts to carry no pass: name them in LeaveAlone"
	if slices.Contains(a.r.Paths, "*") {
		a.warn("%s", strict)
		return
	}
	a.warn("pages alone are asked at %s: a page elsewhere whose script moves there by itself is not, and only its calls reach the site. Protect the paths of those calls too, and make their prefixes strict; %s", strings.Join(a.r.Paths, ", "), strict)
}

func last(s, sep string) string {
	return s[strings.LastIndex(s, sep)+len(sep):]
}
