//go:build emulators

package restore_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
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
	url := outliving(t, emulators.Dynalite(t, "127.0.0.1").URL)
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
	// The kills come later until one gets to its end, however slow the machine is.
	const begin = time.Second
	whole, longest := 0, begin
	lose()
	for left := kills; ; {
		after := 50*time.Millisecond + time.Duration(random.Float64()*float64(longest))
		if left == 0 {
			after = time.Hour
		}
		if killed.Process(t, t.TempDir(), after, "RESTORE_TEST_TABLES="+url) {
			left--
			longest += begin / 5
			continue
		}
		longest = begin
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

// outliving stands before a service whose process dies of a request that breaks off:
// it hands on whole requests alone, and to their end, as DynamoDB does.
func outliving(t *testing.T, service string) string {
	t.Helper()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // who sent it is dead
		}
		on, err := http.NewRequest(r.Method, service+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		on.Header = r.Header.Clone()
		on.Host = r.Host
		answer, err := http.DefaultClient.Do(on)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body) // who asked may be dead
	}))
	t.Cleanup(here.Close)
	return here.URL
}
