//go:build deploy

package deploy

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"gopkg.in/yaml.v3"

	"raincheck/test/template"
)

// bridge does for a stack what the emulator leaves out of a deployment.
func (s *stack) bridge() {
	s.Helper()
	s.permit()
	s.route()
	s.poll()
	s.unschedule()
}

// emulators are the statements that the roles get for the emulator alone, so that
// for these the template's own policy is not proved here. test/template and
// test/emulators hold them.
var emulators = map[string][]string{
	// It gives a secret's name where AWS gives the ARN of Ref, and so finds no
	// statement for the ARN that is asked for.
	"secretsmanager:GetSecretValue": {"IntakeRole", "InviterRole", "SenderRole", "SmokeRole"},
	// It has no resource for the actions of a KeyValueStore.
	"cloudfront-keyvaluestore:*": {"InviterRole", "SmokeRole"},
	// It asks for this where AWS asks for sqs:SendMessage.
	"sqs:SendMessageBatch": {"InviterRole"},
	// It does not know the condition key ses:FromAddress.
	"ses:SendEmail": {"SenderRole"},
}

// permit replaces IAM where the emulator's own evaluation differs from AWS's.
func (s *stack) permit() {
	s.Helper()
	roles := map[string][]string{}
	for action, of := range emulators {
		for _, role := range of {
			roles[role] = append(roles[role], action)
		}
	}
	for role, actions := range roles {
		if s.ids[role] == "" {
			continue
		}
		document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []map[string]any{{"Effect": "Allow", "Action": actions, "Resource": "*"}}})
		s.must(err)
		s.must(s.ask("iam", "us-east-1", "POST", "/", "", url.Values{"Action": {"PutRolePolicy"}, "Version": {"2010-05-08"}, "RoleName": {s.ids[role]}, "PolicyName": {"emulator"}, "PolicyDocument": {string(document)}}, nil))
	}
}

// route replaces the import of an HTTP API's Body (OpenAPI), which SAM writes for
// an event HttpApi without a path: its one route, to intake.
func (s *stack) route() {
	s.Helper()
	api := "/v2/apis/" + s.ids["RoomApi"]
	var routes struct {
		Items []struct {
			RouteKey string `json:"routeKey"`
		} `json:"items"`
	}
	s.must(s.ask("apigateway", region, "GET", api+"/routes", "", nil, &routes))
	if len(routes.Items) > 0 {
		return
	}
	var made struct {
		ID string `json:"integrationId"`
	}
	s.must(s.ask("apigateway", region, "POST", api+"/integrations", "", map[string]string{
		"integrationType": "AWS_PROXY", "integrationUri": arnOfFunction(s.ids["IntakeFunction"]), "payloadFormatVersion": "2.0"}, &made))
	s.must(s.ask("apigateway", region, "POST", api+"/routes", "", map[string]string{"routeKey": "$default", "target": "integrations/" + made.ID}, nil))
}

// poll replaces the number that CloudFormation makes of a Number parameter: in the
// event source mapping it stays a string, and the poller dies of it.
func (s *stack) poll() {
	s.Helper()
	_, err := lambda.NewFromConfig(s.cfg).UpdateEventSourceMapping(s.Context(), &lambda.UpdateEventSourceMappingInput{
		UUID: aws.String(s.ids["SenderFunctionMails"]), ScalingConfig: &lambdatypes.ScalingConfig{MaximumConcurrency: aws.Int32(20)}})
	s.must(err)
}

// unschedule takes the schedules out: the emulator does not fill in
// <aws.scheduler.scheduled-time>, and the ticks of this walk are invoked by hand,
// so that a minute takes a second. It holds the schedule's name against the
// stack's first.
func (s *stack) unschedule() {
	s.Helper()
	var all struct{ Schedules []struct{ Name string } }
	s.must(s.ask("scheduler", region, "GET", "/schedules", "", nil, &all))
	for _, schedule := range all.Schedules {
		if slices.Contains([]string{s.ids["InviterFunctionTick"], s.ids["SmokeFunctionCanary"]}, schedule.Name) {
			s.must(s.ask("scheduler", region, "DELETE", "/schedules/"+url.PathEscape(schedule.Name)+"?groupName=default", "", nil, nil))
		}
	}
}

