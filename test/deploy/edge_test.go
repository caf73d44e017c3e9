//go:build deploy

package deploy

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"

	"raincheck/pkg/gate"
	twin "raincheck/pkg/twin/edge"
	standin "raincheck/test/emulators"
)

// edgeOf replaces CloudFront: it serves a distribution as it is configured in the
// emulator at that moment, with the functions' code as it is deployed there, and
// the documents that the emulator's KeyValueStore has. The engine is the one of
// the local edge, which refuses what CloudFront documents as refused.
type edgeOf struct {
	s            *stack
	distribution string
	server       *httptest.Server

	mu       sync.Mutex
	edges    map[string]*twin.Edge
	store    *twin.Store
	told     map[*twin.Edge][2]float64
	site     int // requests that reached the site
	roomSaw  []http.Header
	codeOnly string // when set, this code in the place of the deployed one
}

func (s *stack) serve(distribution string) {
	e := &edgeOf{s: s, distribution: distribution, edges: map[string]*twin.Edge{}, store: twin.NewStore(time.Now, 0), told: map[*twin.Edge][2]float64{}}
	e.server = httptest.NewServer(e)
	s.Cleanup(e.server.Close)
	s.edge = e
}

// printed is what the functions have counted since it was asked last.
func (e *edgeOf) printed() (visitors, admitted float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.edges {
		var now [2]float64
		for _, m := range one.Counts().Between(time.Time{}, time.Now().Add(time.Hour)) {
			now[0] += float64(m.Visitors)
			now[1] += float64(m.Admitted)
		}
		visitors += now[0] - e.told[one][0]
		admitted += now[1] - e.told[one][1]
		e.told[one] = now
	}
	return visitors, admitted
}

// ServeHTTP is one request of a viewer.
func (e *edgeOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.answer(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// behaviour is what a distribution does with a path.
type behaviour struct {
	origin, request string
	functions       *types.FunctionAssociations
}

func (e *edgeOf) answer(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	client := cloudfront.NewFromConfig(e.s.cfg)
	about, err := client.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &e.distribution})
	if err != nil {
		return err
	}
	config := about.DistributionConfig
	b := behaviour{aws.ToString(config.DefaultCacheBehavior.TargetOriginId), aws.ToString(config.DefaultCacheBehavior.OriginRequestPolicyId), config.DefaultCacheBehavior.FunctionAssociations}
	if config.CacheBehaviors != nil {
		for _, one := range config.CacheBehaviors.Items {
			if prefix, wild := strings.CutSuffix(*one.PathPattern, "*"); wild && strings.HasPrefix(r.URL.Path, prefix) || r.URL.Path == *one.PathPattern {
				b = behaviour{*one.TargetOriginId, aws.ToString(one.OriginRequestPolicyId), one.FunctionAssociations}
				break
			}
		}
	}
	i := slices.IndexFunc(config.Origins.Items, func(o types.Origin) bool { return *o.Id == b.origin })
	if i < 0 {
		return fmt.Errorf("the distribution has no origin %s", b.origin)
	}
	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := e.origin(w, r, client, config.Origins.Items[i], b.request); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	if b.functions != nil && len(b.functions.Items) > 0 {
		one, err := e.functions(ctx, client, b.functions.Items)
		if err != nil {
			return err
		}
		handler = one.Handler(handler)
	}
	handler.ServeHTTP(w, r)
	return nil
}

// functions is the edge with the deployed code and the store as it is now.
func (e *edgeOf) functions(ctx context.Context, client *cloudfront.Client, associated []types.FunctionAssociation) (*twin.Edge, error) {
	code := map[types.EventType]string{}
	for _, a := range associated {
		name := (*a.FunctionARN)[strings.LastIndex(*a.FunctionARN, "/")+1:]
		out, err := client.GetFunction(ctx, &cloudfront.GetFunctionInput{Name: &name, Stage: types.FunctionStageLive})
		if err != nil {
			return nil, err
		}
		code[a.EventType] = string(out.FunctionCode)
	}
	if e.codeOnly != "" {
		code[types.EventTypeViewerRequest] = e.codeOnly
	}
	key := code[types.EventTypeViewerRequest] + code[types.EventTypeViewerResponse]
	if e.edges[key] == nil {
		one, err := twin.New(twin.Options{Now: time.Now, Store: e.store, ForwardedFor: true, Throttle: code[types.EventTypeViewerRequest], Remember: code[types.EventTypeViewerResponse]})
		if err != nil {
			return nil, err
		}
		e.edges[key] = one
	}
	store := cloudfrontkeyvaluestore.NewFromConfig(e.s.cfg)
	for _, name := range []string{gate.Key, gate.BaseKey} {
		out, err := store.GetKey(ctx, &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: aws.String(e.s.outputs["EdgeStoreArn"]), Key: &name})
		if err != nil {
			continue // not written yet
		}
		old, etag, _ := e.store.Get(ctx, name)
		if string(old) != *out.Value {
			if _, err := e.store.Put(ctx, name, []byte(*out.Value), etag); err != nil {
				return nil, err
			}
		}
	}
	return e.edges[key], nil
}

