package distribution

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
)

// Tried is what a function made of a test event.
type Tried struct {
	// Output is the event's request or response as the function left it, as JSON.
	Output []byte
	// Utilisation is how much of the time that a function may take it took, in
	// percent. Above 100 CloudFront stops it.
	Utilisation int
	// Failed is the error that the function ended with; empty for none.
	Failed string
}

// Try runs the published code of a function in CloudFront's own runtime on a test
// event, with the store that belongs to it. No visitor notices.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/test-function.html
func (c *Client) Try(ctx context.Context, function string, event []byte) (Tried, error) {
	about, err := c.api.DescribeFunction(ctx, &cloudfront.DescribeFunctionInput{Name: &function, Stage: types.FunctionStageLive})
	if err != nil {
		return Tried{}, wrap("reading the function "+function, err)
	}
	out, err := c.api.TestFunction(ctx, &cloudfront.TestFunctionInput{Name: &function, IfMatch: about.ETag, Stage: types.FunctionStageLive, EventObject: event})
	if err != nil {
		return Tried{}, wrap("trying the function "+function, err)
	}
	r := out.TestResult
	used, _ := strconv.Atoi(aws.ToString(r.ComputeUtilization)) // absent when the function failed
	return Tried{Output: []byte(aws.ToString(r.FunctionOutput)), Utilisation: used, Failed: aws.ToString(r.FunctionErrorMessage)}, nil
}
