// Package distribution reads and writes the configuration of a CloudFront
// distribution as the bytes that the service speaks.
//
// The SDK is used for what it is good at (credentials, signature, endpoint,
// retries, the classes of errors) and kept away from the one thing that it
// would damage: its types know the settings of the day on which it was
// generated, and UpdateDistribution switches off whatever the request leaves
// out. So the answer's body is taken before the SDK decodes it, and the
// request's body is put in after the SDK has encoded a stand-in.
//
// Every write carries the ETag of what was read: a configuration that somebody
// else changed meanwhile is never overwritten.
package distribution

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// What callers branch on.
var (
	// ErrNotFound: no distribution has this id in this account. Another
	// account's looks the same.
	ErrNotFound = errors.New("no such distribution in this account")
	// ErrDenied: the credentials may not do this.
	ErrDenied = errors.New("the credentials may not do this")
	// ErrChanged: somebody changed the distribution since it was read. Nothing
	// was written.
	ErrChanged = errors.New("the distribution has been changed by somebody else meanwhile; nothing was written")
	// ErrRefused: CloudFront does not take the configuration; the text is its own.
	ErrRefused = errors.New("CloudFront does not take the configuration")
)

// Distribution is one distribution as it was read.
type Distribution struct {
	ID string
	// Domain is its own name, dxxxx.cloudfront.net.
	Domain string
	ARN    string
	// Deployed is false while a change is on its way to the edges.
	Deployed bool
	// ETag names this version of the configuration.
	ETag string
	// Config is the DistributionConfig document, byte for byte.
	Config []byte
}

// Client speaks to CloudFront.
type Client struct {
	api *cloudfront.Client
}

// New makes a Client. CloudFront is a global service whose endpoint is in
// us-east-1, whatever the region of cfg.
func New(cfg aws.Config) *Client {
	return &Client{cloudfront.NewFromConfig(cfg, func(o *cloudfront.Options) { o.Region = "us-east-1" })}
}

// Read reads the configuration and what is known about the distribution.
func (c *Client) Read(ctx context.Context, id string) (Distribution, error) {
	about, err := c.api.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
	if err != nil {
		return Distribution{}, wrap("reading the distribution "+id, err)
	}
	var body []byte
	out, err := c.api.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &id}, cloudfront.WithAPIOptions(keepBody(&body)))
	if err != nil {
		return Distribution{}, wrap("reading the configuration of "+id, err)
	}
	d := about.Distribution
	return Distribution{
		ID: id, Domain: aws.ToString(d.DomainName), ARN: aws.ToString(d.ARN), Deployed: aws.ToString(d.Status) == "Deployed",
		ETag: aws.ToString(out.ETag), Config: body,
	}, nil
}

// Write replaces the configuration if it is still the one that etag names.
func (c *Client) Write(ctx context.Context, id, etag string, config []byte) error {
	_, err := c.api.UpdateDistribution(ctx, &cloudfront.UpdateDistributionInput{
		Id: &id, IfMatch: &etag,
		// The least that passes the SDK's own validation; sendBody puts config in
		// its place.
		DistributionConfig: &types.DistributionConfig{
			CallerReference: aws.String(""), Comment: aws.String(""), Enabled: aws.Bool(true),
			Origins:              &types.Origins{Quantity: aws.Int32(0), Items: []types.Origin{}},
			DefaultCacheBehavior: &types.DefaultCacheBehavior{TargetOriginId: aws.String(""), ViewerProtocolPolicy: types.ViewerProtocolPolicyHttpsOnly},
		},
	}, cloudfront.WithAPIOptions(sendBody(config)))
	return wrap("writing the configuration of "+id, err)
}

// Deployed says whether every edge has the newest configuration.
func (c *Client) Deployed(ctx context.Context, id string) (bool, error) {
	about, err := c.api.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id})
	if err != nil {
		return false, wrap("reading the distribution "+id, err)
	}
	return aws.ToString(about.Distribution.Status) == "Deployed", nil
}

// CachesByCookie says whether a cache policy puts cookies into the cache key.
func (c *Client) CachesByCookie(ctx context.Context, policy string) (bool, error) {
	out, err := c.api.GetCachePolicy(ctx, &cloudfront.GetCachePolicyInput{Id: &policy})
	if err != nil {
		return false, wrap("reading the cache policy "+policy, err)
	}
	p := out.CachePolicy.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin
	return p != nil && p.CookiesConfig != nil && p.CookiesConfig.CookieBehavior != types.CachePolicyCookieBehaviorNone, nil
}