// origin sends the request on, with what the behaviour's policy lets through.
func (e *edgeOf) origin(w http.ResponseWriter, r *http.Request, client *cloudfront.Client, o types.Origin, policy string) error {
	api, _, room := strings.Cut(*o.DomainName, ".execute-api.")
	if !room {
		e.site++
		_, err := io.WriteString(w, "the site")
		return err
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(e.s.direct, "http://"), ":")
	out, err := http.NewRequestWithContext(r.Context(), r.Method, e.s.direct+r.URL.RequestURI(), r.Body)
	if err != nil {
		return err
	}
	out.Host = api + ".execute-api.localhost:" + port
	if err := forward(r.Context(), client, out.Header, r.Header, policy); err != nil {
		return err
	}
	out.Header.Set("X-Forwarded-For", strings.TrimSpace(r.Header.Get("X-Forwarded-For")+", 198.51.100.7"))
	for _, h := range o.CustomHeaders.Items {
		out.Header.Set(*h.HeaderName, *h.HeaderValue)
	}
	// An HTTP API refuses more: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	size := 0
	for name, values := range out.Header {
		size += len(name) + len(strings.Join(values, "")) + 4
	}
	if size > 10240 {
		http.Error(w, "Request Header Fields Too Large", http.StatusRequestHeaderFieldsTooLarge)
		return nil
	}
	e.roomSaw = append(e.roomSaw, out.Header.Clone())
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(out)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, err = io.Copy(w, response.Body)
	return err
}

// forward copies what an origin request policy names; CloudFront's own policy
// AllViewerExceptHostHeader is not in the emulator, and copies everything.
func forward(ctx context.Context, client *cloudfront.Client, to, viewer http.Header, policy string) error {
	if policy == "b689b0a8-53d0-40ab-baf2-68738e2966ac" {
		for name, values := range viewer {
			to[name] = values
		}
		return nil
	}
	out, err := client.GetOriginRequestPolicy(ctx, &cloudfront.GetOriginRequestPolicyInput{Id: &policy})
	if err != nil {
		return err
	}
	config := out.OriginRequestPolicy.OriginRequestPolicyConfig
	if h := config.HeadersConfig; h != nil && h.Headers != nil {
		for _, name := range h.Headers.Items {
			if v := viewer.Values(name); len(v) > 0 {
				to[http.CanonicalHeaderKey(name)] = v
			}
		}
	}
	var cookies []string
	for _, c := range (&http.Request{Header: viewer}).Cookies() {
		if k := config.CookiesConfig; k != nil && k.Cookies != nil && slices.Contains(k.Cookies.Items, c.Name) {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
	}
	if len(cookies) > 0 {
		to.Set("Cookie", strings.Join(cookies, "; "))
	}
	return nil
}

// tryFunction replaces CloudFront's TestFunction, in which the emulator runs no
// function that imports the module cloudfront: the deployed code and documents in
// the engine of the local edge.
func (c *cloud) tryFunction(w http.ResponseWriter, r *http.Request, name string) {
	var asked struct{ EventObject, Stage string }
	event, output := []byte(nil), []byte(nil)
	err := xml.NewDecoder(r.Body).Decode(&asked)
	if err == nil {
		event, err = base64.StdEncoding.DecodeString(asked.EventObject)
	}
	var code *cloudfront.GetFunctionOutput
	if err == nil {
		code, err = cloudfront.NewFromConfig(c.cfg).GetFunction(r.Context(), &cloudfront.GetFunctionInput{Name: &name, Stage: types.FunctionStage(asked.Stage)})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	documents := &standin.KeyValue{}
	c.mu.Lock()
	arn := c.stores[name]
	c.mu.Unlock()
	for _, key := range []string{gate.Key, gate.BaseKey} {
		out, err := cloudfrontkeyvaluestore.NewFromConfig(c.cfg).GetKey(r.Context(), &cloudfrontkeyvaluestore.GetKeyInput{KvsARN: &arn, Key: &key})
		if err == nil { // else it is not written yet
			documents.Set(key, *out.Value)
		}
	}
	result := "<ComputeUtilization>1</ComputeUtilization><FunctionOutput>"
	if output, err = standin.TryThrottle(string(code.FunctionCode), documents, event); err != nil {
		result, output = "<FunctionErrorMessage>", []byte(err.Error())
	}
	var text strings.Builder
	_ = xml.EscapeText(&text, output) // into memory
	end := "</" + result[strings.LastIndex(result, "<")+1:]
	w.Header().Set("Content-Type", "text/xml")
	_, _ = io.WriteString(w, `<TestResult xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">`+result+text.String()+end+`</TestResult>`) // the client has gone: nobody to tell
}
