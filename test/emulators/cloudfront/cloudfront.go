// Package cloudfront is a stand-in for the part of CloudFront's API that
// raincheck attach uses: a small real server, spoken to by the SDK's own
// client. It checks what the service checks and a client can get wrong: the
// ETag of a write, each Quantity against its Items, the target of each
// behaviour, one function for an event and none beside Lambda@Edge, a path
// pattern twice, the number of behaviours, what may not change. A change takes
// a number of looks until it is deployed, and an unknown setting is kept, as
// the service keeps those that are newer than a client.
//
// Like the service it does not keep a client's white space.
package cloudfront

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const namespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/"

// Server is the stand-in. The zero value has no distribution.
type Server struct {
	// Looks is how often a distribution answers InProgress after a change
	// before it answers Deployed.
	Looks int
	// MaxBehaviours is the quota of behaviours, the default one not counted;
	// 0 means 25, the service's old default, so that a plan that needs more
	// is one that asks much.
	MaxBehaviours int

	mu            sync.Mutex
	distributions map[string]*distribution
	functions     []string
	policies      map[string]string // cache policy → its cookie behaviour
	code          map[string]string // function → what its live stage runs
	try           Try
	broken        int
	denied        bool
	calls         map[string]int
}

type distribution struct {
	config   string
	version  int
	progress int
	owner    string
	// meanwhile runs once, between a client's read and its write.
	meanwhile func(config string) string
}

// Put makes a distribution, or changes it as somebody else would.
func (s *Server) Put(id string, config []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.distributions == nil {
		s.distributions = map[string]*distribution{}
	}
	d := s.distributions[id]
	if d == nil {
		d = &distribution{}
		s.distributions[id] = d
	}
	d.config = normal(string(config))
	d.version++
}

// Config is what a distribution has now, as it would be answered.
func (s *Server) Config(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.distributions[id]; d != nil {
		return d.config
	}
	return ""
}

// Owner tags the distribution as CloudFormation does.
func (s *Server) Owner(id, stack string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.distributions[id].owner = stack
}

// Meanwhile has somebody else change the distribution after the next read.
func (s *Server) Meanwhile(id string, change func(config string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.distributions[id].meanwhile = change
}

// Functions are the ARNs of the functions that exist and are published.
func (s *Server) Functions(arns ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions = append(s.functions, arns...)
}

// Code is what the live stage of a function runs, by its name.
func (s *Server) Code(function, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code == nil {
		s.code = map[string]string{}
	}
	s.code[function] = code
}

// Try runs the live code of a function on a test event, and gives the event's
// request or response as the function left it.
type Try func(code string, event []byte) (output []byte, err error)

// Runtime is what TestFunction runs the functions by.
func (s *Server) Runtime(try Try) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.try = try
}

// CachePolicy makes a cache policy with this cookie behaviour.
func (s *Server) CachePolicy(id, cookies string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policies == nil {
		s.policies = map[string]string{}
	}
	s.policies[id] = cookies
}

// Break makes the next n requests fail with a 503.
func (s *Server) Break(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = n
}

// Deny refuses every request, as to credentials without permission.
func (s *Server) Deny(denied bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = denied
}

// Calls counts the requests by operation.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// refusal is an error of the API.
type refusal struct {
	status        int
	code, message string
}

func (r refusal) Error() string { return r.code + ": " + r.message }

var path = regexp.MustCompile(`^/2020-05-31/(distribution|cache-policy|tagging|function)(?:/([A-Za-z0-9-]+))?(/config|/describe|/test)?$`)

// ServeHTTP answers one request of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[r.Method+" "+r.URL.Path]++
	body, etag, err := s.answer(r)
	w.Header().Set("Content-Type", "text/xml")
	if err != nil {
		var refused refusal
		if !errors.As(err, &refused) {
			refused = refusal{http.StatusInternalServerError, "InternalError", err.Error()}
		}
		w.WriteHeader(refused.status)
		fmt.Fprintf(w, `<?xml version="1.0"?><ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>00000000-stand-in</RequestId></ErrorResponse>`,
			namespace, refused.code, escaped(refused.message))
		return
	}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	io.WriteString(w, body)
}

