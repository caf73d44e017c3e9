package health

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"raincheck/pkg/format"
)

// Concurrency says whether enough functions may run at once, beside so many
// senders.
func Concurrency(ctx context.Context, cfg aws.Config, senders int) ([]Finding, error) {
	out, err := lambda.NewFromConfig(cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return nil, fmt.Errorf("reading Lambda's quotas: %w", err)
	}
	if out.AccountLimit == nil {
		return nil, errors.New("reading Lambda's quotas: there are none in the answer")
	}
	all, free := int(out.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions))
	const mend = "Ask for 1,000 concurrent executions in Service Quotas (Lambda, L-B99A9384); it takes a day or two."
	switch {
	case free < senders+roomExecutions:
		return []Finding{Bad(mend, "%s functions may run at once, %s of them not reserved: %d senders alone could keep the waiting room from answering", format.Thousands(all), format.Thousands(free), senders)}, nil
	case free < 5*roomExecutions:
		return []Finding{Warn(mend, "%s functions may run at once, %s of them not reserved: enough for about %s sign-ups a second", format.Thousands(all), format.Thousands(free), format.Thousands((free-senders)*SignupsPerExecution))}, nil
	}
	return []Finding{OK("%s functions may run at once, %s of them not reserved", format.Thousands(all), format.Thousands(free))}, nil
}

const (
	// roomExecutions is how many executions the waiting room should have to
	// itself: at some 50 ms a request, a thousand people a second.
	roomExecutions = 50
	// SignupsPerExecution is how many requests one execution answers in a second.
	SignupsPerExecution = 20
)

// APIThrottle says whether API Gateway takes the requests of the waiting room: so
// many a second, and so many at the same instant.
func APIThrottle(ctx context.Context, cfg aws.Config, rate, burst float64) ([]Finding, error) {
	out, err := apigateway.NewFromConfig(cfg).GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		return nil, fmt.Errorf("reading API Gateway's quotas: %w", err)
	}
	t := out.ThrottleSettings
	if t == nil {
		return nil, errors.New("reading API Gateway's quotas: there are none in the answer")
	}
	says := fmt.Sprintf("%s requests a second (%s at once) for all APIs of the region", format.Thousands(int(t.RateLimit)), format.Thousands(int(t.BurstLimit)))
	const mend = "Ask for a higher throttle in Service Quotas (API Gateway, L-8A5B8E43; AWS raises the burst with it), or deploy with RoomRate=%.0f RoomBurst=%d or less."
	if rate > t.RateLimit || burst > float64(t.BurstLimit) {
		return []Finding{Warn(fmt.Sprintf(mend, t.RateLimit, t.BurstLimit), "%s, and the waiting room is to take %s (%s at once)", says, format.Thousands(int(rate)), format.Thousands(int(burst)))}, nil
	}
	return []Finding{OK("%s", says)}, nil
}
