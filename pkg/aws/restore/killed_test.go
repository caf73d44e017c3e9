//go:build emulators

package restore_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"raincheck/pkg/aws/restore"
	"raincheck/pkg/aws/table"
	"raincheck/pkg/email"
	"raincheck/pkg/waitlist"
	"raincheck/test/emulators"
	"raincheck/test/killed"
)

// TestKilledWhileRestoring kills a process that puts back a third of the people, who
// are lost, again and again, until one ends by itself; then they are lost once more.
// However it was interrupted: everybody is there as the copy has them, and who had
// moved on since is not taken back.
func TestKilledWhileRestoring(t *testing.T) {
	if killed.Folder() != "" {
		if _, err := restore.New(emulators.Config(os.Getenv("RESTORE_TEST_TABLES")), "then", "now").Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Parallel()
	url := emulators.Dynalite(t, "127.0.0.1").URL
	cfg := emulators.Config(url)
	kills, rows, random := killed.Kills(t, 3), killed.Rows(t, 240), killed.Random(t)
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	emulators.CreateTable(t, cfg, "now")
	emulators.CreateTable(t, cfg, "then")
	store, client := table.New(cfg, "now"), dynamodb.NewFromConfig(cfg)
	first := waitlist.Ref{}
	each(t, rows, func(i int) error {
		joined, err := store.Join(t.Context(), waitlist.Signup{Key: key(i), Address: address(t, fmt.Sprintf("p%d@example.org", i)), Language: "en", At: noon})
		if i == rows-1 {
			first = joined.Ref
		}
		return err
	})
	copied := contents(t, client, "now")
	each(t, len(copied), func(i int) error {
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("then"), Item: copied[i]})
		return err
	})
	// Since the copy: one left, and one joined.
	if err := store.Leave(t.Context(), first, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Join(t.Context(), waitlist.Signup{Key: "new", Address: address(t, "new@example.org"), Language: "en", At: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	want := text(contents(t, client, "now"))
	lose := func() {
		each(t, rows/3, func(i int) error {
			_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("now"), Key: map[string]types.AttributeValue{
				table.Key: &types.AttributeValueMemberS{Value: "e#" + key(i)},
			}})
			return err
		})
	}
	whole, longest := 0, time.Duration(0)
	lose()
	for left := kills; ; {
		after := 50*time.Millisecond + time.Duration(random.Float64()*float64(min(longest, 2*time.Second)+time.Second/2))
		if left == 0 {
			after = time.Hour
		}
		began := time.Now()
		if killed.Process(t, t.TempDir(), after, "RESTORE_TEST_TABLES="+url) {
			left--
			continue
		}
		longest = max(longest, time.Since(began))
		whole++
		if got := text(contents(t, client, "now")); got != want {
			t.Fatalf("with %d kills to go, what was restored is not what was there", left)
		}
		if left == 0 {
			break
		}
		lose()
	}
	t.Logf("%d kills while %d of %d people were put back, %d times to the end: nobody is missing, doubled or taken back", kills, rows/3, rows, whole)
}

func address(t *testing.T, typed string) email.Address {
	t.Helper()
	a, err := email.Parse(typed)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