func (s *Server) answer(r *http.Request) (body, etag string, err error) {
	switch {
	case s.broken > 0:
		s.broken--
		return "", "", refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "try again"}
	case s.denied:
		return "", "", refusal{http.StatusForbidden, "AccessDenied", "User: arn:aws:iam::111122223333:user/test is not authorized to perform: cloudfront:GetDistribution"}
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/cloudfront/"):
		return "", "", refusal{http.StatusForbidden, "SignatureDoesNotMatch", "the request is not signed for cloudfront in us-east-1"}
	}
	m := path.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return "", "", refusal{http.StatusNotFound, "NoSuchResource", r.URL.Path}
	}
	switch kind, id, config := m[1], m[2], m[3] == "/config"; {
	case kind == "tagging" && r.Method == http.MethodGet:
		return s.tags(r.URL.Query().Get("Resource"))
	case kind == "cache-policy" && r.Method == http.MethodGet:
		cookies, ok := s.policies[id]
		if !ok {
			return "", "", refusal{http.StatusNotFound, "NoSuchCachePolicy", "The specified cache policy does not exist."}
		}
		return fmt.Sprintf(`<?xml version="1.0"?><CachePolicy xmlns="%s"><Id>%s</Id><LastModifiedTime>2025-01-01T00:00:00Z</LastModifiedTime><CachePolicyConfig><Name>own</Name><MinTTL>0</MinTTL><ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>true</EnableAcceptEncodingGzip><HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig><CookiesConfig><CookieBehavior>%s</CookieBehavior></CookiesConfig><QueryStringsConfig><QueryStringBehavior>none</QueryStringBehavior></QueryStringsConfig></ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy>`,
			namespace, id, cookies), "E1", nil
	case kind == "function" && (m[3] == "/describe" || m[3] == "/test"):
		return s.function(id, r)
	case kind == "function" && r.Method == http.MethodGet:
		code, ok := s.code[id]
		if !ok || r.URL.Query().Get("Stage") != "LIVE" {
			return "", "", refusal{http.StatusNotFound, "NoSuchFunctionExists", "The specified function does not exist."}
		}
		return code, "F1", nil
	case kind == "distribution" && id == "" && r.Method == http.MethodGet:
		return s.list(), "", nil
	case kind == "distribution" && s.distributions[id] == nil:
		return "", "", refusal{http.StatusNotFound, "NoSuchDistribution", "The specified distribution does not exist."}
	case kind == "distribution" && config && r.Method == http.MethodGet:
		d := s.distributions[id]
		body, etag := d.config, d.etag()
		if d.meanwhile != nil {
			d.config, d.meanwhile = normal(d.meanwhile(d.config)), nil
			d.version++
		}
		return body, etag, nil
	case kind == "distribution" && !config && r.Method == http.MethodGet:
		return s.distributions[id].about(id), s.distributions[id].etag(), nil
	case kind == "distribution" && config && r.Method == http.MethodPut:
		return s.write(id, r)
	default:
		return "", "", refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method}
	}
}

// function answers DescribeFunction and TestFunction.
func (s *Server) function(name string, r *http.Request) (body, etag string, err error) {
	summary := `<FunctionSummary><Name>` + name + `</Name><Status>UNASSOCIATED</Status><FunctionConfig><Comment></Comment><Runtime>cloudfront-js-2.0</Runtime></FunctionConfig><FunctionMetadata><FunctionARN>arn</FunctionARN><Stage>LIVE</Stage><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime></FunctionMetadata></FunctionSummary>`
	code, ok := s.code[name]
	if !ok {
		return "", "", refusal{http.StatusNotFound, "NoSuchFunctionExists", "The specified function does not exist."}
	}
	if r.Method == http.MethodGet {
		return summary, "F1", nil
	}
	var asked struct{ EventObject, Stage string }
	if err := xml.NewDecoder(r.Body).Decode(&asked); err != nil {
		return "", "", refusal{http.StatusBadRequest, "InvalidArgument", err.Error()}
	}
	event, err := base64.StdEncoding.DecodeString(asked.EventObject)
	switch {
	case err != nil || asked.Stage != "LIVE":
		return "", "", refusal{http.StatusBadRequest, "InvalidArgument", "The argument is invalid."}
	case r.Header.Get("If-Match") != "F1":
		return "", "", refusal{http.StatusPreconditionFailed, "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."}
	}
	output, failed := s.try(code, event)
	result := "<ComputeUtilization>23</ComputeUtilization><FunctionOutput>" + escaped(string(output)) + "</FunctionOutput>"
	if failed != nil {
		result = "<FunctionErrorMessage>" + escaped(failed.Error()) + "</FunctionErrorMessage>"
	}
	return `<TestResult xmlns="` + namespace + `">` + summary + result + `</TestResult>`, "", nil
}

