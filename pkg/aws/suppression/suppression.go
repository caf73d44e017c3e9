// Package suppression reads SES's suppression list of the account, and takes
// addresses off it: mail to an address on it is accepted and never sent. Only the
// tool imports it.
package suppression

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// List is the list of an account in a region, which all its senders share.
type List struct{ client *sesv2.Client }

// New gives the list. Both calls have a quota of one a second for the account: they
// are tried again as often as it takes.
// https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html
func New(cfg aws.Config) *List {
	return &List{sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
		o.Retryer = retry.AddWithMaxAttempts(retry.NewAdaptiveMode(), 10)
	})}
}

// Each calls f for every address that was put on the list for the reason since
// then. The error is f's, or SES's.
func (l *List) Each(ctx context.Context, complaint bool, since time.Time, f func(address string) error) error {
	reason := types.SuppressionListReasonBounce
	if complaint {
		reason = types.SuppressionListReasonComplaint
	}
	pages := sesv2.NewListSuppressedDestinationsPaginator(l.client, &sesv2.ListSuppressedDestinationsInput{
		Reasons: []types.SuppressionListReason{reason}, StartDate: &since, PageSize: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading SES's suppression list: %w", err)
		}
		for _, d := range page.SuppressedDestinationSummaries {
			if err := f(aws.ToString(d.EmailAddress)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove takes an address off the list. The error does not name it.
func (l *List) Remove(ctx context.Context, address string) error {
	if _, err := l.client.DeleteSuppressedDestination(ctx, &sesv2.DeleteSuppressedDestinationInput{EmailAddress: &address}); err != nil {
		return fmt.Errorf("taking an address off SES's suppression list: %w", err)
	}
	return nil
}
