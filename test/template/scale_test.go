package template_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"raincheck/pkg/aws/health"
	"raincheck/pkg/format"
	"raincheck/pkg/waitlist"
	"raincheck/test/template"
)

// What AWS allows, each with its source.
const (
	// A new on-demand table or index:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
	coldWrites = 4000
	// One partition of an index, and all of a table, as an account begins:
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	partitionWrites = 1000
	tableWrites     = 40000
	// All APIs of a region: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
	apiRate = 10000
	// Functions at once: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	executions = 1000
)

// bound is what lets only so many sign-ups a second through.
type bound struct {
	name string
	// most is how many, as it is deployed; reach says how to have n let through.
	most  int
	reach func(n int) string
}

// bounds are all of them, by the template's defaults.
func bounds(t *testing.T) []bound {
	number := func(parameter string) int {
		n, err := strconv.Atoi(read(t, template.Main).Get("Parameters", parameter, "Default").Value)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	quota := func(what string) func(int) string {
		return func(n int) string { return what + " " + format.Thousands(n) }
	}
	if number("WarmWrites") != 0 {
		t.Fatal("the table is warm by default: the figures here take it for cold")
	}
	return []bound{
		{"the parameter RoomRate", number("RoomRate"), func(n int) string { return fmt.Sprintf("RoomRate=%d RoomBurst=%d", n, n/4) }},
		{"a new table and its index", coldWrites, func(n int) string { return fmt.Sprintf("WarmWrites=%d", n) }},
		{"the API quota of the account", apiRate, quota("API Gateway's throttle (L-8A5B8E43) of")},
		{"Lambda's concurrency, beside the senders", (executions - number("SenderConcurrency")) * health.SignupsPerExecution, func(n int) string {
			return quota("concurrent executions (L-B99A9384) of")(n/health.SignupsPerExecution + number("SenderConcurrency"))
		}},
		{"the shards of the index", waitlist.Shards * partitionWrites, func(n int) string {
			return fmt.Sprintf("%d shards", (n+partitionWrites-1)/partitionWrites)
		}},
		{"the table quota of the account", tableWrites, quota("DynamoDB's write quota of a table, of")},
	}
}

// TestScaleIsWritten holds the tables of docs/scale.md to the template's own values
// and to AWS's quotas; -update writes them.
func TestScaleIsWritten(t *testing.T) {
	t.Parallel()
	all := bounds(t)
	slices.SortStableFunc(all, func(a, b bound) int { return a.most - b.most })
	var what strings.Builder
	what.WriteString("| what bounds sign-ups | a second, as deployed |\n|---|---|\n")
	for _, b := range all {
		fmt.Fprintf(&what, "| %s | %s |\n", b.name, format.Thousands(b.most))
	}
	what.WriteString("\n| sign-ups a second | breaks first | what they need |\n|---|---|---|\n")
	for _, n := range []int{1000, 5000, 10000, 40000} {
		first, needs := "nothing", []string{}
		for _, b := range all {
			if b.most >= n {
				continue
			}
			if first == "nothing" {
				first = b.name + ", at " + format.Thousands(b.most)
			}
			needs = append(needs, b.reach(n))
		}
		if len(needs) == 0 {
			needs = []string{"no change"}
		}
		fmt.Fprintf(&what, "| %s | %s | %s |\n", format.Thousands(n), first, strings.Join(needs, "; "))
	}
	generated(t, "scale.md", "<!-- scale: make template -->\n", "<!-- end of scale -->", what.String())
}