// list is the answer to ListDistributions, with what a client looks for in it.
func (s *Server) list() string {
	var items strings.Builder
	for _, id := range slices.Sorted(maps.Keys(s.distributions)) {
		var config node
		if xml.Unmarshal([]byte(s.distributions[id].config), &config) != nil {
			continue
		}
		var aliases strings.Builder
		for _, alias := range config.at("Aliases").items() {
			fmt.Fprintf(&aliases, "<CNAME>%s</CNAME>", escaped(alias.Text))
		}
		fmt.Fprintf(&items, "<DistributionSummary><Id>%s</Id><DomainName>d111111abcdef8.cloudfront.net</DomainName><Aliases><Quantity>%d</Quantity><Items>%s</Items></Aliases></DistributionSummary>",
			id, len(config.at("Aliases").items()), aliases.String())
	}
	return fmt.Sprintf(`<?xml version="1.0"?><DistributionList xmlns="%s"><Marker></Marker><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated><Quantity>%d</Quantity><Items>%s</Items></DistributionList>`,
		namespace, len(s.distributions), items.String())
}

func (s *Server) tags(arn string) (string, string, error) {
	d := s.distributions[arn[strings.LastIndex(arn, "/")+1:]]
	if d == nil {
		return "", "", refusal{http.StatusNotFound, "NoSuchResource", "The specified resource does not exist."}
	}
	tag := ""
	if d.owner != "" {
		tag = "<Tag><Key>aws:cloudformation:stack-name</Key><Value>" + escaped(d.owner) + "</Value></Tag>"
	}
	return `<?xml version="1.0"?><Tags xmlns="` + namespace + `"><Items>` + tag + `</Items></Tags>`, "", nil
}

func (d *distribution) etag() string { return "E" + strconv.Itoa(1000+d.version) + "XAMPLE" }

// about is the answer to GetDistribution; each one is a look.
func (d *distribution) about(id string) string {
	status := "Deployed"
	if d.progress > 0 {
		d.progress--
		status = "InProgress"
	}
	_, config, _ := strings.Cut(d.config, "<DistributionConfig")
	_, config, _ = strings.Cut(config, ">")
	return fmt.Sprintf(`<?xml version="1.0"?><Distribution xmlns="%s"><Id>%s</Id><ARN>arn:aws:cloudfront::111122223333:distribution/%s</ARN><Status>%s</Status><LastModifiedTime>2026-11-24T11:00:00Z</LastModifiedTime><InProgressInvalidationBatches>0</InProgressInvalidationBatches><DomainName>d111111abcdef8.cloudfront.net</DomainName><DistributionConfig>%s</Distribution>`,
		namespace, id, id, status, config)
}

func (s *Server) write(id string, r *http.Request) (string, string, error) {
	d := s.distributions[id]
	// All of the body first: a client that is answered while it still writes may
	// lose its connection.
	data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return "", "", err
	}
	switch match := r.Header.Get("If-Match"); {
	case match == "":
		return "", "", refusal{http.StatusBadRequest, "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."}
	case match != d.etag():
		return "", "", refusal{http.StatusPreconditionFailed, "PreconditionFailed", "The request failed because it didn't meet the preconditions in one or more request-header fields."}
	}
	var was, is node
	if err := xml.Unmarshal([]byte(d.config), &was); err != nil {
		return "", "", err
	}
	if err := xml.Unmarshal(data, &is); err != nil || is.XMLName.Local != "DistributionConfig" || is.XMLName.Space != namespace {
		return "", "", refusal{http.StatusBadRequest, "MalformedXML", "The XML document is malformed."}
	}
	if err := s.check(was, is); err != nil {
		return "", "", err
	}
	d.config = normal(string(data))
	d.version++
	d.progress = s.Looks
	return d.about(id), d.etag(), nil
}

var between = regexp.MustCompile(`>\s+<`)

// normal is a document as the service writes it: without white space between
// elements.
func normal(config string) string {
	return strings.TrimSpace(between.ReplaceAllString(config, "><"))
}

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder takes every write
	return out.String()
}

// node is any element.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

func (n node) at(names ...string) node {
	for _, name := range names {
		i := slices.IndexFunc(n.Children, func(c node) bool { return c.XMLName.Local == name })
		if i < 0 {
			return node{}
		}
		n = n.Children[i]
	}
	return n
}

func (n node) items() []node { return n.at("Items").Children }
