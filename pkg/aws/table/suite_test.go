//go:build emulators

package table_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/aws/table"
	"raincheck/pkg/waitlist/waitlisttest"
	"raincheck/test/emulators"
)

// onDynalite names the checks that dynalite cannot carry, and why; moto runs
// them all.
var onDynalite = map[string]string{}

func TestTableOnDynalite(t *testing.T) {
	conformance(t, emulators.Dynalite(t, "127.0.0.1").URL, onDynalite)
}

func TestTableOnMoto(t *testing.T) {
	conformance(t, emulators.Moto(t, "127.0.0.1").URL, nil)
}

func conformance(t *testing.T, endpoint string, cannot map[string]string) {
	cfg := emulators.Config(endpoint)
	var tables atomic.Int32
	waitlisttest.Run(t, func(t *testing.T) waitlisttest.Subject {
		name := fmt.Sprintf("raincheck-%d", tables.Add(1))
		emulators.CreateTable(t, cfg, name)
		return subject(cfg, name, nil)
	}, cannot)
}

// TestTableOnDynamoDB runs the suite on the real service, in the table that
// RAINCHECK_TEST_TABLE names and with the credentials of the environment. It
// empties that table before each check, and so asks for a name that says "test"
// and a table that is empty when it begins.
func TestTableOnDynamoDB(t *testing.T) {
	name := os.Getenv("RAINCHECK_TEST_TABLE")
	if name == "" {
		t.Skip("RAINCHECK_TEST_TABLE names no table")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := emptied(t, cfg, name, false); !strings.Contains(name, "test") || n > 0 {
		t.Fatalf("the table %s holds %d items, or its name does not say test: this suite deletes what it finds", name, n)
	}
	waitlisttest.Run(t, func(t *testing.T) waitlisttest.Subject {
		emptied(t, cfg, name, true)
		// The index follows within a moment; a second is long.
		return subject(cfg, name, func() { <-time.After(time.Second) })
	}, nil)
	emptied(t, cfg, name, true)
}

func subject(cfg aws.Config, name string, settle func()) waitlisttest.Subject {
	store := table.New(cfg, name)
	store.Now = later
	client := dynamodb.NewFromConfig(cfg)
	return waitlisttest.Subject{Store: store, Settle: settle, Damage: func(ctx context.Context, key string, index bool) error {
		broken := "address"
		if index {
			broken = "stage"
		}
		_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &name, Key: map[string]types.AttributeValue{table.Key: &types.AttributeValueMemberS{Value: "e#" + key}},
			UpdateExpression:          aws.String("SET #b = :n"),
			ExpressionAttributeNames:  map[string]string{"#b": broken},
			ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: "7"}},
		})
		return err
	}}
}

// emptied counts what is in a table, and deletes it if asked to.
func emptied(t *testing.T, cfg aws.Config, name string, remove bool) (n int) {
	client := dynamodb.NewFromConfig(cfg)
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			n++
			if !remove {
				continue
			}
			key := map[string]types.AttributeValue{table.Key: item[table.Key]}
			if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: key}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}
