package emulators

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/aws/table"
)

// CreateTable makes an empty table as the template does; a test holds the two
// equal.
func CreateTable(t testing.TB, cfg aws.Config, name string) {
	t.Helper()
	client := dynamodb.NewFromConfig(cfg)
	if _, err := client.CreateTable(context.Background(), TableInput(name)); err != nil {
		t.Fatalf("creating the table: %v", err)
	}
	active := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	if err := active.Wait(context.Background(), &dynamodb.DescribeTableInput{TableName: &name}, time.Minute); err != nil {
		t.Fatalf("waiting for the table: %v", err)
	}
}

// TableInput is the table of the template.
func TableInput(name string) *dynamodb.CreateTableInput {
	attribute := func(name string, typ types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: typ}
	}
	key := func(name string, typ types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: typ}
	}
	return &dynamodb.CreateTableInput{
		TableName:   &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute(table.Key, types.ScalarAttributeTypeS), attribute(table.Index, types.ScalarAttributeTypeS), attribute(table.Sort, types.ScalarAttributeTypeN),
		},
		KeySchema: []types.KeySchemaElement{key(table.Key, types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(table.Index),
			KeySchema:  []types.KeySchemaElement{key(table.Index, types.KeyTypeHash), key(table.Sort, types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: table.Projected()},
		}},
	}
}
