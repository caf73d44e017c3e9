package diagnosis

import "raincheck/pkg/aws/health"

// EmergencyLine is the aws command that lets everybody in without this tool, for
// the store of that ARN: gate and base in one write. docs/operating.md has it too.
func EmergencyLine(store string) string {
	const at = " --region us-east-1 --kvs-arn "
	return `aws cloudfront-keyvaluestore update-keys` + at + store +
		` --puts "[{\"Key\":\"gate\",\"Value\":\"{\\\"mode\\\":\\\"open\\\",\\\"switched\\\":$(date +%s)}\"},{\"Key\":\"base\",\"Value\":\"{\\\"failure\\\":\\\"open\\\"}\"}]"` +
		` --if-match "$(aws cloudfront-keyvaluestore describe-key-value-store` + at + store + ` --query ETag --output text)"`
}

// EmergencyNeeds is what the line needs of the machine that it is typed on. The
// service takes SigV4A signatures alone, and of temporary credentials those that
// are good in every region.
const EmergencyNeeds = "it needs AWS CLI v2, or v1 with the package awscrt, and these credentials: not a session token of the global STS endpoint"

// ChangedDefault is a parameter of the stack whose default is another one than it
// was: CloudFormation keeps the value of a stack that is updated.
type ChangedDefault struct{ Name, Was, Is, Why string }

// ChangedDefaults are all of them. CHANGELOG.md marks each with "New default".
var ChangedDefaults = []ChangedDefault{
	{"CodeLife", "4h", "24h", "who is asleep when the mail comes can still use the code"},
	{"RoomRate", "5000", "2500", "the quota of an account in the newer regions"},
	{"RoomBurst", "5000", "1250", "the quota of an account in the newer regions"},
}

// Defaults names those of a stack's parameters that still have what was once the default.
func Defaults(parameters map[string]string) []health.Finding {
	var found []health.Finding
	for _, d := range ChangedDefaults {
		if parameters[d.Name] == d.Was {
			found = append(found, health.Warn("If nobody chose it, deploy with "+d.Name+"="+d.Is+".",
				"%s is %s, which was once the default; it is %s now: %s", d.Name, d.Was, d.Is, d.Why))
		}
	}
	if len(found) == 0 {
		found = append(found, health.OK("no parameter has a default of an older version"))
	}
	return found
}