// Owner is the CloudFormation stack that a distribution belongs to, by the tag
// that CloudFormation puts on what it makes; empty when it belongs to none.
// The next deploy of that stack would undo what was changed by hand.
func (c *Client) Owner(ctx context.Context, arn string) (string, error) {
	out, err := c.api.ListTagsForResource(ctx, &cloudfront.ListTagsForResourceInput{Resource: &arn})
	if err != nil {
		return "", wrap("reading the tags of the distribution", err)
	}
	for _, tag := range out.Tags.Items {
		if aws.ToString(tag.Key) == "aws:cloudformation:stack-name" {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

// Serving lists the ids of the account's distributions that have host among
// their aliases, or are called so themselves, and after them those with a wildcard
// alias, which counts for one label: the first is the one that CloudFront chooses.
func (c *Client) Serving(ctx context.Context, host string) ([]string, error) {
	var exact, wild []string
	_, parent, dotted := strings.Cut(host, ".")
	pages := cloudfront.NewListDistributionsPaginator(c.api, &cloudfront.ListDistributionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap("listing the distributions", err)
		}
		if page.DistributionList == nil {
			break
		}
		for _, d := range page.DistributionList.Items {
			names := []string{aws.ToString(d.DomainName)}
			if d.Aliases != nil {
				names = append(names, d.Aliases.Items...)
			}
			called := func(as string) bool {
				return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, as) })
			}
			switch {
			case called(host):
				exact = append(exact, aws.ToString(d.Id))
			case dotted && called("*."+parent):
				wild = append(wild, aws.ToString(d.Id))
			}
		}
	}
	return append(exact, wild...), nil
}

// Code is the code of a CloudFront function as the edges run it, by its name.
func (c *Client) Code(ctx context.Context, function string) ([]byte, error) {
	out, err := c.api.GetFunction(ctx, &cloudfront.GetFunctionInput{Name: &function, Stage: types.FunctionStageLive})
	if err != nil {
		return nil, wrap("reading the function "+function, err)
	}
	return out.FunctionCode, nil
}

// keepBody copies the body of the answer into body before the SDK decodes it.
func keepBody(body *[]byte) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("raincheck keeps the body",
			func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				response, ok := out.RawResponse.(*smithyhttp.Response)
				if err != nil || !ok {
					return out, metadata, err
				}
				data, err := io.ReadAll(response.Body)
				if err != nil {
					return out, metadata, err
				}
				response.Body = io.NopCloser(bytes.NewReader(data))
				*body = data
				return out, metadata, nil
			}), middleware.After)
	}
}

// sendBody puts config in the place of what the SDK encoded.
func sendBody(config []byte) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Serialize.Add(middleware.SerializeMiddlewareFunc("raincheck sends the body",
			func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
				request, ok := in.Request.(*smithyhttp.Request)
				if !ok {
					return middleware.SerializeOutput{}, middleware.Metadata{}, errors.New("the SDK's request is of another type")
				}
				// Nothing but Read and Seek: the SDK closes a body once it has the answer,
				// and a closed one that has WriteTo as well makes net/http, which then
				// looks for more of it, close the connection under the answer.
				request, err := request.SetStream(struct{ io.ReadSeeker }{bytes.NewReader(config)})
				if err != nil {
					return middleware.SerializeOutput{}, middleware.Metadata{}, err
				}
				in.Request = request
				return next.HandleSerialize(ctx, in)
			}), middleware.After)
	}
}

// wrap turns the service's errors into ours; the service's own sentence stays
// where it tells what to mend.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	switch code := api.ErrorCode(); code {
	case "NoSuchDistribution":
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	case "AccessDenied":
		return fmt.Errorf("%s: %w: %s", doing, ErrDenied, api.ErrorMessage())
	case "PreconditionFailed", "InvalidIfMatchVersion":
		return fmt.Errorf("%s: %w", doing, ErrChanged)
	default:
		if strings.HasPrefix(code, "Invalid") || strings.HasPrefix(code, "TooMany") || strings.HasPrefix(code, "NoSuch") ||
			code == "InconsistentQuantities" || code == "IllegalUpdate" || code == "MissingBody" {
			return fmt.Errorf("%s: %w: %s: %s", doing, ErrRefused, code, api.ErrorMessage())
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
}