// olderEndpoints tells the functions of an older version where the emulator is:
// they know the variables of the services alone.
func (s *stack) olderEndpoints() {
	s.Helper()
	client := lambda.NewFromConfig(s.cfg)
	for logical, id := range s.ids {
		if !strings.HasSuffix(logical, "Function") || strings.HasPrefix(logical, "Throttle") || strings.HasPrefix(logical, "Remember") {
			continue
		}
		about, err := client.GetFunctionConfiguration(s.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: &id})
		s.must(err)
		variables := about.Environment.Variables
		for _, service := range []string{"DYNAMODB", "SQS", "SECRETS_MANAGER", "SESV2", "CLOUDWATCH", "CLOUDFRONT_KEYVALUESTORE"} {
			variables["AWS_ENDPOINT_URL_"+service] = s.endpoint
		}
		_, err = client.UpdateFunctionConfiguration(s.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &id, Environment: &lambdatypes.Environment{Variables: variables}})
		s.must(err)
	}
}

// bucket makes the stack of SAM's bucket, as SAM itself would, but for the bucket's
// policy: that refuses what does not come over TLS, and here nothing does.
func (c *cloud) bucket() {
	c.Helper()
	const name = "aws-sam-cli-managed-default"
	client := cloudformation.NewFromConfig(c.users["deploy"].config(c.cfg))
	_, err := client.CreateStack(c.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String(name), Tags: []cfntypes.Tag{{Key: aws.String("ManagedStackSource"), Value: aws.String("AwsSamCli")}},
		TemplateBody: aws.String(`{"Resources":{"SamCliSourceBucket":{"Type":"AWS::S3::Bucket"}},"Outputs":{"SourceBucket":{"Value":{"Ref":"SamCliSourceBucket"}}}}`),
	})
	c.must(err)
	c.complete(client, name)
}

// withoutMetricMath takes alarms on metric math out of a template, which the
// emulator refuses.
func withoutMetricMath(root *yaml.Node) {
	resources := template.Get(root, "Resources")
	for i := 0; i+1 < len(resources.Content); {
		if template.Get(resources.Content[i+1], "Properties", "Metrics") != nil {
			resources.Content = slices.Delete(resources.Content, i, i+2)
			continue
		}
		i += 2
	}
}

// pump replaces what CloudWatch makes of log lines: metrics of the embedded
// format, and of the edge's lines by the deployed metric filters.
func (s *stack) pump() {
	s.Helper()
	logs := cloudwatchlogs.NewFromConfig(s.cfg)
	for _, group := range s.logGroups() {
		out, err := logs.FilterLogEvents(s.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, StartTime: aws.Int64(s.pumped[group])})
		if err != nil {
			continue // a function that has not run has no stream yet
		}
		for _, e := range out.Events {
			if at := aws.ToInt64(e.Timestamp); at >= s.pumped[group] {
				s.pumped[group] = at + 1
			}
			for line := range strings.SplitSeq(aws.ToString(e.Message), "\n") {
				s.embedded(line)
			}
		}
	}
	s.edgeCounts()
}

// embedded puts the metrics of one line of the embedded metric format.
func (s *stack) embedded(line string) {
	s.Helper()
	var about struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	values := map[string]any{}
	if json.Unmarshal([]byte(line), &about) != nil || json.Unmarshal([]byte(line), &values) != nil {
		return
	}
	for _, m := range about.AWS.CloudWatchMetrics {
		var data []types.MetricDatum
		for _, metric := range m.Metrics {
			value, ok := values[metric.Name].(float64)
			if !ok {
				s.Fatalf("the line names the metric %s and has no such number: %s", metric.Name, line)
			}
			datum := types.MetricDatum{MetricName: aws.String(metric.Name), Value: &value, Timestamp: aws.Time(time.Now())}
			for _, name := range m.Dimensions[0] {
				text, _ := values[name].(string)
				datum.Dimensions = append(datum.Dimensions, types.Dimension{Name: aws.String(name), Value: &text})
			}
			data = append(data, datum)
		}
		_, err := cloudwatch.NewFromConfig(s.cfg).PutMetricData(s.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String(m.Namespace), MetricData: data})
		s.must(err)
	}
}

