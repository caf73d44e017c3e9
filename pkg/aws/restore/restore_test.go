//go:build emulators

package restore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/aws/restore"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
)

// TestATableTakenBack: of 600 people a third is lost, some have moved on since the
// copy was made, and some are new. The restoring breaks off twice, once by a
// mistake and once by an operator, and goes on. Nobody is missing, and nobody
// stands where they stood before.
func TestATableTakenBack(t *testing.T) {
	t.Parallel()
	if restore.Key != table.Key {
		t.Fatalf("the key is %q there and %q here", table.Key, restore.Key)
	}
	cfg := emulators.Config(emulators.Dynalite(t, "127.0.0.1").URL)
	const people, lost = 600, 200
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	emulators.CreateTable(t, cfg, "now")
	emulators.CreateTable(t, cfg, "then")
	store := table.New(cfg, "now")
	refs := make([]waitlist.Ref, people)
	each(t, people, func(i int) error {
		joined, err := store.Join(t.Context(), waitlist.Signup{Key: key(i), Address: address(t, fmt.Sprintf("p%d@example.org", i)), Language: "en", At: noon})
		refs[i] = joined.Ref
		return err
	})
	client := dynamodb.NewFromConfig(cfg)
	before := contents(t, client, "now")
	each(t, len(before), func(i int) error {
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("then"), Item: before[i]})
		return err
	})
	// Since then: the first 200 are lost, the next 50 left, one joined.
	each(t, lost, func(i int) error { return store.Forget(t.Context(), key(i)) })
	each(t, 50, func(i int) error { return store.Leave(t.Context(), refs[lost+i], noon.Add(time.Hour)) })
	if _, err := store.Join(t.Context(), waitlist.Signup{Key: "new", Address: address(t, "new@example.org"), Language: "en", At: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	since := contents(t, client, "now")

	dry := restore.New(cfg, "then", "now")
	dry.Dry = true
	if got, err := dry.Run(t.Context()); err != nil || got.Missing != lost || got.There != people-lost {
		t.Fatalf("the dry run: %+v, %v", got, err)
	}
	if got := contents(t, client, "now"); text(got) != text(since) {
		t.Fatal("the dry run changed something")
	}
	if _, err := restore.New(cfg, "nowhere", "now").Run(t.Context()); err == nil || !strings.Contains(err.Error(), "ResourceNotFound") {
		t.Errorf("a copy that is not there: %v", err)
	}
	if _, err := restore.New(cfg, "now", "now").Run(t.Context()); err == nil {
		t.Error("a table is its own copy")
	}

	ctx, stop := context.WithCancel(t.Context())
	first := restore.New(cfg, "then", "now")
	first.Progress = func(r restore.Result) {
		if r.Missing > 0 {
			stop()
		}
	}
	broken, err := first.Run(ctx)
	if !errors.Is(err, context.Canceled) || broken.Missing == 0 || broken.Missing == lost {
		t.Errorf("the first: %+v, %v", broken, err)
	}
	rest, err := restore.New(cfg, "then", "now").Run(t.Context())
	if err != nil || rest.Read != people || rest.Missing+rest.There != people || rest.Missing >= lost {
		t.Errorf("the second: %+v, %v", rest, err)
	}
	if again, err := restore.New(cfg, "then", "now").Run(t.Context()); err != nil || again.Missing != 0 {
		t.Errorf("the third: %+v, %v", again, err)
	}
	// What the table had is as it was; what it had lost is as it was then.
	want := since
	for _, it := range before {
		id := it[table.Key].(*types.AttributeValueMemberS).Value
		for i := range lost {
			if id == "e#"+key(i) {
				want = append(want, it)
			}
		}
	}
	if got := contents(t, client, "now"); text(got) != text(want) {
		t.Errorf("%d items, want %d, or not the same", len(got), len(want))
	}
}

func key(i int) string { return fmt.Sprintf("key-%03d", i) }

// each calls f for 0 to n-1, sixteen at a time.
func each(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := w; i < n; i += 16 {
				if err := f(i); err != nil {
					t.Errorf("%d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func contents(t *testing.T, client *dynamodb.Client, name string) (all []map[string]types.AttributeValue) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// text is the items in an order of their own.
func text(items []map[string]types.AttributeValue) string {
	byID := map[string]any{}
	for _, it := range items {
		byID[it[table.Key].(*types.AttributeValueMemberS).Value] = it
	}
	out, err := json.Marshal(byID)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
