package health

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"raincheck/pkg/format"
)

// aNewTable is how many writes a second a new table takes, which is the least that
// the template allows for WarmWrites.
const aNewTable = 4000

// Table says whether the waitlist's table and its index take as many writes a
// second, from one second to the next, as the waiting room lets through. asked is
// the stack's parameter WarmWrites, 0 for none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
func Table(ctx context.Context, cfg aws.Config, name string, asked, rate float64) ([]Finding, error) {
	out, err := dynamodb.NewFromConfig(cfg).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, fmt.Errorf("reading the table: %w", err)
	}
	if out.Table == nil || out.Table.WarmThroughput == nil {
		return []Finding{OK("DynamoDB does not say how many writes a second the table takes at once")}, nil
	}
	warm := aws.ToInt64(out.Table.WarmThroughput.WriteUnitsPerSecond)
	// DynamoDB refuses to lower either of the two, and WarmWrites sets both.
	least := warm
	for _, index := range out.Table.GlobalSecondaryIndexes {
		if index.WarmThroughput != nil {
			warm = min(warm, aws.ToInt64(index.WarmThroughput.WriteUnitsPerSecond))
			least = max(least, aws.ToInt64(index.WarmThroughput.WriteUnitsPerSecond))
		}
	}
	says := fmt.Sprintf("the table and its index take %s writes a second at once", format.Thousands(int(warm)))
	if asked == 0 && least > aNewTable {
		says += fmt.Sprintf(" (a WarmWrites below %d would fail)", least)
	}
	switch {
	case asked > 0 && float64(least) > asked:
		// CloudFormation finds that out in the middle of an update.
		return []Finding{Warn(fmt.Sprintf("Keep WarmWrites as it is, or deploy with %d or more: a value between the two fails.", least),
			"%s, more than WarmWrites=%.0f: it has grown, and cannot be lowered", says, asked)}, nil
	case rate > float64(warm):
		return []Finding{Warn(fmt.Sprintf("If so many may come at once, deploy with WarmWrites=%.0f: it is charged once and can never be lowered (docs/scale.md).", max(rate, float64(least))),
			"%s, and RoomRate lets %s requests through: until the table has grown, people are told to try again", says, format.Thousands(int(rate)))}, nil
	}
	return []Finding{OK("%s", says)}, nil
}