// edgeCounts puts what the edge has printed since the last time, if metric filters
// are deployed for it, under their names.
func (s *stack) edgeCounts() {
	s.Helper()
	if s.edge == nil {
		return
	}
	cfg := s.cfg.Copy()
	cfg.Region = "us-east-1"
	group := "/aws/cloudfront/function/" + s.name + "-throttle"
	filters, err := cloudwatchlogs.NewFromConfig(cfg).DescribeMetricFilters(s.Context(), &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
	if err != nil {
		return // edge.yaml is not deployed
	}
	visitors, admitted := s.edge.printed()
	if visitors == 0 {
		return
	}
	for _, f := range filters.MetricFilters {
		for _, t := range f.MetricTransformations {
			value := map[string]float64{"$visitors": visitors, "$admitted": admitted}[aws.ToString(t.MetricValue)]
			_, err := cloudwatch.NewFromConfig(cfg).PutMetricData(s.Context(), &cloudwatch.PutMetricDataInput{Namespace: t.MetricNamespace,
				MetricData: []types.MetricDatum{{MetricName: t.MetricName, Value: &value, Timestamp: aws.Time(time.Now().Add(-time.Minute))}}})
			s.must(err)
		}
	}
}

// hear replaces SES's events: it holds one against the deployed rule, as
// EventBridge does, and invokes the rule's target. kind is one of events/feedback-KIND.json.
func (s *stack) hear(m *mail, kind string) {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "events", "feedback-"+kind+".json"))
	s.must(err)
	var event map[string]any
	s.must(json.Unmarshal(text, &event))
	event["time"], event["account"], event["region"] = time.Now().UTC().Format(time.RFC3339), account, region
	about := event["detail"].(map[string]any)["mail"].(map[string]any)
	about["messageId"], about["destination"], about["timestamp"] = m.id, []string{m.to}, time.Now().UTC().Format(time.RFC3339)
	tags := map[string][]string{"ses:configuration-set": {m.set}}
	for name, value := range m.tags {
		tags[name] = []string{value}
	}
	about["tags"] = tags
	document, err := json.Marshal(event)
	s.must(err)

	var rules struct {
		Rules []struct{ Name, EventPattern string }
	}
	s.must(s.ask("events", region, "POST", "/", "AWSEvents.ListRules", map[string]any{}, &rules))
	heard := 0
	for _, rule := range rules.Rules {
		if rule.EventPattern == "" {
			continue
		}
		var matches struct{ Result bool }
		s.must(s.ask("events", region, "POST", "/", "AWSEvents.TestEventPattern", map[string]string{"EventPattern": rule.EventPattern, "Event": string(document)}, &matches))
		if !matches.Result {
			continue
		}
		var targets struct{ Targets []struct{ Arn string } }
		s.must(s.ask("events", region, "POST", "/", "AWSEvents.ListTargetsByRule", map[string]string{"Rule": rule.Name}, &targets))
		for _, target := range targets.Targets {
			out, err := lambda.NewFromConfig(s.cfg).Invoke(s.Context(), &lambda.InvokeInput{FunctionName: aws.String(target.Arn[strings.LastIndex(target.Arn, ":")+1:]), Payload: document})
			s.must(err)
			if out.FunctionError != nil {
				s.Fatalf("feedback ended with an error for a %s: %s", kind, out.Payload)
			}
			if target.Arn == arnOfFunction(s.ids["FeedbackFunction"]) {
				heard++
			} else {
				s.Errorf("the event of a mail of %s reaches %s", s.name, target.Arn)
			}
		}
	}
	if heard != 1 {
		s.Errorf("a %s of a mail of %s reached its feedback function %d times", kind, s.name, heard)
	}
}
